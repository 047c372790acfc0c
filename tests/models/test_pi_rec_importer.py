"""Checkpoints are written here under the names of the authors' files, and painted with here as the
specification describes those layers, apart from our own networks."""

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i_models.pi_rec.importer import convert, convert_discriminator, recognizes
from s2i_models.pi_rec.network import PaperConfig, PaperGenerator, PatchGan

WIDTH = 3


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def checkpoint_tensors(width: int = WIDTH, prefix: str = "") -> dict[str, Tensor]:
    """The 44 tensors of a published generator, `width` instead of 64 channels wide."""
    fine, middle, coarse = width, 2 * width, 4 * width
    shapes = {
        "encoder.1": (fine, 4, 7, 7),
        "encoder.4": (middle, fine, 4, 4),
        "encoder.7": (coarse, middle, 4, 4),
        "decoder.2": (middle, coarse, 3, 3),
        "decoder.5": (middle, fine, 4, 4),
        "decoder.9": (3, fine, 7, 7),
    }
    for i in range(8):
        for layer in (1, 5):
            shapes[f"middle.{i}.conv_block.{layer}"] = (coarse, coarse, 3, 3)
    tensors = OrderedDict()
    for name, shape in shapes.items():
        outputs = shape[1] if name == "decoder.5" else shape[0]
        tensors[f"{prefix}{name}.weight"] = torch.randn(shape) * 0.2
        tensors[f"{prefix}{name}.bias"] = torch.randn(outputs) * 0.2
    return tensors


