"""What nobody painted has the color that was painted within the same lines."""

from __future__ import annotations

import cv2
import numpy as np

from s2i_models.coloring.drawing import Drawing
from s2i_models.pi_rec.filling import fill_within_lines

RED, BLUE = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)


def _boxes() -> Drawing:
    """Two boxes beside each other, 400 × 200."""
    sketch = np.full((200, 400, 1), 255, np.uint8)
    cv2.rectangle(sketch, (30, 30), (180, 170), 0, 4)
    cv2.rectangle(sketch, (220, 30), (370, 170), 0, 4)
    return Drawing(sketch)


def _fill(drawing: Drawing, *dabs: tuple[int, int, int, int, tuple[float, ...]]) -> np.ndarray:
    """`dabs`: top, bottom, left, right on a grid of 64 × 128, and the color."""
    colors, painted = np.ones((64, 128, 3), np.float32), np.zeros((64, 128), bool)
    for top, bottom, left, right, color in dabs:
        colors[top:bottom, left:right] = color
        painted[top:bottom, left:right] = True
    return fill_within_lines(colors, painted, drawing, lambda _fraction, _name: None)


def _is(colors: np.ndarray, color: tuple[float, ...] | float) -> bool:
    return bool(np.allclose(colors, color, atol=0.01))


def test_a_dab_colors_what_the_lines_around_it_enclose() -> None:
    filled = _fill(_boxes(), (30, 33, 30, 33, RED))
    assert _is(filled[14:50, 14:54], RED)
    assert _is(filled[14:50, 74:114], 1)
    assert _is(filled[:6], 1)


def test_several_dabs_share_what_they_lie_in() -> None:
    filled = _fill(_boxes(), (30, 33, 14, 17, RED), (30, 33, 50, 53, BLUE))
    assert _is(filled[14:50, 14:30], RED)
    assert _is(filled[14:50, 38:54], BLUE)


def test_a_blob_that_slips_over_the_outline_does_not_flood_the_paper() -> None:
    filled = _fill(_boxes(), (20, 40, 2, 30, RED))
    assert _is(filled[14:50, 14:54], RED)
    assert _is(filled[20:40, 2:8], RED)  # what is painted stays
    assert _is(filled[:6], 1)


def test_a_background_that_was_painted_is_colored_where_a_bit_was_left_out() -> None:
    painted = (
        (0, 8, 0, 128, BLUE),
        (56, 64, 0, 128, BLUE),
        (0, 64, 61, 67, BLUE),
        (0, 64, 0, 6, BLUE),
    )
    filled = _fill(_boxes(), *painted, (0, 64, 120, 128, BLUE))
    assert _is(filled[20:40, 7:9], BLUE)
    assert _is(filled[14:50, 14:54], 1)


def test_an_open_outline_does_not_flood_the_paper() -> None:
    sketch = _boxes().sketch.copy()
    sketch[80:140, 170:190] = 255
    filled = _fill(Drawing(sketch), (10, 54, 10, 50, RED))
    assert _is(filled[14:50, 14:48], RED)
    assert _is(filled[:6], 1)


def test_without_lines_the_nearest_blob_counts() -> None:
    blank = Drawing(np.full((200, 400, 1), 255, np.uint8))
    filled = _fill(blank, (0, 64, 0, 54, RED), (0, 64, 80, 128, BLUE))
    assert _is(filled[:, :62], RED)
    assert _is(filled[:, 72:], BLUE)
