"""The pipelines that a worker has loaded on its device, bounded in memory.

Importing this module imports no torch; loading a pipeline does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from s2i_backend.model_store import ModelStore
from s2i_models import catalog

if TYPE_CHECKING:
    from s2i_models.pipeline import Pipeline


@dataclass(frozen=True)
class _Source:
    """Which file a pipeline was loaded from: one that changes is loaded anew."""

    path: Path | None
    modified: int


class ModelCache:
    """Loads pipelines on first use and drops the least recently used ones past the limit.

    `memory_limit_bytes` bounds the sum of `Pipeline.memory_bytes`. It is kept after each load,
    so that it may be passed by one pipeline while that is loaded, and the one asked for last
    stays even if it alone is larger. Weights that the user chose meanwhile are loaded with the
    next `get`. `store` and `load` stand in for the user's store and the catalog in tests.
    """

    def __init__(
        self,
        device: str,
        memory_limit_bytes: int,
        *,
        store: ModelStore | None = None,
        load: Callable[..., Pipeline] = catalog.load,
    ):
        self.device = device
        self.memory_limit_bytes = memory_limit_bytes
        self._store = store or ModelStore()
        self._load = load
        # In the order of use, the least recently used first.
        self._loaded: dict[str, tuple[_Source, Pipeline]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The loaded pipelines, the least recently used first."""
        return tuple(self._loaded)

    @property
    def memory_bytes(self) -> int:
        """What the weights of all loaded pipelines take."""
        return sum(pipeline.memory_bytes() for _, pipeline in self._loaded.values())

    def get(self, pipeline_name: str) -> Pipeline:
        """The pipeline, loaded if it is not. Raises what `s2i_models.load` raises."""
        source = self._source(pipeline_name)
        loaded = self._loaded.pop(pipeline_name, None)
        if loaded is not None and loaded[0] == source:
            self._loaded[pipeline_name] = loaded
            return loaded[1]
        del loaded  # before the new weights come, so that both never take memory at once
        pipeline = self._load(pipeline_name, weights=source.path, device=self.device)
        self._loaded[pipeline_name] = (source, pipeline)
        self._make_room()
        return pipeline

    def _source(self, pipeline_name: str) -> _Source:
        path = self._store.chosen_path(pipeline_name)
        return _Source(path, path.stat().st_mtime_ns if path else 0)

    def _make_room(self) -> None:
        dropped = False
        while len(self._loaded) > 1 and self.memory_bytes > self.memory_limit_bytes:
            # Pipelines without weights take no memory: dropping them would win nothing.
            oldest = next(
                (n for n in self.names[:-1] if self._loaded[n][1].memory_bytes() > 0), None
            )
            if oldest is None:
                break
            del self._loaded[oldest]
            dropped = True
        if dropped and self.device.startswith("cuda") and (torch := sys.modules.get("torch")):
            torch.cuda.empty_cache()