def paint_as_published(inputs: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """Colors and edges (1, 4, H, W) to the picture of the authors' layers, as it is specified."""

    def normalized(h: Tensor) -> Tensor:
        deviation = (h.var(dim=(2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
        return (h - h.mean(dim=(2, 3), keepdim=True)) / deviation

    def layer(h: Tensor, name: str, reflect: int = 0, **settings: int) -> Tensor:
        h = F.pad(h, (reflect,) * 4, mode="reflect")
        return F.conv2d(h, weights[f"{name}.weight"], weights[f"{name}.bias"], **settings)

    h = normalized(layer(inputs, "encoder.1", 3)).clamp(min=0)
    h = normalized(layer(h, "encoder.4", stride=2, padding=1)).clamp(min=0)
    h = normalized(layer(h, "encoder.7", stride=2, padding=1)).clamp(min=0)
    for i in range(8):
        inner = layer(h, f"middle.{i}.conv_block.1", 2, dilation=2)
        inner = layer(normalized(inner).clamp(min=0), f"middle.{i}.conv_block.5", 1)
        h = h + normalized(inner)
    h = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)(h)
    h = normalized(layer(h, "decoder.2", 1)).clamp(min=0)
    name = "decoder.5"
    h = F.conv_transpose2d(h, weights[f"{name}.weight"], weights[f"{name}.bias"], 2, 1)
    h = layer(normalized(h).clamp(min=0), "decoder.9", 3).tanh() * 0.5 + 0.5
    missing = inputs.shape[3] - h.shape[3], inputs.shape[2] - h.shape[2]
    return F.pad(h, (0, missing[0], 0, missing[1]), mode="replicate")


def write(path: Path, tensors: dict[str, Tensor], legacy: bool = False) -> Path:
    content = {"iteration": 180000, "generator": tensors}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def loaded(state: dict[str, Tensor], phase: str = "generate") -> PaperGenerator:
    network = PaperGenerator(PaperConfig(WIDTH)).eval()
    network.load_state_dict(
        {k.removeprefix(f"{phase}."): v for k, v in state.items() if k.startswith(f"{phase}.")}
    )
    return network


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("size", [(32, 48), (33, 30)])
def test_a_checkpoint_paints_what_its_authors_layers_paint(prefix, legacy, size, tmp_path):
    theirs = checkpoint_tensors()
    named = OrderedDict((f"{prefix}{name}", tensor) for name, tensor in theirs.items())
    path = write(tmp_path / "G_Model_gen_180000.pth", named, legacy)
    colors, edges = torch.rand(1, 3, *size), (torch.rand(1, 1, *size) < 0.2).float()

    state, description = convert(path)
    with torch.no_grad():
        painted = loaded(state)(colors, edges)
        expected = paint_as_published(torch.cat([colors, edges], dim=1), theirs)

    assert recognizes(path)
    assert expected.std() > 0.05
    assert torch.allclose(painted, expected, atol=1e-4)
    assert len(state) == 44
    assert PaperConfig.from_dict(json.loads(description["s2i.config"])) == PaperConfig(WIDTH)
    assert description["s2i.network"] == "paper"


def test_the_names_are_those_of_the_published_files_at_their_width():
    theirs, ours = checkpoint_tensors(64), PaperGenerator().state_dict()
    assert sum(t.numel() for t in theirs.values()) == 10_545_219
    assert sorted(t.shape for t in theirs.values()) == sorted(t.shape for t in ours.values())


def filled(folder: Path, *names: str) -> dict[str, dict[str, Tensor]]:
    """Checkpoints of these names, each with its own tensors."""
    written = {name: checkpoint_tensors() for name in names}
    for name, tensors in written.items():
        write(folder / name, tensors)
    return written


G9, G10, G100 = (f"G_Model_gen_{i}.pth" for i in (9, 10, 100))
R9, R10 = (f"R_Model_gen_{i}.pth" for i in (9, 10))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", (G100, R10)),
        (G9, (G9, R10)),
        (G100, (G100, R10)),
        (R9, (G100, R9)),
        ("celeba.pth", ("celeba.pth", None)),
    ],
)
def test_the_other_phase_comes_along_from_the_folder(given, expected, tmp_path):
    (tmp_path / "R_Model_gen_11.pth.bak").touch()
    (tmp_path / "config.yml").touch()
    written = filled(tmp_path, G10, G9, G100, R9, R10, "celeba.pth")

    state, description = convert(tmp_path / given)

    assert (description["generate"], description.get("refine")) == expected
    for phase, name in zip(("generate", "refine"), expected, strict=True):
        mine = [tensor for key, tensor in state.items() if key.startswith(phase)]
        assert bool(mine) == (name is not None)
        if name is not None:
            first = state[f"{phase}.encoder.0.weight"]
            assert torch.equal(first, written[name]["encoder.1.weight"])


def test_a_generating_phase_alone_is_enough_and_a_refinement_alone_is_not(tmp_path):
    (tmp_path / "g").mkdir()
    (tmp_path / "r").mkdir()
    filled(tmp_path / "g", G9)
    filled(tmp_path / "r", R9)
    for path in (tmp_path / "g" / G9, tmp_path / "g"):
        state, description = convert(path)
        assert "refine" not in description
        assert all(name.startswith("generate.") for name in state)
    with pytest.raises(ValueError, match=r"put that phase's file, G_Model_gen_.* same folder"):
        convert(tmp_path / "r" / R9)
    for folder in (tmp_path / "r", tmp_path):
        with pytest.raises(ValueError, match="no G_Model_gen_"):
            convert(folder)


def test_a_bad_companion_is_named_with_what_to_do(tmp_path):
    filled(tmp_path, G9)
    (tmp_path / R10).write_bytes(b"cut off")
    with pytest.raises(ValueError, match=r"R_Model_gen_10\.pth.*elsewhere"):
        convert(tmp_path / G9)
    write(tmp_path / R10, checkpoint_tensors(WIDTH + 1))
    with pytest.raises(ValueError, match=r"R_Model_gen_10\.pth.*4 channels wide.*other 3.*else"):
        convert(tmp_path)


class Bomb:
    fuse = ""

    def __reduce__(self):
        return (open, (Bomb.fuse, "w"))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_file_that_could_run_a_program_is_refused_and_does_not(legacy, tmp_path):
    Bomb.fuse = str(tmp_path / "went off")
    path = tmp_path / G9
    content = {"iteration": Bomb(), "generator": checkpoint_tensors()}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    for _ in range(2):
        assert not recognizes(path)
        for reader in (convert, convert_discriminator):
            with pytest.raises(ValueError, match="could run a program"):
                reader(path)
        path.write_bytes(pickle.dumps(content, protocol=2))
    assert not (tmp_path / "went off").exists()


def without(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: tensor for key, tensor in tensors.items() if key != name}


def test_what_is_no_whole_checkpoint_is_named(tmp_path):
    whole = checkpoint_tensors()
    name = "middle.3.conv_block.5.weight"
    swollen = torch.zeros(1).expand(10**6, 10**6)  # four bytes
    cases = [
        ({"model": {}}, "no generator.*model"),
        ([1, 2], "holds a list"),
        ({"generator": {}}, "has no encoder.1.weight"),
        ({"generator": without(whole, name)}, f"{name} is missing"),
        ({"generator": whole | {"extra": torch.zeros(1)}}, "extra belongs to another"),
        ({"generator": whole | {name: torch.zeros(3)}}, rf"{name} has shape \(3,\)"),
        ({"generator": whole | {name: swollen}}, f"{name} is not a plain tensor"),
        ({"generator": whole | {name: "text"}}, f"{name} is no tensor"),
        ({"generator": whole | {"decoder.0.weight": torch.zeros(1)}}, "of Edge-Connect"),
        ({"discriminator": {}}, "a discriminator, which only training needs"),
    ]
    for content, message in cases:
        torch.save(content, tmp_path / G9)
        with pytest.raises(ValueError, match=message):
            convert(tmp_path / G9)
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "absent.pth")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"generator": {}, "iteration": 1}, True),
        ({"discriminator": {}}, True),
        ({"generator_state_dict": {}}, False),
        ({"generator": 3}, False),
        ([1], False),
    ],
)
def test_checkpoints_are_told_by_their_content(content, expected, tmp_path):
    torch.save(content, tmp_path / "any.name")
    assert recognizes(tmp_path / "any.name") is expected


