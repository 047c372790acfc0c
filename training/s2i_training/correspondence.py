"""Whether attention looks where it should: at the place a warp took each part of a drawing to.

A reference that is the drawing itself, bent, has for each token of the sketch one right token. An
attention that found it is within two tokens of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from s2i_models.reference_colorization.compact import CompactGenerator

# How far from the right token, in tokens, an attention still counts as right.
NEAR = 2.0
# A sketch token belongs to the drawing when at least this share of its cell is painted.
LEAST_PAINTED = 0.5
# Logits below this are of tokens that attention is not to see.
HIDDEN_BELOW = -1e3

Attend = Callable[[Mapping[str, Tensor]], Tensor]
"""From a batch of triples to attention logits (B, n_sketch, n_reference), tokens row by row."""

Layout = Literal["positions", "reshape", "shuffled"]


class Triples(Protocol):
    """Training triples by number, as of `data.augmented_self.AugmentedSelfDataset`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class AttentionAccuracy:
    """Shares, 0 to 1, of `tokens` sketch tokens inside drawings whose counterpart is known.

    `near`: largest attention within `NEAR` tokens of the counterpart. `chance`: what a random
    visible token of the reference would give. `in_place`: what the token at the sketch token's own
    position would give, which is high where drawings are bent little. `tokens` of 0 gives NaN.
    """

    near: float
    chance: float
    in_place: float
    tokens: int


def attention_accuracy(
    attend: Attend | CompactGenerator,
    triples: Triples,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 8,
    device: str | torch.device = "cpu",
) -> AttentionAccuracy:
    """How often the largest attention is near the counterpart, over the triples at `indices`.

    `triples` must be of one size; references have as many tokens in a row as sketches.
    `indices`: all of them when absent. Runs without gradients, a network in evaluation mode.
    """
    if isinstance(attend, CompactGenerator):
        attend = attention_of(attend)
    totals = torch.zeros(4, dtype=torch.float64)
    order = iter(range(len(triples)) if indices is None else indices)
    with torch.inference_mode():
        while chosen := list(islice(order, batch_size)):
            items = [triples[index] for index in chosen]
            batch = {
                name: torch.stack([item[name] for item in items]).to(device)
                for name in ("lines", "hints", "reference", "painted", "place")
            }
            logits = attend(batch)
            place = batch["place"].to(logits.device)
            counted = inside_drawing(batch["painted"].to(logits.device), place)
            totals += count_near(logits, place, counted)
    near, chance, in_place, tokens = totals.tolist()
    if tokens == 0:
        return AttentionAccuracy(float("nan"), float("nan"), float("nan"), 0)
    return AttentionAccuracy(near / tokens, chance / tokens, in_place / tokens, round(tokens))


def inside_drawing(painted: Tensor, place: Tensor) -> Tensor:
    """Sketch tokens that lie in the drawing and have a counterpart: (B, n_sketch) bool.

    `painted` (B, 1, H, W), coverage 0 to 1; `place` (B, h, w, 2), NaN without counterpart.
    """
    share = F.adaptive_avg_pool2d(painted, (place.shape[1], place.shape[2]))
    return (share[:, 0] >= LEAST_PAINTED).flatten(1) & ~place.isnan().any(dim=3).flatten(1)


def count_near(logits: Tensor, place: Tensor, counted: Tensor) -> Tensor:
    """Sums over the `counted` tokens (B, n_sketch) of what `AttentionAccuracy` has as shares.

    `logits` (B, n_sketch, n_reference) of a reference with as many tokens in a row as the sketch;
    `place` (B, h, w, 2): positions (x, y) in tokens, (0, 0) the middle of the first. Returns
    float64 (4,) on the CPU: near, chance, in place, tokens. Raises ValueError for shapes that do
    not fit.
    """
    width = place.shape[2]
    count = logits.shape[2]
    if logits.shape[1] != place.shape[1] * width or count % width:
        raise ValueError(
            f"attention of {logits.shape[1]} to {count} tokens does not fit places on a grid of "
            f"{place.shape[1]}×{width} tokens"
        )
    at = torch.arange(count, device=logits.device)
    positions = torch.stack([at % width, at // width], dim=1).to(place.dtype)
    distance = torch.cdist(place.flatten(1, 2).nan_to_num(), positions.expand(len(place), -1, -1))
    near = distance <= NEAR
    visible = logits > HIDDEN_BELOW
    best = logits.argmax(dim=2, keepdim=True)
    hit = near.gather(2, best)[..., 0]
    chance = (near & visible).sum(dim=2) / visible.sum(dim=2).clamp(min=1)
    own = torch.arange(logits.shape[1], device=logits.device).clamp(max=count - 1)
    in_place = near.gather(2, own.expand(len(place), -1)[..., None])[..., 0]
    sums = [(value * counted).sum(dtype=torch.float64) for value in (hit, chance, in_place)]
    return torch.stack([*sums, counted.sum(dtype=torch.float64)]).cpu()


def attention_of(network: CompactGenerator, layout: Layout = "positions") -> Attend:
    """The attention of the network that ships, optionally with its tokens scrambled.

    `layout`: "reshape" makes tokens of the planes by a reshape without moving channels last, the
    fault of two public implementations; "shuffled" puts the reference's tokens in a random order,
    another for each picture. Visibility stays where it was.
    """
    generator = torch.Generator().manual_seed(0)

    def attend(batch: Mapping[str, Tensor]) -> Tensor:
        training = network.training
        network.eval()
        try:
            with _scrambled(network) if layout == "reshape" else nullcontext():
                tokens = network.read_reference(batch["reference"])
                if layout == "shuffled":
                    order = [torch.randperm(len(key), generator=generator) for key in tokens.keys]
                    keys = [
                        key[o.to(key.device)] for key, o in zip(tokens.keys, order, strict=True)
                    ]
                    tokens = type(tokens)(
                        torch.stack(keys), tokens.values, tokens.colors, tokens.bias
                    )
                return network.paint(batch["lines"], batch["hints"], tokens)[1]
        finally:
            network.train(training)

    return attend


@contextmanager
def _scrambled(network: CompactGenerator) -> Iterator[None]:
    """Queries, keys and values leave their projections in the reshape layout."""

    def reshape(_module: object, _inputs: object, planes: Tensor) -> Tensor:
        batch, channels, height, width = planes.shape
        tokens = planes.reshape(batch, height * width, channels)
        return tokens.transpose(1, 2).reshape(batch, channels, height, width)

    projections = (network.query, network.key, network.value)
    hooks = [projection.register_forward_hook(reshape) for projection in projections]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
