"""What teaches attention where to look: the warp knows the place of every part in the reference.

Attention logits are S(q, k) = q·k/√d, (B, n_sketch, n_reference), tokens row by row. `place`
(B, h, w, 2) float: for each sketch token, h·w = n_sketch, the position (x, y) of its counterpart
in reference tokens, NaN where it has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from s2i_training.correspondence import HIDDEN_BELOW

# The paper's γ, a distance of logits.
MARGIN = 12.0
# Negatives are at least this many tokens away.
APART = 2.0


@dataclass(frozen=True)
class Counterparts:
    """Where each sketch token's counterpart lies between the reference's tokens.

    `index` (B, n_sketch, 4) int64, the four tokens around it; `weight` (B, n_sketch, 4), bilinear,
    hidden tokens left out; 0 where a token has no counterpart; `known` (B, n_sketch) bool.
    """

    index: Tensor
    weight: Tensor
    known: Tensor

    def of(self, logits: Tensor) -> Tensor:
        """Values of (B, n_sketch, n_reference) at the counterparts, (B, n_sketch), bilinear."""
        return (logits.gather(2, self.index) * self.weight).sum(dim=2)


def counterparts(place: Tensor, height: int, width: int, bias: Tensor) -> Counterparts:
    """The four tokens around each place on a reference of `height`×`width` tokens.

    `bias` (B, n_reference): of the reference's tokens; those far below 0 are hidden.
    """
    flat = place.flatten(1, 2)
    known = ~flat.isnan().any(dim=2)
    flat = flat.nan_to_num()
    x, y = flat[..., 0].clamp(0, width - 1), flat[..., 1].clamp(0, height - 1)
    left, top = x.floor(), y.floor()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    shares_x, shares_y = x - left, y - top
    index = torch.stack(
        [
            row * width + column
            for row, column in ((top, left), (top, right), (bottom, left), (bottom, right))
        ],
        dim=2,
    ).long()
    weight = torch.stack(
        [
            (1 - shares_y) * (1 - shares_x),
            (1 - shares_y) * shares_x,
            shares_y * (1 - shares_x),
            shares_y * shares_x,
        ],
        dim=2,
    )
    seen = bias[:, None].expand(-1, index.shape[1], -1).gather(2, index) > HIDDEN_BELOW
    weight = weight * seen
    total = weight.sum(dim=2, keepdim=True)
    known = known & (total[..., 0] > 0.25)
    weight = weight / total.clamp(min=0.25) * known[..., None]
    return Counterparts(index, weight, known)


def triplet(logits: Tensor, found: Counterparts, against: Tensor, counted: Tensor) -> Tensor:
    """The similarity-based triplet loss, eq. (5): mean max(0, γ − S(q, k⁺) + S(q, k⁻)).

    `against`: S(q, k⁻), (B, n_sketch), from `elsewhere` or from another item of the batch.
    `counted`: (B, n_sketch) bool, tokens that have something to find.
    """
    loss = (MARGIN - found.of(logits) + against).clamp(min=0)
    used = counted & found.known
    return (loss * used).sum() / used.sum().clamp(min=1)


def elsewhere(logits: Tensor, place: Tensor, width: int, bias: Tensor) -> Tensor:
    """S(q, k⁻) for a random token of the same reference at least two tokens from the right one.

    Hidden tokens are never chosen. (B, n_sketch).
    """
    count = logits.shape[2]
    numbers = torch.arange(count, device=logits.device)
    column, row = numbers % width, numbers // width
    flat = place.flatten(1, 2).nan_to_num()
    far_x = (flat[..., 0, None] - column).abs() >= APART
    far_y = (flat[..., 1, None] - row).abs() >= APART
    allowed = (far_x | far_y) & (bias[:, None] > HIDDEN_BELOW)
    chance = torch.rand(logits.shape, device=logits.device) * allowed
    return logits.gather(2, chance.argmax(dim=2, keepdim=True))[..., 0]


def in_neighbor(query: Tensor, key: Tensor, found: Counterparts) -> Tensor:
    """S(q, k⁻) with k⁻ at the same place in the next item's reference, (B, n_sketch).

    The paper does not say which region is the negative; this is the reading of a public
    implementation. `query` (B, n_sketch, d), `key` (B, n_reference, d).
    """
    logits = query @ key.roll(1, dims=0).transpose(1, 2) / query.shape[2] ** 0.5
    return found.of(logits)


def contrastive(logits: Tensor, found: Counterparts, counted: Tensor) -> Tensor:
    """Cross-entropy of the attention itself against the place of the counterpart; ours.

    It asks of the right token to win over all others at once, where a triplet asks that it wins
    over one. Arguments as of `triplet`.
    """
    surprise = -found.of(logits.log_softmax(dim=2))
    used = counted & found.known
    return (surprise * used).sum() / used.sum().clamp(min=1)
