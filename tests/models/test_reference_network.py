import json
import math

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torch.nn.modules.conv import _ConvNd

from s2i_models.reference_colorization.compact import HIDDEN, CompactGenerator, ReferenceTokens
from s2i_models.reference_colorization.generators import COVERED, PaperPainter, load_generator
from s2i_models.reference_colorization.network import (
    READINGS,
    FeatureTransfer,
    PaperConfig,
    PaperGenerator,
    PatchGan,
    TokenLayout,
    as_maps,
    as_tokens,
)

SMALL = [
    PaperConfig("supplement", width=2),
    PaperConfig("supplement", width=2, skips="add"),
    PaperConfig("snailpong", width=2),
    PaperConfig("jungjaewon", width=2),
]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def millions(network: nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


def names(config: PaperConfig) -> str:
    return f"{config.preset} {config.skips}"


def test_parameter_counts_are_those_of_the_public_implementations(monkeypatch):
    # Built without drawing first weights, which takes seconds.
    monkeypatch.setattr(_ConvNd, "reset_parameters", lambda self: None)
    snailpong = PaperGenerator(PaperConfig("snailpong"))
    supplement = PaperGenerator(PaperConfig(skips="add"))
    judge = PatchGan()
    assert millions(snailpong) == pytest.approx(82.1, abs=0.05)
    assert millions(snailpong.sketch_encoder) == pytest.approx(1.18, abs=0.005)
    assert millions(snailpong.reference_encoder) == pytest.approx(1.18, abs=0.005)
    assert millions(snailpong.transfer) == pytest.approx(2.95, abs=0.005)
    assert millions(snailpong.residual) == pytest.approx(70.9, abs=0.05)
    assert millions(snailpong.decoder) == pytest.approx(5.9, abs=0.05)
    assert millions(supplement) == pytest.approx(8.98, abs=0.005)
    assert millions(judge) == pytest.approx(2.77, abs=0.005)


@pytest.mark.parametrize(
    ("preset", "width", "cell"), [("snailpong", 992, 16), ("supplement", 448, 8)]
)
def test_tokens_are_as_wide_as_the_maps_they_stack(preset, width, cell):
    config = PaperConfig(preset)
    assert (config.token_width, config.stride) == (width, cell)


@pytest.mark.parametrize("config", SMALL, ids=names)
def test_a_picture_of_the_sketchs_size_is_painted_after_a_reference_of_another(config):
    network = PaperGenerator(config).eval()
    sketch, reference = torch.rand(2, 1, 32, 64) * 2 - 1, torch.rand(2, 3, 64, 48) * 2 - 1
    with torch.no_grad():
        painted, logits = network.paint(sketch, reference)
        without = network(sketch, reference)
    cells = 32 * 64 // config.stride**2, 64 * 48 // config.stride**2
    assert painted.shape == (2, 3, 32, 64)
    assert painted.abs().max() <= 1
    assert logits.shape == (2, *cells)
    # The same attention with and without its logits at hand.
    assert torch.allclose(painted, without, atol=1e-5)


@pytest.mark.parametrize("config", SMALL, ids=names)
def test_gradients_reach_every_parameter_of_the_generator(config):
    network = PaperGenerator(config)
    painted = network(torch.rand(2, 1, 64, 64), torch.rand(2, 3, 64, 64))
    (painted - torch.rand(2, 3, 64, 64)).square().mean().backward()
    for name, parameter in network.named_parameters():
        if config.preset == "jungjaewon" and name == "transfer.key.bias":
            continue  # it adds the same to a query's logits everywhere
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_the_judge_sees_sketch_and_picture_and_learns_in_every_part(norm):
    network = PatchGan(norm, width=4)
    sketch, picture = torch.rand(2, 1, 64, 64), torch.rand(2, 3, 64, 64)
    sketch.requires_grad_()
    picture.requires_grad_()
    verdicts = network(sketch, picture)
    verdicts.square().mean().backward()
    assert verdicts.shape == (2, 1, 6, 6)
    for given in (sketch, picture, *network.parameters()):
        assert given.grad is not None
    assert all(g.grad is not None and g.grad.abs().max() > 0 for g in (sketch, picture))
    assert torch.isfinite(verdicts).all()
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 256, 256), torch.zeros(1, 3, 256, 256)).shape[2:] == (
            30,
            30,
        )


def transfer_by_hand(sketch, reference, query, key, value):
    """Eq. (2) to (4) on lists: tokens of two numbers, matrices of two rows."""

    def times(matrix, token):
        return [sum(m * t for m, t in zip(row, token, strict=True)) for row in matrix]

    made = []
    for token in sketch:
        asked = times(query, token)
        scores = [
            math.exp(sum(a * k for a, k in zip(asked, times(key, other), strict=True)) / 2**0.5)
            for other in reference
        ]
        taken = [times(value, other) for other in reference]
        made.append(
            [
                token[c] + sum(s * t[c] for s, t in zip(scores, taken, strict=True)) / sum(scores)
                for c in range(2)
            ]
        )
    return made


