"""The real backend with the real torch: installed from a folder of wheels, started, and asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_installation import finish

from s2i_client.installation import Installation, InstallOutcome, Offer
from s2i_client.launch import Launcher, LaunchState

REPOSITORY = Path(__file__).parents[2]
CONSTRAINTS = REPOSITORY / "constraints.txt"
PATIENCE = 60.0


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """The backend's wheel and all that it needs.

    `S2I_TEST_WHEELS` names a folder that has them, or is `download` to fetch some 250 MB.
    """
    chosen = os.environ.get("S2I_TEST_WHEELS", "")
    if not chosen:
        pytest.skip("set S2I_TEST_WHEELS to a folder of wheels, or to download")
    if chosen != "download":
        return Path(chosen)
    folder, source = tmp_path / "wheels", tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("backend", "training"):
        shutil.copytree(REPOSITORY / name, source / name)
    version = re.search(r"^torch==(\S+)", CONSTRAINTS.read_text(), re.MULTILINE)
    assert version is not None
    pip = [sys.executable, "-m", "pip", "--quiet"]
    torch = f"torch=={version[1]}+cpu"  # the other build is gigabytes
    for command in (
        ["wheel", "--no-deps", "-w", folder, source],
        ["download", "-d", folder, "-c", CONSTRAINTS, torch, source],
    ):
        done = subprocess.run([*pip, *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"the wheels can not be had: {done.stderr.splitlines()[-1:]}")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_backend_installs_starts_and_answers(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = tmp_path / "run"
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(run))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    wheel = next(wheels.glob("s2i-*.whl"))
    installation = Installation(tmp_path / "backend")
    installation.install(Offer(wheel.name.split("-")[1], wheel, CONSTRAINTS), wheels)
    end, _ = finish(installation)
    assert end.outcome is InstallOutcome.done, end

    launcher = Launcher(installation.executable, folder=run)
    launcher.start(idle_seconds=30, devices=["cpu"])
    give_up_at = time.monotonic() + PATIENCE
    while launcher.poll().state is LaunchState.starting:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    assert launcher.poll().state is LaunchState.running, launcher.poll()
    assert installation.executable is not None
    backend = str(installation.executable)
    try:
        answer = subprocess.run([backend, "status"], capture_output=True, text=True, check=False)
    finally:
        subprocess.run([backend, "stop"], check=True)
    assert answer.returncode == 0, answer
    assert "The daemon runs" in answer.stdout
