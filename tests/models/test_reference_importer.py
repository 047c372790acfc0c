"""Checkpoints are written here under the names of the public implementations, and painted with here
as those describe their layers, apart from our own networks."""

import json
import pickle

import pytest
import torch
import torch.nn.functional as F

from s2i_models.reference_colorization.importer import convert, convert_discriminator
from s2i_models.reference_colorization.network import PaperConfig, PaperGenerator, PatchGan

SNAILPONG = PaperConfig("snailpong", 2, token_layout="reshape", leaky_output=True)
JUNGJAEWON = PaperConfig("jungjaewon", 2, token_layout="reshape")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def generator_of(config: PaperConfig) -> PaperGenerator:
    """A network with weights and statistics that make every part of it matter."""
    network = PaperGenerator(config).eval()
    for name, tensor in network.state_dict().items():
        if tensor.ndim > 1:
            torch.nn.init.kaiming_normal_(tensor)
        elif name.endswith(("running_var", "weight")):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.2)
    return network


def snailpong_names(network: PaperGenerator) -> dict[str, torch.Tensor]:
    """The weights as that implementation calls them."""
    ours = network.state_dict()
    theirs = {"decoder.layers.10.layers.0.weight": ours["decoder.output.0.weight"]}
    for i in range(10):
        theirs[f"encoder_s.layers.{i}.layers.0.weight"] = ours[
            f"sketch_encoder.blocks.{i}.conv.weight"
        ]
        theirs[f"encoder_r.layers.{i}.layers.0.weight"] = ours[
            f"reference_encoder.blocks.{i}.conv.weight"
        ]
        theirs[f"decoder.layers.{i}.layers.0.weight"] = ours[f"decoder.blocks.{i}.conv.weight"]
    for letter, name in (("q", "query"), ("k", "key"), ("v", "value")):
        theirs[f"scft.W_{letter}.weight"] = ours[f"transfer.{name}.weight"]
    for i in range(4):
        for number, name in enumerate(("conv1", "norm1", "conv2", "norm2")):
            for key, value in under(ours, f"residual.{i}.{name}."):
                theirs[f"resblocks.layers.{i}.layers.{number}.{key}"] = value
    return theirs


