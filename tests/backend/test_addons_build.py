"""`s2i-backend addons build`: what the zip holds, that Krita takes it, and what goes wrong."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from addon_parts import PYTHONS, SYSTEMS, make_wheels, wheel_name
from click.testing import CliRunner, Result

import s2i_client
from s2i_backend.addons import sources, zmq_wheels
from s2i_backend.addons.archive import zip_bytes
from s2i_backend.cli import main
from s2i_backend.commands import addons

ROOT = Path(__file__).parents[2]
IMPORTER = Path("/usr/share/krita/pykrita/plugin_importer/plugin_importer.py")
KRITA_DATA = Path("/usr/share/krita")


def build(folder: Path, *options: str, exit_code: int = 0) -> Result:
    command = ["addons", "build", "krita", "-o", str(folder), "--no-backend", *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == exit_code, result.output
    return result


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return make_wheels(tmp_path / "wheels")


@pytest.fixture
def built(tmp_path: Path, wheels: Path) -> Path:
    build(tmp_path, "--wheels", str(wheels))
    return tmp_path / f"s2i_krita-{s2i_client.__version__}.zip"


def test_the_zip_holds_the_plugin_and_what_it_brings_along(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        names = set(archive.namelist())
        assert archive.testzip() is None
    assert {"s2i_krita.desktop", "s2i_krita.action", "s2i_krita/__init__.py"} <= names
    assert {"s2i_krita/", "s2i_krita/vendor/", "s2i_krita/vendor/wheels/"} <= names
    assert {f"s2i_krita/vendor/s2i_client/{n}.py" for n in ("__init__", "client")} <= names
    assert {f"s2i_krita/vendor/msgpack/{n}" for n in ("fallback.py", "COPYING")} <= names
    assert {f"s2i_krita/vendor/wheels/{wheel_name(p, s)}" for p in PYTHONS for s in SYSTEMS} == {
        name for name in names if name.endswith(".whl")
    }
    assert not [n for n in names if n.endswith((".so", ".pyd", ".pyc")) or "__pycache__" in n]
    assert not [n for n in names if n.endswith("/") and not any(m.startswith(n) for m in names)]


def test_every_folder_is_an_entry_of_its_own(built: Path) -> None:
    names = zipfile.ZipFile(built).namelist()
    parents = {name.rpartition("/")[0] + "/" for name in names if "/" in name.rstrip("/")}
    assert parents <= set(names)


def test_only_the_systems_asked_for_are_carried(tmp_path: Path, wheels: Path) -> None:
    build(tmp_path, "--wheels", str(wheels), "--platform", "macos", "--platform", "windows-amd64")
    (path,) = tmp_path.glob("*.zip")
    carried = {Path(n).name for n in zipfile.ZipFile(path).namelist() if n.endswith(".whl")}
    assert carried == {wheel_name(p, s) for p in PYTHONS for s in ("macos", "windows-amd64")}


def test_this_system_is_one_of_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    for system, machine, name in (
        ("Linux", "aarch64", "linux-aarch64"),
        ("Darwin", "arm64", "macos"),
        ("Windows", "AMD64", "windows-amd64"),
    ):
        monkeypatch.setattr(zmq_wheels.platform, "system", lambda said=system: said)
        monkeypatch.setattr(zmq_wheels.platform, "machine", lambda said=machine: said)
        assert zmq_wheels.platform_names(["this", name]) == [name]
    monkeypatch.setattr(zmq_wheels.platform, "machine", lambda: "ARM64")
    with pytest.raises(sources.AddonError, match=r"Windows ARM64.*--platform"):
        zmq_wheels.platform_names(["this"])


def test_the_command_line_names_all_systems() -> None:
    assert set(addons.PLATFORMS) == {"this", "all", *zmq_wheels.PLATFORMS}


def test_two_builds_are_equal_to_the_byte(tmp_path: Path, wheels: Path) -> None:
    for folder in ("one", "two"):
        build(tmp_path / folder, "--wheels", str(wheels))
        (ROOT / "krita_plugin" / "s2i_krita.desktop").touch()
    (one,), (two,) = (tmp_path / "one").iterdir(), (tmp_path / "two").iterdir()
    assert one.read_bytes() == two.read_bytes()
    assert {e.date_time for e in zipfile.ZipFile(one).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_order_of_files_makes_no_difference() -> None:
    files = {"b/x.py": b"1", "a.py": b"2", "b/a/y.py": b"3"}
    turned = dict(reversed(files.items()))
    assert zip_bytes(files, folders=True) == zip_bytes(turned, folders=True)


def test_caches_tests_and_an_earlier_vendor_are_left_out(tmp_path: Path) -> None:
    kept = ("s2i_krita/__init__.py", "s2i_krita/model/a.py", "s2i_krita/translations/de.json")
    left_out = (
        "s2i_krita/__pycache__/a.pyc",
        "s2i_krita/vendor/zmq.py",
        "s2i_krita/tests/test_a.py",
        "s2i_krita/.a.py.swp",
    )
    for name in (*kept, *left_out):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert tuple(sources.folder_files(tmp_path)) == kept


@pytest.mark.skipif(not IMPORTER.is_file(), reason="no Krita is installed")
def test_kritas_own_importer_takes_the_zip(tmp_path: Path, built: Path) -> None:
    resources = tmp_path / "krita"
    resources.mkdir()
    code = f"""
