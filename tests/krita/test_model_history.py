"""Results are kept in the document bit for bit, within bounds; what is damaged harms nothing."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from fake_krita import Document as KritaDocument
from fake_krita.application import Krita
from fake_krita.testing import finish, show_document
from hypothesis import given, settings
from hypothesis import strategies as st

from s2i_client.declaration import Declaration, Output
from s2i_client.geometry import Bounds, Point
from s2i_client.jobs import Result
from s2i_client.pixels import ORDER_CHANNELS, Depth, LayerInfo, Order
from s2i_krita.host import annotations
from s2i_krita.host.annotations import PIECE_BYTES
from s2i_krita.host.document import Document
from s2i_krita.host.selection import Selection
from s2i_krita.host.steps import DocumentClosed
from s2i_krita.model.history import PREFIX, History, make_entry
from s2i_krita.model.stored import Entry, ResultDamaged, unpack, unpack_selection
from s2i_krita.qt import QtCore

DECLARED = Declaration(
    "painter",
    "Painter",
    "",
    (),
    (),
    (
        Output("lines", "Lines", "", "lines"),
        Output("flats", "Flats", "", "flats"),
        Output("part", "Color", "", "flats", many=True),
        Output("found", "Found", "", "image", many=True, off_canvas=True),
    ),
)
TYPES = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}
REGION, CANVAS = Bounds(3, 4, 20, 30), Bounds(0, 0, 90, 80)
MEGABYTE = 1 << 20


def layer(
    name: str = "flats",
    depth: Depth = "u8",
    order: Order = "rgba",
    side: int = 6,
    seed: int = 0,
    **more: Any,
) -> tuple[LayerInfo, bytes]:
    """A layer's description and random pixels."""
    values = np.random.default_rng(seed).random((side, side, ORDER_CHANNELS[order]))
    if depth.startswith("u"):
        values *= np.iinfo(TYPES[depth]).max
    info = LayerInfo(
        name=name,
        width=side,
        height=side,
        channels=ORDER_CHANNELS[order],
        order=order,
        depth=depth,
        kind="lines" if name == "lines" else "flats",
        **more,
    )
    return info, values.astype(TYPES[depth]).tobytes()


def entry(
    *layers: tuple[LayerInfo, bytes], within: Selection | None = None, **parameters: Any
) -> Entry:
    infos, data = zip(*(layers or [layer()]), strict=True)
    # Pixels come from the network in pieces.
    result = Result(infos, [[each[:7], each[7:]] for each in data], {})
    return finish(make_entry(DECLARED, parameters, result, REGION, CANVAS, within))


def add(history: History, entry: Entry, limit: int = MEGABYTE) -> None:
    finish(history.add(entry, limit))


@pytest.fixture
def raw(krita: Krita) -> KritaDocument:
    return show_document(8, 8)


def opened(raw: KritaDocument) -> History:
    """What is found when the document is opened."""
    history = History(Document(raw))
    finish(history.load())
    return history


def kept_in(raw: KritaDocument) -> dict[str, bytes]:
    return {key: raw.annotation(key).data() for key in raw.annotationTypes()}


@pytest.mark.parametrize("order", ["rgba", "bgra", "rgb", "gray", "graya"])
@pytest.mark.parametrize("depth", ["u8", "u16", "f16", "f32"])
def test_pixels_come_back_bit_for_bit(raw: KritaDocument, depth: Depth, order: Order) -> None:
    given_layers = [
        layer("lines", depth, order, seed=1, blend="multiply", title="Ink"),
        layer("flats", depth, order, seed=2, profile="linear", origin=Point(-3, 5)),
    ]
    add(History(Document(raw)), entry(*given_layers))
    [found] = opened(raw).entries
    layers = finish(unpack(found.layers))
    assert [each.data for each in layers] == [data for _, data in given_layers]
    infos = [layer.info for layer in found.layers]
    assert infos == [given_layers[0][0], LayerInfo(**_with(given_layers[1][0], "Flats"))]
    assert isinstance(infos[1].origin, Point)


