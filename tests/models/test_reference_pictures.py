"""What is done with reference pictures outside of the network: reading, palette, attention."""

import tracemalloc

import cv2
import numpy as np
import pytest
import torch

from s2i_models.coloring.view import view_of
from s2i_models.reference_colorization import reference as reference_module
from s2i_models.reference_colorization.attention import (
    darken,
    on_picture,
    taken_from,
    weights_of_spots,
)
from s2i_models.reference_colorization.colors import ColorCounts, count_colors, palette_of
from s2i_models.reference_colorization.reference import LONGEST_SIDE, Reference, read_reference

SKIN, HAIR, COAT = (244, 205, 178), (90, 50, 30), (30, 70, 160)


def figure(side: int = 400, paper: tuple[int, ...] = (255, 255, 255)) -> np.ndarray:
    """A face with hair and a coat, with black soft lines, on paper or on nothing."""
    picture = np.full((side, side, len(paper)), paper, np.uint8)
    solid = (255,) * (len(paper) - 3)
    unit = side / 400

    def disc(center: tuple[int, int], radius: int, color: tuple[int, ...], width: int = -1) -> None:
        place = (round(center[0] * unit), round(center[1] * unit))
        thick = width if width < 0 else max(1, round(width * unit))
        cv2.circle(picture, place, round(radius * unit), (*color, *solid), thick, cv2.LINE_AA)

    for center, radius, color in (
        ((200, 300), 70, COAT),
        ((200, 150), 70, HAIR),
        ((200, 170), 50, SKIN),
    ):
        disc(center, radius, color)
        disc(center, radius, (0, 0, 0), 3)
    return picture


def as_bytes(colors: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(color) for color in np.rint(255 * colors).astype(int).tolist()]


@pytest.mark.parametrize("paper", [(255, 255, 255), (40, 40, 60), (0, 0, 0, 0), (250, 244, 230)])
def test_a_small_figure_on_a_large_sheet_fills_the_grid(paper: tuple[int, ...]) -> None:
    sheet = np.full((1500, 1800, len(paper)), paper, np.uint8)
    sheet[600:1000, 200:600] = figure(400, paper)
    sheet[50:52, 1700:1702] = 128  # dust
    reference = read_reference("reference", sheet)
    grid = reference.on_grid(view_of(reference.figure, 192, 16))
    painted = np.abs(grid.color - grid.color[2, 2]).max(axis=2) > 0.2
    rows = np.flatnonzero(painted.any(axis=1))
    assert rows[-1] - rows[0] > 150


def test_paper_inside_a_figure_is_no_margin() -> None:
    picture = figure()
    cv2.circle(picture, (200, 170), 40, (255, 255, 255), -1)
    paper = read_reference("reference", picture).paper
    assert paper[5, 5] and not paper[170, 200]


def test_a_picture_without_paper_is_all_figure() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (60, 90, 3), dtype=np.uint8)
    assert not read_reference("reference", photo).paper.any()
    assert not read_reference("reference", np.full((60, 90, 3), 255, np.uint8)).paper.any()


def test_colors_under_transparent_pixels_do_not_bleed_when_shrunk() -> None:
    checks = np.zeros((3000, 3000, 4), np.uint8)
    checks[::2] = (10, 200, 30, 255)
    checks[1::2] = (255, 0, 255, 0)
    reference = read_reference("reference", checks)
    assert reference.used.shape == (LONGEST_SIDE, LONGEST_SIDE)
    assert reference.used.mean() == pytest.approx(0.5, abs=0.01)
    grid = reference.on_grid(view_of(reference.figure, 192, 16))
    assert np.abs(grid.taken[96, 96] * 255 - (10, 200, 30)).max() < 2


