import pytest
import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from s2i_models.auto_painter import network as network_module
from s2i_models.auto_painter.network import (
    BatchStatisticsNorm,
    BilinearConvolution,
    PatchGan,
    SketchPainter,
    TransposedConvolution,
    UNet,
    UNetConfig,
    patch_paper,
    patch_wgan,
    unet_paper,
    unet_upsampling,
    unet_wgan,
)

SMALL = UNetConfig((4, 8, 16, 16), kernel=3)
VARIANTS = [
    SMALL,
    UNetConfig((4, 8, 16, 16), kernel=4),
    UNetConfig((4, 8, 16, 16), kernel=3, upsampling="bilinear"),
]


def millions(network: nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def without_numbers(monkeypatch):
    """Networks are built without drawing their first weights, which takes seconds."""
    monkeypatch.setattr(_ConvNd, "reset_parameters", lambda self: None)
    monkeypatch.setattr(network_module, "initialize", lambda module: None)


@pytest.mark.parametrize(
    ("build", "expected"),
    [(unet_paper, 17.2), (unet_wgan, 54.4), (patch_paper, 0.88), (patch_wgan, 2.77)],
)
def test_parameter_counts_are_the_papers(build, expected, without_numbers):
    assert millions(build()) == pytest.approx(expected, rel=0.005)


def test_the_upsampling_variant_has_the_scripts_widths(without_numbers):
    network = unet_upsampling()
    widths = [encoder.conv.out_channels for encoder in network.encoders]  # type: ignore[union-attr]
    assert widths == [48, 96, 192, 192, 384, 384, 384]


@pytest.mark.parametrize("build", [unet_paper, unet_upsampling])
def test_the_networks_paint_pictures_of_their_smallest_size(build):
    network = build().eval()
    size = network.stride
    with torch.no_grad():
        painted = network(torch.rand(1, 3, size, 2 * size) * 2 - 1)
    assert painted.shape == (1, 3, size, 2 * size)
    assert painted.abs().max() <= 1
    assert painted.isfinite().all()


@pytest.mark.parametrize(("build", "side"), [(patch_paper, 64), (patch_wgan, 62)])
def test_the_discriminators_give_the_papers_number_of_verdicts(build, side):
    with torch.no_grad():
        verdicts = build()(torch.zeros(1, 3, 512, 512), torch.zeros(1, 3, 512, 512))
    assert verdicts.shape == (1, 1, side, side)


@pytest.mark.parametrize(("kernel", "pixels"), [(3, 47), (4, 70)])
def test_a_verdict_sees_as_many_pixels_as_the_paper_says(kernel, pixels):
    network = PatchGan(2, kernel, sigmoid=False)
    # Norms look at the whole picture: take them out to see what convolutions reach.
    network.norms = nn.ModuleList(nn.Identity() for _ in range(3))
    for convolution in network.convolutions:
        nn.init.ones_(convolution.weight)  # type: ignore[arg-type]
    picture = torch.ones(1, 3, 256, 256, requires_grad=True)
    network(picture.detach(), picture)[0, 0, 15, 15].backward()
    assert picture.grad is not None
    reached = picture.grad[0, 0] != 0
    assert reached.any(dim=0).sum() == pixels
    assert reached.any(dim=1).sum() == pixels


@pytest.mark.parametrize("config", VARIANTS)
def test_gradients_reach_every_parameter_of_the_generator(config):
    network = UNet(config).eval()
    target = torch.rand(2, 3, 32, 32)
    (network(torch.rand(2, 3, 32, 32)) - target).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_gradients_reach_every_parameter_of_the_discriminator():
    network = PatchGan(4, 3, sigmoid=True)
    network(torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)).log().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_only_the_sigmoid_tells_the_critic_from_the_discriminator():
    critic, judge = PatchGan(4, 3, sigmoid=False), PatchGan(4, 3, sigmoid=True)
    judge.load_state_dict(critic.state_dict())
    pair = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    assert torch.equal(judge(*pair), torch.sigmoid(critic(*pair)))


def test_eval_paints_the_same_picture_every_time_and_legacy_does_not():
    sketch = torch.rand(1, 3, 32, 32)
    network = UNet(SMALL).eval()
    assert torch.equal(network(sketch), network(sketch))
    network.legacy = True
    assert not torch.equal(network(sketch), network(sketch))
    network.legacy = False
    network.train()
    assert not torch.equal(network(sketch), network(sketch))


