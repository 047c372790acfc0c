"""Thinning strokes to lines, and walking along them."""

import cv2
import numpy as np
import pytest

from s2i_models.flats.thinning import line_ends, thin, walk_from


@pytest.mark.parametrize("stop", [(12, 2), (12, 9), (12, 12), (4, 12)])
def test_walks_from_both_ends_of_a_line_meet_no_fork(stop):
    line = np.zeros((15, 15), np.uint8)
    cv2.line(line, (2, 2), stop, 1, 1)
    ends = line_ends(line)
    assert len(ends) == 2
    stops, forked, _ = walk_from(line, ends, np.array([50, 50]))
    assert not forked.any()
    assert {tuple(e) for e in stops.tolist()} == {(2, 2), stop[::-1]}


def test_a_walk_stops_at_a_fork_or_after_its_steps():
    tee = np.zeros((15, 15), np.uint8)
    tee[7, 2:13] = 1
    tee[7:13, 7] = 1
    foot = line_ends(tee).tolist().index([12, 7])
    stops, forked, trace = walk_from(tee, line_ends(tee)[foot : foot + 1], np.array([50]))
    assert forked.tolist() == [True]
    assert stops[0, 0] <= 8
    assert (trace[9:13, 7] == 0).all()
    assert (trace[7, [2, 12]] == -1).all()
    stops, forked, _ = walk_from(tee, line_ends(tee)[foot : foot + 1], np.array([2]))
    assert (stops.tolist(), forked.tolist()) == ([[10, 7]], [False])


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_a_stroke_thins_to_one_line_as_long_as_the_stroke(angle):
    ink = np.zeros((120, 120), np.uint8)
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    start, stop = np.rint(60 - 40 * along).astype(int), np.rint(60 + 40 * along).astype(int)
    cv2.line(ink, start.tolist(), stop.tolist(), 255, 9)
    thinned = thin(ink, 10)
    ends = line_ends(thinned)
    assert len(ends) >= 2
    spread = np.linalg.norm(ends[:, None] - ends[None], axis=2).max()
    assert 70 <= spread <= 92
    assert cv2.connectedComponents(thinned, connectivity=8)[0] == 2
    # One pixel wide: no 2 x 2 square is full.
    assert not (thinned[1:, 1:] & thinned[1:, :-1] & thinned[:-1, 1:] & thinned[:-1, :-1]).any()
