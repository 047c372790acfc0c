"""What the plugin brings along: the right wheel, unpacked whole, imported without traces."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from s2i_krita import vendored
from s2i_krita.vendored import Interpreter, LibraryMissing, fits, fitting_wheel, unpacked

PLUGIN = Path(vendored.__file__).parent
LINUX = Interpreter((3, 11), "manylinux", "x86_64", (2, 36))
SHIPPED = [
    f"pyzmq-27.3.0-{python}-{system}.whl"
    for python in ("cp310-cp310", "cp311-cp311", "cp312-abi3")
    for system in (
        "macosx_10_15_universal2",
        "manylinux_2_26_aarch64.manylinux_2_28_aarch64",
        "manylinux_2_26_x86_64.manylinux_2_28_x86_64",
        "win_amd64",
    )
]


@pytest.mark.parametrize(
    ("python", "wheel"),
    [
        (LINUX, "cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64"),
        (
            Interpreter((3, 10), "manylinux", "aarch64", (2, 26)),
            "cp310-cp310-manylinux_2_26_aarch64.manylinux_2_28_aarch64",
        ),
        (
            Interpreter((3, 13), "manylinux", "x86_64", (2, 41)),
            "cp312-abi3-manylinux_2_26_x86_64.manylinux_2_28_x86_64",
        ),
        (Interpreter((3, 12), "win", "amd64"), "cp312-abi3-win_amd64"),
        (Interpreter((3, 14), "win", "amd64"), "cp312-abi3-win_amd64"),
        (Interpreter((3, 10), "win", "amd64"), "cp310-cp310-win_amd64"),
        (
            Interpreter((3, 10), "macosx", "arm64", (14, 1)),
            "cp310-cp310-macosx_10_15_universal2",
        ),
        (
            Interpreter((3, 13), "macosx", "x86_64", (10, 15)),
            "cp312-abi3-macosx_10_15_universal2",
        ),
        (Interpreter((3, 13), "macosx", "x86_64", (10, 14)), None),  # an older macOS
        (Interpreter((3, 9), "manylinux", "x86_64", (2, 36)), None),
        (Interpreter((3, 11), "manylinux", "x86_64", (2, 17)), None),  # an older glibc
        (Interpreter((3, 11), "linux", "x86_64"), None),  # musl
        (Interpreter((3, 11), "manylinux", "riscv64", (2, 39)), None),
        (Interpreter((3, 11), "win", "arm64"), None),
        (Interpreter((3, 14), "manylinux", "x86_64", (2, 41), free_threaded=True), None),
    ],
    ids=str,
)
def test_each_python_gets_its_wheel(tmp_path: Path, python: Interpreter, wheel: str | None) -> None:
    (tmp_path / "wheels").mkdir()
    for name in SHIPPED:
        (tmp_path / "wheels" / name).touch()
    found = fitting_wheel(tmp_path, python)
    assert (found and found.name) == (wheel and f"pyzmq-27.3.0-{wheel}.whl")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("cp311-cp311-manylinux2014_x86_64", True),
        ("cp39-abi3-manylinux_2_17_x86_64", True),
        ("cp311-cp311-manylinux_2_37_x86_64", False),
        ("cp311-cp311t-manylinux_2_17_x86_64", False),
        ("pp311-pypy311_pp73-manylinux_2_17_x86_64", False),
        ("cp312-cp312-manylinux_2_17_x86_64", False),
    ],
)
def test_other_tags_are_understood(tags: str, expected: bool) -> None:
    assert fits(f"pyzmq-27.3.0-{tags}.whl", LINUX) is expected


def test_this_python_is_described_as_pip_sees_it() -> None:
    from pip._vendor.packaging.tags import sys_tags

    assert any(fits(f"pyzmq-27.3.0-{tag}.whl", vendored.this_interpreter()) for tag in sys_tags())


# A wheel of this Python that holds hardly anything.


def wheel_name() -> str:
    python = vendored.this_interpreter()
    minor = python.version[1]
    kind = f"cp3{minor}-cp3{minor}" if minor < 12 else "cp312-abi3"
    release = {"manylinux": "_2_17", "macosx": "_10_15"}.get(python.system, "")
    return f"pyzmq-27.3.0-{kind}-{python.system}{release}_{python.machine}.whl"


def make_vendor(folder: Path, zmq: str = "__version__ = '27.3.0'", wheel: str = "") -> Path:
    """A plugin's `vendor` with libraries that say only who they are."""
    (folder / "wheels").mkdir(parents=True)
    with zipfile.ZipFile(folder / "wheels" / (wheel or wheel_name()), "w") as archive:
        archive.writestr("zmq/__init__.py", zmq)
        archive.writestr("zmq/later.py", "here = True")
        archive.writestr("pyzmq.libs/", "")
        for number in range(50):
            archive.writestr(f"pyzmq.libs/{number}.so", b"x" * 20_000)
    for name, text in (
        ("msgpack", "version = (1, 2, 4)"),
        ("s2i_client", "__version__ = '0.1.0'"),
    ):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(text)
    (folder / "VERSION").write_text("0.1.0")
    return folder


