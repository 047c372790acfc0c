"""Keys that can not be read let nobody in, and end nothing."""

import sys

import pytest
import zmq
import zmq.utils.z85

from s2i_backend.zap import Gatekeeper


@pytest.fixture
def gatekeeper(tmp_path):
    with zmq.Context() as context:
        keeper = Gatekeeper(context, {}, tmp_path / "authorized_clients")
        yield keeper
        keeper.close()


def question(public):
    return [b"1.0", b"1", b"", b"127.0.0.1", b"", b"CURVE", zmq.utils.z85.decode(public)]


def test_a_folder_that_is_none_lets_nobody_in(gatekeeper, tmp_path):
    public, _ = zmq.curve_keypair()
    assert gatekeeper._user(question(public)) == ""
    (tmp_path / "authorized_clients").write_text("not a folder")
    assert gatekeeper._user(question(public)) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="folders can not be opened as files there")
def test_a_key_that_can_not_be_read_is_left_out(gatekeeper, tmp_path):
    public, _ = zmq.curve_keypair()
    (tmp_path / "authorized_clients" / "a_folder").mkdir(parents=True)
    (tmp_path / "authorized_clients" / "studio").write_bytes(public)
    assert gatekeeper._user(question(public)) == "remote:studio"
