"""How edge maps are compared."""

import numpy as np
import pytest

from s2i_training.metrics.edge_f1 import edge_f1, edge_match


def line(column: int, length: int = 40) -> np.ndarray:
    edges = np.zeros((40, 40), bool)
    edges[:length, column] = True
    return edges


def test_lines_within_the_tolerance_agree_and_others_do_not() -> None:
    for moved, expected in ((0, 1.0), (1, 1.0), (2, 1.0), (3, 0.0)):
        assert edge_f1(line(10 + moved), line(10)) == expected
    assert edge_f1(line(13), line(10), tolerance=3) == 1


def test_too_much_costs_precision_and_too_little_recall() -> None:
    both = line(10) | line(30)
    assert edge_match(both, line(10)) == (0.5, 1.0)
    assert edge_match(line(10), both) == (1.0, 0.5)
    assert edge_f1(both, line(10)) == edge_f1(line(10), both) == pytest.approx(2 / 3)
    # The two pixels beyond the end of a line are near enough.
    assert edge_match(line(10, length=18), line(10)).recall == pytest.approx(0.5)


def test_distances_are_straight_ones() -> None:
    one, other = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    one[4, 4] = other[6, 6] = True
    assert edge_f1(one, other) == 0
    assert edge_f1(one, other, tolerance=2.83) == 1


def test_empty_maps_agree_with_each_other_alone() -> None:
    none = np.zeros((40, 40), bool)
    assert edge_f1(none, none) == 1
    assert edge_f1(none, line(10)) == 0
    assert edge_f1(line(10), none) == 0
