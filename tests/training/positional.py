"""A network whose attention is known: each token looks at its own place."""

from __future__ import annotations

import math

import torch

from s2i_models.reference_colorization.compact import CompactConfig, CompactGenerator

SIDE = 8  # tokens


class Positional(CompactGenerator):
    """A network whose queries and keys tell the position and nothing else.

    It takes pictures of 8×8 tokens.
    """

    work_size = 8 * SIDE

    def __init__(self):
        super().__init__(CompactConfig(widths=(8, 16, 16), token_width=256, blocks=1))
        angle = torch.arange(SIDE) * (math.pi / SIDE)
        wave = torch.stack([angle.cos(), angle.sin()])
        y = wave[:, None, :, None].expand(2, 2, SIDE, SIDE)
        x = wave[None, :, None, :].expand(2, 2, SIDE, SIDE)
        codes = torch.cat([(4 * y * x).flatten(0, 1), torch.zeros(252, SIDE, SIDE)])[None]
        for projection in (self.query, self.key):
            projection.register_forward_hook(
                lambda _m, _i, out: 100 * codes.expand(len(out), -1, -1, -1)
            )