def run(code: str, *, site: bool = False, path: str = "") -> subprocess.CompletedProcess[str]:
    """Run code in a fresh Python that knows the plugin and, without `site`, no other library."""
    return subprocess.run(
        [sys.executable, *(() if site else ("-S",)), "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(PLUGIN.parent), path)))},
        capture_output=True,
        text=True,
        check=False,
    )


def load_in(vendor: Path, cache: Path, before: str = "", after: str = "", path: str = "") -> dict:
    """What a fresh Python says of `load`: the error, or from where the libraries came."""
    done = run(
        f"""
import json, sys
from pathlib import Path
from s2i_krita import vendored
{before}
paths = list(sys.path)
try:
    vendored.load(Path({str(vendor)!r}), Path({str(cache)!r}))
    said = {{n: sys.modules[n].__file__ for n in ("zmq", "msgpack", "s2i_client")}}
except vendored.LibraryMissing as missing:
    said = {{"message": missing.message, "cure": missing.cure}}
said["path_is_kept"] = paths == sys.path
said["half"] = [n for n in sys.modules if n.partition(".")[0] == "zmq"]
{after}
print(json.dumps(said))
""",
        path=path,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_libraries_come_from_the_plugin_and_leave_no_trace_in_the_path(tmp_path: Path) -> None:
    vendor, cache = make_vendor(tmp_path / "vendor"), tmp_path / "cache"
    later = "import zmq.later; said['later'] = zmq.later.here"
    said = load_in(vendor, cache, after=later)
    assert Path(said["zmq"]).is_relative_to(cache)
    assert Path(said["msgpack"]).is_relative_to(vendor)
    assert Path(said["s2i_client"]).is_relative_to(vendor)
    assert said["path_is_kept"]
    assert said["later"]


def test_an_older_library_elsewhere_does_not_stand_in_the_way(tmp_path: Path) -> None:
    vendor = make_vendor(tmp_path / "vendor")
    elsewhere = tmp_path / "elsewhere"
    for name in ("zmq", "msgpack", "s2i_client"):
        (elsewhere / name).mkdir(parents=True)
        (elsewhere / name / "__init__.py").write_text("__version__ = '0.0.1'")
    said = load_in(vendor, tmp_path / "cache", path=str(elsewhere))
    assert not any(Path(said[n]).is_relative_to(elsewhere) for n in ("zmq", "msgpack"))


IMPORTED = "import types; m = types.ModuleType({0!r}); m.__file__ = 'other/plugin.py'; {1}; \
sys.modules[{0!r}] = m"


@pytest.mark.parametrize(
    ("name", "version"),
    [("zmq", "m.__version__ = '26.0'"), ("msgpack", "m.version = (1, 0, 8)")],
)
def test_what_another_plugin_imported_is_used(tmp_path: Path, name: str, version: str) -> None:
    vendor = make_vendor(tmp_path / "vendor")
    said = load_in(vendor, tmp_path / "cache", before=IMPORTED.format(name, version))
    assert said[name] == "other/plugin.py"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("zmq", "m.__version__ = '22.3.0'"),
        ("msgpack", "m.version = (0, 6, 2)"),
        ("s2i_client", "m.__version__ = '0.0.9'"),
    ],
)
def test_what_another_plugin_imported_must_be_new_enough(
    tmp_path: Path, name: str, version: str
) -> None:
    vendor = make_vendor(tmp_path / "vendor")
    said = load_in(vendor, tmp_path / "cache", before=IMPORTED.format(name, version))
    assert said["message"].startswith(name)
    assert "other/plugin.py" in said["message"]
    assert "or newer" in said["message"]
    assert "switch the plugin off" in said["cure"]


