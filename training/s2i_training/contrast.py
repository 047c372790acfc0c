"""Contrastive losses between views of drawings, where one subject has many drawings."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def contrast(
    anchors: Tensor, candidates: Tensor, subjects: Tensor, scale: Tensor | float
) -> Tensor:
    """InfoNCE (van den Oord et al. 2018): find anchor i's own candidate i among all others.

    `anchors`, `candidates`: (B, D), unit length; `subjects`: (B,). Candidates of the anchor's own
    subject, other than its own, are left out: they are no mistake. `scale`: the inverse of the
    temperature. Returns a scalar.
    """
    alike = subjects[:, None] == subjects[None]
    alike.fill_diagonal_(False)
    scores = (scale * (anchors @ candidates.T)).masked_fill(alike, -math.inf)
    return F.cross_entropy(scores, torch.arange(len(anchors), device=anchors.device))


class SketchContrast(nn.Module):
    """The loss of `fit sketch_retrieval`, with its learned temperature.

    There is no memory of earlier batches as further candidates: tried with the last 1,024 drawings,
    the loss stopped falling within a hundred steps and rose again, at two learning rates.
    """

    def __init__(self, temperature: float = 0.07):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))

    def forward(
        self, sketch: Tensor, picture: Tensor, other: Tensor, subjects: Tensor
    ) -> dict[str, Tensor]:
        """All (B, D), unit length; `subjects` (B,). Returns scalar losses by name.

        `drawing`: sketch and picture of one drawing find each other. `hands`: a drawing of the
        subject by another hand and these two find each other.
        """
        # 100 at most, as CLIP has it: above, single pairs decide everything.
        scale = self.log_scale.clamp(max=math.log(100)).exp()

        def find_each_other(one: Tensor, two: Tensor) -> Tensor:
            there, back = contrast(one, two, subjects, scale), contrast(two, one, subjects, scale)
            return (there + back) / 2

        hands = find_each_other(other, picture) + find_each_other(other, sketch)
        return {"drawing": find_each_other(sketch, picture), "hands": hands / 2}
