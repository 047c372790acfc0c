"""Where the Kritas of this user keep their files."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from s2i_backend.addons.kritarc import resource_folder


@dataclass(frozen=True)
class KritaPlace:
    """One Krita's folder of resources, and its settings file, which may not exist yet."""

    resources: Path
    kritarc: Path


def krita_places(resources: Path | None = None) -> list[KritaPlace]:
    """Every Krita of this user: the system's own, and the Flatpak's when it was started once.

    Where the user chose another folder for resources in Krita's settings, that one counts. With
    `resources` there is one place, that folder with the settings of the system's own Krita.
    """
    own, *others = _usual_places()
    if resources is not None:
        return [KritaPlace(resources, own.kritarc)]
    flatpaks = [place for place in others if place.resources.is_dir()]
    if flatpaks and not own.resources.is_dir() and not own.kritarc.is_file():
        return [_as_chosen(place) for place in flatpaks]
    return [_as_chosen(place) for place in (own, *flatpaks)]


def _usual_places() -> list[KritaPlace]:
    home = Path.home()
    if sys.platform == "win32":
        roaming = os.environ.get("APPDATA") or home / "AppData" / "Roaming"
        local = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
        return [KritaPlace(Path(roaming) / "krita", Path(local) / "kritarc")]
    if sys.platform == "darwin":
        library = home / "Library"
        settings = library / "Preferences" / "kritarc"
        return [KritaPlace(library / "Application Support" / "krita", settings)]
    data = os.environ.get("XDG_DATA_HOME") or home / ".local" / "share"
    config = os.environ.get("XDG_CONFIG_HOME") or home / ".config"
    flatpak = home / ".var" / "app" / "org.kde.krita"
    return [
        KritaPlace(Path(data) / "krita", Path(config) / "kritarc"),
        KritaPlace(flatpak / "data" / "krita", flatpak / "config" / "kritarc"),
    ]


def _as_chosen(place: KritaPlace) -> KritaPlace:
    if not place.kritarc.is_file():
        return place
    chosen = resource_folder(place.kritarc.read_bytes())
    return place if chosen is None else KritaPlace(Path(chosen), place.kritarc)
