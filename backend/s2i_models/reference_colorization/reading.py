"""What is known of a reference once the network has read it, kept while the document uses it."""

from __future__ import annotations

import hashlib
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from s2i_client.declaration import InvalidRequest
from s2i_models.coloring.looks import Grid
from s2i_models.coloring.view import View
from s2i_models.layers import convert_depth
from s2i_models.pipeline import Request
from s2i_models.reference_colorization.colors import ColorCounts, count_colors
from s2i_models.reference_colorization.compact import (
    CompactGenerator,
    ReferenceTokens,
    colors_of_cells,
)
from s2i_models.reference_colorization.generators import PaperPainter
from s2i_models.reference_colorization.reference import GridReference, read_reference

Generator = CompactGenerator | PaperPainter

_MEMORY = "reference_colorization.references"
_ROWS = 64


@dataclass(frozen=True)
class ReadReference:
    """A reference as `picture`, uint8 (h, w, 3), shrunk; as tokens of the network's grid in
    `view`; on that grid; and as counted colors.

    `tokens` are what colors may be taken from; `seen` are all there is, paper too.
    `by`: the network that read it; `digest`: of the pixels and the mask that were read; `name`:
    the input.
    """

    name: str
    by: weakref.ref[Generator]
    digest: bytes
    picture: np.ndarray
    view: View
    tokens: ReferenceTokens
    seen: ReferenceTokens
    grid: GridReference
    colors: ColorCounts

    @property
    def count(self) -> int:
        """How many tokens it has."""
        return self.tokens.keys.shape[1]


def read_references(
    generator: Generator,
    grid: Grid,
    request: Request,
    names: Sequence[str],
    masks: Mapping[str, str],
) -> list[ReadReference]:
    """The request's references of these names, read by `generator` or remembered.

    `grid`: how `generator` wants pictures to be. `masks`: for a reference's name the name of the
    input that is its mask. Raises `InvalidRequest` for a reference of which nothing can be used.
    """
    known: dict[str, ReadReference] = request.memory.get(_MEMORY, {})
    found: dict[str, ReadReference] = {}
    for name in names:
        pixels, mask = request.images[name], request.images.get(masks.get(name, ""))
        digest = _digest(pixels, mask)
        before = known.get(name)
        if before is not None and before.by() is generator and before.digest == digest:
            found[name] = before
            continue
        reference = read_reference(name, pixels, mask)
        view = grid.view_of(reference.figure)
        if not reference.is_used_in(view):
            raise InvalidRequest(
                name if mask is None else masks[name],
                "a mask that leaves nothing but the blank paper around the figure",
                "a picture that is light where the reference has what to use",
            )
        on_grid = reference.on_grid(view)
        begin = time.perf_counter()
        tokens, seen = read_tokens(generator, on_grid, view)
        passed = time.perf_counter() - begin
        request.timing["network"] = request.timing.get("network", 0.0) + passed
        found[name] = ReadReference(
            name,
            weakref.ref(generator),
            digest,
            convert_depth(reference.on_white, np.dtype(np.uint8)),
            view,
            tokens,
            seen,
            on_grid,
            count_colors(reference),
        )
    request.memory[_MEMORY] = found
    return [found[name] for name in names]


def read_tokens(
    generator: Generator, grid: GridReference, view: View
) -> tuple[ReferenceTokens, ReferenceTokens]:
    """The tokens of a reference, those that colors may be taken from, and all of them.

    The first differ in colors and bias; what they are like is found with the whole picture in view.
    What fills the grid up beside the window of `view` is in neither.
    """
    device = next(generator.parameters()).device

    def planes(*values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.dstack(values)).permute(2, 0, 1)[None].to(device)

    with torch.inference_mode():
        if not attends_places(generator):  # all it can do is not to see what is not used
            tokens = generator.read_reference(planes(grid.taken, grid.used))
            return tokens, tokens
        # Read as in training, with all of the grid valid.
        whole = generator.read_reference(planes(grid.color, np.ones_like(grid.used)))
        window = np.zeros_like(grid.used)
        window[: view.inner_height, : view.inner_width] = 1

        def taking(color: np.ndarray, valid: np.ndarray) -> ReferenceTokens:
            colors, bias = colors_of_cells(
                planes(color), planes(valid), generator.cell, relative=True
            )
            return replace(whole, colors=colors, bias=bias)

        return taking(grid.taken, grid.used), taking(grid.color, window)


def attends_places(generator: Generator) -> bool:
    """Whether the generator's attention tells where colors come from."""
    return isinstance(generator, CompactGenerator) or generator.attends_places


def _digest(*layers: np.ndarray | None) -> bytes:
    """Tells layers of different pixels, shapes or depths apart, at any size."""
    state = hashlib.blake2b(digest_size=16)
    for layer in layers:
        if layer is None:
            state.update(b"none")
            continue
        state.update(f"{layer.shape} {layer.dtype}".encode())
        for top in range(0, len(layer), _ROWS):  # a layer that is not contiguous is copied in parts
            state.update(np.ascontiguousarray(layer[top : top + _ROWS]).tobytes())
    return state.digest()
