import numpy as np

from s2i_training.baselines import geodesic_watershed, trapped_ball_fill

RED, BLUE, WHITE = (200, 30, 20), (10, 40, 220), (255, 255, 255)


def two_rooms(gap: int = 0) -> np.ndarray:
    """A 64×96 canvas halved by a wall 3 px thick, with a gap in its middle."""
    ink = np.zeros((64, 96), np.float32)
    ink[:, 47:50] = 1
    ink[32 - gap // 2 : 32 - gap // 2 + gap, 47:50] = 0
    return ink


def hint(*dabs: tuple[int, int, tuple[int, int, int]]) -> np.ndarray:
    hints = np.zeros((64, 96, 4), np.uint8)
    for row, column, color in dabs:
        hints[row - 1 : row + 2, column - 1 : column + 2] = (*color, 255)
    return hints


def share(picture: np.ndarray, color: tuple[int, int, int]) -> float:
    return float((picture == color).all(axis=-1).mean())


def test_without_hints_both_stay_white():
    assert share(geodesic_watershed(two_rooms(), hint()), WHITE) == 1
    assert share(trapped_ball_fill(two_rooms(), hint()), WHITE) == 1


def test_each_room_takes_its_hints_exact_color_up_to_the_line():
    # The red hint is far nearer to the blue room's left part than the blue one is.
    hints = hint((32, 44, RED), (32, 90, BLUE))
    for picture in (
        geodesic_watershed(two_rooms(), hints),
        trapped_ball_fill(two_rooms(), hints),
    ):
        assert (picture[:, :47] == RED).all()
        assert (picture[:, 50:] == BLUE).all()


def test_the_watershed_floods_a_room_without_hint_and_the_regions_do_not():
    hints = hint((32, 20, RED))
    assert share(geodesic_watershed(two_rooms(), hints), RED) == 1
    filled = trapped_ball_fill(two_rooms(), hints)
    assert (filled[:, :47] == RED).all()
    assert (filled[:, 50:] == WHITE).all()


def test_regions_do_not_leak_through_a_gap_smaller_than_the_ball():
    filled = trapped_ball_fill(two_rooms(gap=3), hint((32, 20, RED)), radius=3)
    assert (filled[:, 52:] == WHITE).all()
    filled = trapped_ball_fill(two_rooms(gap=20), hint((32, 20, RED)), radius=3)
    assert (filled[:, 52:] == RED).mean() > 0.9


def test_closing_gaps_keeps_the_watershed_in_its_room():
    # Red stands right at the gap, blue far from it: by distance alone red runs through.
    hints = hint((32, 44, RED), (5, 90, BLUE))
    leaked = (geodesic_watershed(two_rooms(gap=3), hints)[:, 52:] == RED).all(axis=-1).mean()
    closed = (
        (geodesic_watershed(two_rooms(gap=3), hints, gap_close=3)[:, 52:] == RED)
        .all(axis=-1)
        .mean()
    )
    assert leaked > 0.3
    assert closed == 0


def test_two_hints_in_one_region_divide_it_by_distance():
    picture = trapped_ball_fill(np.zeros((64, 96), np.float32), hint((32, 20, RED), (32, 76, BLUE)))
    assert (picture[:, :46] == RED).all()
    assert (picture[:, 50:] == BLUE).all()


def test_a_hint_keeps_its_color_where_it_lies_at_the_canvas_edge():
    hints = np.zeros((64, 96, 4), np.uint8)
    hints[0, 10] = (*BLUE, 255)
    hints[32, 40] = (*RED, 255)
    assert tuple(geodesic_watershed(two_rooms(), hints)[0, 10]) == BLUE


def test_faint_paint_is_not_a_hint():
    hints = hint((32, 20, RED))
    hints[..., 3] //= 3
    assert share(geodesic_watershed(two_rooms(), hints), WHITE) == 1
    assert share(trapped_ball_fill(two_rooms(), hints), WHITE) == 1


def test_a_canvas_of_ink_alone_does_not_fail():
    ink = np.ones((64, 96), np.float32)
    assert share(trapped_ball_fill(ink, hint((32, 20, RED))), WHITE) == 1
    assert share(geodesic_watershed(ink, hint((32, 20, RED))), RED) == 1
