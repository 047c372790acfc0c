"""`pi_rec`: edges and blobs of color in, a finished picture out.

The network sees the whole canvas at its work size, and larger versions in windows of at most 1344
pixels a side, so a job's memory beyond its layers does not grow with the canvas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from s2i_client.declaration import InvalidRequest
from s2i_models import catalog
from s2i_models.coloring.drawing import Drawing
from s2i_models.layers import convert_depth, stack
from s2i_models.pi_rec.declaration import CANVAS, DECLARATION, WORK_SIZE
from s2i_models.pi_rec.filling import fill_within_lines
from s2i_models.pi_rec.generators import Networks, load_networks
from s2i_models.pi_rec.painting import Look, refine, resized, size_of, sizes_to_paint
from s2i_models.pi_rec.reading import (
    Size,
    fill_colors,
    read_colors,
    read_edges,
    shrink_edges,
    soften,
)
from s2i_models.pipeline import Layer, Pipeline, Request

# Longer side at which edges are read, pixels; more where detail has more, less on small canvases.
READING_SIZE = 1024
# The paper's tool makes a picture lighter in steps of clip(1.1 v - 12.5), v from 0 to 255.
LIGHTEN_FACTOR, LIGHTEN_LESS = 1.1, 12.5 / 255
# The longest side, pixels, at which blobs are told to lie on one side of a line or on the other.
FILLING_SIZE = 768


class PipelineImpl(Pipeline):
    """The generator at its work size, then the refiner at larger and larger ones."""

    declaration = DECLARATION
    weights_name = "pi_rec"
    # Beside what ships for drawings, there is this for faces.
    faces_name = "pi_rec_faces"

    def __init__(self, weights: Path | None = None, device: str = "cpu"):
        super().__init__(weights, device)
        if weights is None:
            raise ValueError("pi_rec needs a file of weights")
        self._own = load_networks(weights, device)
        self._faces: Networks | None = None

    def memory_bytes(self) -> int:
        loaded = [self._own] if self._faces is None else [self._own, self._faces]
        return sum(
            parameter.numel() * parameter.element_size()
            for networks in loaded
            for network in (networks.generate, networks.refine)
            if network is not None
            for parameter in network.parameters()
        )

    def networks(self, domain: str) -> Networks:
        """What paints a domain: the weights that ship for it, or the user's own for all domains.

        Raises `InvalidRequest` when the weights for faces are not there.
        """
        shipped = catalog.SHIPPED_WEIGHTS / f"{self.weights_name}.safetensors"
        if domain != "faces" or self.weights != shipped:
            return self._own
        if self._faces is None:
            path = shipped.with_name(f"{self.faces_name}.safetensors")
            if not path.is_file():
                raise InvalidRequest(
                    "domain",
                    "faces, whose weights are not installed",
                    f"drawings; or faces when {path.name} lies beside {shipped.name}",
                )
            self._faces = load_networks(path, self.device)
        return self._faces

    def run(self, request: Request) -> list[Layer]:
        settings, sketch = request.parameters, request.images["sketch"]
        networks = self.networks(str(settings["domain"]))
        request.progress.step(0.0, "reading the lines")
        work_size = networks.generate.work_size
        sizes = sizes_to_paint(sketch.shape, work_size, _detail(request, work_size))
        edges = _edges_at(sizes, Drawing.of(sketch, request.memory).strength)
        layers: dict[str, list[Layer]] = {}
        if "picture" in request.outputs:
            layers["picture"] = self._pictures(request, networks, edges)
        if "edges" in request.outputs:
            layers["edges"] = [Layer("edges", _lines_layer(edges[-1], sketch), _origin(request))]
        return [layer for name in request.outputs for layer in layers[name]]

    def _pictures(
        self, request: Request, networks: Networks, edges: Sequence[np.ndarray]
    ) -> list[Layer]:
        """The finished picture, or one for each step from the first colors to the second.

        `edges`: bool (h, w) for each size to be painted, the smallest first.
        """
        progress, refiner = request.progress, networks.refine
        progress.step(0.02, "reading the colors")
        picture = _given_picture(request, edges[-1].shape)
        if picture is not None:
            if refiner is None:
                raise InvalidRequest(
                    "picture",
                    "a picture to refine with weights that have no refinement",
                    "edges and colors alone, or the shipped weights",
                )
            domains, refined_at = {"": resized(picture, edges[0].shape)}, edges
        else:
            domains = _color_domains(request, edges[0].shape)
            # Where all of it is painted at one size, that is refined as it is.
            refined_at = edges[1:] or edges
        if refiner is None or not (request.parameters["refine"] or picture is not None):
            refined_at = ()
        area = sum(own.size for own in refined_at) + (edges[0].size if picture is None else 0)
        look = Look(
            self.device,
            request.frugal,
            area * len(domains),
            lambda done: progress.step(0.05 + 0.9 * done, "painting"),
        )
        layers = []
        for title, colors in domains.items():
            painted = colors
            if picture is None:
                painted = look(networks.generate, colors, edges[0])
                shown = convert_depth(painted, np.dtype(np.uint8))
                progress.step(0.05 + 0.9 * look.done, "painting", shown)
            if refiner is not None:
                painted = refine(look, refiner, painted, refined_at, picture)
            finished = _finished(painted, request)
            layers.append(Layer("picture", finished, _origin(request), title))
        request.timing["network"] = request.timing.get("network", 0.0) + look.seconds
        progress.step(0.95, "handing over")
        return layers


def _detail(request: Request, work_size: int) -> int:
    """The longest side of what is painted, pixels; never more than the canvas has."""
    longest = max(request.images["sketch"].shape[:2])
    match request.parameters["detail"]:
        case declared if declared == WORK_SIZE:
            return min(longest, work_size)
        case declared if declared == CANVAS:
            return longest
        case side:
            return min(longest, int(side))


def _edges_at(sizes: Sequence[Size], strength: np.ndarray) -> list[np.ndarray]:
    """The edges of a sketch at each of `sizes`, the smallest first.

    They are read at a size that does not depend on that of detail, and shrunk from there: small
    areas have outlines then at the work size too.
    """
    shape = strength.shape
    side = max(*sizes[-1], min(READING_SIZE, max(shape)))
    finest = read_edges(strength, size_of(shape, side))
    return [shrink_edges(finest, size) for size in sizes]


def _read(request: Request, name: str, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """A layer over the sketch as `read_colors` reads it."""
    x, y = np.subtract(request.origins.get(name, (0, 0)), _origin(request))
    shape = request.images["sketch"].shape
    return read_colors(request.images.get(name), shape, (int(x), int(y)), size)


def _given_picture(request: Request, size: Size) -> np.ndarray | None:
    """The picture to refine, (h, w, 3) of `size`; None where nothing is painted on it."""
    picture, painted = _read(request, "picture", size)
    return fill_colors(picture, painted) if painted.any() else None


def _color_domains(request: Request, size: Size) -> dict[str, np.ndarray]:
    """Colors (h, w, 3) at the work size by layer title: one, or as many as there are steps.

    Blended as the paper's script does: along straight lines between sRGB colors.
    """
    begin, end = (_domain(request, name, size) for name in ("colors", "colors_2"))
    if end is None:
        return {"": np.ones((*size, 3), np.float32) if begin is None else begin}
    if begin is None:
        begin = np.ones((*size, 3), np.float32)
    shares = np.linspace(0, 1, int(request.parameters["steps"]), dtype=np.float32)
    return {
        f"{share:.0%}".replace("%", " %"): (1 - share) * begin + share * end for share in shares
    }


def _domain(request: Request, name: str, size: Size) -> np.ndarray | None:
    """A layer of blobs as a color domain (h, w, 3) of `size`; None where nothing is painted."""
    how = request.parameters["unpainted"]
    if how == "lines":
        # At the size of the lines, so that a blob beside a line is not taken to lie across it.
        fine = _size_within(request.images["sketch"].shape, FILLING_SIZE)
        colors, painted = _read(request, name, fine)
        if not painted.any():
            return None
        if not painted.all():
            drawing = Drawing.of(request.images["sketch"], request.memory)
            colors = fill_within_lines(
                colors, painted, drawing, lambda _, step: request.progress.step(0.03, step)
            )
        return soften(resized(colors, size))
    colors, painted = _read(request, name, size)
    if not painted.any():
        return None
    return soften(fill_colors(colors, painted, spread=how == "spread"))


def _size_within(shape: tuple[int, ...], longest: int) -> Size:
    """The size of a canvas of `shape`, shrunk so that its longer side has at most `longest` px."""
    scale = min(1.0, longest / max(shape[:2]))
    height, width = (max(1, round(length * scale)) for length in shape[:2])
    return height, width


def _finished(painted: np.ndarray, request: Request) -> np.ndarray:
    """A painted picture (h, w, 3) float32 as an opaque layer of the sketch's size and depth."""
    sketch = request.images["sketch"]
    amount = np.float32(request.parameters["lighten"])
    if amount:
        lighter = LIGHTEN_FACTOR * painted - LIGHTEN_LESS
        painted = (painted + amount * (lighter - painted)).clip(0, 1)
    depth = sketch.dtype
    # OpenCV does not resample 16-bit floats.
    small = painted if depth == np.float16 else convert_depth(painted, depth)
    colors = convert_depth(resized(small, sketch.shape[:2]), depth)
    opaque = np.full(sketch.shape[:2], _full(depth), depth)
    return stack(*(np.ascontiguousarray(colors[..., channel]) for channel in range(3)), opaque)


def _lines_layer(edges: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    """Edges as black on nothing, (H, W, 4) in the sketch's size and depth."""
    height, width = sketch.shape[:2]
    large = cv2.resize(edges.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    layer = np.zeros((height, width, 4), sketch.dtype)
    layer[..., 3][large > 0] = _full(sketch.dtype)
    return layer


def _origin(request: Request) -> tuple[int, int]:
    return request.origins.get("sketch", (0, 0))


def _full(depth: np.dtype) -> float:
    return np.iinfo(depth).max if depth.kind == "u" else 1
