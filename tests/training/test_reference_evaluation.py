"""How reference-based colorization is measured: pairs, helping hands, tables."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from positional import Positional
from safetensors.torch import save_file

from s2i_models.reference_colorization.compact import CompactConfig, CompactGenerator
from s2i_models.reference_colorization.generators import PaperPainter, load_generator
from s2i_models.reference_colorization.network import PaperConfig, PaperGenerator
from s2i_training.evaluations import reference_colorization as evaluation
from s2i_training.evaluations import reference_methods as methods
from s2i_training.evaluations.drawings import Drawing, held_out, held_out_indices
from s2i_training.evaluations.reference_pairs import Pair, with_itself, with_others
from s2i_training.export import write_weights

SIDE = 128
COLORS = ((200, 30, 40), (30, 60, 200), (40, 160, 60), (220, 200, 40))


def drawing(number: int) -> Drawing:
    """A circle of its own color and size with a line around it."""
    sketch = np.full((SIDE, SIDE), 255, np.uint8)
    color = np.full((SIDE, SIDE, 3), 255, np.uint8)
    radius = 28 + 4 * number
    cv2.circle(color, (64, 64), radius, COLORS[number], -1)
    painted = (color != 255).any(axis=2)
    cv2.circle(sketch, (64, 64), radius, 0, 3)
    cv2.circle(color, (64, 64), radius, (0, 0, 0), 3)
    measured = painted & (cv2.erode(sketch, np.ones((3, 3), np.uint8)) > 200)
    return Drawing(sketch, color, painted, measured, own_lines=True)


@pytest.fixture
def drawings() -> list[Drawing]:
    return [drawing(number) for number in range(4)]


def layers(color: np.ndarray) -> dict[str, np.ndarray]:
    opaque = np.full(color.shape[:2], 255, np.uint8)
    return {"color": np.dstack([color, opaque]), "smooth": np.dstack([color, opaque])}


def knowing(drawings: list[Drawing]) -> methods.Method:
    """Finds the original by its sketch."""

    def colorize(sketch: np.ndarray, reference: np.ndarray) -> dict[str, np.ndarray]:
        assert sketch.shape == (SIDE, SIDE, 1)
        assert reference.shape == (SIDE, SIDE, 4)
        return next(layers(d.color) for d in drawings if (d.sketch == sketch[..., 0]).all())

    return methods.learned(colorize, methods.OURS)


def graying(pair: Pair) -> dict[str, np.ndarray]:
    gray = np.where(pair.drawing.painted, 128, 255).astype(np.uint8)
    return {methods.AUTO_PAINTER["color"]: np.repeat(gray[..., None], 3, axis=2)}


def row(report: str, name: str) -> list[str]:
    line = next(line for line in report.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_a_drawing_is_its_own_reference_bent_with_what_left_it_transparent(drawings):
    pair = with_itself(drawings[0], seed=3)
    valid = pair.reference[..., 3] == 255
    assert 0 < valid.mean() < 1
    assert not (pair.usable & ~valid).any()
    assert np.abs(pair.reference[pair.usable][:, :3].astype(int) - COLORS[0]).max() <= 1
    moved = np.abs(pair.reference[..., :3].astype(int) - drawings[0].color).max(axis=2) > 50
    assert moved[valid].mean() > 0.02
    assert np.array_equal(pair.reference, with_itself(drawings[0], seed=3).reference)
    assert not np.array_equal(pair.reference, with_itself(drawings[0], seed=4).reference)


def test_no_drawing_is_its_own_random_reference_and_each_is_used_once(drawings):
    pairs = with_others(drawings)
    used = [
        next(n for n, d in enumerate(drawings) if (p.reference[..., :3] == d.color).all())
        for p in pairs
    ]
    assert sorted(used) == [0, 1, 2, 3]
    assert all(number != own for own, number in enumerate(used))
    assert all((p.usable == drawings[n].measured).all() for p, n in zip(pairs, used, strict=True))
    with pytest.raises(ValueError, match="--drawings 2"):
        with_others(drawings[:1])


def test_soft_colors_and_baselines_get_the_silhouette_and_lines_and_color_does_not(drawings):
    pair = with_itself(drawings[0], 0)
    filled = np.full((SIDE, SIDE, 3), 100, np.uint8)
    made = methods.learned(lambda _s, _r: layers(filled), methods.OURS)(pair)
    assert (made[methods.OURS["color"]] == 100).all()
    for picture in (made[methods.OURS["smooth"]], *methods.unlearned(pair).values()):
        assert (picture[~pair.drawing.painted & (pair.drawing.sketch == 255)] == 255).all()
        assert (picture[pair.drawing.sketch == 0] == 0).all()
        assert (picture[64, 64] != 255).any()


def test_methods_without_learning_take_their_color_from_the_reference(drawings):
    for index, pair in enumerate(map(with_itself, drawings, range(4))):
        for name, picture in methods.unlearned(pair).items():
            assert np.abs(picture[64, 64].astype(int) - COLORS[index]).max() <= 6, name


def test_the_original_is_perfect_and_gray_is_not(drawings, tmp_path):
    pairs = [with_itself(d, n) for n, d in enumerate(drawings)]
    report = evaluation.self_report(pairs, [knowing(drawings), graying], tmp_path, quick=True)
    for name in (evaluation.ORIGINAL, methods.OURS["color"]):
        assert row(report, name) == ["40.00", "1.000", "40.00", "0.00"]
    gray = [float(cell) for cell in row(report, methods.AUTO_PAINTER["color"])]
    assert gray[0] < 25
    assert gray[1] < 0.99
    assert gray[2] < 15
    assert gray[3] > 20
    with Image.open(tmp_path / "self.png") as sheet:
        assert sheet.size == (5 * 192, 4 * 192)


def test_colors_of_the_reference_are_near_its_palette_and_the_ratio_is_told(drawings, tmp_path):
    def referring(pair: Pair) -> dict[str, np.ndarray]:
        color = pair.reference[pair.usable][0, :3]
        return {methods.OURS["color"]: np.full((SIDE, SIDE, 3), color)}

    pairs = with_others(drawings)
    report = evaluation.random_report(pairs, [referring, graying], tmp_path, quick=True)
    assert row(report, methods.OURS["color"]) == ["0.00"]
    assert float(row(report, evaluation.ORIGINAL)[0]) > 40
    assert report.endswith("reference: 0.00")
    assert (tmp_path / "random.png").exists()


def test_drawings_without_a_painted_pixel_are_left_out_of_means(drawings):
    nothing = np.zeros((SIDE, SIDE), bool)
    empty = Drawing(drawings[0].sketch, drawings[0].color, nothing, nothing, True)
    pair = with_itself(empty, 0)
    measured = evaluation.nearness(pair)(empty.color)
    assert np.isnan(measured["SC-PSNR"])
    assert np.isnan(measured["CIEDE2000"])
    assert np.isnan(evaluation.palette_nearness(pair)(empty.color)["palette distance"])


def test_attention_is_told_beside_scrambled_tokens_and_chance(tiny_set):
    report = evaluation.attention_report(Positional(), tiny_set, 2)
    cells = [line.split("|")[1:3] for line in report.splitlines()[4:]]
    shares = {name.strip(): float(share.strip(" %")) for name, share in cells}
    assert len(shares) == 5
    assert " 0 tokens" not in report
    ours, in_place = shares["ours"], shares["the token at the same place"]
    assert ours == in_place > 20
    for scrambled in ("tokens by reshape", "reference tokens shuffled"):
        assert shares[f"the same network, {scrambled}"] < ours / 2
    assert 0 < shares["a random token of the reference (chance)"] < ours


def test_held_out_drawings_are_those_at_the_indices(tiny_set):
    indices = held_out_indices(tiny_set, 2)
    assert len(set(indices)) == 2
    assert len(held_out(tiny_set, 2)) == 2
    with pytest.raises(ValueError, match="--drawings"):
        held_out_indices(tiny_set, 1000)


def painter_of(path: Path, **settings) -> PaperPainter:
    """An untrained network of the paper's, written to `path` as `export` does."""
    config = PaperConfig("snailpong", width=2, **settings)
    state = PaperGenerator(config).state_dict()
    plain = config.to_dict()
    write_weights(path, state, "reference_colorization", "snailpong", plain, ships=False)
    painter = load_generator(path, "cpu")
    assert isinstance(painter, PaperPainter)
    return painter


