"""Drawn lines become edges one pixel wide, whatever they were drawn with."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from s2i_models.pi_rec.reading import read_edges


def _line(side: int, width: int) -> np.ndarray:
    strength = np.zeros((side, side), np.float32)
    cv2.line(strength, (side // 8, side // 2), (7 * side // 8, side // 2), 1.0, width)
    return strength


@pytest.mark.parametrize(("side", "width"), [(128, 1), (128, 4), (1024, 1), (1024, 20), (64, 1)])
def test_a_stroke_of_any_width_becomes_one_line(side: int, width: int) -> None:
    edges = read_edges(_line(side, width), (128, 128))
    columns = edges[:, 24:104]
    assert (columns.sum(axis=0) == 1).all()
    assert np.abs(np.nonzero(columns)[0] - 64).max() <= 1


def test_an_area_of_ink_becomes_its_outline() -> None:
    strength = np.zeros((256, 256), np.float32)
    strength[64:192, 64:192] = 1
    edges = read_edges(strength, (128, 128))
    assert not edges[40:88, 40:88].any()
    assert edges[28:36, 48:80].any(axis=0).all()


def test_faint_smudges_are_no_edges() -> None:
    assert not read_edges(0.3 * _line(256, 3), (128, 128)).any()


def test_nothing_drawn_has_no_edges() -> None:
    assert not read_edges(np.zeros((50, 90), np.float32), (128, 71)).any()


def test_a_drawing_that_is_not_square_keeps_its_places() -> None:
    strength = np.zeros((200, 400), np.float32)
    cv2.line(strength, (300, 20), (300, 180), 1.0, 3)
    edges = read_edges(strength, (64, 128))
    rows, columns = np.nonzero(edges)
    assert np.abs(columns - 96).max() <= 1 and rows.min() <= 7 and rows.max() >= 56
