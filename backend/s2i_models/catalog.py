"""Which pipelines there are, and how to load one.

A pipeline called `name` is a folder of that name with `declaration.py` (standard library only, so
that the daemon's broker can validate requests without torch) and `pipeline.py`, whose class
`PipelineImpl` does the work.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from s2i_client.declaration import Declaration

if TYPE_CHECKING:
    from s2i_models.pipeline import Pipeline

NAMES = (
    "auto_painter",
    "reference_colorization",
    "find_reference",
    "pi_rec",
    "flats",
    "split_colors",
    "edges_from_image",
    "color_domain",
    "echo",
)
# Those that do nothing without weights, told here so that a list of them needs no torch.
NEED_WEIGHTS = frozenset({"auto_painter", "reference_colorization", "find_reference", "pi_rec"})
SHIPPED_WEIGHTS = Path(__file__).parent / "weights"


@cache
def declaration(name: str) -> Declaration:
    """The declaration of the pipeline called `name`; KeyError with the known names if none."""
    if name not in NAMES:
        raise KeyError(f"no pipeline is called {name!r}; there are {', '.join(NAMES)}")
    return import_module(f"s2i_models.{name}.declaration").DECLARATION


def declarations() -> list[Declaration]:
    """All declarations, hidden ones too, in the order hosts should list them."""
    return [declaration(name) for name in NAMES]


def load(name: str, *, weights: Path | None = None, device: str = "cpu") -> Pipeline:
    """Load a pipeline with its shipped weights, or with those in the file `weights`.

    `device`: a torch device name such as "cpu" or "cuda:0". Raises KeyError for an unknown name
    and FileNotFoundError, saying what to do, when there are no weights.
    """
    declaration(name)
    pipeline_class: type[Pipeline] = import_module(f"s2i_models.{name}.pipeline").PipelineImpl
    if weights is None and pipeline_class.weights_name is not None:
        weights = SHIPPED_WEIGHTS / f"{pipeline_class.weights_name}.safetensors"
    if weights is not None and not weights.is_file():
        raise FileNotFoundError(
            f"{weights} does not exist: reinstall s2i, or bring weights in with "
            "`s2i-backend models import FILE`."
        )
    return pipeline_class(weights=weights, device=device)