def jungjaewon_names(network: PaperGenerator) -> dict[str, torch.Tensor]:
    ours = network.state_dict()
    theirs = dict(under(ours, "decoder.output.0.", "decoder.last_conv."))
    for i in range(10):
        for number, name in enumerate(("conv", "norm")):
            for kind in ("sketch", "reference"):
                prefix = f"{kind}_encoder.blocks.{i}.{name}."
                theirs |= under(ours, prefix, f"encoder_{kind}.layer{i + 1}.main.{number}.")
            for key, value in under(ours, f"decoder.blocks.{i}.{name}."):
                swapped = name == "conv" and i in (0, 1, 3, 5, 7, 9)
                turned = value.roll(value.shape[1] // 2, 1) if swapped else value
                theirs[f"decoder.layer{10 - i}.main.{number}.{key}"] = turned
    for letter, name in (("q", "query"), ("k", "key"), ("v", "value")):
        theirs |= under(ours, f"transfer.{name}.", f"scft_module.w_{letter}.")
    for i in range(4):
        for number, name in ((0, "conv1"), (1, "norm1"), (3, "conv2"), (4, "norm2")):
            theirs |= under(ours, f"residual.{i}.{name}.", f"res_model.main.{i}.main.{number}.")
    return theirs


def under(state, prefix, instead=""):
    return [(instead + k.removeprefix(prefix), v) for k, v in state.items() if k.startswith(prefix)]


def conv(x, weights, name, stride=1):
    return F.conv2d(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"), stride, 1)


def normalized(x, weights, name):
    mean, variance = (weights[f"{name}.running_{part}"] for part in ("mean", "var"))
    scale, offset = (weights[f"{name}.{part}"] for part in ("weight", "bias"))
    columns = (t.view(-1, 1, 1) for t in (mean, variance, scale, offset))
    mean, variance, scale, offset = columns
    return (x - mean) / (variance + 1e-5).sqrt() * scale + offset


def attention(sketch, reference, weights, names, late):
    """Feature maps cut into tokens in their order in memory. Returns tokens (B, n, d)."""
    batch, channels, height, width = sketch.shape
    sketch = sketch.reshape(batch, height * width, channels)
    reference = reference.reshape(batch, height * width, channels)
    query, key, value = (
        tokens @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0)
        for tokens, name in zip((sketch, reference, reference), names, strict=True)
    )
    logits = torch.einsum("bic,bjc->bij", query, key)
    root = channels**0.5
    chosen = logits.softmax(2) / root if late else (logits / root).softmax(2)
    return sketch + torch.einsum("bij,bjc->bic", chosen, value)


def pooled(maps):
    return torch.cat([F.adaptive_avg_pool2d(m, maps[-1].shape[2:]) for m in maps], dim=1)


STRIDES = (1, 1, 2, 1, 2, 1, 2, 1, 2, 1)


def paint_as_snailpong(sketch, reference, weights):
    def encode(h, encoder):
        maps = []
        for i, stride in enumerate(STRIDES):
            h = F.leaky_relu(conv(h, weights, f"{encoder}.layers.{i}.layers.0", stride), 0.2)
            maps.append(h)
        return maps

    maps = encode(sketch, "encoder_s")
    stacked = pooled(maps)
    names = [f"scft.W_{letter}" for letter in "qkv"]
    c = attention(stacked, pooled(encode(reference, "encoder_r")), weights, names, False)
    c = c.reshape(stacked.shape)
    h = c
    for i in range(4):
        name = f"resblocks.layers.{i}.layers"
        inner = normalized(conv(h, weights, f"{name}.0"), weights, f"{name}.1")
        h = h + normalized(conv(inner, weights, f"{name}.2"), weights, f"{name}.3").relu()
    joined = {0: c, 2: maps[7], 4: maps[5], 6: maps[3], 8: maps[1]}
    for i in range(11):
        if i in joined:
            if i:
                h = F.interpolate(h, scale_factor=2, mode="bicubic", align_corners=False)
            h = torch.cat([joined[i], h], dim=1)
        h = F.leaky_relu(conv(h, weights, f"decoder.layers.{i}.layers.0"), 0.2)
    return h.tanh()


def paint_as_jungjaewon(sketch, reference, weights):
    def layer(h, name, stride=1):
        h = conv(h, weights, f"{name}.main.0", stride)
        return F.leaky_relu(normalized(h, weights, f"{name}.main.1"), 0.2)

    def encode(h, encoder):
        maps = []
        for i, stride in enumerate(STRIDES):
            h = layer(h, f"{encoder}.layer{i + 1}", stride)
            maps.append(h)
        return maps

    maps = encode(sketch, "encoder_sketch")
    stacked = pooled(maps)
    names = [f"scft_module.w_{letter}" for letter in "qkv"]
    c = attention(stacked, pooled(encode(reference, "encoder_reference")), weights, names, True)
    c = c.transpose(1, 2).reshape(stacked.shape)
    h = c
    for i in range(4):
        name = f"res_model.main.{i}.main"
        inner = normalized(conv(h, weights, f"{name}.0"), weights, f"{name}.1").relu()
        h = h + normalized(conv(inner, weights, f"{name}.3"), weights, f"{name}.4")
    h = layer(torch.cat([h + c, c], dim=1), "decoder.layer10")
    for number in range(9, 0, -1):
        skip = maps[number - 1]
        if number % 2:
            h = torch.cat([h, skip], dim=1)
        else:
            h = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=True)
            h = torch.cat([skip, h], dim=1)
        h = layer(h, f"decoder.layer{number}")
    return conv(h, weights, "decoder.last_conv").tanh()


CASES = [
    (SNAILPONG, snailpong_names, paint_as_snailpong),
    (JUNGJAEWON, jungjaewon_names, paint_as_jungjaewon),
]


def write(path, config, theirs):
    if config.preset == "snailpong":
        theirs = {"generator_state_dict": theirs, "discriminator_state_dict": {}, "epoch": 7}
    torch.save(theirs, path)
    return path


def loaded(path) -> PaperGenerator:
    state, metadata = convert(path)
    network = PaperGenerator(PaperConfig.from_dict(json.loads(metadata["s2i.config"]))).eval()
    network.load_state_dict(state)
    return network


@pytest.mark.parametrize(("config", "rename", "paint"), CASES)
def test_a_checkpoint_paints_what_its_implementation_paints(config, rename, paint, tmp_path):
    source = generator_of(config)
    theirs = rename(source)
    network = loaded(write(tmp_path / "model_dict", config, theirs))
    sketch, reference = torch.rand(2, 1, 64, 64) * 2 - 1, torch.rand(2, 3, 64, 64) * 2 - 1

    with torch.no_grad():
        painted = network(sketch, reference)
        assert torch.equal(painted, source(sketch, reference))
        expected = paint(sketch, reference, theirs)

    assert network.config == config
    assert expected.std() > 0.05
    assert torch.allclose(painted, expected, atol=1e-4)


