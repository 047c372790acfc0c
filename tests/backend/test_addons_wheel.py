"""The wheel of s2i that the Krita plugin carries: the same from sources and from an installed s2i.

Slow, as virtual environments are made; no network is needed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
import sysconfig
import zipfile
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from addon_parts import make_wheels, names_in

import s2i_client
from s2i_backend.addons import backend_wheel as module
from s2i_backend.addons.backend_wheel import backend_wheel
from s2i_backend.addons.sources import AddonError

WHEEL = f"s2i-{s2i_client.__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    name, content = backend_wheel()
    path = tmp_path_factory.mktemp("wheel") / name
    path.write_bytes(content)
    return path


def environment(folder: Path, wheel: Path) -> Path:
    """The Python of a new environment with the wheel; what s2i needs comes from the tests' own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    print_folder = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-c", print_folder], capture_output=True, text=True, check=True)
    # Paths in a .pth file come after the environment's own, and their .pth files are not read, so
    # the tests' editable s2i is not found.
    (Path(done.stdout.strip()) / "tests.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(python: Path, *arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [python, *arguments], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_from_sources_is_whole(built: Path) -> None:
    assert built.name == WHEEL
    with zipfile.ZipFile(built) as archive:
        names = set(archive.namelist())
        record = f"s2i-{s2i_client.__version__}.dist-info/RECORD"
        listed = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert {name for name, *_ in listed} == names
        for name, digest, size in listed:
            if name != record:
                content = archive.read(name)
                expected = urlsafe_b64decode(digest.removeprefix("sha256=") + "=")
                assert (hashlib.sha256(content).digest(), len(content)) == (expected, int(size))
    bundled = "s2i_backend/addons/bundled"
    assert {f"{bundled}/constraints.txt", f"{bundled}/krita_plugin/s2i_krita.desktop"} <= names
    assert f"{bundled}/krita_plugin/s2i_krita/__init__.py" in names
    assert any(name.endswith("auto_painter.safetensors") for name in names)
    assert not [name for name in names if "__pycache__" in name or "/vendor/" in name]


@pytest.mark.slow
def test_an_installed_s2i_builds_the_same_plugin(built: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "first", built)
    command = ("-m", "s2i_backend", "addons", "build", "krita", "-o", str(tmp_path / "out"))
    wheels = str(make_wheels(tmp_path / "wheels"))
    run(python, *command, "--wheels", wheels, folder=tmp_path)
    (plugin,) = (tmp_path / "out").iterdir()
    with zipfile.ZipFile(plugin) as archive:
        repacked = archive.read(f"s2i_krita/vendor/backend/{WHEEL}")
        assert b"pyzmq==" in archive.read("s2i_krita/vendor/backend/constraints.txt")
        assert "s2i_krita/vendored.py" in archive.namelist()
    assert names_in(repacked) == zipfile.ZipFile(built).namelist()
    assert repacked == built.read_bytes()

    (tmp_path / WHEEL).write_bytes(repacked)
    python = environment(tmp_path / "second", tmp_path / WHEEL)
    code = "import s2i_backend.cli as cli, s2i_models.catalog, s2i_client; print(cli.__file__)"
    assert str(tmp_path / "second") in run(python, "-c", code, folder=tmp_path)
    program = python.with_name("s2i-backend")
    assert s2i_client.__version__ in run(program, "--version", folder=tmp_path)


@pytest.mark.slow
def test_two_wheels_are_equal_to_the_byte(built: Path) -> None:
    assert backend_wheel()[1] == built.read_bytes()


def test_an_s2i_that_pip_did_not_install_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_checkout", lambda: False)  # but it is: there is no RECORD of it
    with pytest.raises(AddonError, match="--no-backend"):
        backend_wheel()


def test_a_failed_build_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "No module named pip")
    monkeypatch.setattr(module.subprocess, "run", lambda *a, **k: failed)
    with pytest.raises(AddonError, match=r"(?s)No module named pip.*setuptools.*--no-backend"):
        backend_wheel()
