"""Tests of the Krita plugin without Krita: `krita` is a fake, Qt draws nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import fake_krita
import pytest
from fake_krita import testing

if TYPE_CHECKING:
    from desk import Desk
    from studio import Studio

sys.modules["krita"] = fake_krita


@pytest.fixture(params=[False, True], ids=["before 5.3", "since 5.3"])
def replaces_all_children(request: pytest.FixtureRequest) -> bool:
    """How `Node.setChildNodes` works: both kinds, one test each."""
    return request.param


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where keys and an installed backend would lie: not in the home of who runs the tests."""
    folder = tmp_path / "data"
    monkeypatch.setenv("S2I_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def krita(
    request: pytest.FixtureRequest, qapp: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fake_krita.Krita]:
    """A fake Krita with one window and nothing open.

    A test that also asks for `replaces_all_children` runs with each kind.
    """
    from s2i_krita.host import rearranging

    monkeypatch.setattr(rearranging, "_replaces_all", None)
    kind = None
    if "replaces_all_children" in request.fixturenames:
        kind = request.getfixturevalue("replaces_all_children")
    running = testing.restart(kind)
    yield running
    for window in running.windows():
        window.qwindow().deleteLater()


@pytest.fixture
def desk(krita: fake_krita.Krita, qtbot: Any, tmp_path: Path) -> Iterator[Desk]:
    """The docker with nothing open and no daemon; see `Desk`."""
    from desk import FLATTER, PAINTER, Desk

    made = Desk(qtbot, tmp_path / "install.log", (PAINTER, FLATTER))
    yield made
    made.close()


@pytest.fixture
def studio_alone(krita: fake_krita.Krita, qtbot: Any) -> Iterator[Studio]:
    """The model with nothing open and a daemon that never answered; see `Studio`."""
    from studio import Studio

    made = Studio(qtbot)
    yield made
    made.close()


@pytest.fixture
def studio(studio_alone: Studio) -> Studio:
    """The model with nothing open and a daemon that answers."""
    studio_alone.connect()
    return studio_alone
