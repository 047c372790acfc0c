"""The properties that flat regions must hold, on drawings made here."""

import cv2
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from s2i_models.flats.closing import stroke_ends
from s2i_models.flats.refine import segment_canvas
from s2i_models.flats.regions import auto_gap, segment


def face(size: int, gap: float = 0.0) -> np.ndarray:
    """A head with eyes, a mouth and a hat, anti-aliased, as ink (uint8, 255); lines are 1 % wide.

    `gap`: share of `size` that is cut out of four of its lines.
    """
    big = np.full((2048, 2048), 255, np.uint8)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * 2048), round(y * 2048)

    width = 20
    cv2.ellipse(big, at(0.47, 0.55), at(0.3, 0.33), 10, 0, 360, 0, width)
    cv2.ellipse(big, at(0.36, 0.5), at(0.07, 0.05), 0, 0, 360, 0, width)
    cv2.ellipse(big, at(0.58, 0.5), at(0.07, 0.05), 0, 0, 360, 0, width)
    cv2.line(big, at(0.36, 0.72), at(0.56, 0.74), 0, width)
    cv2.polylines(big, [np.array([at(0.2, 0.3), at(0.45, 0.05), at(0.75, 0.28)])], True, 0, width)
    cuts = (  # on both eyes, the head and the hat: a place, and the direction across the line
        (at(0.36, 0.45), 90),
        (at(0.65, 0.5), 0),
        (at(0.75, 0.6), 10),
        (at(0.325, 0.175), 45),
    )
    for (x, y), across in cuts if gap else ():
        box = cv2.boxPoints(((x, y), (120, gap * 2048), across))
        cv2.fillPoly(big, [np.rint(box).astype(np.int32)], 255)
    small = cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA)
    return np.where(small < 128, 255, 0).astype(np.uint8)


def region_at(labels: np.ndarray, x: float, y: float) -> int:
    return int(labels[round(y * labels.shape[0]), round(x * labels.shape[1])])


def one_piece_each(labels: np.ndarray) -> bool:
    return all(
        cv2.connectedComponents((labels == label).view(np.uint8), connectivity=4)[0] == 2
        for label in np.unique(labels)
    )


TURNS = {
    "quarter turn": np.rot90,
    "half turn": lambda a: np.rot90(a, 2),
    "three quarters": lambda a: np.rot90(a, 3),
    "mirror": lambda a: a[:, ::-1],
    "upside down": lambda a: a[::-1],
    "diagonal": lambda a: a.T,
}


@pytest.mark.parametrize("turn", TURNS)
def test_turned_and_mirrored_drawings_get_the_same_regions(turn):
    ink = np.pad(face(400, gap=0.008), ((0, 60), (30, 0)))
    regions = segment(ink).labels
    turned = segment(np.ascontiguousarray(TURNS[turn](ink))).labels
    assert len(np.unique(regions)) > 4
    assert adjusted_rand_score(TURNS[turn](regions).ravel(), turned.ravel()) == 1.0


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_half_and_double_size_give_nearly_the_same_regions(factor):
    regions = segment_canvas(face(800, gap=0.008)).labels
    scaled = segment_canvas(face(int(800 * factor), gap=0.008)).labels
    back = cv2.resize(scaled, (800, 800), interpolation=cv2.INTER_NEAREST)
    assert adjusted_rand_score(regions.ravel(), back.ravel()) >= 0.98


@pytest.mark.parametrize("size", [512, 1024, 1600])
@pytest.mark.parametrize("gap", [0.003, 0.006, 0.0095])
def test_a_gap_narrower_than_the_setting_never_leaks(size, gap):
    ink = face(size, gap)
    open_space = cv2.connectedComponents(255 - ink, connectivity=4)[1]
    places = ((0.36, 0.5), (0.58, 0.5), (0.47, 0.62), (0.45, 0.15), (0.02, 0.02))
    assert len({region_at(open_space, x, y) for x, y in places}) == 1  # all would leak
    labels = segment_canvas(ink).labels
    assert len({region_at(labels, x, y) for x, y in places}) == 5


