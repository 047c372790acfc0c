"""The managed installation: real virtual environments, filled from tiny wheels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fake_wheels import make_offer, make_torch

from s2i_client import installation_steps
from s2i_client.installation import (
    Installation,
    InstallEnd,
    InstallOutcome,
    InstallProgress,
    InstallState,
    Offer,
)

PATIENCE = 240.0  # seconds; only a hang takes so long, on however busy a machine
TORCH_STEP = "Installing PyTorch"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No daemon of the user's is seen, and this Python makes the environments."""
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("S2I_PYTHON", sys.executable)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    make_torch(tmp_path / "wheels")
    return tmp_path / "wheels"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data" / "backend")


def finish(installation: Installation) -> tuple[InstallEnd, list[InstallProgress]]:
    """Poll to the end."""
    seen = []
    give_up_at = time.monotonic() + PATIENCE
    while time.monotonic() < give_up_at:
        report = installation.poll()
        if isinstance(report, InstallEnd):
            return report, seen
        assert report is not None
        seen.append(report)
        time.sleep(0.01)
    raise TimeoutError(f"it did not end: {seen[-1]}")


def poll_until(installation: Installation, step: str) -> InstallProgress:
    give_up_at = time.monotonic() + PATIENCE
    while time.monotonic() < give_up_at:
        report = installation.poll()
        assert isinstance(report, InstallProgress), report
        if report.step == step:
            return report
        time.sleep(0.01)
    raise TimeoutError(f"it never came to {step!r}")


def install(installation: Installation, offer: Offer, wheels: Path) -> InstallEnd:
    installation.install(offer, wheels)
    return finish(installation)[0]


def what_runs(installation: Installation) -> str:
    assert installation.executable is not None
    return subprocess.check_output([installation.executable, "--version"], text=True).strip()


def processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = " ".join(process.info["cmdline"] or ())
        if str(folder) in command and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def names(installation: Installation) -> set[str]:
    return {path.name for path in installation.folder.iterdir()}


def test_installs_from_a_folder_and_then_updates(
    installation: Installation, wheels: Path, monkeypatch: pytest.MonkeyPatch
):
    first, second = make_offer(wheels, "0.1.0"), make_offer(wheels, "0.2.0")
    assert installation.state("0.1.0") is InstallState.absent
    assert installation.poll() is None

    installation.install(first, wheels, "cpu")
    end, seen = finish(installation)

    assert end.outcome is InstallOutcome.done, end
    steps = list(dict.fromkeys(report.step for report in seen))
    assert steps[0] == "Looking for Python"
    assert steps[-1] == "Trying it" or steps[-1] == "Removing the version before"
    assert {TORCH_STEP, "Installing the backend"} <= set(steps)
    fractions = [report.fraction for report in seen]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] <= 1
    assert any("torch" in line for line in end.lines)
    assert what_runs(installation) == "s2i-backend, version 0.1.0"
    assert installation.state("0.1.0") is installation.state() is InstallState.ready
    assert installation.state("0.2.0") is InstallState.outdated
    found = installation.installed
    assert found is not None
    assert (found.version, found.torch, found.variant) == ("0.1.0", "2.13.0+cpu", "cpu")
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    old = installation.executable.parents[1]  # type: ignore[union-attr]
    assert not (old / "tmp").exists()

    done = InstallOutcome.done
    assert install(installation, second, wheels).outcome is done
    assert what_runs(installation) == "s2i-backend, version 0.2.0"
    assert installation.state("0.2.0") is InstallState.ready
    assert not old.exists()

    # A daemon that runs may need files of the version before until it ends.
    old = installation.executable.parents[1]  # type: ignore[union-attr]
    monkeypatch.setattr(installation_steps, "read_connection", lambda folder: object())
    assert install(installation, make_offer(wheels, "0.3.0"), wheels).outcome is done
    assert what_runs(installation) == "s2i-backend, version 0.3.0"
    assert old.exists()
    installation.tidy()
    assert finish(installation)[0].outcome is done
    assert not old.exists()
    assert what_runs(installation) == "s2i-backend, version 0.3.0"


def test_an_update_that_does_not_work_leaves_the_old_version(
    installation: Installation, wheels: Path
):
    install(installation, make_offer(wheels, "0.1.0"), wheels)
    before = names(installation)

    end = install(installation, make_offer(wheels, "0.2.0", says="0.0.1"), wheels)

    assert end.outcome is InstallOutcome.failed
    assert "version 0.0.1" in end.message
    assert end.fix
    assert what_runs(installation) == "s2i-backend, version 0.1.0"
    assert installation.state("0.2.0") is InstallState.outdated
    assert names(installation) == before