@pytest.mark.parametrize(("config", "rename", "_paint"), CASES)
def test_attention_matters_in_what_a_checkpoint_paints(config, rename, _paint, tmp_path):
    network = loaded(write(tmp_path / "model_dict", config, rename(generator_of(config))))
    sketch, reference = torch.rand(1, 1, 64, 64), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(
            network(sketch, reference), network(sketch, -reference), atol=1e-3
        )


def test_spectral_norms_are_divided_out(tmp_path):
    source = generator_of(JUNGJAEWON)
    theirs = jungjaewon_names(source)
    plain = theirs.pop("encoder_sketch.layer4.main.0.weight")
    rows = plain.flatten(1)
    u, sizes, v = torch.linalg.svd(rows)
    prefix = "encoder_sketch.layer4.main.0.module"
    theirs |= {
        f"{prefix}.weight_bar": 3 * plain,
        f"{prefix}.weight_u": u[:, 0],
        f"{prefix}.weight_v": v[0],
    }
    state, _ = convert(write(tmp_path / "9-G.ckpt", JUNGJAEWON, theirs))
    expected = plain / sizes[0]
    assert torch.allclose(state["sketch_encoder.blocks.3.conv.weight"], expected, atol=1e-5)
    del theirs[f"{prefix}.weight_u"]
    with pytest.raises(ValueError, match="no weight_u"):
        convert(write(tmp_path / "9-G.ckpt", JUNGJAEWON, theirs))


def test_the_discriminator_comes_too(tmp_path):
    judge = PatchGan("batch", width=4).eval()
    theirs = {}
    for i in range(4):
        theirs |= under(judge.state_dict(), f"convolutions.{i}.", f"layers.{i}.layers.0.")
        theirs |= under(judge.state_dict(), f"norms.{i}.", f"layers.{i}.layers.1.")
    theirs |= under(judge.state_dict(), "convolutions.4.", "layers.4.")
    torch.save({"discriminator_state_dict": theirs}, tmp_path / "model_dict")
    copy = PatchGan("batch", width=4).eval()
    copy.load_state_dict(convert_discriminator(tmp_path / "model_dict"))
    pair = torch.rand(1, 1, 32, 32), torch.rand(1, 3, 32, 32)
    assert torch.equal(judge(*pair), copy(*pair))


class Bomb:
    fuse = ""

    def __reduce__(self):
        return (open, (Bomb.fuse, "w"))


def test_a_file_that_could_run_a_program_is_refused_and_does_not(tmp_path):
    Bomb.fuse = str(tmp_path / "went off")
    theirs = snailpong_names(PaperGenerator(SNAILPONG))
    path = tmp_path / "model_dict"
    for content in (Bomb(), {"generator_state_dict": theirs, "epoch": Bomb()}):
        torch.save(content, path)
        with pytest.raises(ValueError, match="could run a program"):
            convert(path)
        path.write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(ValueError, match="could run a program"):
            convert(path)
    assert not (tmp_path / "went off").exists()


def test_what_is_no_whole_checkpoint_is_named(tmp_path):
    whole = snailpong_names(PaperGenerator(SNAILPONG))
    name = "scft.W_k.weight"
    swollen = torch.zeros(1).expand(10**6, 10**6)  # four bytes
    cases = [
        ({"resnet.conv1": torch.zeros(1)}, "neither generator_state_dict.*resnet.conv1"),
        ([1, 2], "holds a list"),
        (
            {"generator_state_dict": {k: v for k, v in whole.items() if k != name}},
            "transfer.key.weight is missing",
        ),
        ({"generator_state_dict": whole | {"scft.W_x": torch.zeros(1)}}, "W_x belongs to another"),
        (
            {"generator_state_dict": whole | {name: torch.zeros(3, 3)}},
            r"transfer.key.weight has shape \(3, 3\)",
        ),
        ({"generator_state_dict": whole | {name: swollen}}, "W_k.weight is not a plain tensor"),
        ({"generator_state_dict": whole | {name: "text"}}, "W_k.weight is no tensor"),
        ({"generator_state_dict": {}}, "has no encoder_s.layers.0"),
    ]
    for content, message in cases:
        torch.save(content, tmp_path / "model_dict")
        with pytest.raises(ValueError, match=message):
            convert(tmp_path / "model_dict")


def test_damaged_files_are_refused_and_never_crash(tmp_path):
    path = write(tmp_path / "model_dict", SNAILPONG, snailpong_names(PaperGenerator(SNAILPONG)))
    whole = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="read"):
            convert(path)
    for _ in range(20):
        damaged = bytearray(whole)
        for position in torch.randint(0, 4000, (4,), generator=generator):
            damaged[position] ^= 0x55
        path.write_bytes(bytes(damaged))
        try:
            convert(path)
        except ValueError:
            continue
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "absent")
