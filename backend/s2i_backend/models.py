"""Where a worker's loaded pipelines come from."""

from __future__ import annotations

from typing import Protocol

from s2i_models import load
from s2i_models.pipeline import Pipeline


class Models(Protocol):
    """Loaded pipelines by name."""

    def get(self, name: str) -> Pipeline: ...


class Loaded:
    """Pipelines loaded when first asked for."""

    def __init__(self, device: str):
        self._device = device
        self._pipelines: dict[str, Pipeline] = {}

    def get(self, name: str) -> Pipeline:
        if name not in self._pipelines:
            self._pipelines[name] = load(name, device=self._device)
        return self._pipelines[name]


def models_for(device: str, max_bytes: int | None) -> Models:
    """The models of a worker on `device`."""
    return Loaded(device)