def test_without_a_fitting_wheel_the_message_names_this_python(tmp_path: Path) -> None:
    vendor = make_vendor(tmp_path / "vendor", wheel="pyzmq-27.3.0-cp310-cp310-win_arm64.whl")
    said = load_in(vendor, tmp_path / "cache")
    assert "built without pyzmq" in said["message"]
    assert str(vendored.this_interpreter()) in said["message"]
    assert "s2i-backend addons install krita" in said["cure"]


def test_without_a_fitting_wheel_the_systems_own_library_serves(tmp_path: Path) -> None:
    vendor = make_vendor(tmp_path / "vendor", wheel="pyzmq-27.3.0-cp310-cp310-win_arm64.whl")
    (tmp_path / "system" / "zmq").mkdir(parents=True)
    (tmp_path / "system" / "zmq" / "__init__.py").write_text("__version__ = '25.1.2'")
    said = load_in(vendor, tmp_path / "cache", path=str(tmp_path / "system"))
    assert Path(said["zmq"]).is_relative_to(tmp_path / "system")


def test_a_library_that_does_not_load_is_named_and_forgotten(tmp_path: Path) -> None:
    code = "from . import later\nraise ImportError('libsodium is missing')"
    said = load_in(make_vendor(tmp_path / "vendor", zmq=code), tmp_path / "cache")
    assert "libsodium is missing" in said["message"]
    assert str(tmp_path / "cache") in said["message"]
    assert said["half"] == []
    assert said["path_is_kept"]


def test_an_old_python_is_told_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Interpreter((3, 8), "manylinux", "x86_64", (2, 31))
    monkeypatch.setattr(vendored, "this_interpreter", lambda: old)
    with pytest.raises(LibraryMissing, match=r"Python 3\.8 .* Update Krita"):
        vendored.load()


