"""A result's layers are joined one at a time, when they are asked for."""

import os
import weakref
from dataclasses import replace

import msgpack
import pytest

from s2i_client import client as client_module
from s2i_client import framing, jobs, messages
from s2i_client.client import Client
from s2i_client.connection_file import Connection
from s2i_client.jobs import Result
from s2i_client.pixels import LayerInfo, PictureError


def info(name, title="", side=2):
    return LayerInfo(name=name, width=side, height=side, title=title)


def pieces(value, count=2):
    """The bytes of a 2 × 2 picture, all of one value, in pieces."""
    return [memoryview(bytearray([value] * (16 // count))) for _ in range(count)]


@pytest.fixture
def joined(monkeypatch):
    """The first byte of each picture whose pieces were joined, in order."""
    seen = []

    def join(parts):
        seen.append(parts[0][0])
        return b"".join(parts)

    monkeypatch.setattr(jobs, "join", join)
    return seen


def some_layers():
    infos = [info("flats"), info("layer", "#ff0000"), info("layer", "#00ff00")]
    return Result(infos, [pieces(1), pieces(2), pieces(3)], {"run": 1.0})


def test_a_layer_is_joined_when_it_is_asked_for_and_only_once(joined):
    result = some_layers()
    assert result.names == ("flats", "layer", "layer")
    assert len(result) == 3
    assert [i.title for i in result.infos] == ["", "#ff0000", "#00ff00"]
    assert joined == []
    assert bytes(result["layer"].data) == bytes([2] * 16)
    assert joined == [2]
    assert result["layer"] is result.layer(1)
    assert joined == [2]
    assert [bytes(layer.data)[0] for layer in result] == [1, 2, 3]
    assert joined == [2, 1, 3]


def test_iterating_joins_no_further_than_it_gets(joined):
    iterator = iter(some_layers())
    next(iterator)
    assert joined == [1]


def test_pieces_are_let_go_of_once_they_are_joined():
    parts = pieces(7)
    alive = [weakref.ref(part) for part in parts]
    result = Result([info("flats")], [parts], {})
    del parts
    assert all(ref() for ref in alive)
    assert result["flats"].name == "flats"
    assert not any(ref() for ref in alive)


def test_a_host_can_take_the_pieces_as_they_came(joined):
    result = some_layers()
    assert [bytes(piece) for piece in result.pieces(1)] == [bytes([2] * 8)] * 2
    assert joined == []
    result.layer(1)
    assert [bytes(piece) for piece in result.pieces(1)] == [bytes([2] * 16)]


def test_several_layers_of_one_name_are_all_there_in_order():
    result = some_layers()
    assert [layer.title for layer in result.all("layer")] == ["#ff0000", "#00ff00"]
    assert result["layer"].title == "#ff0000"
    assert result.all("shade") == ()
    with pytest.raises(KeyError, match="no layer is called 'shade'; there are flats"):
        result["shade"]


def test_titles_travel_and_hosts_that_send_none_have_empty_ones():
    sent = messages.Finished(job="j", pictures=(info("layer", "Step 3"),))
    frames = framing.encode(sent, [bytes(16)])
    assert framing.decode(frames, messages.FROM_DAEMON).message.pictures[0].title == "Step 3"
    header = framing.decode_header(frames[0])
    del header["pictures"][0]["title"]
    packed = msgpack.packb(header)
    assert packed is not None
    frames[0] = packed
    assert framing.decode(frames, messages.FROM_DAEMON).message.pictures[0].title == ""


def test_notes_travel_and_daemons_that_send_none_have_none():
    sent = messages.Finished(job="j", notes=("1 picture could not be read.",))
    (header,) = framing.encode(sent)
    assert framing.decode([header], messages.FROM_DAEMON).message == sent
    plain = framing.decode_header(header)
    del plain["notes"]
    packed = msgpack.packb(plain)
    assert packed is not None
    assert framing.decode([packed], messages.FROM_DAEMON).message.notes == ()


def test_a_title_that_is_too_long_can_not_be_made():
    assert info("layer", "x" * 64).title == "x" * 64
    with pytest.raises(PictureError, match="64 characters"):
        info("layer", "x" * 65)


def test_a_poll_that_receives_a_result_joins_nothing(monkeypatch, joined):
    incoming = []

    class Transport:
        def __init__(self, connection):
            self.connection = connection

        def send(self, frames):
            return True

        def receive(self):
            return incoming.pop(0) if incoming else None

    monkeypatch.setattr(client_module, "Transport", Transport)
    client = Client("test", connection=Connection("tcp://x", os.getpid(), 1, "s", "p", "k"))
    client.poll()
    ready = messages.Ready(
        protocol=1, version="", pid=1, instance="i", devices=(), memory={}, pipelines=()
    )
    incoming.append(framing.encode(ready))
    client.poll()
    job = client.submit("echo", [])
    done = messages.Finished(job=job.id, timing={"network": 0.5}, pictures=(info("a", side=1024),))
    done = replace(done, notes=("Something was left out.",))
    incoming.append(framing.encode(done, [bytes([9]) * (4 << 20)], pieces=True))
    client.poll()
    assert job.result is not None
    assert job.result.timing == {"network": 0.5}
    assert job.result.notes == ("Something was left out.",)
    assert joined == []
    assert bytes(job.result["a"].data) == bytes([9]) * (4 << 20)
    assert joined == [9]