@pytest.mark.parametrize("angle", range(0, 180, 20))
@pytest.mark.parametrize("width", [2, 5, 14])
def test_a_gap_is_closed_in_every_direction_and_stroke_width(angle, width):
    ink = np.zeros((400, 400), np.uint8)
    cv2.circle(ink, (200, 200), 120, 255, width)
    x, y = 200 + 120 * np.cos(np.radians(angle)), 200 + 120 * np.sin(np.radians(angle))
    cut = cv2.boxPoints(((x, y), (width + 12, 6), angle))
    cv2.fillPoly(ink, [np.rint(cut).astype(np.int32)], 0)
    open_space = cv2.connectedComponents(255 - ink, connectivity=4)[1]
    assert open_space[200, 200] == open_space[0, 0]
    labels = segment(ink, gap=9).labels
    assert labels[200, 200] != labels[0, 0]


@pytest.mark.parametrize("angle", [0, 30, 45])
@pytest.mark.parametrize("length", [14, 25])
def test_a_short_piece_between_two_gaps_is_joined_on_both_sides(angle, length):
    """As long as it is wide, so that it has no direction of its own."""
    ink = np.zeros((300, 300), np.uint8)
    cv2.circle(ink, (150, 150), 100, 255, 20)
    turn = np.degrees((length + 8) / 100)
    for place in (angle - turn / 2, angle + turn / 2):
        x, y = 150 + 100 * np.cos(np.radians(place)), 150 + 100 * np.sin(np.radians(place))
        cut = cv2.boxPoints(((x, y), (40, 8), place))
        cv2.fillPoly(ink, [np.rint(cut).astype(np.int32)], 0)
    assert cv2.connectedComponents(ink, connectivity=8)[0] == 3
    labels = segment(ink, gap=10).labels
    assert labels[150, 150] != labels[0, 0]


def test_a_wider_gap_than_the_setting_stays_open():
    ink = np.zeros((400, 400), np.uint8)
    cv2.circle(ink, (200, 200), 120, 255, 4)
    ink[60:100, 190:210] = 0
    labels = segment(ink, gap=8).labels
    assert labels[200, 200] == labels[0, 0]


def dumbbell() -> np.ndarray:
    filled = np.zeros((400, 600), np.uint8)
    cv2.circle(filled, (150, 200), 90, 255, -1)
    cv2.circle(filled, (450, 200), 90, 255, -1)
    cv2.rectangle(filled, (150, 197), (450, 202), 255, -1)
    return cv2.dilate(filled, np.ones((7, 7), np.uint8)) - filled


def hourglass() -> np.ndarray:
    """Two corners that point at each other across a passage of 6 px."""
    ink = np.zeros((400, 600), np.uint8)
    corners = np.array([[100, 60], [500, 60], [305, 200], [500, 340], [100, 340], [295, 200]])
    cv2.polylines(ink, [corners.astype(np.int32)], True, 255, 3)
    return ink


def spiral_corridor() -> np.ndarray:
    path = np.array([[80, 80], [520, 80], [520, 320], [120, 320], [120, 140], [460, 140]])
    filled = np.zeros((400, 600), np.uint8)
    cv2.polylines(filled, [path.astype(np.int32)], False, 255, 5)
    return cv2.dilate(filled, np.ones((5, 5), np.uint8)) - filled


@pytest.mark.parametrize("outline", [dumbbell, hourglass, spiral_corridor])
def test_a_whole_outline_is_never_split(outline):
    ink = outline()
    open_space = cv2.connectedComponents(255 - ink, connectivity=4)[0] - 1
    assert open_space == 2
    assert segment(ink, gap=20, sliver=4).count == 2


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_a_stroke_that_is_cut_off_straight_has_one_end_on_each_side(angle):
    """The middle line forks into the corners of the cut; those are no ends of strokes."""
    ink = np.zeros((300, 300), np.uint8)
    bar = cv2.boxPoints(((150, 150), (200, 24), angle))
    cv2.fillPoly(ink, [np.rint(bar).astype(np.int32)], 255)
    assert len(stroke_ends(ink).radius) == 2


