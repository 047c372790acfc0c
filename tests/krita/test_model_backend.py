"""The connection, the daemon's state, the keys for a remote one, and what the plugin brings."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import zmq
from pytestqt.qtbot import QtBot
from scripted_client import ScriptedClient, ScriptedInstallation, ScriptedLauncher

from s2i_client.declaration import Declaration, Output
from s2i_client.errors import JobCancelled, S2IError
from s2i_client.installation import Installation, InstallEnd, InstallOutcome, InstallProgress
from s2i_client.installed import Installed, InstallState, program, switch, write_marker
from s2i_client.jobs import Job, JobState
from s2i_client.launch import Launcher, LaunchReport, LaunchState
from s2i_client.transport import Transport
from s2i_krita.backend import connection as connection_module
from s2i_krita.backend.connection import BUSY_MS, IDLE_MS, Connection
from s2i_krita.backend.daemon import Daemon, DaemonState
from s2i_krita.backend.offer import Offer, carried_backend
from s2i_krita.backend.remote import FILE_NAME, RemoteUnusable, own_keys, remote_connection

OUTPUTS = (Output("flats", "Flats", "", "flats"),)
SHOWN = Declaration("shown", "Shown", "", (), (), OUTPUTS)
HIDDEN = Declaration("hidden", "Hidden", "", (), (), OUTPUTS, hidden=True)
KEY = "a" * 40


# The connection.


@pytest.fixture
def client() -> ScriptedClient:
    return ScriptedClient((SHOWN, HIDDEN), devices=("cuda:0", "cpu"))


@pytest.fixture
def connection(qapp: object, client: ScriptedClient) -> Connection:
    return Connection(client)


def interval(connection: Connection) -> int:
    return connection._timer.interval()


def test_the_timer_finds_what_the_daemon_says(
    qtbot: QtBot, client: ScriptedClient, connection: Connection
) -> None:
    client.connect()
    with qtbot.waitSignal(connection.state_changed):
        pass
    assert connection.is_ready and connection.devices == ["cuda:0", "cpu"]


def test_hidden_systems_are_offered_and_not_shown(
    client: ScriptedClient, connection: Connection
) -> None:
    assert not connection.offers("hidden")
    client.connect()
    connection.poll()
    assert connection.pipelines == [SHOWN]
    assert connection.pipeline("shown") == SHOWN and connection.pipeline("hidden") is None
    assert connection.offers("hidden") and not connection.offers("other")


def test_systems_stay_while_the_daemon_is_away(
    client: ScriptedClient, connection: Connection
) -> None:
    client.connect()
    connection.poll()
    told: list[None] = []
    connection.state_changed.connect(lambda: told.append(None))
    client.lose()
    connection.poll()
    assert told == [None] and not connection.is_ready and connection.devices == []
    assert connection.pipelines == [SHOWN] and connection.offers("hidden")
    client.connect([HIDDEN])
    connection.poll()
    assert connection.pipelines == []


def test_it_looks_more_often_while_jobs_run(client: ScriptedClient, connection: Connection) -> None:
    client.connect()
    connection.poll()
    assert interval(connection) == IDLE_MS
    job = connection.submit("shown", [], {}, document="d")
    assert interval(connection) == BUSY_MS
    connection.poll()
    assert interval(connection) == BUSY_MS
    client.finish(job)
    connection.poll()
    assert interval(connection) == IDLE_MS


def test_jobs_are_sent_as_they_are_asked_for_and_tell_how_they_go(
    client: ScriptedClient, connection: Connection
) -> None:
    client.connect()
    connection.poll()
    told: list[tuple[Job, JobState]] = []
    connection.job_changed.connect(lambda job: told.append((job, job.state)))
    live = connection.submit("shown", [], {"a": 1}, outputs=["flats"], live=True, document="d")
    batch = connection.submit("shown", [], {}, document="d")
    assert live.request is not None and batch.request is not None
    assert (live.request.lane, live.request.outputs) == ("live", ("flats",))
    assert (live.request.parameters, live.request.document) == ({"a": 1}, "d")
    assert (batch.request.lane, batch.request.outputs) == ("batch", None)
    client.progress(live, 0.5)
    connection.poll()
    client.fail(live, "memory", "Too large.")
    connection.poll()
    assert told == [(live, JobState.running), (live, JobState.failed)]


def test_what_the_daemon_refuses_is_told_until_one_lets_us_in(
    client: ScriptedClient, connection: Connection
) -> None:
    told: list[S2IError | None] = []
    connection.state_changed.connect(lambda: told.append(connection.refusal))
    # The client greets again and again, and after each greeting that was refused nothing is known.
    for _time in range(2):
        client.refuse("protocol_version", "Version 2.")
        client.refuse("no_hello", "Who?")
        connection.poll()
    assert [error and error.code for error in told] == ["protocol_version"]
    client.connect()
    connection.poll()
    assert connection.refusal is None


def test_a_daemon_that_does_not_answer_is_overdue_until_it_does(
    client: ScriptedClient, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.poll()
    assert not connection.is_overdue
    monkeypatch.setattr(connection_module, "OVERDUE_SECONDS", 0.0)
    connection.await_answer()
    told: list[bool] = []
    connection.state_changed.connect(lambda: told.append(connection.is_overdue))
    connection.poll()
    connection.poll()
    assert told == [True]
    client.connect()
    connection.poll()
    assert not connection.is_overdue
    monkeypatch.undo()
    client.lose()
    connection.poll()
    assert not connection.is_overdue


def test_who_else_uses_the_daemon_is_asked(client: ScriptedClient, connection: Connection) -> None:
    told: list[list[str]] = []
    connection.status_changed.connect(lambda: told.append(connection.other_hosts))
    client.connect()
    connection.poll()
    assert connection.other_hosts == []
    connection.ask_status()
    assert client.asked_status == 1
    client.tell_status("krita", "blender", "krita", away=["cli"])
    connection.poll()
    assert told == [["Blender", "Krita"]]
    client.lose()
    connection.poll()
    assert connection.other_hosts == []


def test_another_daemon_ends_what_ran_at_the_old_one(
    client: ScriptedClient, connection: Connection
) -> None:
    client.connect()
    connection.poll()
    job = connection.submit("shown", [], {}, document="d")
    ended: list[Job] = []
    connection.job_changed.connect(ended.append)
    other = ScriptedClient((HIDDEN,))
    connection.replace_client(other)
    assert client.closed and ended == [job]
    with pytest.raises(JobCancelled):
        job.outcome()
    assert not connection.is_ready
    other.connect()
    connection.poll()
    assert connection.is_ready and connection.pipelines == []


def test_after_close_nothing_is_looked_for(
    qtbot: QtBot, client: ScriptedClient, connection: Connection
) -> None:
    connection.close()
    assert client.closed and not connection._timer.isActive()


# The daemon's state.


class Parts:
    """A `Daemon` and what it looks at."""

    def __init__(
        self,
        command: str = "s2i-backend",
        brings: bool = True,
        report: LaunchReport | None = None,
    ):
        self.launcher = ScriptedLauncher(command)
        self.launcher.report = report or self.launcher.report
        self.installation = ScriptedInstallation()
        self.offer = Offer("2.0", Path("s2i.whl"), Path("constraints.txt")) if brings else None
        self.daemon = Daemon(self.launcher, self.installation, self.offer)
        self.told: list[DaemonState] = []
        self.daemon.changed.connect(lambda: self.told.append(self.daemon.status.state))

    def poll(self) -> DaemonState:
        self.daemon.poll()
        return self.daemon.status.state


def test_without_a_command_it_is_not_installed(qapp: object) -> None:
    assert Parts(command="").poll() is DaemonState.not_installed
    assert Parts().poll() is DaemonState.stopped


def test_an_installation_that_was_interrupted_is_seen(qapp: object) -> None:
    parts = Parts(command="")
    parts.installation.disk = InstallState.interrupted
    assert parts.poll() is DaemonState.interrupted


def test_it_starts_as_asked_and_says_when_it_runs(qapp: object) -> None:
    parts = Parts()
    parts.daemon.start(["cuda"], "4G")
    assert parts.launcher.starts == [{"devices": ["cuda"], "memory_limit": "4G"}]
    assert parts.daemon.status.state is DaemonState.starting
    parts.launcher.report = LaunchReport(LaunchState.running)
    parts.poll()
    parts.poll()
    assert parts.told == [DaemonState.starting, DaemonState.running]


def test_the_timer_looks_too(qtbot: QtBot) -> None:
    parts = Parts()
    parts.launcher.report = LaunchReport(LaunchState.running)
    with qtbot.waitSignal(parts.daemon.changed):
        pass
    assert parts.told == [DaemonState.running]


def test_why_it_did_not_start_is_told_with_its_last_lines(qapp: object) -> None:
    parts = Parts()
    parts.launcher.report = LaunchReport(LaunchState.failed, "No.", "Do.", ("line",))
    assert parts.poll() is DaemonState.stopped
    status = parts.daemon.status
    assert (status.message, status.fix, status.lines) == ("No.", "Do.", ("line",))


def test_what_was_installed_is_what_is_started(qapp: object) -> None:
    parts = Parts(command="")
    assert parts.poll() is DaemonState.not_installed
    parts.installation.executable = Path("/there/s2i-backend")
    assert parts.poll() is DaemonState.stopped
    parts.daemon.start()
    assert parts.launcher.installed == Path("/there/s2i-backend")


def test_a_command_that_the_user_chose_is_used(qapp: object) -> None:
    parts = Parts(command="")
    parts.daemon.choose_command("/own/s2i-backend")
    assert parts.daemon.status.state is DaemonState.stopped


@pytest.mark.parametrize("command", ['"/opt/half a quote', "~nobody-of-this-name/s2i-backend"])
def test_a_command_that_is_none_is_told_when_it_is_started(
    qapp: object, tmp_path: Path, command: str
) -> None:
    launcher = Launcher(folder=tmp_path / "run", environment={"PATH": ""})
    daemon = Daemon(launcher, ScriptedInstallation(), None)
    daemon.choose_command(command)
    assert daemon.status.state is DaemonState.stopped
    daemon.start()
    assert daemon.status.state is DaemonState.stopped
    assert "can not be started" in daemon.status.message and daemon.status.fix


def test_a_newer_backend_than_the_installed_one_is_told(qapp: object) -> None:
    parts = Parts()
    parts.installation.disk = InstallState.outdated
    parts.poll()
    assert parts.daemon.status.outdated
    parts.launcher.report = LaunchReport(LaunchState.running)
    parts.poll()
    assert parts.daemon.status.outdated


@pytest.mark.parametrize(
    ("there", "outdated"), [("1.9.9", True), ("2.0.1", False), ("10.0", False)]
)
def test_a_newer_backend_that_another_host_brought_is_left_alone(
    qapp: object, there: str, outdated: bool
) -> None:
    parts = Parts()
    parts.installation.disk = InstallState.outdated
    parts.installation.installed = Installed(there, "3.11", "2.13", "cpu")
    parts.poll()
    assert parts.daemon.status.outdated is outdated


def test_an_installation_shows_how_it_goes_and_that_it_is_done(qapp: object) -> None:
    parts = Parts(command="")
    parts.daemon.install(Path("/wheels"), "cpu")
    parts.daemon.install(Path("/wheels"), "cpu")
    assert parts.installation.asked == [
        {"offer": parts.offer, "wheels": Path("/wheels"), "variant": "cpu"}
    ]
    parts.installation.now = InstallProgress("Downloading", 0.4, ("a", "b"))
    parts.poll()
    status = parts.daemon.status
    assert (status.state, status.step, status.fraction, status.lines) == (
        DaemonState.installing,
        "Downloading",
        0.4,
        ("a", "b"),
    )
    parts.installation.now = InstallEnd(InstallOutcome.done)
    parts.installation.executable = Path("/there/s2i-backend")
    assert parts.poll() is DaemonState.stopped
    assert parts.daemon.status.message == ""


def test_a_failed_installation_says_why_until_something_else_is_tried(qapp: object) -> None:
    parts = Parts(command="")
    parts.daemon.install()
    parts.installation.now = InstallEnd(InstallOutcome.failed, "Full.", "Free some.", ("x",))
    assert parts.poll() is DaemonState.not_installed
    status = parts.daemon.status
    assert (status.message, status.fix, status.lines) == ("Full.", "Free some.", ("x",))
    parts.poll()
    assert parts.daemon.status == status
    # What worked before is still there, and says for itself why it does not start.
    parts.launcher.found = "s2i-backend"
    assert parts.poll() is DaemonState.stopped
    parts.daemon.start()
    parts.launcher.report = LaunchReport(LaunchState.failed, "Port.", "Other port.")
    parts.poll()
    assert parts.daemon.status.message == "Port."


def test_a_new_attempt_forgets_why_the_last_one_failed(qapp: object) -> None:
    parts = Parts(command="")
    parts.daemon.install()
    parts.installation.now = InstallEnd(InstallOutcome.failed, "Full.")
    parts.poll()
    parts.daemon.install()
    assert parts.daemon.status.state is DaemonState.installing
    parts.installation.now = InstallEnd(InstallOutcome.cancelled, "Cancelled.")
    parts.poll()
    assert (parts.daemon.status.state, parts.daemon.status.message) == (
        DaemonState.not_installed,
        "",
    )


def test_an_installation_can_be_cancelled(qapp: object) -> None:
    parts = Parts(command="")
    parts.daemon.install()
    parts.daemon.cancel_install()
    assert parts.installation.cancelled == 1
    assert parts.daemon.status.state is DaemonState.not_installed


def test_without_a_backend_there_is_nothing_to_install(qapp: object) -> None:
    parts = Parts(command="", brings=False)
    parts.daemon.install()
    assert not parts.daemon.can_install and parts.installation.asked == []


def test_a_daemon_is_restarted_as_asked(qapp: object) -> None:
    parts = Parts()
    assert parts.daemon.can_start
    parts.launcher.report = LaunchReport(LaunchState.running)
    parts.installation.executable = Path("/new/s2i-backend")
    parts.daemon.restart(["cuda"], "4G")
    assert parts.launcher.restarts == [{"devices": ["cuda"], "memory_limit": "4G"}]
    assert parts.launcher.installed == Path("/new/s2i-backend")
    assert parts.daemon.status.state is DaemonState.starting
    assert not Parts(command="").daemon.can_start


def test_the_end_of_an_installation_is_told_unless_it_failed(qapp: object) -> None:
    parts = Parts()
    told: list[None] = []
    parts.daemon.installed.connect(lambda: told.append(None))
    for outcome in (InstallOutcome.failed, InstallOutcome.cancelled, InstallOutcome.done):
        assert told == []
        parts.daemon.install()
        parts.installation.now = InstallEnd(outcome, "x")
        parts.poll()
    assert told == [None]


# What interrupted installations left.


def test_leftovers_are_removed_once_and_only_while_no_daemon_runs(qapp: object) -> None:
    assert Parts().installation.tidied == 1
    parts = Parts(report=LaunchReport(LaunchState.running))
    assert parts.installation.tidied == 0
    parts.launcher.report = LaunchReport(LaunchState.starting)
    parts.poll()
    assert parts.installation.tidied == 0
    parts.launcher.report = LaunchReport(LaunchState.idle)
    parts.poll()
    parts.poll()
    assert parts.installation.tidied == 1


def test_an_update_leaves_something_to_remove(qapp: object) -> None:
    parts = Parts()
    parts.launcher.report = LaunchReport(LaunchState.running)
    parts.daemon.install()
    parts.installation.now = InstallEnd(InstallOutcome.done)
    parts.poll()
    assert parts.installation.tidied == 1
    parts.launcher.report = LaunchReport(LaunchState.idle)
    parts.poll()
    assert parts.installation.tidied == 2


def test_an_installation_waits_until_leftovers_are_removed(qapp: object) -> None:
    parts = Parts()
    parts.installation.busy = True
    parts.daemon.install()
    assert parts.poll() is DaemonState.installing
    assert parts.installation.asked == [] and parts.daemon.status.step == "Removing old files"
    parts.daemon.cancel_install()
    assert parts.installation.cancelled == 0, "what removes files goes on"
    assert parts.poll() is DaemonState.stopped
    parts.daemon.install()
    parts.installation.busy = False
    parts.poll()
    assert len(parts.installation.asked) == 1


def test_a_backend_is_outdated_also_while_leftovers_are_removed(qapp: object) -> None:
    parts = Parts()
    parts.installation.disk = InstallState.outdated
    parts.poll()
    # The lock that is held for it looks like another program's installation.
    parts.installation.busy, parts.installation.disk = True, InstallState.installing
    parts.poll()
    assert parts.daemon.status.outdated


def test_the_real_installation_loses_its_leftovers_and_nothing_else(
    qtbot: QtBot, tmp_path: Path
) -> None:
    kept, left = tmp_path / "s2i-1.0-aaaa", tmp_path / "s2i-0.9-bbbb"
    for folder in (kept, left):
        for name in ("python", "s2i-backend"):
            path = program(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    write_marker(kept, Installed("1.0", "3.11", "2.13", "cpu"))
    (tmp_path / "cache").mkdir()
    switch(tmp_path, kept)
    daemon = Daemon(ScriptedLauncher(), Installation(tmp_path), None)
    qtbot.waitUntil(lambda: not left.exists() and not (tmp_path / "cache").exists())
    assert daemon.status.state is DaemonState.stopped
    assert program(kept, "s2i-backend").exists()
    daemon.close()


def test_krita_s_end_gives_an_installation_up_and_leaves_the_daemon_alone(qapp: object) -> None:
    parts = Parts()
    parts.daemon.start()
    parts.daemon.close()
    assert parts.installation.cancelled == 0
    parts = Parts(command="")
    parts.daemon.install()
    parts.daemon.close()
    assert parts.installation.cancelled == 1 and not parts.daemon._timer.isActive()


# What the plugin brings along.


def test_the_newest_wheel_is_offered_with_its_constraints(tmp_path: Path) -> None:
    for version in ("0.9.1", "0.10.0", "0.2.0"):
        (tmp_path / f"s2i-{version}-py3-none-any.whl").touch()
    assert carried_backend(tmp_path) is None  # nothing says which versions go with it
    (tmp_path / "constraints.txt").touch()
    offer = carried_backend(tmp_path)
    assert offer is not None and offer.version == "0.10.0"
    assert offer.wheel == tmp_path / "s2i-0.10.0-py3-none-any.whl"
    assert offer.constraints == tmp_path / "constraints.txt"


def test_a_plugin_without_a_backend_offers_none(tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").touch()
    assert carried_backend(tmp_path) is None
    assert carried_backend(tmp_path / "not there") is None


# A daemon on another machine.


def test_keys_are_made_once_and_fit_together(tmp_path: Path) -> None:
    public, secret = own_keys(tmp_path / "keys")
    assert zmq.curve_public(secret.encode()).decode() == public
    assert own_keys(tmp_path / "keys") == (public, secret)
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [FILE_NAME]


def test_only_the_user_can_read_the_keys(tmp_path: Path) -> None:
    own_keys(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "5",
        "{}",
        '{"public": "x", "secret": "y"}',
        '{"public": 5, "secret": null}',
        json.dumps({"public": "a" * 40, "secret": "ü" * 40}),
        json.dumps({"public": "a" * 40, "secret": "b" * 40}),
    ],
)
def test_nonsense_in_the_keys_file_is_replaced_by_keys(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    public, secret = own_keys(tmp_path)
    assert zmq.curve_public(secret.encode()).decode() == public
    assert own_keys(tmp_path) == (public, secret)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "endpoint",
    ["workstation:41207", " tcp://10.0.0.7:41207\n", "[::1]:41207", "a-b.example:1"],
)
def test_an_address_and_a_key_make_a_connection_that_zeromq_takes(
    tmp_path: Path, endpoint: str
) -> None:
    server = zmq.curve_keypair()[0].decode()
    made = remote_connection(endpoint, f" {server} ", tmp_path)
    assert made.endpoint == "tcp://" + endpoint.strip().removeprefix("tcp://")
    assert (made.server_key, made.pid) == (server, 0)
    assert (made.client_public, made.client_secret) == own_keys(tmp_path)
    Transport(made).close(linger=False)


@pytest.mark.parametrize(
    "endpoint",
    ["", "workstation", "workstation:", ":41207", "host:0", "host:65536", "host:99999",
     "ipc:///tmp/x:1", "a b:1", "::1:41207", "höst:41207", "host:4１2"],
)  # fmt: skip
def test_what_is_no_address_is_told_with_an_example(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(RemoteUnusable, match="workstation:41207"):
        remote_connection(endpoint, KEY, tmp_path)


@pytest.mark.parametrize("key", ["", "a" * 39, "a" * 41, "ü" * 40, "a" * 39 + "~", "a" * 39 + " b"])
def test_what_is_no_key_is_told(tmp_path: Path, key: str) -> None:
    with pytest.raises(RemoteUnusable, match="40 characters"):
        remote_connection("workstation:41207", key, tmp_path)


def test_keys_that_can_not_be_kept_are_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(RemoteUnusable, match="keys"):
        remote_connection("workstation:41207", KEY, tmp_path / "keys")
