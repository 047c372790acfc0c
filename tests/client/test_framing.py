"""Messages survive the wire, and nothing broken gets through it."""

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2i_client import framing, messages
from s2i_client.errors import FIXES, ProtocolError
from s2i_client.geometry import Point
from s2i_client.pixels import DEPTH_BYTES, ORDER_CHANNELS, LayerInfo, Picture, PictureInfo

names = st.text(min_size=1, max_size=64)


@st.composite
def picture_infos(draw, info_class=PictureInfo):
    order = draw(st.sampled_from(sorted(ORDER_CHANNELS)))
    return info_class(
        name=draw(names),
        width=draw(st.integers(1, 12)),
        height=draw(st.integers(1, 12)),
        channels=ORDER_CHANNELS[order],
        depth=draw(st.sampled_from(sorted(DEPTH_BYTES))),
        order=order,
        profile=draw(st.sampled_from(["sRGB", "linear"])),
        origin=Point(draw(st.integers(-9000, 9000)), draw(st.integers(-9000, 9000))),
    )


values = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
submits = st.builds(
    messages.Submit,
    job=names,
    pipeline=names,
    parameters=st.dictionaries(names, values, max_size=5),
    outputs=st.none() | st.lists(names, max_size=4).map(tuple),
    lane=st.sampled_from(["live", "batch"]),
    document=st.none() | names,
    pictures=st.lists(picture_infos(), max_size=3).map(tuple),
)
results = st.builds(
    messages.Finished,
    job=names,
    timing=st.dictionaries(names, st.floats(0, 100), max_size=2),
    pictures=st.lists(picture_infos(LayerInfo), max_size=3).map(tuple),
)
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def pack(plain) -> bytes:
    packed = msgpack.packb(plain)
    assert packed is not None
    return packed


def bytes_for(message):
    return [bytes(index % 251 for index in range(p.byte_count)) for p in message.pictures]


def refuse(frames, known=messages.FROM_HOST):
    """The error of frames that must not get through."""
    with pytest.raises(ProtocolError) as caught:
        framing.decode(frames, known)
    assert caught.value.code in FIXES
    assert caught.value.fix
    return caught.value


@settings(max_examples=1400, deadline=None)
@given(st.one_of(submits, results), st.booleans())
def test_what_is_encoded_is_decoded(message, pieces):
    data = bytes_for(message)
    frames = framing.encode(message, data, pieces=pieces)
    decoded = framing.decode(frames, {**messages.FROM_HOST, **messages.FROM_DAEMON})
    assert decoded.message == message
    assert [bytes(p.data) for p in framing.pictures(decoded, frames)] == data


def test_large_pictures_travel_in_pieces_that_are_not_copies():
    info = PictureInfo(name="sketch", width=1024, height=600)
    data = bytearray(info.byte_count)
    submit = messages.Submit(job="a", pipeline="echo", pictures=(info,))
    frames = framing.encode(submit, [data], pieces=True)
    assert [len(frame) for frame in frames[1:]] == [1 << 20, 1 << 20, 1024 * 600 * 4 - (2 << 20)]
    data[5] = 77
    assert frames[1][5] == 77
    decoded = framing.decode(frames, messages.FROM_HOST)
    assert framing.pictures(decoded, frames)[0].data == data


# With the tests above and below, 10,000 messages.
@settings(max_examples=4500, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=4))
def test_random_bytes_are_refused_with_a_named_error(frames):
    refuse(frames)


@settings(max_examples=2600, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["type", "job", "pipeline", "pictures", "jobs", "lane", "protocol", "x"]),
        plain_data | st.sampled_from([*messages.FROM_HOST, "live"]),
        max_size=8,
    )
)
def test_random_headers_are_a_message_or_a_named_error(plain):
    try:
        decoded = framing.decode([pack(plain)], messages.FROM_HOST)
    except ProtocolError as error:
        assert error.code in FIXES
    else:
        assert decoded.message.type == plain["type"]


