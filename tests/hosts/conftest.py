"""Tests here run in the real Krita; without one they are skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from backend_process import BackendProcess, backend_environment
from display import missing_programs
from krita_session import KritaSession, krita_command, krita_version

_HERE = Path(__file__).parent
_PLUGIN = _HERE.parents[1] / "krita_plugin"
_INSTALL = "apt install krita python3-pyqt5 xvfb openbox imagemagick"
_sessions: list[KritaSession] = []


@pytest.hookimpl(tryfirst=True)  # before `-m host` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = missing_programs()
    if shutil.which(krita_command()[0]) is None:
        missing.append(krita_command()[0])
    reason = f"{', '.join(missing)} not found; on Debian: {_INSTALL}"
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.host)
            if missing:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of tests go: the folder `S2I_SCREENSHOTS`, else one of pytest's."""
    if chosen := os.environ.get("S2I_SCREENSHOTS"):
        return Path(chosen).resolve()
    return tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def warm_profile(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, screenshots: Path
) -> Path:
    """What Krita builds at its first start, kept in pytest's cache for each version."""
    cache = getattr(pytestconfig, "cache", None)  # none with `-p no:cacheprovider`
    folder = cache.mkdir("krita") if cache else tmp_path_factory.mktemp("krita")
    target = folder / re.sub(r"\W+", "-", krita_version(tmp_path_factory.mktemp("version")))
    if not target.exists():
        with KritaSession(screenshots) as session:
            assert session.quit() == 0, session.stderr
            session.profile.keep(target)
    return target


@pytest.fixture(scope="module")
def backend_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's daemon lives and its Krita looks for one."""
    return tmp_path_factory.mktemp("backend")


@pytest.fixture(scope="module")
def daemon(backend_folder: Path) -> Iterator[BackendProcess]:
    """A real daemon that this module's Krita finds."""
    process = BackendProcess(backend_folder)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def make_krita(
    screenshots: Path, warm_profile: Path, backend_folder: Path
) -> Iterator[Callable[..., KritaSession]]:
    """Makes sessions that are not started yet, from the arguments of `KritaSession`."""
    made: list[KritaSession] = []

    def make(**arguments: Any) -> KritaSession:
        environment = {**backend_environment(backend_folder), **arguments.pop("environment", {})}
        session = KritaSession(
            screenshots, environment=environment, **{"warm": warm_profile, **arguments}
        )
        made.append(session)
        _sessions.append(session)
        return session

    yield make
    for session in made:
        _sessions.remove(session)
        session.close()


@pytest.fixture(scope="session")
def plugin_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin as users get it, for this platform."""
    folder = tmp_path_factory.mktemp("plugin")
    command = [sys.executable, "-m", "s2i_backend", "addons", "build", "krita", "-o", str(folder)]
    subprocess.run([*command, "--platform=this"], check=True)
    (built,) = folder.glob("*.zip")
    return built


@pytest.fixture(scope="module")
def plugins(request: pytest.FixtureRequest) -> list[Path]:
    """What is installed besides the tests' driver: the built zip. A module that wants something
    else has its own fixture of this name."""
    return [request.getfixturevalue("plugin_zip")]


@pytest.fixture(scope="module")
def krita(make_krita: Callable[..., KritaSession], plugins: list[Path]) -> Iterator[KritaSession]:
    """A Krita with the plugin, started, for all tests of a module. It has to quit cleanly."""
    session = make_krita(plugins=plugins)
    session.start()
    yield session
    if session.alive:
        assert session.quit() == 0, session.stderr
        assert session.slot_errors() == []


@pytest.fixture(autouse=True)
def no_slot_errors() -> Iterator[None]:
    """Fail the test during which an exception in Krita's Python was not caught."""
    yield
    found = [error for session in _sessions for error in session.slot_errors()]
    assert not found, "Nobody caught inside Krita:\n" + "\n".join(found)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Photograph the screens of a test that failed."""
    report = yield
    if report.failed and report.when == "call":
        for number, session in enumerate(s for s in _sessions if s.alive):
            name = re.sub(r"\W+", "-", f"failed-{item.name}-{number}")
            report.sections.append(("screenshot", str(session.screenshot(name))))
    return report
