"""Hosts of other machines: only those whose key was listed, and they may not end the daemon."""

import pytest
import zmq
from daemon_process import PATIENCE, Daemon, sketch

from s2i_backend.keys import server_keys
from s2i_client.blocking import BlockingClient
from s2i_client.connection_file import Connection
from s2i_client.errors import DaemonUnavailable, S2IError


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path, remote="127.0.0.1") as running:
        yield running


def host_with_new_key(daemon):
    """A connection such as a host elsewhere has, and its public key."""
    public, secret = (key.decode() for key in zmq.curve_keypair())
    known = daemon.connection
    return Connection(known.endpoint, 0, 1, known.server_key, public, secret), public


def test_a_listed_key_is_served_without_a_restart_but_may_not_stop(daemon):
    connection, public = host_with_new_key(daemon)
    with pytest.raises(DaemonUnavailable):
        BlockingClient("elsewhere", connection=connection, timeout=1.0)
    folder = daemon.folder / "config" / "authorized_clients"
    folder.mkdir()
    (folder / "studio").write_text(f"{public} the tablet in the studio\n")
    with BlockingClient("elsewhere", connection=connection, timeout=PATIENCE) as client:
        assert client.submit("echo", [sketch()]).wait(PATIENCE)
        assert client.status().hosts[0]["user"] == "remote:studio"
        with pytest.raises(S2IError) as caught:
            client.shutdown()
        assert caught.value.code == "not_allowed"
    assert daemon.process.poll() is None


def test_the_server_key_that_other_machines_were_told_stays(tmp_path):
    first = server_keys(tmp_path)
    assert server_keys(tmp_path) == first
    assert server_keys(None) != server_keys(None)
