"""`split_colors`: a layer of flat colors in, one layer for each color out."""

from __future__ import annotations

import cv2
import numpy as np

from s2i_models.layers import stack
from s2i_models.pipeline import Layer, Pipeline, Request
from s2i_models.split_colors.declaration import DECLARATION
from s2i_models.split_colors.distinct import distinct_colors
from s2i_models.split_colors.groups import group_pixels

REST = "Other colors"


class PipelineImpl(Pipeline):
    """Groups the colors, and gives each group its pixels as they were."""

    declaration = DECLARATION

    def run(self, request: Request) -> list[Layer]:
        step = request.progress.step
        step(0.0, "counting colors")
        pixels = _as_rgba(request.images["sketch"])
        colors = distinct_colors(pixels)
        labels, centers = group_pixels(
            colors, int(request.parameters["most"]), float(request.parameters["tolerance"]), step
        )
        del colors
        areas = np.bincount(labels.ravel(), minlength=256)
        titles = ["#" + bytes(c).hex() for c in np.rint(centers * 255).astype(np.uint8)] + [REST]
        # The largest first, what is left last.
        order = [*np.argsort(-areas[: len(centers)], kind="stable").tolist(), len(centers)]
        left, top = request.origins.get("sketch", (0, 0))
        layers = []
        for done, label in enumerate(label for label in order if areas[label]):
            step(0.8 + 0.2 * done / len(order), "making layers")
            part, (x, y) = _part(pixels, labels, label)
            layers.append(Layer("layer", part, (left + x, top + y), titles[label]))
        return layers


def _as_rgba(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if pixels.shape[2] == 4:
        return np.ascontiguousarray(pixels)
    depth = pixels.dtype
    planes = list(np.moveaxis(pixels, 2, 0))
    full = np.iinfo(depth).max if depth.kind == "u" else 1
    alpha = planes.pop() if len(planes) == 2 else np.full(pixels.shape[:2], full, depth)
    return stack(*(planes if len(planes) == 3 else planes * 3), alpha)


def _part(pixels: np.ndarray, labels: np.ndarray, label: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The pixels with a label, transparent elsewhere, cut to their bounding box, and its place."""
    where = (labels == label).view(np.uint8)
    x, y, width, height = cv2.boundingRect(where)
    box = (slice(y, y + height), slice(x, x + width))
    # Moved as bits, because OpenCV does not know 16-bit floats.
    bits = pixels.view(np.uint16) if pixels.dtype == np.float16 else pixels
    part = np.zeros((height, width, 4), bits.dtype)
    cv2.copyTo(bits[box], where[box], part)
    return part.view(pixels.dtype), (x, y)
