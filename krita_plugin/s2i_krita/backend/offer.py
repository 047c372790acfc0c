"""The backend that the plugin's zip brings along."""

from __future__ import annotations

import re
from pathlib import Path

from s2i_client.installation import Offer

FOLDER = Path(__file__).parent.parent / "vendor" / "backend"


def carried_backend(folder: Path = FOLDER) -> Offer | None:
    """The newest wheel in the folder; None when the plugin was built without a backend."""
    wheels = sorted(folder.glob("s2i-*.whl"), key=lambda wheel: _numbers(_version(wheel)))
    constraints = folder / "constraints.txt"
    if not wheels or not constraints.exists():
        return None
    return Offer(_version(wheels[-1]), wheels[-1], constraints)


def is_newer(version: str, other: str) -> bool:
    """Whether a version such as `0.10.0` came after another one."""
    return _numbers(version) > _numbers(other)


def _version(wheel: Path) -> str:
    return wheel.name.split("-")[1]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


__all__ = ["Offer", "carried_backend", "is_newer"]