import builtins, runpy, sys
builtins.i18n = lambda text: text
sys.argv = ["plugin_importer.py", {str(built)!r}, {str(resources)!r}]
runpy.run_path({str(IMPORTER)!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Imported plugin: s2i" in done.stdout, done.stderr
    with zipfile.ZipFile(built) as archive:
        for name in archive.namelist():
            place = "actions" if name.endswith(".action") else "pykrita"
            if not name.endswith("/"):
                assert (resources / place / name).read_bytes() == archive.read(name)


def test_the_desktop_file_says_what_krita_asks_for(built: Path) -> None:
    desktop = configparser.ConfigParser()
    desktop.read_string(zipfile.ZipFile(built).read("s2i_krita.desktop").decode())
    entry = desktop["Desktop Entry"]
    assert entry["X-KDE-Library"] == "s2i_krita"
    assert entry["ServiceTypes"] == "Krita/PythonPlugin"
    assert entry["X-Krita-Manual"] == "manual.html"
    assert entry["Name"]
    assert entry["Comment"]


def actions() -> dict[str, ElementTree.Element]:
    root = ElementTree.parse(ROOT / "krita_plugin" / "s2i_krita.action").getroot()
    assert (root.tag, root.get("version")) == ("ActionCollection", "2")
    (group,) = root.findall("Actions")
    assert group.get("category") == "Scripts"
    return {action.attrib["name"]: action for action in group.findall("Action")}


def test_actions_have_fixed_names_and_only_live_can_be_checked() -> None:
    found = actions()
    assert list(found) == ["s2i_generate", "s2i_cancel", "s2i_live", "s2i_hints", "s2i_apply"]
    assert all((action.findtext("text") or "").startswith("s2i: ") for action in found.values())
    checkable = [n for n, a in found.items() if a.findtext("isCheckable") == "true"]
    assert checkable == ["s2i_live"]


def keys(shortcut: str) -> frozenset[str]:
    """A shortcut's keys, however they are written."""
    names = re.split(r"\+(?=.)", shortcut.strip().lower())
    return frozenset({"enter": "return", "escape": "esc"}.get(name, name) for name in names)


@pytest.mark.skipif(not KRITA_DATA.is_dir(), reason="no Krita is installed")
def test_default_shortcuts_are_none_of_kritas() -> None:
    taken: dict[frozenset[str], str] = {}
    for path in KRITA_DATA.glob("actions/*.action"):
        text = path.read_text(encoding="utf-8")
        for shortcuts in re.findall(r"<shortcut>([^<]*)</shortcut>", text, re.IGNORECASE):
            taken |= {keys(shortcut): path.name for shortcut in shortcuts.split(";")}
    for path in KRITA_DATA.glob("shortcuts/*.shortcuts"):
        for line in path.read_text(encoding="utf-8").splitlines():
            shortcuts = line.partition("=")[2].split(";")
            taken |= {keys(shortcut): path.name for shortcut in shortcuts}
    assert taken[keys("Ctrl+Z")]  # the files are read as they are meant
    ours = [keys(action.findtext("shortcut") or "") for action in actions().values()]
    assert len(set(ours)) == len(ours)
    assert frozenset({""}) not in ours
    assert {tuple(sorted(o)): taken[o] for o in ours if o in taken} == {}


# What goes wrong


def test_a_missing_wheel_is_named_and_how_to_get_it(tmp_path: Path, wheels: Path) -> None:
    (wheels / wheel_name("cp311-cp311", "linux-aarch64")).unlink()
    said = build(tmp_path / "out", "--wheels", str(wheels), exit_code=1).output
    pinned = sources.pinned_version("pyzmq")
    assert f"pyzmq-{pinned}-cp311-cp311-manylinux_2_28_aarch64.whl" in said
    assert "Python 3.11 on linux-aarch64" in said
    assert "pip download --no-deps --only-binary=:all: --platform manylinux_2_28_aarch64" in said
    assert f"--python-version 3.11 --implementation cp --abi cp311 --dest {wheels}" in said
    assert f"pyzmq=={pinned}" in said
    assert not list(tmp_path.glob("out/*"))


def test_a_damaged_wheel_is_named(tmp_path: Path, wheels: Path) -> None:
    damaged = wheels / wheel_name("cp312-abi3", "macos")
    damaged.write_bytes(b"<html>not found</html>")
    said = build(tmp_path, "--wheels", str(wheels), exit_code=1).output
    assert f"{damaged} is damaged" in said


def test_without_network_the_cure_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: Network is unreachable")
    monkeypatch.setattr(zmq_wheels.subprocess, "run", lambda *a, **k: failed)
    said = build(tmp_path, "--platform", "windows-amd64", exit_code=1).output
    assert "Network is unreachable" in said
    assert "cp310-cp310-win_amd64.whl" in said
    assert "--wheels" in said
    assert "--dest wheels" in said


def test_pip_is_asked_for_each_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        folder = Path(command[command.index("--dest") + 1])
        abi = command[command.index("--abi") + 1]
        python = next(p for p in PYTHONS if p.endswith(abi))
        with zipfile.ZipFile(folder / wheel_name(python, "macos"), "w") as archive:
            archive.writestr("zmq/__init__.py", "")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(zmq_wheels.subprocess, "run", pip)
    build(tmp_path, "--platform", "macos")
    assert [command[:3] for command in asked] == [[sys.executable, "-m", "pip"]] * 3
    assert all({"--no-deps", "--only-binary=:all:"} <= set(command) for command in asked)
    assert not any("index" in argument for command in asked for argument in command)
    assert len(list(tmp_path.glob("*.zip"))) == 1


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path, wheels: Path) -> None:
    (tmp_path / "file").write_text("")
    said = build(tmp_path / "file" / "out", "--wheels", str(wheels), exit_code=1).output
    assert str(tmp_path / "file") in said


def test_options_are_checked(tmp_path: Path) -> None:
    assert "linux-x86_64" in build(tmp_path, "--platform", "amiga", exit_code=2).output
    assert "none" in build(tmp_path, "--wheels", str(tmp_path / "none"), exit_code=2).output
    unknown = CliRunner().invoke(main, ["addons", "build", "gimp", "-o", str(tmp_path)])
    assert unknown.exit_code == 2
    assert "krita" in unknown.output


@pytest.mark.slow
def test_the_real_wheels_of_this_system_can_be_had(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(tmp_path)]
    pinned = f"pyzmq=={sources.pinned_version('pyzmq')}"
    if subprocess.run([*pip, pinned], capture_output=True, check=False).returncode:
        pytest.skip("pip reaches no package index")
    build(tmp_path, "--platform", "this")
    (path,) = tmp_path.glob("*.zip")
    (tmp_path / "plugin").mkdir()
    zipfile.ZipFile(path).extractall(tmp_path / "plugin")
    code = """
from pathlib import Path
from s2i_krita import vendored
vendored.load(cache=Path("cache"))
import msgpack, s2i_client.client, zmq
assert "cache" in zmq.__file__ and "vendor" in msgpack.__file__ + s2i_client.__file__
assert zmq.Context().socket(zmq.DEALER) and msgpack.unpackb(msgpack.packb([1])) == [1]
"""
    # Without -S the libraries of the tests' own Python could stand in.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(tmp_path / "plugin")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