@pytest.mark.parametrize("size", [300, 1200])
def test_each_region_is_one_piece(size):
    rng = np.random.default_rng(5)
    ink = np.zeros((size, size), np.uint8)
    for _ in range(60):
        a, b = rng.integers(0, size, (2, 2)).tolist()
        cv2.line(ink, a, b, 255, int(rng.integers(1, 9)))
    assert one_piece_each(segment_canvas(ink).labels)


def test_slivers_join_a_neighbor_unless_a_hint_lies_in_them():
    ink = np.zeros((300, 300), np.uint8)
    cv2.rectangle(ink, (50, 50), (250, 250), 255, 3)
    cv2.rectangle(ink, (100, 100), (108, 108), 255, 1)
    regions = segment(ink, sliver=100)
    assert regions.count == 2
    assert (regions.areas[np.unique(regions.labels)] >= 100).all()
    hinted = np.zeros_like(ink)
    hinted[104, 104] = 255
    regions = segment(ink, sliver=100, hinted=hinted)
    assert regions.count == 3
    assert regions.labels[104, 104] != regions.labels[200, 200]


def test_the_background_is_label_zero_and_the_areas_are_right():
    ink = face(512)
    regions = segment(ink)
    assert region_at(regions.labels, 0.02, 0.02) == 0
    assert regions.background.tolist() == [True] + [False] * (regions.count - 1)
    assert (np.bincount(regions.labels.ravel()) == regions.areas).all()


def test_both_sides_of_a_figure_from_top_to_bottom_are_background():
    ink = np.zeros((300, 300), np.uint8)
    cv2.line(ink, (100, 0), (110, 299), 255, 3)
    cv2.line(ink, (200, 0), (190, 299), 255, 3)
    regions = segment(ink)
    assert regions.background[regions.labels[150, [20, 150, 280]]].tolist() == [True, False, True]


def test_fills_meet_in_the_middle_of_a_line():
    ink = np.zeros((100, 100), np.uint8)
    ink[:, 40:60] = 255
    labels = segment(ink, gap=0).labels
    assert (labels[:, :50] == labels[0, 0]).all()
    assert (labels[:, 50:] == labels[0, 99]).all()
    assert labels[0, 0] != labels[0, 99]


def test_borders_follow_the_lines_at_full_size():
    """A hairline of 2 px on a large canvas: not one pixel of either side is on the other."""
    ink = np.zeros((1400, 2200), np.uint8)
    cv2.line(ink, (0, 413), (2199, 997), 255, 2)
    truth = cv2.connectedComponents(255 - ink, connectivity=4)[1]
    labels = segment_canvas(ink).labels
    free = ink == 0
    assert len(np.unique(labels)) == 2
    assert len(np.unique(truth[free] * 2 + labels[free])) == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (90, 2000), (2000, 90), (3, 3)])
@pytest.mark.parametrize("fill", [0, 255, "stroke"])
def test_every_canvas_and_every_ink_gets_labels(shape, fill):
    ink = np.zeros(shape, np.uint8)
    if fill == "stroke":
        ink[shape[0] // 2, shape[1] // 3 :] = 255
    else:
        ink[:] = fill
    regions = segment_canvas(ink)
    assert regions.labels.shape == shape
    assert regions.labels.min() >= 0
    assert regions.labels.max() < regions.count
    assert (np.bincount(regions.labels.ravel(), minlength=regions.count) == regions.areas).all()


def test_a_single_open_stroke_leaves_one_region():
    ink = np.zeros((400, 400), np.uint8)
    cv2.ellipse(ink, (200, 200), (100, 80), 0, 20, 200, 255, 5)
    assert segment(ink).count == 1


def test_the_gap_follows_the_canvas():
    assert auto_gap((1024, 2048)) == pytest.approx(10.24)
