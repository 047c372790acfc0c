"""Nothing is lost: workers and daemons are killed, hosts vanish, keys are wrong."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest
import zmq
from daemon_process import PATIENCE, Daemon, sketch, wait_until_gone, worker_pid

from s2i_client import framing, messages
from s2i_client.blocking import BlockingClient
from s2i_client.client import Client, EventKind
from s2i_client.connection_file import FILE_NAME, Connection, read_connection, write_connection
from s2i_client.errors import DaemonUnavailable, JobFailed
from s2i_client.jobs import JobState
from s2i_client.transport import Transport

HARD = signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM


@pytest.fixture
def daemon(tmp_path):
    with Daemon(tmp_path) as running:
        yield running


def kill_worker_of(client, job):
    assert client.wait_until(lambda: job.fraction > 0, PATIENCE)
    pid = worker_pid(client)
    os.kill(pid, HARD)
    wait_until_gone(pid)


def test_a_job_whose_worker_is_killed_is_run_again_and_gets_its_answer(daemon):
    with daemon.client() as client:
        job = client.submit("echo", [sketch()], {"seconds": 1.0})
        kill_worker_of(client, job)
        assert job.wait(PATIENCE)["image"].data == sketch().data


def test_a_job_that_kills_two_workers_fails_once_and_the_next_job_works(daemon):
    with daemon.client() as client:
        job = client.submit("echo", [sketch()], {"seconds": 600})
        kill_worker_of(client, job)
        client.wait_until(lambda: job.state is JobState.queued, PATIENCE)
        job.fraction = 0.0
        kill_worker_of(client, job)
        with pytest.raises(JobFailed) as caught:
            job.wait(PATIENCE)
        assert caught.value.code == "worker_lost"
        assert client.submit("echo", [sketch()]).wait(PATIENCE)


def test_a_cancelled_job_whose_worker_is_killed_is_cancelled(daemon):
    with daemon.client() as client:
        job = client.submit("echo", [sketch()], {"seconds": 600})
        assert client.wait_until(lambda: job.fraction > 0, PATIENCE)
        pid = worker_pid(client)
        os.kill(pid, signal.SIGSTOP)
        job.cancel()
        client.status()  # the daemon has read the cancel before it answers this
        os.kill(pid, HARD)
        assert client.wait_until(lambda: job.ended, PATIENCE)
        assert job.state is JobState.cancelled


def test_a_killed_and_restarted_daemon_gets_the_job_again_and_answers(daemon):
    with daemon.client() as client:
        job = client.submit("echo", [sketch()], {"seconds": 0.3})
        long_job = client.submit("echo", [sketch()], {"seconds": 0.2})
        assert client.wait_until(lambda: job.state is JobState.running, PATIENCE)
        first_keys = daemon.connection.server_key
        daemon.kill()
        daemon.restart()
        assert daemon.connection.server_key != first_keys
        assert job.wait(PATIENCE)["image"].data == sketch().data
        assert long_job.wait(PATIENCE)
        assert job.resubmitted


def test_a_job_is_not_replayed_to_a_third_daemon(daemon):
    with daemon.client() as client:
        job = client.submit("echo", [sketch()], {"seconds": 600})
        for _ in range(2):
            job.fraction = 0.0
            assert client.wait_until(lambda: job.fraction > 0, PATIENCE)
            daemon.kill()
            daemon.restart()
        with pytest.raises(JobFailed) as caught:
            job.wait(PATIENCE)
        assert caught.value.code == "lost"
        assert client.submit("echo", [sketch()]).wait(PATIENCE)


class RawHost:
    """A host made by hand, to be silent where a client would not be."""

    def __init__(self, connection: Connection, session: str):
        self.transport = Transport(connection)
        self.say(messages.Hello(protocol=1, host="raw", version="", session=session))
        assert isinstance(self.hear(), messages.Ready)

    def say(self, message, data=()):
        self.transport.send(framing.encode(message, data))

    def hear(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            frames = self.transport.receive()
            if frames is None:
                # A worker may take longer to come up than a silent host counts as present.
                self.say(messages.Ping())
                self.transport.wait(1.0)
                continue
            message = framing.decode(frames, messages.FROM_DAEMON).message
            if not isinstance(message, messages.Ping):
                return message
        raise TimeoutError

    def hear_end(self) -> Any:
        ends = (messages.Finished, messages.Failed, messages.Cancelled, messages.Superseded)
        while not isinstance(message := self.hear(), ends):
            pass
        return message

    def submit(self, job, **parameters):
        picture = sketch()
        info = messages.PictureInfo(name="sketch", width=picture.width, height=picture.height)
        self.say(
            messages.Submit(job=job, pipeline="echo", parameters=parameters, pictures=(info,)),
            [picture.data],
        )


def test_the_result_of_a_host_that_was_away_is_kept_and_handed_over(daemon):
    host = RawHost(daemon.connection, "wanderer")
    host.submit("j1", seconds=0.2)
    assert isinstance(host.hear(), messages.Queued | messages.Started)
    host.transport.close(linger=False)
    with daemon.client() as observer:
        assert observer.wait_until(
            lambda: observer.status().timing.get("echo", {}).get("count", 0) > 0, PATIENCE
        )
    back = RawHost(daemon.connection, "wanderer")
    back.say(messages.Attach(jobs=("j1", "never")))
    answers = [back.hear_end(), back.hear_end()]
    assert isinstance(answers[0], messages.Finished)
    assert answers[0].job == "j1"
    assert (answers[1].job, answers[1].code) == ("never", "unknown_job")
    back.say(messages.Taken(job="j1"))
    back.say(messages.Attach(jobs=("j1",)))
    assert back.hear_end().code == "unknown_job"


def test_a_host_that_was_silent_is_told_what_it_missed_when_it_speaks_again(daemon):
    host = RawHost(daemon.connection, "sleeper")
    host.submit("j1", seconds=5.0)
    with daemon.client() as observer:
        away = {"name": "raw", "version": "", "user": "local", "present": False}
        assert observer.wait_until(lambda: away in observer.status().hosts, PATIENCE)
        assert observer.wait_until(
            lambda: observer.status().timing.get("echo", {}).get("count", 0) > 0, PATIENCE
        )
    while host.transport.receive() is not None:
        pass
    host.say(messages.Ping())
    assert isinstance(host.hear_end(), messages.Finished)


def test_kept_results_are_bounded(tmp_path):
    with Daemon(tmp_path, kept_bytes=12_000) as daemon:
        host = RawHost(daemon.connection, "collector")
        for number in range(5):
            host.submit(f"j{number}")
            assert isinstance(host.hear_end(), messages.Finished)
        with daemon.client() as observer:
            assert observer.status().memory["kept"] <= 12_000
        host.say(messages.Attach(jobs=("j0", "j4")))
        answers = {answer.job: answer for answer in (host.hear_end(), host.hear_end())}
        assert answers["j0"].code == "unknown_job"
        assert isinstance(answers["j4"], messages.Finished)


def test_a_host_that_says_bye_leaves_no_jobs_behind(daemon):
    with daemon.client("leaver") as leaver:
        job = leaver.submit("echo", [sketch()], {"seconds": 600})
        assert leaver.wait_until(lambda: job.fraction > 0, PATIENCE)
    with daemon.client() as client:
        assert client.submit("echo", [sketch()]).wait(PATIENCE)
        assert client.status().queue["running"] == 0


@pytest.mark.parametrize("wrong", ["server_key", "client"])
def test_a_wrong_key_gets_no_answer(daemon, wrong):
    public, secret = (key.decode() for key in zmq.curve_keypair())
    changes = (
        {"server_key": public}
        if wrong == "server_key"
        else {"client_public": public, "client_secret": secret}
    )
    stranger = Connection(**{**vars(daemon.connection), **changes})
    client = Client("stranger", connection=stranger)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert client.poll() == []
        time.sleep(0.05)
    client.close()
    with daemon.client() as known:
        assert [host["name"] for host in known.status().hosts] == ["test"]


def test_no_encryption_gets_no_answer(daemon):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(daemon.connection.endpoint)
    socket.send_multipart(
        framing.encode(messages.Hello(protocol=1, host="x", version="", session="s"))
    )
    assert not socket.poll(1000)
    socket.close()
    with daemon.client() as known:
        assert [host["name"] for host in known.status().hosts] == ["test"]


def test_a_second_daemon_says_who_runs_and_leaves_the_first_alone(daemon):
    second = daemon.launch()
    _, said = second.communicate(timeout=PATIENCE)
    assert second.returncode == 3
    assert daemon.connection.endpoint in said
    assert str(daemon.process.pid) in said
    assert read_connection(daemon.run_folder) == daemon.connection
    with daemon.client() as client:
        assert client.submit("echo", [sketch()]).wait(PATIENCE)


def test_a_stale_connection_file_is_replaced(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stale = Connection("tcp://127.0.0.1:9", gone.pid, 1, "k" * 40, "k" * 40, "k" * 40)
    write_connection(stale, tmp_path / "run")
    with Daemon(tmp_path) as daemon, daemon.client() as client:
        assert client.ready.pid == daemon.process.pid


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_cleanly_in_the_middle_of_a_job(tmp_path, how):
    daemon = Daemon(tmp_path)
    with daemon.client() as client:
        job = client.submit("echo", [sketch()], {"seconds": 600})
        assert client.wait_until(lambda: job.fraction > 0, PATIENCE)
        worker = worker_pid(client)
        daemon.process.send_signal(how)
        daemon.process.communicate(timeout=PATIENCE)
    assert daemon.process.returncode == 0
    assert not psutil.pid_exists(worker)
    assert not (daemon.run_folder / FILE_NAME).exists()


def test_workers_end_when_the_daemon_is_killed(tmp_path):
    daemon = Daemon(tmp_path)
    with daemon.client() as client:
        job = client.submit("echo", [sketch()], {"seconds": 600})
        assert client.wait_until(lambda: job.fraction > 0, PATIENCE)
        worker = worker_pid(client)
    daemon.kill()
    wait_until_gone(worker)


def test_a_host_may_end_the_daemon_and_others_hear_of_it(daemon):
    with daemon.client() as other, daemon.client() as client:
        client.shutdown()
        daemon.process.communicate(timeout=PATIENCE)
        assert daemon.process.returncode == 0
        assert other.wait_until(lambda: other.client.ready is None, PATIENCE)
    with pytest.raises(DaemonUnavailable, match="s2i-backend serve"):
        BlockingClient(folder=daemon.run_folder, timeout=0.3)


def test_a_daemon_without_hosts_ends_when_it_was_told_to(tmp_path):
    with Daemon(tmp_path, idle_seconds=0.5) as daemon:
        daemon.process.communicate(timeout=PATIENCE)
        assert daemon.process.returncode == 0


def test_a_daemon_with_a_host_does_not_end_for_being_idle(tmp_path):
    with Daemon(tmp_path, idle_seconds=0.5) as daemon, daemon.client() as client:
        assert not client.wait_until(lambda: daemon.process.poll() is not None, 2.0)
        assert client.submit("echo", [sketch()]).wait(PATIENCE)


def test_a_client_of_another_version_is_told(daemon):
    host = Transport(daemon.connection)
    host.send(framing.encode(messages.Hello(protocol=99, host="x", version="", session="s")))
    host.wait(PATIENCE)
    frames = host.receive()
    assert frames is not None
    assert framing.decode(frames, messages.FROM_DAEMON).message.code == "protocol_version"
    host.close(linger=False)


def test_a_device_that_is_not_there_is_one_clear_failure(tmp_path):
    with Daemon(tmp_path, devices=["nonsense"]) as daemon, daemon.client() as client:
        with pytest.raises(JobFailed) as caught:
            client.submit("echo", [sketch()]).wait(PATIENCE)
        assert caught.value.code == "worker_unusable"
        assert "no device nonsense" in caught.value.message


def test_losing_the_daemon_is_an_event(daemon):
    client = Client("polling", folder=daemon.run_folder)
    kinds = []
    end = time.monotonic() + PATIENCE
    while EventKind.lost not in kinds and time.monotonic() < end:
        kinds += [event.kind for event in client.poll()]
        if EventKind.connected in kinds and daemon.process.poll() is None:
            daemon.kill()
        time.sleep(0.01)
    assert kinds == [EventKind.connected, EventKind.lost]
    client.close()
