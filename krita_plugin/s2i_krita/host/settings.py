"""Settings that Krita keeps for the plugin, in its own configuration file."""

from krita import Krita

GROUP = "s2i"


def read(name: str, default: str) -> str:
    return Krita.instance().readSetting(GROUP, name, default)


def write(name: str, value: str) -> None:
    Krita.instance().writeSetting(GROUP, name, value)
