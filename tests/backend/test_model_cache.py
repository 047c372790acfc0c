"""Pipelines are loaded once, kept while memory allows and dropped in the order of their use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from s2i_backend.model_cache import ModelCache
from s2i_backend.model_store import ModelStore
from s2i_models.echo.pipeline import PipelineImpl

SIZES = {"small": 10, "medium": 40, "large": 60, "huge": 500, "weightless": 0}


class Loader:
    """Stands in for the catalog: pipelines of known sizes, and a record of what was loaded."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Path | None, str]] = []

    def __call__(self, name: str, *, weights: Path | None, device: str) -> PipelineImpl:
        self.calls.append((name, weights, device))

        class Sized(PipelineImpl):
            def memory_bytes(self) -> int:
                return SIZES[name]

        return Sized(weights, device)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def cache(loader: Loader, tmp_path: Path) -> ModelCache:
    return ModelCache("cpu", 100, store=ModelStore(tmp_path), load=loader)


def test_a_pipeline_is_loaded_on_first_use_and_once(cache: ModelCache, loader: Loader) -> None:
    assert loader.calls == []
    first = cache.get("small")
    assert cache.get("small") is first
    assert loader.calls == [("small", None, "cpu")]


def test_the_least_recently_used_pipeline_goes_first(cache: ModelCache, loader: Loader) -> None:
    cache.get("small")
    cache.get("medium")
    cache.get("small")
    cache.get("large")  # 110 in all: medium, used before small, has to go, and that is enough
    assert cache.names == ("small", "large")
    assert cache.memory_bytes == 70
    cache.get("medium")  # 110 again, and small is the oldest now
    assert cache.names == ("large", "medium")
    assert loader.names == ["small", "medium", "large", "medium"]


def test_everything_that_fits_stays(cache: ModelCache) -> None:
    cache.get("medium")
    cache.get("large")
    assert cache.names == ("medium", "large")
    assert cache.memory_bytes == cache.memory_limit_bytes


def test_a_pipeline_larger_than_the_limit_is_served_alone(cache: ModelCache) -> None:
    cache.get("small")
    cache.get("weightless")
    huge = cache.get("huge")
    assert cache.names == ("weightless", "huge")
    assert cache.get("huge") is huge
    cache.get("small")
    assert cache.names == ("weightless", "small")


def test_a_pipeline_that_fails_to_load_leaves_the_others(cache: ModelCache) -> None:
    cache.get("small")
    with pytest.raises(KeyError):
        ModelCache.get(cache, "unknown").memory_bytes()
    assert "small" in cache.names


def test_newly_chosen_weights_are_loaded_with_the_next_job(loader: Loader, tmp_path: Path) -> None:
    cache = ModelCache("cpu", 100, store=ModelStore(tmp_path), load=loader)
    cache.get("small")
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(b"one")
    (tmp_path / "chosen.json").write_text('{"small": "mine"}')
    cache.get("small")
    cache.get("small")
    assert loader.calls[1:] == [("small", mine, "cpu")]
    os.utime(mine, ns=(1, 1))  # replaced by another file of that name
    cache.get("small")
    assert len(loader.calls) == 3
    (tmp_path / "chosen.json").unlink()
    cache.get("small")
    assert loader.calls[-1] == ("small", None, "cpu")


def test_importing_the_cache_does_not_import_torch() -> None:
    code = "import s2i_backend.model_cache, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