def test_damaged_files_are_refused_and_never_crash(tmp_path):
    path = write(tmp_path / G9, checkpoint_tensors(1))
    whole = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="read"):
            convert(path)
    for _ in range(10):
        damaged = bytearray(whole)
        for position in torch.randint(0, 4000, (4,), generator=generator):
            damaged[position] ^= 0x55
        path.write_bytes(bytes(damaged))
        try:
            convert(path)
        except ValueError:
            continue


def edge_connect_discriminator(inputs: int, width: int) -> nn.ModuleDict:
    """Edge-Connect's layers, with the spectral norm of the time and the names of its files."""
    widths = (inputs, width, 2 * width, 4 * width, 8 * width, 1)
    layers = nn.ModuleDict()
    for i, stride in enumerate((2, 2, 2, 1, 1)):
        convolution = nn.Conv2d(widths[i], widths[i + 1], 4, stride, 1, bias=False)
        layers[f"conv{i + 1}"] = nn.Sequential(nn.utils.spectral_norm(convolution))
    layers["features"] = layers["conv1"]
    return layers


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("inputs", [3, 7])
def test_a_discriminator_of_edge_connects_layout_judges_the_same(inputs, prefix, tmp_path):
    theirs = edge_connect_discriminator(inputs, WIDTH)
    theirs["conv1"](torch.rand(1, inputs, 32, 32))  # a step of one power iteration
    theirs.eval()
    state = {f"{prefix}{name}": tensor for name, tensor in theirs.state_dict().items()}
    torch.save({"discriminator": state}, tmp_path / "G_Model_dis.pth")
    seen = torch.rand(2, inputs, 48, 48)
    expected, h = [], seen
    for i in range(5):
        h = theirs[f"conv{i + 1}"](h)
        h = torch.where(h > 0, h, 0.2 * h) if i < 4 else h
        expected.append(h)

    ours = PatchGan(conditional=inputs == 7, width=WIDTH).eval()
    ours.load_state_dict(convert_discriminator(tmp_path / "G_Model_dis.pth"))
    judged = ours(seen[:, :3], seen[:, 3:] if inputs == 7 else None)

    assert any(name.startswith(f"{prefix}features.") for name in state)
    for mine, theirs_ in zip(judged.activations, expected, strict=True):
        assert torch.allclose(mine, theirs_, atol=1e-5)
    assert torch.allclose(judged.verdicts, expected[-1].sigmoid(), atol=1e-5)


def test_the_first_layers_second_name_is_enough_and_a_whole_file_is_needed(tmp_path):
    state = edge_connect_discriminator(3, 2).state_dict()
    path = tmp_path / "G_Model_dis.pth"
    alias = {name: tensor for name, tensor in state.items() if not name.startswith("conv1.")}
    torch.save({"discriminator": alias}, path)
    first = convert_discriminator(path)["convolutions.0.parametrizations.weight.original"]
    assert torch.equal(first, state["conv1.0.weight_orig"])
    torch.save({"discriminator": without(state, "conv4.0.weight_u")}, path)
    with pytest.raises(ValueError, match=r"conv4\.0\.weight_u is missing"):
        convert_discriminator(path)
    torch.save({"generator": {}}, path)
    with pytest.raises(ValueError, match="no discriminator"):
        convert_discriminator(path)
