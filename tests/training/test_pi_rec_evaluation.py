"""How PI-REC is measured: what it is given, hands' edges, exchanged layers, tiles, tables."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator
from s2i_models.pi_rec.generators import Networks
from s2i_training.evaluations import pi_rec as evaluation
from s2i_training.evaluations import pi_rec_hand as hand
from s2i_training.evaluations import pi_rec_robustness as robustness
from s2i_training.evaluations import pi_rec_seams as seams
from s2i_training.evaluations import pi_rec_swaps as swaps
from s2i_training.evaluations.pi_rec_nearness import add_fid, nearness, table
from s2i_training.evaluations.pi_rec_pictures import (
    LARGE,
    PAPER,
    HeldOut,
    domain_of_set,
    held_out_pictures,
)
from s2i_training.export import write_weights

COLORS = ((200, 30, 40), (30, 60, 200), (40, 160, 60), (120, 100, 40))
TINY = CompactConfig((4, 8), down_blocks=1, up_blocks=1, middle_blocks=1)


class Painter(nn.Module):
    """Stands in for a generator: the colors as they are, `strength` of the edges taken off."""

    def __init__(self, strength: float):
        super().__init__()
        self.strength = strength

    def forward(self, colors: Tensor, edges: Tensor) -> Tensor:
        return colors - self.strength * edges


def networks(generate: nn.Module, refine: nn.Module | None = None) -> Networks:
    return Networks(generate, refine)  # type: ignore[arg-type]


def held(number: int, inked: bool = True) -> HeldOut:
    """A disk of its own color and size."""
    picture = np.full((LARGE, LARGE, 3), 255, np.uint8)
    ink = np.zeros((LARGE, LARGE), np.float32)
    cv2.circle(picture, (128, 128), 60 + 12 * number, COLORS[number], -1)
    cv2.circle(ink, (128, 128), 60 + 12 * number, 1.0, 5)
    return HeldOut.of(picture, ink if inked else None)


@pytest.fixture(scope="module")
def disks() -> list[HeldOut]:
    return [held(number) for number in range(4)]


def row(report: str, name: str) -> list[str]:
    line = next(line for line in report.splitlines() if line.startswith(f"| {name}"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def write_tiny(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    both = {"generate": CompactGenerator(TINY), "refine": CompactGenerator(TINY)}
    state = {f"{p}.{k}": v for p, net in both.items() for k, v in net.state_dict().items()}
    write_weights(path, state, "pi_rec", "compact", TINY.to_dict())
    return path


def test_everything_that_is_given_has_the_size_it_is_for(disks) -> None:
    for disk in disks:
        assert disk.small.shape == disk.domain.shape == (128, 128, 3)
        assert disk.large.shape == disk.large_domain.shape == (256, 256, 3)
        assert disk.edges.shape == (128, 128) and disk.large_edges.shape == (256, 256)
        # One circle each, so twice as long at twice the size; blobs without the edges' detail.
        assert 1.8 < disk.large_edges.sum() / disk.edges.sum() < 2.2
        assert len(np.unique(disk.domain.reshape(-1, 3), axis=0)) <= PAPER.colors
        assert disk.lines is not None
        away = cv2.distanceTransform((~disk.edges).astype(np.uint8), cv2.DIST_L2, 5)
        assert away[disk.lines].max() < 3
    assert held(0, inked=False).lines is None


def test_held_out_pictures_are_of_the_test_split_and_always_the_same(tiny_set) -> None:
    chosen, again = held_out_pictures(tiny_set, 3), held_out_pictures(tiny_set, 3)
    assert all((a.large == b.large).all() for a, b in zip(chosen, again, strict=True))
    assert len({picture.large.tobytes() for picture in chosen}) == 3
    with pytest.raises(ValueError, match="--drawings"):
        held_out_pictures(tiny_set, 1000)
    assert domain_of_set(tiny_set) == "drawings"


def wiggle() -> np.ndarray:
    """A closed circle and a line that does not touch it."""
    edges = np.zeros((128, 128), np.uint8)
    cv2.circle(edges, (50, 60), 30, 1, 1)
    cv2.line(edges, (100, 20), (100, 110), 1, 1)
    return edges > 0


def test_a_displaced_stroke_stays_one_stroke_nearby() -> None:
    edges = wiggle()
    away = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, 5)
    means = []
    for seed in range(8):
        moved = hand.jittered(edges, np.random.default_rng(seed))
        assert cv2.connectedComponents(moved.astype(np.uint8), connectivity=8)[0] == 3
        assert 0.8 < moved.sum() / edges.sum() < 1.3
        assert away[moved].max() < 8
        means.append(away[moved].mean())
    assert 0.5 < np.mean(means) < 2
    once, twice = (hand.jittered(edges, np.random.default_rng(1)) for _ in range(2))
    assert (once == twice).all()


def test_broken_strokes_have_gaps_and_dropped_pixels_lie_anywhere() -> None:
    edges, rng = wiggle(), np.random.default_rng(0)
    broken = hand.broken(edges, rng)
    assert not (broken & ~edges).any()
    assert 0.6 < broken.sum() / edges.sum() < 0.95
    gaps = (edges & ~broken).astype(np.uint8)
    assert gaps.sum() / (cv2.connectedComponents(gaps)[0] - 1) >= 3
    many = np.ones((200, 200), bool)
    assert hand.dropped(many, rng).mean() == pytest.approx(0.92, abs=0.01)


def test_strokes_are_missing_as_a_whole() -> None:
    edges = np.zeros((128, 128), bool)
    edges[10:118, 4:124:6] = True  # twenty strokes
    kept = hand.strokes_missing(edges, np.random.default_rng(0), share=0.5)
    assert set(kept[10:118].mean(axis=0)[4:124:6]) == {0, 1}
    assert 4 <= kept[60].sum() <= 16
    assert (hand.strokes_missing(edges, np.random.default_rng(0), share=0.0) == edges).all()
    # Two lines that cross are four strokes, which go one by one.
    cross = np.zeros((64, 64), bool)
    cross[32, 4:60] = cross[4:60, 32] = True
    found = {
        int(hand.strokes_missing(cross, np.random.default_rng(n)).sum() // 20) for n in range(12)
    }
    assert len(found) > 2


@pytest.mark.parametrize(
    "draw", [hand.jittered, hand.broken, hand.dropped, hand.strokes_missing, hand.by_hand]
)
def test_no_edges_stay_no_edges(draw) -> None:
    assert not draw(np.zeros((32, 32), bool), np.random.default_rng(0)).any()


def test_originals_are_perfect_and_tables_hold_means(disks) -> None:
    originals = [disk.small for disk in disks]
    made = {"same": originals, "paper": [np.full_like(p, 255) for p in originals]}
    values = nearness(made, originals, None)
    assert (values["same"]["SSIM"] == 1).all() and (values["same"]["PSNR"] == 40).all()
    assert values["paper"]["PSNR"].max() < 15
    assert "LPIPS" not in values["same"]
    values["paper"]["FID"] = np.array([12.34])
    assert row(table(values), "same") == ["1.000", "40.00", "–"]
    assert row(table(values), "paper")[2] == "12.3"


def test_every_picture_is_compared_with_its_own_original(disks, monkeypatch) -> None:
    originals = [disk.small for disk in disks]
    made = {"same": originals, "other": originals[::-1]}

    def metric(ours: Tensor, theirs: Tensor) -> Tensor:
        return (ours - theirs).abs().mean(dim=(1, 2, 3))

    values = nearness(made, originals, metric)  # type: ignore[arg-type]
    assert (values["same"]["LPIPS"] == 0).all() and (values["other"]["LPIPS"] > 0.01).all()
    features = {p.tobytes(): np.eye(4)[n] for n, p in enumerate(originals)}
    monkeypatch.setattr(
        "s2i_training.evaluations.pi_rec_nearness.inception_features",
        lambda pictures: np.stack([features[p.tobytes()] for p in pictures]),
    )
    made["first"] = [originals[0]] * 4
    values["first"] = {}
    add_fid(values, made, originals)
    # FID does not ask which is which.
    assert values["other"]["FID"] == pytest.approx(0, abs=1e-9)
    assert values["first"]["FID"] > 0.5


def test_what_is_given_differs_only_in_what_a_row_says(disks, tmp_path) -> None:
    nets = {"a": Painter(0.0), "b": Painter(0.5)}
    report = robustness.robustness_report(disks, nets, None, tmp_path)  # type: ignore[arg-type]
    usual = row(report, robustness.EXTRACTED)[0]
    # A network that does not see edges does not care for them, and cares for colors.
    for title in robustness.CONDITIONS:
        a, b = row(report, title)
        if "edge" in title or "stroke" in title or "line" in title:
            assert a == usual
        assert b.endswith(")") and "±" in b
    assert row(report, "no edges")[1] == f"{usual} (+0.000 ± 0.000)"
    assert "0.000" not in row(report, robustness.EXTRACTED)[1]
    assert any(row(report, title)[0] != usual for title in ("2 colors", "first median of 35"))
    assert f"| {robustness.OWN_LINES} (4 drawings) |" in report
    assert (tmp_path / "by_hand.png").is_file() and (tmp_path / "ablations.png").is_file()
    faces = [held(0, inked=False), held(1, inked=False)]
    report = robustness.robustness_report(faces, {"a": nets["a"]}, None, tmp_path)  # type: ignore[dict-item]
    assert robustness.OWN_LINES not in report


def test_exchanged_colors_stay_with_the_color_layer(disks, tmp_path) -> None:
    made = networks(Painter(0.0), Painter(1.0))
    report = swaps.swap_report(disks, made, tmp_path)
    assert "1 groups of 4 pictures" in report and "16 results" in report
    distance, worst, f1, least, *_ = map(float, row(report, swaps.OURS))
    assert distance == worst == 0
    # It paints the blobs' borders, which lie elsewhere but for the picture's own.
    assert least < 0.5 < 1.01 * f1 + 0.6
    refined = list(map(float, row(report, swaps.REFINED)))
    assert 0 < refined[0] <= refined[1]
    assert list(map(float, row(report, "the pictures themselves")))[2:] == [1.0] * 4
    with Image.open(tmp_path / "swaps.png") as sheet:
        assert sheet.size == (5 * 128, 5 * 128)
    blank = HeldOut.of(np.full((LARGE, LARGE, 3), 255, np.uint8))
    with pytest.raises(ValueError, match="--drawings"):
        swaps.swap_report([disks[0], blank], made, tmp_path)


def test_borders_are_where_tiles_meet() -> None:
    torch.manual_seed(0)
    network = CompactGenerator(TINY)
    tiling = seams.smallest_tiles(network)
    side = 2 * (tiling.window - network.reach)
    assert seams.borders(side, tiling) == [side // 2]
    assert seams.borders(tiling.window, tiling) == []


def test_seams_are_found_where_there_are_some_and_only_there() -> None:
    rng = np.random.default_rng(0)
    whole = rng.random((96, 96, 3), np.float32)
    whole = cv2.GaussianBlur(whole, (0, 0), 2)
    assert seams.seams([(whole, whole)], [48]).added == 0
    tiled = whole.copy()
    tiled[48:] += 0.01
    found = seams.seams([(tiled, whole)], [48])
    assert found.added > 0.05
    assert found.difference == pytest.approx(2.55, abs=0.01)
    # What is at a border anyway is no seam.
    whole[48:] += 0.5
    assert seams.seams([(whole, whole)], [48]).added == 0


def test_the_network_that_ships_has_no_seams(disks, tmp_path) -> None:
    torch.manual_seed(0)
    network = CompactGenerator(TINY).eval()
    nn.init.normal_(network.head.weight, std=0.3)
    report = seams.seam_report(disks[:2], network, tmp_path)
    for name in ("a ramp, no edges", "2 pictures"):
        cells = row(report, name)
        assert float(cells[0]) > 0
        assert abs(float(cells[3].rstrip("%"))) < 0.1
        assert float(cells[4]) < 0.1


def test_the_whole_report_of_an_untrained_network(tiny_set, tmp_path, monkeypatch) -> None:
    weights = write_tiny(tmp_path / "tiny.safetensors")
    folder = tmp_path / "out"
    folder.mkdir()
    evaluate = partial(evaluation.evaluate, tiny_set, count=2, folder=folder, quick=True)
    report = evaluate(weights, ablations={"without imitation": weights})
    assert report.count("| color domain |") == report.count(f"| {evaluation.REFINED} |") - 1 == 2
    assert row(report, "without imitation") == row(report, evaluation.OURS)
    assert row(report, robustness.EXTRACTED)[1].endswith("(+0.000 ± 0.000)")
    assert "LPIPS" not in report and "SSIM ÷ that of the best without learning" in report
    for name in ("reconstruction", "by_hand", "ablations", "swaps", "seams"):
        assert (folder / f"{name}.png").is_file()
    monkeypatch.setattr(evaluation, "SHIPPED_WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"pi_rec\.safetensors does not exist"):
        evaluate(None)
