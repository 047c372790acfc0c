import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from s2i_models.pi_rec.compact import CompactConfig, CompactGenerator
from s2i_models.pi_rec.generators import load_networks
from s2i_models.pi_rec.importer import convert
from s2i_models.pi_rec.network import PaperConfig, PaperGenerator

COMPACT = CompactConfig(widths=(4, 8), middle_blocks=1)
PAPER = PaperConfig(width=2, blocks=1)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def made(config) -> nn.Module:
    network = CompactGenerator(config) if config == COMPACT else PaperGenerator(config)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.2)
    return network


def write(path, config, networks, **changed):
    state = {
        f"{phase}.{name}": tensor
        for phase, network in networks.items()
        for name, tensor in network.state_dict().items()
    }
    metadata = {
        "s2i.pipeline": "pi_rec",
        "s2i.network": "compact" if config == COMPACT else "paper",
        "s2i.config": json.dumps(config.to_dict()),
    }
    save_file(state, path, metadata=metadata | changed)
    return path


@pytest.mark.parametrize("config", [COMPACT, PAPER], ids=["compact", "paper"])
def test_both_phases_paint_what_they_painted_when_they_were_saved(config, tmp_path):
    saved = {"generate": made(config), "refine": made(config)}

    networks = load_networks(write(tmp_path / "a.safetensors", config, saved), "cpu")

    assert networks.refine is not None
    colors, edges = torch.rand(1, 3, 16, 24), torch.zeros(1, 1, 16, 24)
    with torch.no_grad():
        for phase, loaded in (("generate", networks.generate), ("refine", networks.refine)):
            assert torch.equal(loaded(colors, edges), saved[phase](colors, edges))
            assert not loaded.training
            assert (loaded.work_size, loaded.stride) == (128, 4)
            assert loaded.reach % loaded.stride == 0
        assert not torch.equal(networks.generate(colors, edges), networks.refine(colors, edges))


@pytest.mark.parametrize("config", [COMPACT, PAPER], ids=["compact", "paper"])
def test_a_file_without_refinement_says_so(config, tmp_path):
    path = write(tmp_path / "a.safetensors", config, {"generate": made(config)})
    assert load_networks(path, "cpu").refine is None


def test_weights_in_half_precision_paint_in_full(tmp_path):
    path = write(tmp_path / "a.safetensors", COMPACT, {"generate": made(COMPACT).half()})
    generate = load_networks(path, "cpu").generate
    assert all(p.dtype == torch.float32 for p in generate.parameters())


def test_an_imported_checkpoint_is_loaded_as_it_was_converted(tmp_path):
    names = {
        **{"encoder.0": "encoder.1", "encoder.1": "encoder.4", "encoder.2": "encoder.7"},
        **{f"residual.{i}.conv1": f"middle.{i}.conv_block.1" for i in range(8)},
        **{f"residual.{i}.conv2": f"middle.{i}.conv_block.5" for i in range(8)},
        **{"enlarged": "decoder.2", "transposed": "decoder.5", "output": "decoder.9"},
    }
    saved = {}
    for letter, phase in (("G", "generate"), ("R", "refine")):
        saved[phase] = made(PaperConfig(width=2))
        theirs = {
            f"{names[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": tensor
            for name, tensor in saved[phase].state_dict().items()
        }
        torch.save({"generator": theirs}, tmp_path / f"{letter}_Model_gen_7.pth")
    state, description = convert(tmp_path)
    save_file(state, tmp_path / "a.safetensors", metadata={"s2i.pipeline": "pi_rec"} | description)

    networks = load_networks(tmp_path / "a.safetensors", "cpu")

    assert networks.refine is not None
    given = torch.rand(1, 3, 13, 18), torch.zeros(1, 1, 13, 18)
    with torch.no_grad():
        assert torch.equal(networks.generate(*given), saved["generate"](*given))
        assert torch.equal(networks.refine(*given), saved["refine"](*given))


def test_other_files_are_refused_with_what_they_are(tmp_path):
    path, generate = tmp_path / "a.safetensors", made(COMPACT)
    write(path, COMPACT, {"generate": generate}, **{"s2i.pipeline": "auto_painter"})
    with pytest.raises(ValueError, match="does not hold weights of pi_rec"):
        load_networks(path, "cpu")
    write(path, COMPACT, {"generate": generate}, **{"s2i.network": "huge"})
    with pytest.raises(ValueError, match="'huge'; known are compact and paper"):
        load_networks(path, "cpu")
    write(path, COMPACT, {"refine": generate})
    with pytest.raises(ValueError, match="no generating phase"):
        load_networks(path, "cpu")
    write(path, COMPACT, {"generate": generate, "judge": made(COMPACT)})
    with pytest.raises(ValueError, match=r"judge\..*neither generate nor refine"):
        load_networks(path, "cpu")
    write(path, PAPER, {"generate": generate})
    with pytest.raises(RuntimeError, match="Missing key"):
        load_networks(path, "cpu")
