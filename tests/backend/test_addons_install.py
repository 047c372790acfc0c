"""`s2i-backend addons install`, `uninstall` and `list`: only our files come and go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from addon_parts import make_wheels
from click.testing import CliRunner

import s2i_client
from s2i_backend.addons import krita_installation
from s2i_backend.addons.krita_installation import install, installed_version, uninstall
from s2i_backend.addons.krita_places import KritaPlace, krita_places
from s2i_backend.cli import main

FILES = {
    "s2i_krita.desktop": b"desktop",
    "s2i_krita.action": b"action",
    "s2i_krita/__init__.py": b"new",
    "s2i_krita/ui/docker.py": b"new",
    "s2i_krita/vendor/VERSION": b"0.2.0",
}


@pytest.fixture
def place(tmp_path: Path) -> KritaPlace:
    return KritaPlace(tmp_path / "krita", tmp_path / "kritarc")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


INSTALLED = {
    "pykrita/s2i_krita.desktop": b"desktop",
    "actions/s2i_krita.action": b"action",
    "pykrita/s2i_krita/__init__.py": b"new",
    "pykrita/s2i_krita/ui/docker.py": b"new",
    "pykrita/s2i_krita/vendor/VERSION": b"0.2.0",
}


def test_it_comes_and_goes_without_a_trace(place: KritaPlace) -> None:
    others = {
        "pykrita/other/__init__.py": b"other",
        "pykrita/other.desktop": b"other",
        "pykrita/s2i_krita_two/__init__.py": b"two",
        "actions/other.action": b"other",
        "brushes/round.png": b"brush",
    }
    for name, content in others.items():
        (place.resources / name).parent.mkdir(parents=True, exist_ok=True)
        (place.resources / name).write_bytes(content)
    settings = b"Odd line\n[python]\nenable_other=true\n[x]\na=1\n"
    place.kritarc.write_bytes(settings)
    place.kritarc.chmod(0o640)

    install(FILES, place)
    assert tree(place.resources) == {**others, **INSTALLED}
    assert b"enable_s2i_krita=true" in place.kritarc.read_bytes()
    assert installed_version(place) == "0.2.0"

    assert uninstall(place)
    assert tree(place.resources) == others
    assert place.kritarc.read_bytes() == settings
    assert place.kritarc.stat().st_mode & 0o777 == 0o640
    assert installed_version(place) is None
    assert not uninstall(place)


def test_a_krita_that_never_ran_gets_its_folders(place: KritaPlace) -> None:
    install(FILES, place)
    assert tree(place.resources) == INSTALLED
    assert place.kritarc.read_bytes() == b"[python]\nenable_s2i_krita=true\n"


def test_an_older_version_is_replaced_whole(place: KritaPlace) -> None:
    install({**FILES, "s2i_krita/gone.py": b"old", "s2i_krita/ui/docker.py": b"old"}, place)
    install(FILES, place)
    assert tree(place.resources) == INSTALLED


def test_a_link_to_a_checkout_is_replaced_and_the_checkout_is_kept(
    place: KritaPlace, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "__init__.py").write_bytes(b"mine")
    (place.resources / "pykrita").mkdir(parents=True)
    (place.resources / "pykrita" / "s2i_krita").symlink_to(checkout)
    install(FILES, place)
    assert tree(place.resources) == INSTALLED
    assert tree(checkout) == {"__init__.py": b"mine"}
    uninstall(place)
    (place.resources / "pykrita" / "s2i_krita").symlink_to(checkout)
    uninstall(place)
    assert tree(checkout) == {"__init__.py": b"mine"}
    dangling = place.resources / "pykrita" / "s2i_krita"
    dangling.symlink_to(tmp_path / "gone")
    uninstall(place)
    assert not dangling.is_symlink()


def test_a_link_to_the_settings_stays_one(place: KritaPlace, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").write_bytes(b"a=1\n")
    place.kritarc.symlink_to(tmp_path / "dotfiles")
    install(FILES, place)
    assert place.kritarc.is_symlink()
    assert b"enable_s2i_krita=true" in (tmp_path / "dotfiles").read_bytes()


@pytest.mark.parametrize("renames", [0, 1])
def test_an_interrupted_installation_leaves_the_old_one(
    place: KritaPlace, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    old = {**FILES, "s2i_krita/__init__.py": b"old"}
    install(old, place)
    before, rename, done = tree(place.resources), Path.rename, []

    def fail(self: Path, target: Path) -> Path:
        done.append(self.name)
        if len(done) == renames + 1:
            raise OSError(28, "No space left on device", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space"):
        install(FILES, place)
    monkeypatch.undo()
    assert tree(place.resources) == before
    install(FILES, place)
    assert tree(place.resources) == INSTALLED


@pytest.mark.parametrize("step", ["before", "between"])
def test_a_killed_installation_is_repaired_by_the_next(
    place: KritaPlace, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Killed, so that nothing of it cleans up: what it left behind is found."""
    install({**FILES, "s2i_krita/__init__.py": b"old"}, place)
    monkeypatch.setattr(krita_installation, "_rescue_or_remove", lambda *_: None)
    if step == "before":
        monkeypatch.setattr(krita_installation, "_take_place", lambda *_: 1 / 0)
    else:
        old = place.resources / "pykrita" / "s2i_krita"
        monkeypatch.setattr(
            krita_installation,
            "_take_place",
            lambda temporary, _: (old.rename(temporary / "old"), 1 / 0),
        )
    with pytest.raises(ZeroDivisionError):
        install(FILES, place)
    monkeypatch.undo()
    assert [p for p in (place.resources / "pykrita").iterdir() if p.name.startswith(".")]
    install(FILES, place)
    assert tree(place.resources) == INSTALLED
    assert [p.name for p in (place.resources / "pykrita").iterdir() if p.name[0] == "."] == []