def small_transfer(layout: TokenLayout = "positions"):
    transfer = FeatureTransfer(2, READINGS["snailpong"], layout)
    matrices = [[1.0, 0.5], [0.0, 1.0]], [[1.0, 0.0], [-0.5, 2.0]], [[0.0, 1.0], [3.0, 0.0]]
    with torch.no_grad():
        for layer, matrix in zip(
            (transfer.query, transfer.key, transfer.value), matrices, strict=True
        ):
            layer.weight.copy_(torch.tensor(matrix))
    return transfer, matrices


def test_the_transfer_is_the_papers_equations_on_positions():
    transfer, matrices = small_transfer()
    sketch = [[1.0, -1.0], [0.5, 2.0], [-1.0, 0.25], [0.0, 1.0]]
    reference = [[0.3, 0.7], [-2.0, 1.0], [1.5, 0.5], [0.2, -0.4]]
    # Two rows of two positions.
    maps, keys = (torch.tensor(t).T.reshape(1, 2, 2, 2) for t in (sketch, reference))
    expected = torch.tensor(transfer_by_hand(sketch, reference, *matrices)).T.reshape(1, 2, 2, 2)
    with torch.no_grad():
        context = transfer(maps, *transfer.read(keys))
        assert torch.allclose(context, expected, atol=1e-5)
        context, logits = transfer.with_logits(maps, *transfer.read(keys))
    assert torch.allclose(context, expected, atol=1e-5)
    # Token 1 asks (1.5, 2); the reference's token 2 answers (1.5, 0.25).
    assert logits[0, 1, 2].item() == pytest.approx((1.5 * 1.5 + 2 * 0.25) / 2**0.5, abs=1e-5)


def test_a_bias_hides_tokens_from_attention():
    transfer, _ = small_transfer()
    sketch, reference = torch.rand(1, 2, 2, 2), torch.rand(1, 2, 2, 2)
    bias = torch.tensor([[0.0, HIDDEN, HIDDEN, HIDDEN]])
    with torch.no_grad():
        keys, values = transfer.read(reference)
        expected = sketch + values[:, 0, :, None, None]
        assert torch.allclose(transfer(sketch, keys, values, bias), expected, atol=1e-5)
        context, _ = transfer.with_logits(sketch, keys, values, bias)
    assert torch.allclose(context, expected, atol=1e-5)


def test_a_token_is_a_place_and_a_reshaped_one_is_not():
    maps = torch.arange(12.0).reshape(1, 3, 2, 2)  # channel c at position p is 4c + p
    assert as_tokens(maps, "positions")[0, 1].tolist() == [1, 5, 9]
    assert as_tokens(maps, "reshape")[0, 1].tolist() == [3, 4, 5]
    for layout in ("positions", "reshape"):
        assert torch.equal(as_maps(as_tokens(maps, layout), 2, layout), maps)


def test_what_moves_in_the_reference_moves_with_its_token_only_where_tokens_are_places():
    """The same reference in another order of places gives the same result: attention is of sets."""
    order = torch.tensor([2, 0, 3, 1])
    reference, sketch = torch.rand(1, 2, 2, 2), torch.rand(1, 2, 2, 2)
    moved = reference.flatten(2)[..., order].reshape(1, 2, 2, 2)
    layouts: tuple[tuple[TokenLayout, bool], ...] = (("positions", True), ("reshape", False))
    for layout, same in layouts:
        transfer, _ = small_transfer(layout)
        with torch.no_grad():
            before = transfer(sketch, *transfer.read(reference))
            after = transfer(sketch, *transfer.read(moved))
        assert torch.allclose(before, after, atol=1e-5) == same


@pytest.mark.parametrize("preset", ["snailpong", "jungjaewon"])
def test_scrambled_tokens_paint_another_picture(preset):
    network = PaperGenerator(PaperConfig(preset, width=2)).eval()
    for parameter in network.parameters():
        if parameter.ndim > 1:  # strong enough for attention to choose
            nn.init.kaiming_normal_(parameter)
    scrambled = PaperGenerator(PaperConfig(preset, width=2, token_layout="reshape")).eval()
    scrambled.load_state_dict(network.state_dict())
    pair = torch.rand(1, 1, 64, 64), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        difference = (network(*pair) - scrambled(*pair)).abs().max()
    assert difference > 0.01