def test_cancelling_ends_the_child_and_installing_again_repairs(
    installation: Installation, wheels: Path
):
    offer = make_offer(wheels, "0.1.0")
    installation.install(offer, wheels)
    poll_until(installation, TORCH_STEP)
    assert processes_in(installation.folder)

    installation.cancel()

    end = installation.poll()
    assert isinstance(end, InstallEnd)
    assert end.outcome is InstallOutcome.cancelled
    assert not processes_in(installation.folder)
    assert not installation.busy
    assert installation.state("0.1.0") is InstallState.interrupted
    assert installation.executable is None
    left = [name for name in names(installation) if name.startswith("s2i-")]

    assert install(installation, offer, wheels).outcome is InstallOutcome.done
    assert installation.state("0.1.0") is InstallState.ready
    assert not set(left) & names(installation)


def test_cancelling_an_update_leaves_the_old_version(installation: Installation, wheels: Path):
    install(installation, make_offer(wheels, "0.1.0"), wheels)
    before = names(installation)
    installation.install(make_offer(wheels, "0.2.0"), wheels)
    poll_until(installation, TORCH_STEP)
    installation.cancel()

    assert installation.state("0.2.0") is InstallState.outdated
    assert what_runs(installation) == "s2i-backend, version 0.1.0"
    assert names(installation) > before

    installation.tidy()
    assert finish(installation)[0].outcome is InstallOutcome.done
    assert names(installation) == before
    assert what_runs(installation) == "s2i-backend, version 0.1.0"


