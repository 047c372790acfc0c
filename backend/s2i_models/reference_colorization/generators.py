"""From a weights file to a generator, whichever of the family it holds."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

from s2i_models.reference_colorization.compact import (
    CompactConfig,
    CompactGenerator,
    ReferenceTokens,
    colors_of_cells,
)
from s2i_models.reference_colorization.network import READINGS, PaperConfig, PaperGenerator

# A logit: the paper's networks do not tell paint from paper, so paint goes wherever lines let it.
COVERED = 4.0


class PaperPainter(nn.Module):
    """A `PaperGenerator` behind the interface of the generator that ships.

    The paper has no hints: they are painted over its result. Where a reference is not valid it is
    white, and attention does not look there. Several references are attended together.

    Imported weights have tokens that are no places, see `attends_places`. They only mean something
    at the one size that they were trained with, so all pictures are stretched to it, as those
    implementations' own test does.
    """

    # The only size that the paper's networks were trained with.
    work_size = 256

    def __init__(self, generator: PaperGenerator):
        super().__init__()
        self.generator = generator

    @property
    def stride(self) -> int:
        """Height and width of all inputs must be multiples of this."""
        return self.generator.config.stride

    @property
    def cell(self) -> int:
        """Side of a token's cell in pixels of the input."""
        return self.generator.config.stride

    @property
    def attends_places(self) -> bool:
        """Whether a token is a place. Where it is not, attention's logits say nothing, their
        number does not follow from the inputs' sizes, and the bias of tokens is not heeded."""
        return self.generator.config.token_layout == "positions"

    def read_reference(self, reference: Tensor) -> ReferenceTokens:
        """The tokens of references (B, 4, H, W): sRGB 0 to 1, and valid, 1 where colors may be
        taken from."""
        if not self.attends_places:
            reference = self._stretched(reference)
        color, valid = reference.split([3, 1], dim=1)
        keys, values = self.generator.read_reference(2 * (color * valid + 1 - valid) - 1)
        return ReferenceTokens(keys, values, *colors_of_cells(color, valid, self.cell))

    def paint(
        self, lines: Tensor, hints: Tensor, reference: ReferenceTokens
    ) -> tuple[Tensor, Tensor]:
        """Lines (B, 1, H, W), 0 ink to 1 paper, hints (B, 4, H, W), sRGB and mask, 0 to 1, and a
        reference's tokens to (B, 4, H, W), sRGB 0 to 1 and the coverage's logit `COVERED`, and the
        attention's logits (B, n_sketch, n_reference)."""
        size, bias = lines.shape[2:], reference.bias
        if not self.attends_places:
            lines, bias = self._stretched(lines), None
        painted, logits = self.generator.paint_tokens(
            2 * lines - 1, reference.keys, reference.values, bias
        )
        painted = 0.5 + 0.5 * painted
        if painted.shape[2:] != size:
            painted = F.interpolate(painted, size, mode="area")
        color, mask = hints.split([3, 1], dim=1)
        color = painted * (1 - mask) + color * mask
        return torch.cat([color, torch.full_like(mask, COVERED)], dim=1), logits

    def _stretched(self, picture: Tensor) -> Tensor:
        return F.interpolate(picture, (self.work_size, self.work_size), mode="bilinear")


def load_generator(path: Path, device: str) -> CompactGenerator | PaperPainter:
    """The generator in the weights file `path`, ready to paint on `device`.

    Both kinds have `work_size`, `stride`, `cell`, `read_reference` and `paint`. Raises ValueError
    when the file is not this pipeline's or of a network that is not known here.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        metadata = file.metadata() or {}
        if metadata.get("s2i.pipeline") != "reference_colorization":
            raise ValueError(f"{path} does not hold weights of reference_colorization")
        name = metadata.get("s2i.network")
        if name != "compact" and name not in READINGS:
            known = ", ".join(("compact", *READINGS))
            raise ValueError(f"{path} holds a network {name!r}; known are {known}")
        state = {
            key: tensor.float() if tensor.is_floating_point() else tensor
            for key in file.keys()  # noqa: SIM118 (not a dict)
            for tensor in (file.get_tensor(key),)
        }
    config = json.loads(metadata["s2i.config"])
    if name == "compact":
        network = CompactGenerator(CompactConfig.from_dict(config))
        network.load_state_dict(state)
        return network.eval().to(device)
    paper = PaperConfig.from_dict(config)
    if paper.preset != name:
        raise ValueError(f"{path} calls its network {name} and describes {paper.preset}")
    generator = PaperGenerator(paper)
    generator.load_state_dict(state)
    return PaperPainter(generator).eval().to(device)