# Ten damages for each message.
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(submits.filter(lambda m: m.pictures), st.randoms(use_true_random=False))
def test_a_damaged_message_is_refused_or_means_the_same_shape(message, random):
    whole = [bytes(frame) for frame in framing.encode(message, bytes_for(message))]
    for _ in range(10):
        frames = list(whole)
        at = random.randrange(len(frames))
        match random.choice(["cut", "grow", "drop", "extra", "flip"]):
            case "cut":
                frames[at] = frames[at][: random.randrange(len(frames[at]))]
                refuse(frames)
            case "grow":
                frames[at] += random.randbytes(random.randint(1, 9))
                refuse(frames)
            case "drop":
                del frames[at]
                refuse(frames)
            case "extra":
                frames.append(random.randbytes(random.randint(0, 9)))
                assert refuse(frames).code == "bad_frames"
            case "flip":
                header = bytearray(frames[0])
                header[random.randrange(len(header))] ^= random.randint(1, 255)
                try:
                    decoded = framing.decode([bytes(header), *frames[1:]], messages.FROM_HOST)
                except ProtocolError as error:
                    assert error.code in FIXES
                else:
                    sizes = [p.byte_count for p in decoded.message.pictures]
                    assert sizes == [len(frame) for frame in frames[1:]]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (pack({"type": "ping", "x": msgpack.ExtType(7, b"abc")}), "malformed"),
        (pack({"type": "ping", "x": msgpack.Timestamp(5)}), "malformed"),
        (pack({"type": "ping", "x": b"raw bytes"}), "malformed"),
        (pack({"type": "ping", 5: 1}), "malformed"),
        (pack([1, 2]), "malformed"),
        (pack({"type": "ping"}) + b"\xc0", "malformed"),
        (b"\x91" * 60_000, "malformed"),
        (pack({"type": "ping", "x": [[[[[[[[1]]]]]]]]}), "malformed"),
        (pack({"type": "ping", "x": "y" * 70_000}), "too_large"),
        (b"\xdf\xff\xff\xff\xff", "malformed"),
        (b"\xdd\xff\xff\xff\xff", "malformed"),
        (pack({"type": "ready"}), "unknown_message"),
        (pack({"type": None}), "unknown_message"),
        (pack({"type": "cancel"}), "bad_field"),
        (pack({"type": "cancel", "job": "j" * 65}), "bad_field"),
        (pack({"type": "attach", "jobs": ["j"] * 1025}), "bad_field"),
        (pack({"type": "submit", "job": "j", "pipeline": 3}), "bad_field"),
    ],
)
def test_each_kind_of_broken_header_has_its_code(header, code):
    assert refuse([header]).code == code


def submit_with(**changes):
    picture = {
        "name": "sketch", "width": 2, "height": 2, "channels": 4, "depth": "u8", "order": "rgba",
        "profile": "sRGB", "origin": [0, 0], **changes,
    }  # fmt: skip
    plain = {"type": "submit", "job": "j7", "pipeline": "echo", "pictures": [picture]}
    return [pack(plain), bytes(16)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"width": 0}, "width"),
        ({"width": 1 << 20}, "width"),
        ({"width": True}, "width"),
        ({"width": 32768, "height": 32768}, "width"),
        ({"channels": 3}, "channels"),
        ({"depth": "u32"}, "depth"),
        ({"order": "argb"}, "order"),
        ({"profile": "CMYK"}, "profile"),
        ({"origin": [0]}, "pictures"),
        ({"origin": [1e9, 0]}, "origin"),
        ({"frames": 0}, "frames"),
        ({"frames": True}, "frames"),
        ({"frames": 10**9}, "frames"),
    ],
)
def test_a_wrong_picture_is_refused_by_its_field_and_the_job_is_named(changes, field):
    error = refuse(submit_with(**changes))
    assert (error.code, error.field, error.job) == ("bad_field", field, "j7")


def test_a_number_that_is_none_is_refused():
    plain = {"type": "progress", "job": "j", "fraction": float("nan"), "step": ""}
    assert refuse([pack(plain)], messages.FROM_DAEMON).field == "fraction"


def test_fields_of_a_later_daemon_are_ignored():
    frames = submit_with(color="warm")
    assert framing.decode(frames, messages.FROM_HOST).message.pictures[0].name == "sketch"


def test_a_header_beyond_64_kib_is_not_sent():
    submit = messages.Submit(
        job="a", pipeline="echo", parameters={str(i): "x" * 999 for i in range(99)}
    )
    with pytest.raises(ProtocolError, match="header"):
        framing.encode(submit)


def test_a_picture_whose_bytes_do_not_fit_can_not_be_made():
    with pytest.raises(ValueError, match="16 bytes, not 15"):
        Picture(name="sketch", width=2, height=2, data=bytes(15))