HOST = """
import sys, time
from pathlib import Path
from s2i_client.installation import Installation, Offer
installation = Installation(Path(sys.argv[1]))
offer = Offer("0.1.0", Path(sys.argv[2]), Path(sys.argv[3]))
installation.install(offer, Path(sys.argv[4]))
while True:
    report = installation.poll()
    print(report.step, flush=True)
    time.sleep(0.01)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by a signal")
def test_a_host_that_was_killed_is_seen_and_repaired(installation: Installation, wheels: Path):
    offer = make_offer(wheels, "0.1.0")
    arguments = [installation.folder, offer.wheel, offer.constraints, wheels]
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert host.stdout is not None
    while TORCH_STEP not in host.stdout.readline():
        assert host.poll() is None
    assert installation.state() is InstallState.installing
    host.kill()
    host.communicate()

    assert installation.state("0.1.0") is InstallState.interrupted
    for orphan in processes_in(installation.folder):
        os.kill(orphan.pid, signal.SIGKILL)

    assert install(installation, offer, wheels).outcome is InstallOutcome.done
    assert installation.state("0.1.0") is InstallState.ready
    assert what_runs(installation) == "s2i-backend, version 0.1.0"


def test_a_second_program_looks_on_and_ends_with_the_first(
    installation: Installation, wheels: Path
):
    offer = make_offer(wheels, "0.1.0")
    second = Installation(installation.folder)
    installation.install(offer, wheels)
    poll_until(installation, TORCH_STEP)
    second.install(offer, wheels)

    seen = poll_until(second, TORCH_STEP)
    assert seen.elsewhere
    assert 0 < seen.fraction < 1
    assert seen.lines

    assert finish(installation)[0].outcome is InstallOutcome.done
    assert finish(second)[0].outcome is InstallOutcome.done
    assert len([name for name in names(second) if name.startswith("s2i-")]) == 1


def test_a_second_program_hears_that_the_first_did_not_finish(
    installation: Installation, wheels: Path
):
    offer = make_offer(wheels, "0.1.0")
    second = Installation(installation.folder)
    installation.install(offer, wheels)
    poll_until(installation, "Making a Python environment")
    second.install(offer, wheels)
    poll_until(second, "Making a Python environment")
    second.uninstall()  # is busy with looking on
    installation.cancel()

    end, _ = finish(second)
    assert end.outcome is InstallOutcome.failed
    assert "Another program" in end.message
    assert end.fix == "Install again."


def test_removing_is_refused_while_another_program_installs(
    installation: Installation, wheels: Path
):
    installation.install(make_offer(wheels, "0.1.0"), wheels)
    poll_until(installation, "Making a Python environment")
    second = Installation(installation.folder)
    second.uninstall()

    end, _ = finish(second)
    assert end.outcome is InstallOutcome.failed
    assert "Another program" in end.message
    assert isinstance(installation.poll(), InstallProgress)
    installation.cancel()


def test_uninstall_removes_all_of_it_and_nothing_else(installation: Installation, wheels: Path):
    install(installation, make_offer(wheels, "0.1.0"), wheels)
    foreign = installation.folder / "notes.txt"
    foreign.write_text("mine")

    installation.uninstall()
    assert finish(installation)[0].outcome is InstallOutcome.done
    assert names(installation) == {"notes.txt"}
    assert installation.state() is InstallState.absent

    foreign.unlink()
    installation.uninstall()
    assert finish(installation)[0].outcome is InstallOutcome.done
    assert not installation.folder.exists()


def test_a_python_that_was_removed_makes_it_need_repair(installation: Installation, wheels: Path):
    install(installation, make_offer(wheels, "0.1.0"), wheels)
    assert installation.executable is not None
    python = next(
        path for path in installation.executable.parent.iterdir() if path.stem == "python"
    )
    python.unlink()

    assert installation.executable is None
    assert installation.state("0.1.0") is InstallState.interrupted


def test_too_little_space_is_said_before_anything_is_made(
    installation: Installation, wheels: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(installation_steps, "free_bytes", lambda root: 700_000_000)
    end = install(installation, make_offer(wheels, "0.1.0"), wheels)

    assert end.outcome is InstallOutcome.failed
    assert "0.7 GB free" in end.message
    assert "2.5 GB are needed" in end.message
    assert "S2I_DATA_DIR" in end.fix
    assert installation.state() is InstallState.absent


def test_a_wheel_that_is_missing_from_the_folder_is_named(
    installation: Installation, tmp_path: Path
):
    wheels = tmp_path / "without torch"
    end = install(installation, make_offer(wheels, "0.1.0"), wheels)

    assert end.outcome is InstallOutcome.failed
    assert "torch" in end.fix
    assert str(wheels) in end.fix
    assert installation.state() is InstallState.absent


def test_a_cuda_build_that_was_asked_for_is_insisted_on(installation: Installation, wheels: Path):
    installation.install(make_offer(wheels, "0.1.0"), wheels, "cuda")
    end, _ = finish(installation)
    assert end.outcome is InstallOutcome.failed
    assert "CPU build" in end.message

    with pytest.raises(ValueError, match="auto, cpu, cuda"):
        installation.install(make_offer(wheels, "0.1.0"), wheels, "rocm")


def test_a_fault_of_ours_is_no_success(
    installation: Installation, wheels: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(root: Path) -> int:
        raise RuntimeError("what was not thought of")

    monkeypatch.setattr(installation_steps, "free_bytes", broken)
    end = install(installation, make_offer(wheels, "0.1.0"), wheels)
    assert end.outcome is InstallOutcome.failed
    assert "what was not thought of" in end.message
    assert installation.poll() == end
    assert installation.state() is InstallState.absent, "nobody holds the lock any more"


@pytest.mark.parametrize("gone", ["wheel", "constraints", "wheels"])
def test_what_is_missing_to_begin_with_is_named(
    installation: Installation, wheels: Path, tmp_path: Path, gone: str
):
    offer = make_offer(wheels, "0.1.0")
    if gone == "wheels":
        wheels = tmp_path / "empty"
    else:
        getattr(offer, gone).unlink()

    end = install(installation, offer, wheels)
    assert end.outcome is InstallOutcome.failed
    assert str(wheels if gone == "wheels" else getattr(offer, gone)) in end.message
    assert end.fix
    assert installation.state() is InstallState.absent


def test_a_folder_that_can_not_be_made_is_an_error_with_its_name(wheels: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    installation = Installation(tmp_path / "file" / "backend")
    end = install(installation, make_offer(wheels, "0.1.0"), wheels)

    assert end.outcome is InstallOutcome.failed
    assert str(tmp_path / "file") in end.message
    assert "S2I_DATA_DIR" in end.fix


def test_the_data_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("S2I_DATA_DIR", str(tmp_path))
    assert Installation().folder == tmp_path / "backend"
    monkeypatch.delenv("S2I_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert Installation().folder == tmp_path / "share" / "s2i" / "backend"
