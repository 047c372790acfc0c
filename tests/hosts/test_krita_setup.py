"""From the zip to a daemon that runs, without a terminal, in the real Krita."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from backend_process import BackendProcess
from inside_krita import Krita
from krita_session import KritaSession
from krita_steps import click, create_document, docker, widget
from plugin_steps import connected, model, workspace

from s2i_client.connection_file import read_connection

CLIENT_TESTS = Path(__file__).parents[1] / "client"


def import_plugin(archive: str) -> list[str]:
    """As the menu's "Import Python Plugin from File" does it."""
    import os

    from plugin_importer.plugin_importer import PluginImporter  # type: ignore[import-not-found]

    resources = os.path.join(os.environ["XDG_DATA_HOME"], "krita")  # noqa: PTH118 - as Krita does
    imported = PluginImporter(archive, resources, lambda plugin: True).import_all()
    for plugin in imported:
        Krita.instance().writeSetting("python", f"enable_{plugin['name']}", "true")
    return [plugin["ui_name"] for plugin in imported]


def docker_texts() -> list[str]:
    docker("s2i_docker")
    return [widget("s2i_docker", name).text() for name in ("setup_headline", "setup_main")]


def page_shown(name: str) -> Any:
    from inside_krita import QtWidgets

    docker("s2i_docker")
    yield lambda: widget_or_none(name)
    found = docker("s2i_docker").findChild(QtWidgets.QWidget, name)
    yield found.isVisible


def widget_or_none(name: str) -> Any:
    from inside_krita import QtWidgets

    return docker("s2i_docker").findChild(QtWidgets.QWidget, name)


def daemon_state(wanted: str) -> Any:
    yield lambda: workspace().daemon.status.state.value == wanted
    yield 0.2
    return docker_texts()


def can_run(program: str) -> bool:
    return shutil.which(program) is not None


def version_of(backend: str) -> str:
    """What an installed backend says, asked where it was installed: maybe in a chroot."""
    said = subprocess.run([backend, "--version"], capture_output=True, text=True, check=True)
    return said.stdout


@pytest.fixture
def backend_folder(tmp_path: Path) -> Path:
    """No test here finds the daemon of another."""
    return tmp_path / "backend"


@pytest.fixture
def fresh_krita(
    make_fresh: Callable[..., KritaSession], plugin_zip: Path, backend_folder: Path
) -> KritaSession:
    """A Krita with the plugin, not yet started, on a machine without a backend."""
    return make_fresh(plugins=[plugin_zip])


@pytest.fixture
def make_fresh(screenshots: Path, warm_profile: Path, backend_folder: Path) -> Any:
    from backend_process import backend_environment

    made: list[KritaSession] = []

    def make(**arguments: Any) -> KritaSession:
        environment = {**backend_environment(backend_folder), **arguments.pop("environment", {})}
        session = KritaSession(screenshots, environment=environment, warm=warm_profile, **arguments)
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()


def test_krita_imports_the_zip_and_shows_the_docker(
    make_fresh: Callable[..., KritaSession], plugin_zip: Path
) -> None:
    krita = make_fresh()
    krita.start()
    archive = shutil.copy(plugin_zip, krita.folder)
    assert krita.run(import_plugin, str(archive)) == ["s2i: Sketch to Image"]
    krita.restart()
    headline, button = krita.run(docker_texts)
    assert headline == "The backend is not installed yet"
    assert button == "Install"
    krita.screenshot("0-imported")
    assert krita.quit() == 0


def test_start_brings_a_daemon_that_outlives_krita_until_its_last_host_has_gone(
    make_fresh: Callable[..., KritaSession], plugin_zip: Path, backend_folder: Path
) -> None:
    command = f'"{sys.executable}" -m s2i_backend'
    krita = make_fresh(plugins=[plugin_zip], environment={"S2I_BACKEND": command})
    krita.start()
    if not krita.run(can_run, sys.executable):
        pytest.skip("this Krita runs in a chroot that does not share the system's own Python")
    krita.run(create_document, 64, 64)
    assert krita.run(docker_texts) == ["The daemon does not run", "Start"]
    krita.run(click, "s2i_docker", "setup_main")
    krita.run(connected, timeout=120)
    connection = read_connection(backend_folder / "run")
    assert connection is not None
    daemon = psutil.Process(connection.pid)
    try:
        assert any(part.startswith("--idle-timeout=") for part in daemon.cmdline())
        assert krita.quit() == 0
        assert daemon.is_running()
    finally:
        daemon.terminate()
        daemon.wait(30)


def test_install_repair_and_cancel_from_the_docker(
    fresh_krita: KritaSession, tmp_path: Path
) -> None:
    krita = fresh_krita
    # Instead of gigabytes: a tiny backend and a tiny torch, installed by the same steps.
    carried = krita.profile.plugins / "s2i_krita" / "vendor" / "backend"
    shutil.rmtree(carried)
    sys.path.insert(0, str(CLIENT_TESTS))
    from fake_wheels import make_offer, make_torch

    make_offer(carried, "0.1.0")
    wheels = krita.folder / "wheels"
    make_torch(wheels)
    krita.start()

    def take_wheels(folder: str) -> None:
        workspace().settings.set("wheels", folder)

    krita.run(create_document, 64, 64)
    krita.run(take_wheels, str(wheels))
    assert krita.run(docker_texts)[1] == "Install"
    krita.run(click, "s2i_docker", "setup_main")
    assert krita.run(daemon_state, "installing", timeout=60)[1] == "Cancel"

    def begun(folder: str) -> Any:
        import pathlib

        yield lambda: list(pathlib.Path(folder).glob("s2i-0.1.0-*"))

    krita.run(begun, str(krita_data(krita) / "backend"))
    krita.screenshot("0-installing")
    krita.run(click, "s2i_docker", "setup_main")
    assert krita.run(daemon_state, "interrupted", timeout=60)[1] == "Repair"
    krita.run(click, "s2i_docker", "setup_main")
    assert krita.run(daemon_state, "stopped", timeout=120)[1] == "Start"
    installed = list((krita_data(krita) / "backend").glob("s2i-0.1.0-*/bin/s2i-backend"))
    assert len(installed) == 1
    assert "0.1.0" in krita.run(version_of, str(installed[0]))
    assert krita.quit() == 0


def krita_data(krita: KritaSession) -> Path:
    return Path(krita.environment["S2I_DATA_DIR"])


def test_krita_quits_in_the_middle_of_a_job(
    fresh_krita: KritaSession, backend_folder: Path
) -> None:
    daemon = BackendProcess(backend_folder)
    try:
        krita = fresh_krita
        krita.start()

        def begin() -> Any:
            yield from create_document(1024, 1024)
            yield from connected()
            yield lambda: model() is not None and model().pipeline is not None
            model().generate()
            yield lambda: model()._job is not None

        krita.run(begin)
        assert krita.quit() == 0
        with daemon.client() as client:
            client.wait_until(lambda: not _others(client), 10)
            assert _others(client) == []
            assert client.status().queue["batch"] == 0
    finally:
        daemon.stop()


def _others(client: Any) -> list[str]:
    return [host["name"] for host in client.status().hosts if host["name"] != "test"]