def _with(info: LayerInfo, title: str) -> dict[str, Any]:
    values = {name: getattr(info, name) for name in LayerInfo.__dataclass_fields__}
    return {**values, "title": title}


def test_all_else_of_a_result_comes_back_too(raw: KritaDocument) -> None:
    mask = bytes(range(0, 240, 2))
    made = entry(within=Selection(Bounds(-2, 1, 10, 12), mask), detail=0.5, fill=True, way="best")
    add(History(Document(raw)), made)
    [found] = opened(raw).entries
    assert (found.id, found.pipeline, found.title) == (made.id, "painter", "Painter")
    assert found.parameters == {"detail": 0.5, "fill": True, "way": "best"}
    assert found.region == REGION and isinstance(found.region, Bounds)
    assert finish(unpack_selection(found.within)) == Selection(Bounds(-2, 1, 10, 12), mask)
    assert found.canvas == CANVAS and isinstance(found.canvas, Bounds)
    assert found.made_at == made.made_at
    assert found.thumbnail == made.thumbnail.convertToFormat(found.thumbnail.format())
    assert (found.thumbnail.width(), found.thumbnail.height()) == (128, 128)


def test_the_thumbnail_shows_the_flats_and_not_the_lines() -> None:
    blue = LayerInfo(name="flats", width=4, height=4, kind="flats"), bytes((0, 0, 255, 255)) * 16
    made = entry(layer("lines"), blue)
    color = made.thumbnail.pixelColor(60, 60)
    assert (color.red(), color.green(), color.blue()) == (0, 0, 255)


def test_layers_have_titles_their_own_or_the_declared_ones() -> None:
    made = entry(layer("part", title="#ff0000"), layer("flats"))
    assert [layer.info.title for layer in made.layers] == ["#ff0000", "Flats"]


def test_a_result_without_layers_says_so() -> None:
    with pytest.raises(ValueError, match="Painter found nothing"):
        finish(make_entry(DECLARED, {}, Result([], [], {}), REGION, CANVAS))


def test_the_newest_comes_first_also_after_opening(raw: KritaDocument) -> None:
    history = History(Document(raw))
    made = [entry(seed=n) for n in range(3)]
    for each in (made[1], made[0], made[2]):
        add(history, each)
    assert [each.id for each in history.entries] == [made[2].id, made[0].id, made[1].id]
    assert [each.id for each in opened(raw).entries] == [each.id for each in reversed(made)]


def test_the_oldest_go_when_there_is_no_room_and_the_newest_stays(raw: KritaDocument) -> None:
    history = History(Document(raw))
    made = [entry(layer(side=64, seed=n)) for n in range(4)]
    room = 2 * made[0].byte_count + 100
    for each in made:
        add(history, each, room)
    assert [each.id for each in history.entries] == [made[3].id, made[2].id]
    assert set(kept_in(raw)) == {PREFIX + made[3].id, PREFIX + made[2].id}
    add(history, made[0], 1)
    assert [each.id for each in history.entries] == [made[0].id]
    assert set(kept_in(raw)) == {PREFIX + made[0].id}


def test_what_was_only_found_goes_first_and_is_not_in_the_document(raw: KritaDocument) -> None:
    history = History(Document(raw))
    colored = [entry(layer(side=64, seed=n)) for n in range(2)]
    found = [entry(layer("found", side=64, seed=n)) for n in range(2)]
    room = 3 * colored[0].byte_count + 100
    for each in (colored[0], found[0], colored[1], found[1]):
        add(history, each, room)
    assert [each.id for each in history.entries] == [found[1].id, colored[1].id, colored[0].id]
    assert set(kept_in(raw)) == {PREFIX + each.id for each in colored}
    history.remove(found[1])
    assert len(history.entries) == 2


def test_what_explains_a_result_is_kept_apart_from_what_lies_on_the_canvas(
    raw: KritaDocument,
) -> None:
    made = entry(layer(), layer("found", side=9, title="Where"))
    add(History(Document(raw)), made)
    [found] = opened(raw).entries
    for each in (made, found):
        assert [part.info.name for part in each.laid] == ["flats"]
        assert [part.info.title for part in each.aside] == ["Where"]
        assert each.canvas == CANVAS