@pytest.mark.parametrize("name", ["__init__.py", "vendored.py", "qt.py", "unavailable.py"])
def test_an_old_python_can_read_what_tells_it_so(name: str) -> None:
    ast.parse((PLUGIN / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_without_vendor_libraries_come_from_where_python_finds_them(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for name in ("zmq", "msgpack", "s2i_client"):
        (elsewhere / name).mkdir(parents=True)
        (elsewhere / name / "__init__.py").write_text("__version__ = '99'")
    said = load_in(tmp_path / "none", tmp_path / "cache", path=str(elsewhere))
    assert all(Path(said[n]).is_relative_to(elsewhere) for n in ("zmq", "msgpack", "s2i_client"))


# Unpacking


def the_wheel(tmp_path: Path) -> Path:
    return make_vendor(tmp_path / "vendor") / "wheels" / wheel_name()


def test_a_wheel_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, cache = the_wheel(tmp_path), tmp_path / "cache"
    folder = unpacked(wheel, cache)
    monkeypatch.setattr(vendored, "_unpack", lambda *_: pytest.fail("unpacked again"))
    assert unpacked(wheel, cache) == folder
    assert list(cache.iterdir()) == [folder]


def test_another_wheel_of_the_same_name_gets_its_own_folder(tmp_path: Path) -> None:
    first = unpacked(the_wheel(tmp_path), tmp_path / "cache")
    (tmp_path / "vendor").rename(tmp_path / "older")
    changed = make_vendor(tmp_path / "vendor", zmq="__version__ = '27.3.1'")
    second = unpacked(changed / "wheels" / wheel_name(), tmp_path / "cache")
    assert first != second
    assert "27.3.1" in (second / "zmq" / "__init__.py").read_text()


def test_a_folder_that_lost_a_file_is_made_whole(tmp_path: Path) -> None:
    wheel, cache = the_wheel(tmp_path), tmp_path / "cache"
    folder = unpacked(wheel, cache)
    (folder / "zmq" / "later.py").unlink()
    (folder / "zmq" / "__init__.py").write_text("")
    assert unpacked(wheel, cache) == folder
    assert (folder / "zmq" / "later.py").is_file()
    assert "27.3.0" in (folder / "zmq" / "__init__.py").read_text()
    assert list(cache.iterdir()) == [folder]


def test_a_crash_in_the_middle_leaves_nothing_that_counts(tmp_path: Path) -> None:
    wheel, cache = the_wheel(tmp_path), tmp_path / "cache"
    done = run(
        f"""
import os, zipfile
from pathlib import Path
from s2i_krita import vendored
def half(self, folder):
    self.extract("zmq/__init__.py", folder)
    os._exit(7)
zipfile.ZipFile.extractall = half
vendored.unpacked(Path({str(wheel)!r}), Path({str(cache)!r}))
"""
    )
    assert done.returncode == 7, done.stderr
    (abandoned,) = cache.iterdir()
    assert (unpacked(wheel, cache) / "zmq" / "later.py").is_file()
    assert abandoned.exists()  # it could be of a Krita that unpacks right now

    long_ago = time.time() - 2 * vendored.ABANDONED_SECONDS
    os.utime(abandoned, (long_ago, long_ago))
    (unpacked(wheel, cache) / "zmq" / "later.py").unlink()
    unpacked(wheel, cache)
    assert not abandoned.exists()


def test_several_kritas_at_once_all_get_a_whole_folder(tmp_path: Path) -> None:
    wheel, cache = the_wheel(tmp_path), tmp_path / "cache"
    # All wait before the last step, so that each finds the others in its way.
    code = f"""
import sys, time
from pathlib import Path
from s2i_krita import vendored
cache, rename = Path({str(cache)!r}), Path.rename
def wait(self, target):
    Path({str(tmp_path)!r}, "ready-" + sys.argv[1]).touch()
    while len(list(Path({str(tmp_path)!r}).glob("ready-*"))) < 4:
        time.sleep(0.005)
    return rename(self, target)
Path.rename = wait
folder = vendored.unpacked(Path({str(wheel)!r}), cache)
sys.path.insert(0, str(folder))
import zmq.later
"""
    kritas = [
        subprocess.Popen(
            [sys.executable, "-S", "-c", code, str(number)],
            env={**os.environ, "PYTHONPATH": str(PLUGIN.parent)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    said = [krita.communicate()[1] for krita in kritas]
    assert [(krita.returncode, text) for krita, text in zip(kritas, said, strict=True)] == [
        (0, "")
    ] * 4
    assert len(list(cache.iterdir())) == 1


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    wheel = the_wheel(tmp_path)
    content = wheel.read_bytes()
    for damage in (content[:-200], b"", content[:100] + b"\0" * 20 + content[120:]):
        wheel.write_bytes(damage)
        with pytest.raises(LibraryMissing, match="damaged") as raised:
            unpacked(wheel, tmp_path / "cache")
        assert wheel.name in raised.value.message
        assert raised.value.cure == "Install the plugin again."
    assert [p.name for p in (tmp_path / "cache").glob("*")] == []


def test_a_cache_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(LibraryMissing) as raised:
        unpacked(the_wheel(tmp_path), tmp_path / "cache")
    assert str(tmp_path / "cache") in raised.value.cure


def test_the_cache_is_where_the_system_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert vendored.cache_folder() == Path("/home/ann/.cache/s2i/krita")
    monkeypatch.setenv("XDG_CACHE_HOME", "/big/cache")
    assert vendored.cache_folder() == Path("/big/cache/s2i/krita")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert vendored.cache_folder() == Path("/home/ann/Library/Caches/s2i/krita")
