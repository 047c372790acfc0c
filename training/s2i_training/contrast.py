"""Contrastive losses between views of drawings, where one subject has many drawings."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def contrast(
    anchors: Tensor,
    candidates: Tensor,
    subjects: Tensor,
    scale: Tensor | float,
    past: Tensor | None = None,
    past_subjects: Tensor | None = None,
) -> Tensor:
    """InfoNCE (van den Oord et al. 2018): find anchor i's own candidate i among all others.

    `anchors`, `candidates`: (B, D), unit length; `subjects`: (B,). Candidates of the anchor's own
    subject, other than its own, are left out: they are no mistake. `past` (N, D) with
    `past_subjects` (N,) are further candidates to tell apart, the places with subject -1 being
    empty. `scale`: the inverse of the temperature. Returns a scalar.
    """
    scores = anchors @ candidates.T
    alike = subjects[:, None] == subjects[None]
    alike.fill_diagonal_(False)
    if past is not None and past_subjects is not None:
        scores = torch.cat([scores, anchors @ past.T], dim=1)
        left_out = (past_subjects == subjects[:, None]) | (past_subjects == -1)
        alike = torch.cat([alike, left_out], dim=1)
    scores = (scale * scores).masked_fill(alike, -math.inf)
    return F.cross_entropy(scores, torch.arange(len(anchors), device=anchors.device))


class SketchContrast(nn.Module):
    """The loss of `fit sketch_retrieval`, with its learned temperature and its memory.

    Small batches hold few drawings to tell apart, so the embeddings of the last `memory` drawings
    stay as candidates (cross-batch memory, Wang et al. 2020).
    """

    points: Tensor
    subjects: Tensor
    place: Tensor

    def __init__(self, width: int, memory: int, temperature: float = 0.07):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))
        self.register_buffer("points", torch.zeros(2, memory, width))
        self.register_buffer("subjects", torch.full((memory,), -1, dtype=torch.int64))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    def forward(
        self, sketch: Tensor, picture: Tensor, other: Tensor, subjects: Tensor
    ) -> dict[str, Tensor]:
        """All (B, D), unit length; `subjects` (B,). Returns scalar losses by name.

        `drawing`: sketch and picture of one drawing find each other. `hands`: a drawing of the
        subject by another hand and these two find each other.
        """
        # 100 at most, as CLIP has it: above, single pairs decide everything.
        scale = self.log_scale.clamp(max=math.log(100)).exp()
        # Copies: the memory is written to before the gradients are computed.
        sketches, pictures = self.points.clone()
        known = self.subjects.clone()

        def find(anchors: Tensor, candidates: Tensor, past: Tensor) -> Tensor:
            return contrast(anchors, candidates, subjects, scale, past, known)

        drawing = find(sketch, picture, pictures) + find(picture, sketch, sketches)
        hands = find(other, picture, pictures) + find(other, sketch, sketches)
        back = contrast(picture, other, subjects, scale) + contrast(sketch, other, subjects, scale)
        if self.training:
            self._remember(sketch, picture, subjects)
        return {"drawing": drawing / 2, "hands": (hands + back) / 4}

    @torch.no_grad()
    def _remember(self, sketch: Tensor, picture: Tensor, subjects: Tensor) -> None:
        memory = self.subjects.shape[0]
        if memory == 0:
            return
        places = (self.place + torch.arange(len(subjects), device=subjects.device)) % memory
        self.points[0, places] = sketch.detach().to(self.points.dtype)
        self.points[1, places] = picture.detach().to(self.points.dtype)
        self.subjects[places] = subjects
        self.place.copy_((self.place + len(subjects)) % memory)