def test_a_contact_sheet_stands_for_several_pictures() -> None:
    made = entry(*(layer("found", side=9, seed=n) for n in range(5)))
    assert made.canvas is None, "the canvas may change meanwhile"
    assert made.thumbnail.width() == made.thumbnail.height() == 128
    quarters = [(32, 32), (96, 32), (32, 96), (96, 96)]
    colors = {made.thumbnail.pixelColor(*place).rgba() for place in quarters}
    assert len(colors) == 4
    assert made.thumbnail.pixelColor(64, 64).alpha() == 0


def test_every_change_is_told(raw: KritaDocument) -> None:
    history = History(Document(raw))
    told: list[int] = []
    history.changed.connect(lambda: told.append(len(history.entries)))
    one = entry()
    add(history, one)
    history.remove(history.entries[0])
    finish(history.load())
    assert told == [1, 0, 0]


def test_a_removed_result_is_gone_and_may_be_removed_twice(raw: KritaDocument) -> None:
    history = History(Document(raw))
    one, other = entry(), entry()
    add(history, one)
    add(history, other)
    assert history.get(one.id) is one
    history.remove(one)
    history.remove(one)
    assert history.get(one.id) is None
    assert set(kept_in(raw)) == {PREFIX + other.id}


def masked(data: bytes) -> Entry:
    """A small result that is limited to a selection of 256 × 256 pixels."""
    return entry(layer(side=2), within=Selection(Bounds(0, 0, 256, 256), data))


def test_a_mask_is_kept_packed_and_counted() -> None:
    noise = np.random.default_rng(3).integers(0, 256, 1 << 16).astype(np.uint8).tobytes()
    plain, none, noisy = masked(bytes(1 << 16)), entry(layer(side=2)), masked(noise)
    assert plain.byte_count < none.byte_count + 1000
    assert noisy.byte_count > none.byte_count + len(noise) // 2
    assert finish(unpack_selection(noisy.within)).mask == noise


def test_results_with_large_masks_do_not_stay_beyond_the_limit(raw: KritaDocument) -> None:
    noise = np.random.default_rng(3).integers(0, 256, 1 << 16).astype(np.uint8).tobytes()
    history = History(Document(raw))
    room = 2 * masked(noise).byte_count + 100
    for _each in range(3):
        add(history, masked(noise), room)
    assert len(history.entries) == 2