def test_what_a_mask_hides_is_seen_but_not_taken() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[20:] = 255
    reference = read_reference("reference", figure(), mask)
    view = view_of(reference.figure, 192, 16)
    grid, hair = reference.on_grid(view), (50, slice(0, view.inner_width))
    assert grid.used[hair].max() == 0
    unmasked = read_reference("reference", figure()).on_grid(view)
    assert unmasked.color[hair].min() < 0.5
    assert np.array_equal(grid.color, unmasked.color)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
def test_a_huge_reference_takes_little_memory(dtype: type) -> None:
    light = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    huge = np.broadcast_to(np.full(4, light, dtype), (8192, 6144, 4))
    tracemalloc.start()
    reference = read_reference("reference", huge)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reference.color.shape == (1024, 768, 3)
    assert peak < 80e6


def test_blocks_of_any_size_shrink_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held at a time does not grow with the reference."""
    picture = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 255, (2100, 2500, 3), dtype=np.uint8), (0, 0), 4
    )
    expected = read_reference("reference", picture).color
    sizes, convert = [], reference_module._premultiplied

    def spy(block: np.ndarray) -> np.ndarray:
        sizes.append(block.shape[0] * block.shape[1])
        return convert(block)

    monkeypatch.setattr(reference_module, "_premultiplied", spy)
    monkeypatch.setattr(reference_module, "_BLOCK", 1000)
    color = read_reference("reference", picture).color
    assert max(sizes) < 1100 and sum(sizes) == 2100 * 2500
    assert np.abs(color - expected).max() < 0.02


def test_a_palette_holds_the_colors_that_were_chosen_and_not_the_soft_edges() -> None:
    found = as_bytes(palette_of([count_colors(read_reference("reference", figure()))], [1], 8))
    for color in (SKIN, HAIR, COAT):
        assert any(np.abs(np.subtract(color, own)).max() <= 1 for own in found)
    assert len(found) <= 5
    assert not any(min(color) > 250 for color in found)  # paper


def test_a_palette_has_at_most_so_many_colors_the_frequent_ones_first() -> None:
    rng = np.random.default_rng(0)
    noise = ColorCounts(rng.random((2000, 3)).astype(np.float32), np.full(2000, 1 / 2000))
    assert len(palette_of([noise], [1], 64)) == 64
    counts = count_colors(read_reference("reference", figure()))
    assert len(palette_of([counts], [1], 2)) == 2
    assert as_bytes(palette_of([counts], [1], 3))[0] == COAT


def test_a_palette_is_the_same_at_any_size_of_the_picture() -> None:
    small, large = (
        palette_of([count_colors(read_reference("reference", figure(side)))], [1], 6)
        for side in (300, 1000)
    )
    assert all(any(np.abs(a - b).max() < 2 / 255 for b in large) for a in small)


def test_references_give_a_palette_by_their_weights() -> None:
    pictures = [
        count_colors(read_reference("reference", np.full((9, 9, 3), color, np.uint8)))
        for color in (SKIN, COAT)
    ]
    assert as_bytes(palette_of(pictures, [1, 0.5], 4)) == [SKIN, COAT]
    assert as_bytes(palette_of(pictures, [0.5, 1], 1)) == [COAT]


def test_only_what_is_used_gives_its_colors() -> None:
    mask = np.zeros((400, 400), np.uint8)
    mask[240:] = 255
    found = palette_of([count_colors(read_reference("reference", figure(), mask))], [1], 8)
    assert COAT in as_bytes(found)
    assert not any(np.abs(np.subtract(SKIN, own)).max() < 20 for own in as_bytes(found))


def test_paper_that_is_all_there_is_gives_its_color() -> None:
    blank = read_reference("reference", np.full((30, 30, 3), (255, 250, 240), np.uint8))
    assert as_bytes(palette_of([count_colors(blank)], [1], 8)) == [(255, 250, 240)]


def test_attention_falls_on_the_place_it_took_from() -> None:
    sketch = np.zeros((600, 400), np.uint8)
    sketch[100:500, 50:350] = 1
    picture = Reference(*(np.ones((300, 500, *c), np.float32) for c in ((3,), (), ())))
    own, theirs = view_of(sketch, 192, 16), view_of(picture.figure, 192, 16)
    tokens = (own.grid_height // 8) * (own.grid_width // 8)
    there = (theirs.grid_height // 8) * (theirs.grid_width // 8)
    y, x = np.array([300, 301]), np.array([200, 201])
    weights = weights_of_spots(y, x, own, 8)
    assert weights.shape == (tokens,) and weights.sum() == pytest.approx(1)
    # Every token takes its color from the one two rows down and two columns right, at the top.
    logits = torch.full((1, tokens, there), -30.0)
    logits[:, :, 2 * (theirs.grid_width // 8) + 2] = 0
    taken = taken_from(logits, weights)
    assert taken.sum() == pytest.approx(1, abs=1e-5)
    shown = on_picture(taken, theirs, 8, (300, 500))
    assert shown.shape == (300, 500)
    row, column = np.unravel_index(shown.argmax(), shown.shape)
    scale = theirs.width / theirs.inner_width
    assert row == pytest.approx(theirs.top + 20 * scale, abs=2 * scale)
    assert column == pytest.approx(theirs.left + 20 * scale, abs=2 * scale)


def test_spots_speak_for_the_tokens_they_lie_on() -> None:
    view = view_of(np.ones((192, 192), np.uint8), 192, 16)
    scale = view.inner_width / view.width
    y, x = np.array([50, 50, 50, 150]), np.array([30, 30, 31, 100])
    weights = weights_of_spots(y, x, view, 8).reshape(24, 24)
    column, row = (int((at - view.left) * scale) // 8 for at in (30, 50))
    assert weights[row, column] == pytest.approx(0.75)
    assert np.count_nonzero(weights) == 2


def test_a_reference_is_dark_where_nothing_was_taken() -> None:
    color = np.full((2, 2, 3), 200, np.uint8)
    shown = darken(color, np.array([[1.0, 0.25], [0, 0]], np.float32), 1.0)
    assert (shown[0, 0] == 200).all() and (shown[1] < 50).all()
    assert 50 < shown[0, 1, 0] < 200


def test_ink_around_areas_is_no_color_of_theirs() -> None:
    picture = np.full((200, 200, 3), 255, np.uint8)
    cv2.circle(picture, (100, 100), 70, (220, 40, 40), -1)
    cv2.circle(picture, (100, 100), 70, (0, 0, 0), 4)
    cv2.rectangle(picture, (90, 90), (150, 150), (10, 10, 20), -1)  # black, and no line
    reference = read_reference("reference", picture)
    counted = count_colors(reference)
    palette = palette_of([counted], [1.0], 8)
    assert (np.abs(palette - np.array([220, 40, 40]) / 255).max(axis=1) < 0.02).any()
    assert reference.ink[100, 31] and not reference.ink[120, 120]
    view = view_of(reference.figure, 64, 16)
    grid = reference.on_grid(view)
    row, column = view.grid_positions(np.array([100]), np.array([31]))
    assert grid.taken[row[0], column[0], 0] > 0.8  # red or paper, not the line between


def test_a_reference_of_lines_alone_has_the_color_of_its_lines() -> None:
    picture = np.full((100, 100, 4), 0, np.uint8)
    cv2.line(picture, (10, 50), (90, 50), (0, 0, 0, 255), 2)
    reference = read_reference("reference", picture)
    counted = count_colors(reference)
    assert counted.colors.max() < 0.1


def test_ink_between_two_dark_colors_is_ink_too() -> None:
    picture = np.full((200, 200, 3), (60, 160, 60), np.uint8)
    cv2.circle(picture, (100, 100), 60, (200, 30, 30), -1)
    cv2.circle(picture, (100, 100), 60, (20, 20, 20), 4)
    reference = read_reference("reference", picture)
    palette = palette_of([count_colors(reference)], [1.0], 8)
    assert palette.max(axis=1).min() > 0.3  # none is the ink's
