"""The file through which the daemon is found: private, whole, and never stale."""

import os
import stat
import subprocess
import sys

import pytest
from filelock import FileLock

from s2i_client import connection_file
from s2i_client.connection_file import Connection
from s2i_client.errors import S2IError

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")


def connection(pid=None):
    return Connection("tcp://127.0.0.1:5", os.getpid() if pid is None else pid, 1, "s", "p", "k")


@pytest.fixture
def gone_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def lock(tmp_path):
    """The lock of a daemon that serves from `tmp_path`."""
    with FileLock(tmp_path / connection_file.LOCK_NAME) as held:
        yield held


@pytest.mark.usefixtures("lock")
def test_what_is_written_is_read(tmp_path):
    connection_file.write_connection(connection(), tmp_path)
    assert connection_file.read_connection(tmp_path) == connection()


@posix_only
@pytest.mark.usefixtures("lock")
@pytest.mark.parametrize("mode", [0o710, 0o701, 0o777])
def test_a_file_in_a_folder_open_to_others_counts_as_none(tmp_path, mode):
    connection_file.write_connection(connection(), tmp_path)
    tmp_path.chmod(mode)
    assert connection_file.read_connection(tmp_path) is None


@posix_only
@pytest.mark.usefixtures("lock")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602])
def test_a_file_open_to_others_counts_as_none(tmp_path, mode):
    connection_file.write_connection(connection(), tmp_path).chmod(mode)
    assert connection_file.read_connection(tmp_path) is None


@posix_only
@pytest.mark.usefixtures("lock")
def test_a_file_of_another_user_counts_as_none(tmp_path, monkeypatch):
    connection_file.write_connection(connection(), tmp_path)
    somebody_else = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody_else)
    assert connection_file.read_connection(tmp_path) is None


def test_a_file_whose_process_id_another_program_has_got_counts_as_none(tmp_path, lock):
    connection_file.write_connection(connection(), tmp_path)
    lock.release()
    assert connection_file.read_connection(tmp_path) is None


@pytest.mark.usefixtures("lock")
def test_looking_for_a_daemon_does_not_take_its_lock(tmp_path):
    connection_file.write_connection(connection(), tmp_path)
    for _ in range(2):
        assert connection_file.read_connection(tmp_path) == connection()


@posix_only
def test_nobody_else_can_read_it(tmp_path):
    path = connection_file.write_connection(connection(), tmp_path / "run")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix_only
def test_a_folder_open_to_others_is_closed(tmp_path):
    tmp_path.chmod(0o777)
    connection_file.make_private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@posix_only
def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "real")
    with pytest.raises(S2IError, match="another user"):
        connection_file.make_private_folder(tmp_path / "run")


@pytest.mark.usefixtures("lock")
def test_a_file_of_a_process_that_is_gone_counts_as_none(tmp_path, gone_pid):
    connection_file.write_connection(connection(gone_pid), tmp_path)
    assert connection_file.read_connection(tmp_path) is None


@pytest.mark.usefixtures("lock")
@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"endpoint": 1, "pid": "x"}'])
def test_a_broken_file_counts_as_none(tmp_path, content):
    path = tmp_path / connection_file.FILE_NAME
    path.write_text(content)
    path.chmod(0o600)
    assert connection_file.read_connection(tmp_path) is None


def test_no_half_written_file_is_left_behind(tmp_path):
    for _ in range(3):
        connection_file.write_connection(connection(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [connection_file.FILE_NAME]


def test_only_its_own_file_is_removed(tmp_path):
    path = connection_file.write_connection(connection(), tmp_path)
    connection_file.remove_connection(tmp_path, os.getpid() + 1)
    assert path.exists()
    connection_file.remove_connection(tmp_path, os.getpid())
    assert not path.exists()
    connection_file.remove_connection(tmp_path, os.getpid())


def test_a_daemon_elsewhere_is_not_judged_by_a_process_id():
    assert connection(0).is_alive


def test_the_run_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(tmp_path))
    assert connection_file.runtime_folder() == tmp_path
    monkeypatch.delenv("S2I_RUNTIME_DIR")
    assert connection_file.runtime_folder() != tmp_path
