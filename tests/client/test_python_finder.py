"""Which Python is taken, tried with small programs that answer like one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from s2i_client.child import InstallFailed
from s2i_client.python_finder import Python, find_python, is_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
FITS = {
    "version": [3, 12, 4],
    "implementation": "cpython",
    "bits": 64,
    "free_threaded": False,
    "missing": [],
}


@pytest.fixture(autouse=True)
def inside_a_host(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/usr/bin/krita")
    monkeypatch.setattr(sys, "platform", "linux")


def stand_in(folder: Path, name: str, answer: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)


def found_in(folder: Path, **variables: str) -> Python:
    search = find_python({"PATH": str(folder), **variables})
    while True:
        try:
            next(search)
        except StopIteration as stop:
            return stop.value


def test_one_that_does_not_fit_is_passed_over(tmp_path: Path):
    stand_in(tmp_path, "python3.13", json.dumps({**FITS, "missing": ["ensurepip"]}))
    stand_in(tmp_path, "python3.10", json.dumps({**FITS, "version": [3, 10, 1]}))
    stand_in(tmp_path, "python3", json.dumps(FITS))
    assert found_in(tmp_path) == Python((str(tmp_path / "python3.10"),), "3.10.1")


def test_the_one_that_is_named_is_taken_alone(tmp_path: Path):
    stand_in(tmp_path, "python3.12", json.dumps(FITS))
    stand_in(tmp_path, "mine", json.dumps({**FITS, "version": [3, 14, 0]}))
    mine = str(tmp_path / "mine")
    assert found_in(tmp_path, S2I_PYTHON=mine) == Python((mine,), "3.14.0")
    with pytest.raises(InstallFailed, match="/nowhere/python"):
        found_in(tmp_path, S2I_PYTHON="/nowhere/python")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": [3, 9, 2]}, "version 3.9.2, which is not one of Python 3.10 to 3.14"),
        ({"version": [3, 15, 0]}, "version 3.15.0, which is not one of"),
        ({"implementation": "pypy"}, "pypy"),
        ({"bits": 32}, "64-bit"),
        ({"free_threaded": True}, "without the global lock"),
    ],
)
def test_why_it_does_not_fit_is_said(tmp_path: Path, change: dict, said: str):
    stand_in(tmp_path, "python3", json.dumps({**FITS, **change}))
    with pytest.raises(InstallFailed) as failure:
        found_in(tmp_path)
    assert said in failure.value.message
    assert "Install Python 3.12" in failure.value.fix


def test_debians_cut_python_names_the_package(tmp_path: Path):
    stand_in(tmp_path, "python3", json.dumps({**FITS, "missing": ["ensurepip"]}))
    with pytest.raises(InstallFailed) as failure:
        found_in(tmp_path)
    assert "without the module ensurepip" in failure.value.message
    assert "apt install python3-venv" in failure.value.fix


def test_no_python_at_all(tmp_path: Path):
    with pytest.raises(InstallFailed, match=r"Python 3\.10 to 3\.14 is needed"):
        found_in(tmp_path)
    stand_in(tmp_path, "python3", "Python was not found; run without arguments")
    with pytest.raises(InstallFailed, match="no Python that can be run"):
        found_in(tmp_path)


def test_the_hosts_own_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in(tmp_path / "blender", "python3.11", json.dumps(FITS))
    own = str(tmp_path / "blender" / "python3.11")
    monkeypatch.setattr(sys, "executable", own)
    assert found_in(tmp_path).command == (own,)
    stand_in(tmp_path, "python3", json.dumps(FITS))
    assert found_in(tmp_path).command == (str(tmp_path / "python3"),)


def test_a_host_is_no_python():
    for python in ("/usr/bin/python3.11", r"C:\Python312\python.exe", "/opt/x/pythonw.exe"):
        assert is_python(python)
    for host in ("/usr/bin/krita", "/usr/bin/blender", "", r"C:\Krita\bin\krita.exe"):
        assert not is_python(host)
