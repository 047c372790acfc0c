"""The square that the embedder sees: what is drawn, wherever and on whatever paper."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from s2i_models.find_reference.framing import drawn_box, frame

PAPERS = [(255, 255, 255), (235, 225, 200), (20, 24, 30)]


def _canvas(side: int, paper: tuple[int, int, int], at: tuple[int, int], size: int) -> np.ndarray:
    canvas = np.full((side, side, 3), paper, np.uint8)
    x, y = at
    canvas[y : y + size, x : x + size] = (200, 60, 40)
    canvas[y + size // 4 : y + size // 2, x + size // 2 : x + size] = (40, 90, 220)
    return canvas


@pytest.mark.parametrize("paper", PAPERS)
def test_place_and_size_on_the_canvas_do_not_matter(paper: tuple[int, int, int]) -> None:
    large = frame(_canvas(300, paper, (20, 30), 240), 64)
    small = frame(_canvas(500, paper, (300, 40), 120), 64)
    assert large.shape == (64, 64, 3)
    assert large.dtype == np.float32
    assert np.abs(large - small).mean() < 0.02
    assert np.allclose(large[0, 0], np.array(paper) / 255, atol=0.01)


def test_hairlines_are_kept_whole_and_specks_are_not() -> None:
    canvas = np.full((200, 200, 3), 255, np.uint8)
    cv2.line(canvas, (40, 60), (140, 60), (0, 0, 0), 1)
    cv2.line(canvas, (60, 50), (60, 160), (0, 0, 0), 1)
    # The very ends of a stroke have one neighbor only.
    assert drawn_box(canvas) == pytest.approx((40, 50, 141, 161), abs=1)
    canvas[5, 190] = 0
    assert drawn_box(canvas) == pytest.approx((40, 50, 141, 161), abs=1)


def test_a_picture_without_paper_stays_whole() -> None:
    rows, columns = np.mgrid[:80, :80]
    photo = np.dstack([3 * rows, 3 * columns, rows + columns]).astype(np.uint8)
    assert drawn_box(photo) is None
    assert np.abs(frame(photo, 80) - photo / 255).max() < 0.01


def test_an_empty_sheet_is_framed_as_it_is() -> None:
    assert drawn_box(np.full((30, 50, 3), 240, np.uint8)) is None
    assert np.allclose(frame(np.full((30, 50), 240, np.uint8), 32), 240 / 255, atol=1e-3)


def test_transparent_parts_are_white_paper() -> None:
    layer = np.zeros((100, 100, 4), np.uint8)
    layer[30:60, 40:70] = (10, 120, 200, 255)
    opaque = np.full((100, 100, 3), 255, np.uint8)
    opaque[30:60, 40:70] = (10, 120, 200)
    assert np.array_equal(frame(layer, 48), frame(opaque, 48))


def test_long_drawings_keep_their_shape() -> None:
    canvas = np.full((100, 400, 3), 255, np.uint8)
    canvas[40:60, 20:380] = 0
    ink = frame(canvas, 64)[:, :, 0] < 0.5
    height, width = np.ptp(np.nonzero(ink), axis=1) + 1
    assert 14 < width / height < 22


def test_floats_and_bytes_give_the_same() -> None:
    canvas = _canvas(90, (255, 255, 255), (20, 30), 40)
    assert np.abs(frame(canvas, 32) - frame(canvas.astype(np.float32) / 255, 32)).max() < 0.01
    one_pixel = frame(np.zeros((1, 1), np.uint8), 16)
    assert one_pixel.shape == (16, 16, 3)