@pytest.mark.parametrize("more", [0, 1])
def test_what_has_many_pieces_comes_back_whole(raw: KritaDocument, more: int) -> None:
    side = int((PIECE_BYTES // 4) ** 0.5)
    given_layer = layer(side=side + more)
    add(History(Document(raw)), entry(given_layer), 8 * MEGABYTE)
    [found] = opened(raw).entries
    [back] = finish(unpack(found.layers))
    assert back.data == given_layer[1]


def test_krita_goes_on_between_pieces_and_one_that_is_given_up_leaves_nothing(
    raw: KritaDocument,
) -> None:
    history = History(Document(raw))
    made = entry(layer(side=1024))
    adding = history.add(made, 8 * MEGABYTE)
    for _piece in range(made.byte_count // PIECE_BYTES):
        next(adding)
    adding.close()
    assert kept_in(raw) == {} and history.entries == []
    add(history, made, 8 * MEGABYTE)
    pieces = list(annotations.read(Document(raw), PREFIX + made.id))
    assert len(pieces) > made.byte_count // PIECE_BYTES


def test_a_result_that_comes_while_the_document_is_read_stays_the_newest(
    raw: KritaDocument,
) -> None:
    first = History(Document(raw))
    old = [entry() for _each in range(2)]
    for each in old:
        add(first, each)
    history = History(Document(raw))
    loading = history.load()
    next(loading)
    new = entry()
    add(history, new)
    finish(loading)
    assert [each.id for each in history.entries] == [new.id, old[1].id, old[0].id]


def test_a_document_closed_while_a_result_is_written_says_so(raw: KritaDocument) -> None:
    adding = History(Document(raw)).add(entry(), MEGABYTE)
    next(adding)
    raw.close()
    with pytest.raises(DocumentClosed):
        finish(adding)


def test_a_result_of_an_older_version_has_no_canvas(
    written: tuple[str, bytes], whole: Entry
) -> None:
    found = check_with(lambda head: head.pop("canvas"), written, whole)
    assert {each.canvas for each in found.entries} == {CANVAS, None}


@pytest.mark.parametrize("within", [[0, 0, 9, 9], [3, 4, 30, 21]])
def test_a_mask_of_another_size_is_told_when_it_is_needed(
    written: tuple[str, bytes], whole: Entry, within: list[int]
) -> None:
    found = check_with(lambda head: head.update(within=within), written, whole)
    [changed] = [each for each in found.entries if each.id != whole.id]
    with pytest.raises(ResultDamaged, match="Remove it"):
        finish(unpack_selection(changed.within))


def test_results_are_saved_with_the_document(krita: Krita, raw: KritaDocument) -> None:
    made = entry(layer(depth="f32"))
    add(History(Document(raw)), made)
    raw.saveAs("page.kra")
    again = krita.openDocument("page.kra")
    assert again is not None
    assert [each.id for each in opened(again).entries] == [made.id]


def test_what_others_keep_in_the_document_is_left_alone(raw: KritaDocument) -> None:
    raw.setAnnotation("other", "", b"not ours")
    history = opened(raw)
    add(history, entry(), 0)
    assert history.lost == 0 and kept_in(raw)["other"] == b"not ours"


# Damaged annotations. One was written by this version, and is damaged in every way.


class Shelf:
    """What a history needs of a document: a place for annotations."""

    is_open = True

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.raw = self

    def annotation_keys(self) -> list[str]:
        return list(self.kept)

    def annotation(self, key: str) -> QtCore.QByteArray:
        return QtCore.QByteArray(self.kept[key])

    def setAnnotation(self, key: str, description: str, data: QtCore.QByteArray) -> None:  # noqa: N802 - Krita's name
        self.kept[key] = data.data()

    def history(self) -> History:
        made = History(cast(Document, self))
        finish(made.load())
        return made


@pytest.fixture(scope="module")
def written(qapp: object) -> tuple[str, bytes]:
    """The key and the bytes of a whole annotation, with a mask."""
    flats = LayerInfo(name="flats", width=4, height=4, depth="u16", kind="flats"), bytes(128)
    made = entry(layer("lines", side=4), flats, within=Selection(REGION, bytes(600)))
    shelf = Shelf()
    add(shelf.history(), made)
    [(key, data)] = shelf.kept.items()
    return key, data


@pytest.fixture(scope="module")
def whole(qapp: object) -> Entry:
    """A result that lies beside the damaged one."""
    return entry()


def load_damaged(whole: Entry, key: str, data: bytes) -> History:
    """What is found beside a whole result; nothing of it is touched."""
    shelf = Shelf()
    add(shelf.history(), whole)
    shelf.kept[key] = data
    before = dict(shelf.kept)
    history = shelf.history()
    assert shelf.kept == before
    assert whole.id in [each.id for each in history.entries]
    assert history.lost + len(history.entries) == 2
    return history


def is_counted(history: History, whole: Entry) -> bool:
    return history.lost == 1 and [each.id for each in history.entries] == [whole.id]


examples = settings(max_examples=40, deadline=None)


@examples
@given(data=st.data())
def test_cut_anywhere_it_is_counted_and_left_alone(
    written: tuple[str, bytes], whole: Entry, data: st.DataObject
) -> None:
    key, content = written
    cut = data.draw(st.integers(0, len(content) - 1))
    assert is_counted(load_damaged(whole, key, content[:cut]), whole)


@examples
@given(content=st.binary(max_size=200))
def test_random_bytes_are_counted_and_left_alone(whole: Entry, content: bytes) -> None:
    assert is_counted(load_damaged(whole, PREFIX + "x", content), whole)


@examples
@given(data=st.data(), value=st.binary(min_size=1, max_size=3), insert=st.booleans())
def test_changed_bytes_are_counted_or_noticed_when_the_pixels_are_needed(
    written: tuple[str, bytes], whole: Entry, data: st.DataObject, value: bytes, insert: bool
) -> None:
    key, content = written
    place = data.draw(st.integers(0, len(content) - 1))
    changed = content[:place] + value + content[place + (0 if insert else len(value)) :]
    for found in load_damaged(whole, key, changed).entries:
        try:
            finish(unpack(found.layers))
            finish(unpack_selection(found.within))
        except ResultDamaged as damage:
            assert found.id != whole.id and "Remove it" in str(damage)


def plain_values() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 5),
        st.just(10**400),
        st.floats(),
        st.text(max_size=3),
        st.lists(st.integers(-1, 3), max_size=4),
        st.dictionaries(st.text(max_size=2), st.none(), max_size=2),
    )


def check_with(change: Any, written: tuple[str, bytes], whole: Entry) -> History:
    """What is found after `change` of the description; its pixels are damaged at most."""
    key, content = written
    line, rest = content.split(b"\n", 1)
    head = json.loads(line)
    change(head)
    history = load_damaged(whole, key, json.dumps(head).encode() + b"\n" + rest)
    for found in history.entries:
        with contextlib.suppress(ResultDamaged):
            finish(unpack(found.layers))
            finish(unpack_selection(found.within))
        add(Shelf().history(), found)
    return history


NAMES = ["format", "id", "pipeline", "title", "parameters"]
NAMES += ["region", "within", "canvas", "made_at", "layers", "sizes"]


@examples
@given(name=st.sampled_from(NAMES), value=plain_values())
def test_any_value_of_a_description_is_taken_or_counted(
    written: tuple[str, bytes], whole: Entry, name: str, value: Any
) -> None:
    check_with(lambda head: head.update({name: value}), written, whole)


@examples
@given(name=st.sampled_from(sorted(LayerInfo.__dataclass_fields__)), value=plain_values())
def test_any_value_of_a_layer_s_description_is_taken_or_counted(
    written: tuple[str, bytes], whole: Entry, name: str, value: Any
) -> None:
    check_with(lambda head: head["layers"][1].update({name: value}), written, whole)


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.update(format=2),
        lambda head: head.update(id="other"),
        lambda head: head.update(layers=[]),
        lambda head: head["layers"].pop(),
        lambda head: head["layers"][0].update(kind="picture"),
        lambda head: head["layers"][0].update(blend="overlay"),
        lambda head: head["layers"][0].update(width=4.5),
        lambda head: head["layers"][0].update(name=7),
        lambda head: head.update(within=[0, 0, 0, 9]),
        lambda head: head.update(within=[0, 0, 9, 1 << 40]),
        lambda head: head.update(canvas=[0, 0, 9]),
        lambda head: head.update(region=[0, 0, 1.5, 9]),
        lambda head: head.update(made_at=10**400),
    ],
)
def test_descriptions_that_can_not_be_are_counted(
    written: tuple[str, bytes], whole: Entry, change: Any
) -> None:
    assert is_counted(check_with(change, written, whole), whole)


@pytest.mark.parametrize(
    "change",
    [lambda content: content + b"x", lambda content: content.replace(b"\x89PNG", b"\x89GNP")],
    ids=["more bytes", "no thumbnail"],
)
def test_other_damage_is_counted_too(
    written: tuple[str, bytes], whole: Entry, change: Callable[[bytes], bytes]
) -> None:
    key, content = written
    assert is_counted(load_damaged(whole, key, change(content)), whole)


@pytest.mark.parametrize("packed", [b"", b"nonsense", zlib.compress(bytes(5))])
def test_pixels_that_are_damaged_say_what_to_do(packed: bytes) -> None:
    [stored] = entry(layer(side=4)).layers
    with pytest.raises(ResultDamaged, match="Remove it"):
        finish(unpack([type(stored)(stored.info, packed)]))
