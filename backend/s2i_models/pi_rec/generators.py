"""From a weights file to the generators of both phases, whichever of the family it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator
from s2i_models.pi_rec.network import PaperConfig, PaperGenerator

Generator = CompactGenerator | PaperGenerator

_PHASES = ("generate", "refine")


@dataclass(frozen=True)
class Networks:
    """The generators in one weights file, which are of one kind.

    `generate` paints colors (B, 3, H, W), sRGB 0 to 1, and edges (B, 1, H, W), 0 or 1, as a picture
    (B, 3, H, W); `refine` does it again with that picture for colors, None where the file has no
    refinement phase. H and W are multiples of `stride`, best near `work_size`; `reach` is how many
    pixels around matter.
    """

    generate: Generator
    refine: Generator | None


def load_networks(path: Path, device: str) -> Networks:
    """The generators in the weights file `path`, ready to paint on `device`.

    Raises ValueError when the file is not PI-REC's, has no generating phase or is of a network
    that is not known here, and RuntimeError when tensors do not fit what the file says of them.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        metadata = file.metadata() or {}
        if metadata.get("s2i.pipeline") != "pi_rec":
            raise ValueError(f"{path} does not hold weights of pi_rec")
        states: dict[str, dict[str, Tensor]] = {}
        for key in file.keys():  # noqa: SIM118 (not a dict)
            phase, _, name = key.partition(".")
            if phase not in _PHASES:
                raise ValueError(f"{path} holds {key}, which is of neither {' nor '.join(_PHASES)}")
            states.setdefault(phase, {})[name] = file.get_tensor(key)
    if "generate" not in states:
        raise ValueError(f"{path} has no generating phase; its tensors begin with generate.")
    name, config = metadata.get("s2i.network"), json.loads(metadata["s2i.config"])

    def network(state: dict[str, Tensor]) -> Generator:
        made = _build(path, name, config)
        made.load_state_dict(state)
        return made.eval().to(device)

    return Networks(
        network(states["generate"]),
        network(states["refine"]) if "refine" in states else None,
    )


def _build(path: Path, name: str | None, config: dict) -> Generator:
    if name == "compact":
        return CompactGenerator(CompactConfig.from_dict(config))
    if name == "paper":
        return PaperGenerator(PaperConfig.from_dict(config))
    raise ValueError(f"{path} holds a network {name!r}; known are compact and paper")