def test_what_sees_no_reference_is_asked_once_for_each_drawing(drawings):
    asked = []

    def painting(pair: Pair) -> dict[str, np.ndarray]:
        asked.append(pair)
        return graying(pair)

    method = methods.once_each(painting)
    pairs = [*map(with_itself, drawings, range(4)), *with_others(drawings)]
    for pair in pairs:
        assert (method(pair)[methods.AUTO_PAINTER["color"]] == graying(pair).popitem()[1]).all()
    assert len(asked) == 4


def test_the_papers_network_sees_pictures_as_it_was_trained_with(drawings, tmp_path, monkeypatch):
    painter = painter_of(tmp_path / "paper.safetensors")
    pair = with_itself(drawings[1], 3)
    seen = []
    read, paint = PaperPainter.read_reference, PaperPainter.paint
    monkeypatch.setattr(
        PaperPainter, "read_reference", lambda self, r: seen.append(r) or read(self, r)
    )
    monkeypatch.setattr(
        PaperPainter, "paint", lambda self, *given: seen.extend(given) or paint(self, *given)
    )
    made = methods.paper_network(tmp_path / "paper.safetensors")(pair)
    assert set(made) == {methods.PAPER, methods.PAPER_SNAPPED}
    reference, lines, hints, tokens = seen
    color, valid = reference[:, :3], reference[:, 3:]
    assert reference.shape == (1, 4, 192, 192)
    assert set(valid.unique().tolist()) == {0, 1}
    assert (color * (1 - valid) == 0).all()
    # Paper at the rim of what is valid is not darkened by what is not.
    shown = cv2.resize(pair.reference, (192, 192), interpolation=cv2.INTER_NEAREST)
    figure = (shown[..., :3] < 250).any(axis=2) & (shown[..., 3] > 0)
    paper = cv2.dilate(figure.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    assert color[0][:, torch.from_numpy(paper) & (valid[0, 0] > 0)].min() > 0.99
    assert (tokens.bias < 0).any()
    assert lines.shape == (1, 1, 192, 192)
    assert 0 <= lines.min() < 0.2 and lines.max() == 1
    assert not hints.any()
    with torch.inference_mode():
        expected = paint(painter, lines, hints, read(painter, reference))[0]
    middle = expected[0, :3, 94:98, 94:98].mean(dim=(1, 2)).numpy() * 255
    assert made[methods.PAPER][64, 64] == pytest.approx(middle, abs=4)
    snapped = made[methods.PAPER_SNAPPED]
    assert len(np.unique(snapped[drawings[1].measured], axis=0)) == 1


def test_only_weights_of_the_papers_network_are_taken_for_them(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"other\.safetensors does not hold"):
        methods.paper_network(path)
    compact = CompactConfig(widths=(8, 16, 16), token_width=16, blocks=1)
    state = CompactGenerator(compact).state_dict()
    write_weights(path, state, "reference_colorization", "compact", compact.to_dict())
    with pytest.raises(ValueError, match="the paper's network"):
        methods.paper_network(path)


def test_within_the_silhouette_nothing_is_missing_and_nothing_is_over(drawings):
    pair = with_itself(drawings[0], 0)
    color = np.full((SIDE, SIDE, 4), 100, np.uint8)
    color[..., 3] = 0
    color[:, :64, 3] = 255  # too much on the left, nothing on the right
    smooth = np.full((SIDE, SIDE, 4), 50, np.uint8)
    made = methods.learned(
        lambda _s, _r: {"color": color, "smooth": smooth}, methods.OURS, methods.OURS_ENCLOSED
    )(pair)[methods.OURS_ENCLOSED]
    outside = ~pair.drawing.painted & (pair.drawing.sketch == 255)
    assert (made[outside] == 255).all()
    assert (made[60, 60] == 100).all()
    assert (made[60, 68] == 50).all()
    assert (made[pair.drawing.sketch == 0][:, 0] <= 100).all()