# Which Kritas there are


def own(home: Path) -> KritaPlace:
    return KritaPlace(home / ".local/share/krita", home / ".config/kritarc")


def flatpak(home: Path) -> KritaPlace:
    base = home / ".var/app/org.kde.krita"
    return KritaPlace(base / "data/krita", base / "config/kritarc")


def test_every_krita_of_the_user_is_found(home: Path) -> None:
    assert krita_places() == [own(home)]
    flatpak(home).resources.mkdir(parents=True)
    assert krita_places() == [flatpak(home)]
    own(home).resources.mkdir(parents=True)
    assert krita_places() == [own(home), flatpak(home)]


def test_the_folders_of_the_system_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "d"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "c"))
    assert krita_places() == [KritaPlace(home / "d/krita", home / "c/kritarc")]
    monkeypatch.setattr(sys, "platform", "darwin")
    (mac,) = krita_places()
    assert mac.resources == home / "Library/Application Support/krita"
    assert mac.kritarc == home / "Library/Preferences/kritarc"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(home / "roaming"))
    monkeypatch.setenv("LOCALAPPDATA", str(home / "local"))
    assert krita_places() == [KritaPlace(home / "roaming/krita", home / "local/kritarc")]


def test_the_folder_that_was_chosen_in_krita_counts(home: Path) -> None:
    own(home).kritarc.parent.mkdir(parents=True)
    own(home).kritarc.write_text(f"ResourceDirectory={home}/big\n")
    assert krita_places() == [KritaPlace(home / "big", own(home).kritarc)]
    assert krita_places(home / "given") == [KritaPlace(home / "given", own(home).kritarc)]


# The commands


def call(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, ["addons", *arguments])
    assert result.exit_code == exit_code, result.output
    return result.output


def test_the_commands_install_list_and_remove(home: Path) -> None:
    wheels = str(make_wheels(home / "wheels"))
    assert "not installed" in call("list")
    said = call("install", "krita", "--wheels", wheels, "--no-backend")
    assert str(own(home).resources) in said
    assert "If Krita is running, start it again" in said
    assert b"enable_s2i_krita=true" in own(home).kritarc.read_bytes()
    assert len(list((own(home).resources / "pykrita/s2i_krita/vendor/wheels").iterdir())) == 3
    assert f"installed in {own(home).resources}: {s2i_client.__version__}" in call("list")
    assert json.loads(call("list", "--json")) == [
        {
            "name": "krita",
            "version": s2i_client.__version__,
            "installed": [
                {"resources": str(own(home).resources), "version": s2i_client.__version__}
            ],
        }
    ]
    assert "Removed from" in call("uninstall", "krita")
    assert tree(own(home).resources) == {}
    assert "There is none in" in call("uninstall", "krita")
    assert json.loads(call("list", "--json"))[0]["installed"] == []


def test_another_folder_of_resources_can_be_named(home: Path) -> None:
    wheels, elsewhere = str(make_wheels(home / "wheels")), home / "elsewhere"
    options = ("--resources", str(elsewhere))
    call("install", "krita", "--wheels", wheels, "--no-backend", *options)
    assert (elsewhere / "pykrita/s2i_krita/__init__.py").is_file()
    assert not own(home).resources.exists()
    assert str(elsewhere) in call("list", *options)
    call("uninstall", "krita", *options)
    assert tree(elsewhere) == {}


def test_a_plugin_that_says_no_version_is_listed(home: Path) -> None:
    folder = own(home).resources / "pykrita/s2i_krita"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    assert ": ?" in call("list")
