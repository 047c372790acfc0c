"""The backend that the plugin's zip brings along."""

from __future__ import annotations

from pathlib import Path

from s2i_client.installation import Offer

FOLDER = Path(__file__).parent.parent / "vendor" / "backend"


def carried_backend(folder: Path = FOLDER) -> Offer | None:
    """The newest wheel in the folder; None when the plugin was built without a backend."""
    wheels = sorted(folder.glob("s2i-*.whl"))
    constraints = folder / "constraints.txt"
    if not wheels or not constraints.exists():
        return None
    return Offer(wheels[-1].name.split("-")[1], wheels[-1], constraints)


__all__ = ["Offer", "carried_backend"]
