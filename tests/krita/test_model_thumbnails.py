"""Thumbnails keep shape and color."""

from __future__ import annotations

import numpy as np

from s2i_client.pixels import Order, Picture
from s2i_krita.model.thumbnails import image_of, thumbnail


def picture(pixels: np.ndarray, order: Order = "rgba") -> Picture:
    height, width = pixels.shape[:2]
    return Picture(name="x", width=width, height=height, order=order, data=pixels.tobytes())


def test_an_image_has_the_picture_s_pixels() -> None:
    image = image_of(picture(np.array([[[1, 2, 3, 255], [4, 5, 6, 0]]], np.uint8), "bgra"))
    first, second = image.pixelColor(0, 0), image.pixelColor(1, 0)
    assert (first.red(), first.green(), first.blue(), first.alpha()) == (3, 2, 1, 255)
    assert second.alpha() == 0


def test_a_thumbnail_keeps_the_shape_and_the_color(qapp: object) -> None:
    pixels = np.full((300, 600, 4), (200, 100, 50, 255), np.uint8)
    small = thumbnail(picture(pixels), 64)
    assert (small.width(), small.height()) == (64, 32)
    color = small.pixelColor(30, 15)
    assert (color.red(), color.green(), color.blue(), color.alpha()) == (200, 100, 50, 255)
    line = thumbnail(picture(np.zeros((1, 5000, 4), np.uint8)), 64)
    assert (line.width(), line.height()) == (64, 1)