def test_a_small_network_learns_eight_triples():
    generator = torch.Generator().manual_seed(1)
    sketch = torch.rand(8, 1, 16, 16, generator=generator) * 2 - 1
    # Four areas of color in each picture; the reference shows them mirrored.
    areas = torch.rand(8, 3, 2, 2, generator=generator) * 1.6 - 0.8
    target = areas.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    network = PaperGenerator(PaperConfig(width=8))
    optimizer = torch.optim.Adam(network.parameters(), 5e-3, betas=(0.5, 0.999))
    losses = []
    for _ in range(40):
        loss = (network(sketch, target.flip(3)) - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # One color for each picture, the best without the sketch's and reference's areas, gets 0.7.
    assert min(losses[-10:]) < 0.5 * losses[0]


def test_a_description_survives_its_metadata_and_wrong_ones_are_refused():
    config = PaperConfig("snailpong", 4, "concatenate", "reshape", True)
    assert PaperConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    for change in ({"preset": "other"}, {"skips": "add"}, {"skips": "x"}, {"token_layout": "x"}):
        with pytest.raises(ValueError, match=r"skips|preset|layout"):
            PaperConfig.from_dict({**config.to_dict(), **change})


def weights_file(
    path, network: nn.Module, name: str, config: dict, pipeline="reference_colorization"
):
    metadata = {"s2i.pipeline": pipeline, "s2i.network": name, "s2i.config": json.dumps(config)}
    save_file(network.state_dict(), path, metadata=metadata)
    return path


@pytest.mark.parametrize("config", SMALL, ids=names)
def test_weights_come_back_behind_the_shipped_networks_interface(config, tmp_path):
    network = PaperGenerator(config).eval()
    path = weights_file(tmp_path / "paper.safetensors", network, config.preset, config.to_dict())
    painter = load_generator(path, "cpu")
    assert isinstance(painter, PaperPainter)
    assert not painter.training
    assert (painter.stride, painter.cell) == (config.stride, config.stride)
    lines, reference = torch.rand(1, 1, 32, 64), torch.rand(1, 4, 64, 32)
    reference[:, 3] = 1
    hints = torch.zeros(1, 4, 32, 64)
    hints[:, :, 8:12, 8:12] = torch.tensor([1.0, 0.0, 0.5, 1.0]).view(1, 4, 1, 1)
    with torch.no_grad():
        made, logits = painter.paint(lines, hints, painter.read_reference(reference))
        expected = 0.5 + 0.5 * network(2 * lines - 1, 2 * reference[:, :3] - 1)
    assert logits.shape == (1, 32 * 64 // painter.cell**2, 64 * 32 // painter.cell**2)
    assert torch.equal(made[0, :3, 9, 9], torch.tensor([1.0, 0.0, 0.5]))
    bare = hints[:, 3:] == 0
    assert torch.allclose(made[:, :3] * bare, expected * bare, atol=1e-5)
    assert (made[:, 3] == COVERED).all()


def test_attention_does_not_look_where_a_reference_is_not_valid():
    painter = PaperPainter(PaperGenerator(PaperConfig("snailpong", width=2))).eval()
    reference = torch.rand(1, 4, 64, 64)
    reference[:, 3] = 1
    reference[:, 3, :, 32:] = 0
    with torch.no_grad():
        tokens = painter.read_reference(reference)
        both = ReferenceTokens.join([tokens, tokens], [1.0, 2.0])
        lines, hints = torch.rand(1, 1, 64, 64), torch.zeros(1, 4, 64, 64)
        alone, logits = painter.paint(lines, hints, tokens)
        joined, _ = painter.paint(lines, hints, both)
    seen = logits.softmax(dim=2).unflatten(2, (4, 4))
    assert seen[..., 2:].sum() == 0
    assert torch.allclose(tokens.colors[0, 0], reference[0, :3, :16, :16].mean(dim=(1, 2)))
    assert torch.allclose(alone, joined, atol=1e-5)  # a reference twice is that reference


def test_weights_whose_tokens_are_no_places_paint_at_their_own_size_only():
    config = PaperConfig("snailpong", width=1, token_layout="reshape")
    painter = PaperPainter(PaperGenerator(config)).eval()
    assert not painter.attends_places
    reference, lines = torch.ones(1, 4, 64, 32), torch.rand(1, 1, 32, 64)
    reference[:, :3] = torch.rand(1, 3, 64, 32)
    hints = torch.zeros(1, 4, 32, 64)
    with torch.no_grad():
        tokens = painter.read_reference(reference)
        made, _ = painter.paint(lines, hints, tokens)
        square = (F.interpolate(h, (256, 256), mode="bilinear") for h in (lines, reference[:, :3]))
        expected = painter.generator(*(2 * h - 1 for h in square))
    expected = F.interpolate(0.5 + 0.5 * expected, (32, 64), mode="area")
    assert torch.allclose(made[:, :3], expected, atol=1e-5)
    assert tokens.keys.shape[1] == 256


def test_the_network_that_ships_is_loaded_by_the_same_function(tmp_path):
    network = CompactGenerator()
    path = weights_file(tmp_path / "a.safetensors", network, "compact", network.config.to_dict())
    assert isinstance(load_generator(path, "cpu"), CompactGenerator)


def test_files_of_other_networks_are_refused(tmp_path):
    network, config = nn.Linear(1, 1), PaperConfig().to_dict()
    cases = [
        ("supplement", "auto_painter", "does not hold weights of reference_colorization"),
        ("unet", "reference_colorization", "unet.*known are compact, supplement"),
        ("snailpong", "reference_colorization", "calls its network snailpong.*supplement"),
    ]
    for name, pipeline, message in cases:
        path = weights_file(tmp_path / "a.safetensors", network, name, config, pipeline)
        with pytest.raises(ValueError, match=message):
            load_generator(path, "cpu")