def test_the_three_deepest_decoders_have_dropout(without_numbers):
    network = unet_paper()
    assert [decoder.dropout for decoder in network.decoders] == [True] * 3 + [False] * 5


def test_norms_use_the_batch_in_eval_too_and_keep_no_statistics():
    norm = BatchStatisticsNorm(2).eval()
    h = torch.tensor([[[[1.0, 3.0]], [[0.0, 10.0]]]])
    # Mean 2 and 5, biased deviation 1 and 5.
    assert torch.allclose(norm(h), torch.tensor([[[[-1.0, 1.0]], [[-1.0, 1.0]]]]), atol=1e-4)
    assert set(norm.state_dict()) == {"weight", "bias"}


def test_a_norm_of_a_single_value_leaves_its_offset():
    norm = BatchStatisticsNorm(2)
    nn.init.constant_(norm.bias, 0.7)
    assert torch.equal(norm(torch.rand(1, 2, 1, 1)), torch.full((1, 2, 1, 1), 0.7))


def test_transposed_convolutions_are_cropped_as_tensorflow_crops_them():
    # One pixel at (1, 1) leaves the kernel at rows 2 to 4 (kernel 3) or 1 to 4 (kernel 4).
    for kernel, first in ((3, 2), (4, 1)):
        layer = TransposedConvolution(1, 1, kernel)
        nn.init.ones_(layer.layer.weight)
        h = torch.zeros(1, 1, 4, 4)
        h[0, 0, 1, 1] = 1
        out = layer(h)
        assert out.shape == (1, 1, 8, 8)
        rows = out[0, 0].sum(dim=1).nonzero().flatten().tolist()
        assert rows == list(range(first, 5))


def test_bilinear_upsampling_keeps_even_pixels_and_repeats_the_last():
    layer = BilinearConvolution(1, 1, 3)
    nn.init.zeros_(layer.layer.weight)
    nn.init.zeros_(layer.layer.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        layer.layer.weight[0, 0, 1, 1] = 1
    out = layer(torch.tensor([[[[0.0, 2.0, 6.0]]]]))
    assert out.shape == (1, 1, 2, 6)
    assert torch.allclose(out[0, 0, 0], torch.tensor([0.0, 1.0, 2.0, 4.0, 6.0, 6.0]))


def test_the_start_is_the_authors():
    state = UNet(UNetConfig((64, 128, 256))).state_dict()
    assert state["encoders.2.conv.weight"].std().item() == pytest.approx(0.02, abs=1e-3)
    assert state["encoders.2.norm.weight"].mean().item() == pytest.approx(1, abs=0.01)
    assert state["encoders.2.norm.weight"].std().item() == pytest.approx(0.02, abs=5e-3)
    assert not state["encoders.2.norm.bias"].any()


def test_hints_are_painted_on_the_sketch_and_pictures_painted_alone():
    painter = SketchPainter(UNet(SMALL)).eval()
    lines, hints = torch.rand(2, 1, 32, 32), torch.zeros(2, 4, 32, 32)
    hints[:, :, 8:12, 8:12] = torch.tensor([1.0, 0.0, 0.5, 1.0]).view(1, 4, 1, 1)
    both = painter(lines, hints)
    alone = torch.cat([painter(lines[i : i + 1], hints[i : i + 1]) for i in range(2)])
    assert torch.allclose(both, alone)
    sketch = lines.repeat(1, 3, 1, 1)
    sketch[:, :, 8:12, 8:12] = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1)
    expected = 0.5 + 0.5 * painter.unet(2 * sketch[:1] - 1)
    assert torch.allclose(both[:1, :3], expected, atol=1e-6)
    assert both.shape == (2, 4, 32, 32)
    assert (both[:, 3] == 0).all()  # the paper's network does not tell paint from paper


def test_a_small_network_learns_eight_pairs():
    generator = torch.Generator().manual_seed(1)
    sketch = torch.rand(8, 3, 16, 16, generator=generator) * 2 - 1
    # Every pair has its own color, so it has to be told apart from the others.
    target = (torch.rand(8, 3, 1, 1, generator=generator) * 1.6 - 0.8).expand(-1, -1, 16, 16)
    network = UNet(UNetConfig((16, 32, 32)), legacy=False).eval()
    optimizer = torch.optim.Adam(network.parameters(), 5e-3, betas=(0.5, 0.999))
    losses = []
    for _ in range(80):
        loss = (network(sketch) - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-10:]) < 0.15 * losses[0]
