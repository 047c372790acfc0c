"""From the checkpoints that PI-REC's author published to our networks.

A model is a folder with `G_Model_gen_{iteration}.pth`, the generator of the generating phase, and
mostly `R_Model_gen_{iteration}.pth`, that of the refinement phase. Each holds `generator` and
`iteration`. They are files of `torch.save`, which are pickles: only what PyTorch's restricted
reader allows is read, tensors and plain containers, so that no file can run a program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from torch import Tensor

from s2i_models.pi_rec.network import PaperConfig, PaperGenerator, PatchGan
from s2i_models.torch_checkpoint import fitting, plain_tensors, read_checkpoint, width_of

Phase = Literal["G", "R"]

_FILE = re.compile(r"([GR])_Model_gen_(\d+)\.pth")
_PREFIX = "module."  # of training on several graphics cards
_BLOCKS = PaperConfig().blocks
# What a layer is called in their generator, and what here.
_LAYERS = {
    "encoder.1": "encoder.0",
    "encoder.4": "encoder.1",
    "encoder.7": "encoder.2",
    **{f"middle.{i}.conv_block.1": f"residual.{i}.conv1" for i in range(_BLOCKS)},
    **{f"middle.{i}.conv_block.5": f"residual.{i}.conv2" for i in range(_BLOCKS)},
    "decoder.2": "enlarged",
    "decoder.5": "transposed",
    "decoder.9": "output",
}
_GENERATOR = {
    f"{theirs}.{kind}": f"{ours}.{kind}"
    for theirs, ours in _LAYERS.items()
    for kind in ("weight", "bias")
}
_DISCRIMINATOR = {
    f"conv{i + 1}.0.weight_{theirs}": f"convolutions.{i}.parametrizations.weight.{ours}"
    for i in range(5)
    for theirs, ours in (("orig", "original"), ("u", "0._u"), ("v", "0._v"))
}


def recognizes(path: Path) -> bool:
    """Whether `convert` is for `path`: a folder, or a checkpoint laid out as PI-REC's.

    Those of its relatives, Edge-Connect and what grew from it, count too, so that `convert` can say
    what is wrong with them. Raises OSError when the file can not be read.
    """
    if path.is_dir():
        return True
    try:
        found = read_checkpoint(path)
    except ValueError:
        return False
    return any(isinstance(found.get(kind), Mapping) for kind in ("generator", "discriminator"))


def convert(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The generators of one model, as weights for `load_networks` and their description.

    `path`: a file of either phase, to which the file with the highest iteration of the other phase
    in its folder is added, where there is one; or a folder, whose highest are taken. A file with
    another name is one of the generating phase, alone. Names of tensors begin with `generate.` and
    `refine.`; the description has `s2i.network` "paper", `s2i.config` for `PaperConfig.from_dict`,
    and for people the file of each phase.

    Raises OSError when a file can not be read, and ValueError, saying what was found and what to
    do, when there is no generating phase or a file is no such checkpoint.
    """
    generating, refining = _phases(path)
    state, config = _generator(generating)
    networks = {"generate": state}
    files = {"generate": generating.name}
    if refining is not None:
        try:
            networks["refine"], other = _generator(refining)
            if other != config:
                raise ValueError(f"it is {other.width} channels wide, and the other {config.width}")
        except ValueError as error:
            raise ValueError(
                f"{refining.name}, which goes with {generating.name}: {error}. "
                "Move it elsewhere to import the generating phase alone."
            ) from error
        files["refine"] = refining.name
    named = {
        f"{phase}.{name}": tensor
        for phase, tensors in networks.items()
        for name, tensor in tensors.items()
    }
    description = {
        "s2i.network": "paper",
        "s2i.config": json.dumps(config.to_dict()),
        **files,
    }
    return named, description


def convert_discriminator(path: Path) -> dict[str, Tensor]:
    """The discriminator in a file of Edge-Connect's layout (`…_dis.pth`), as weights of `PatchGan`.

    `PatchGan` has to be `conditional` if the first convolution has 7 inputs. Raises as `convert`.
    """
    theirs = _network(path, "discriminator")
    # The first layer is listed under a second name too.
    for name in [name for name in theirs if name.startswith("features.")]:
        theirs.setdefault(name.replace("features.", "conv1.", 1), theirs[name])
        del theirs[name]
    first = "conv1.0.weight_orig"
    width = width_of(theirs, first)
    network = PatchGan(conditional=theirs[first].shape[1] == 7, width=width)
    return _renamed(theirs, network.state_dict(), _DISCRIMINATOR)


def _phases(path: Path) -> tuple[Path, Path | None]:
    """The files of the generating and of the refinement phase that `path` stands for."""
    if path.is_dir():
        generating, refining = _latest(path, "G"), _latest(path, "R")
        if generating is None:
            raise ValueError(
                "no G_Model_gen_ITERATION.pth is in this folder; give the folder of a model of "
                "PI-REC, or the file"
            )
        return generating, refining
    named = _FILE.fullmatch(path.name)
    if named is None:
        return path, None
    if named[1] == "G":
        return path, _latest(path.parent, "R")
    generating = _latest(path.parent, "G")
    if generating is None:
        raise ValueError(
            "this is the refinement phase, which only improves what the generating phase painted; "
            "put that phase's file, G_Model_gen_ITERATION.pth, into the same folder and try again"
        )
    return generating, path


def _latest(folder: Path, phase: Phase) -> Path | None:
    """The file of `phase` with the highest iteration, as a number, not as text."""
    found = [
        (int(named[2]), path)
        for path in folder.iterdir()
        if (named := _FILE.fullmatch(path.name)) and named[1] == phase
    ]
    return max(found)[1] if found else None


def _generator(path: Path) -> tuple[dict[str, Tensor], PaperConfig]:
    theirs = _network(path, "generator")
    if "decoder.0.weight" in theirs or "encoder.1.weight_orig" in theirs:
        raise ValueError(
            "this generator is of Edge-Connect, which completes pictures; only PI-REC's, "
            "G_Model_gen_ITERATION.pth and R_Model_gen_ITERATION.pth, can be imported"
        )
    config = PaperConfig(width_of(theirs, "encoder.1.weight"))
    return _renamed(theirs, PaperGenerator(config).state_dict(), _GENERATOR), config


def _network(path: Path, kind: Literal["generator", "discriminator"]) -> dict[str, Tensor]:
    """The tensors of one of the networks in a checkpoint, by their names in it."""
    checkpoint = read_checkpoint(path)
    found = checkpoint.get(kind)
    if not isinstance(found, Mapping):
        if kind == "generator" and isinstance(checkpoint.get("discriminator"), Mapping):
            raise ValueError(
                "this is a discriminator, which only training needs; give the generator's file, "
                "G_Model_gen_ITERATION.pth"
            )
        some = ", ".join(str(name) for name in list(checkpoint)[:3]) or "nothing"
        raise ValueError(f"it has no {kind} as PI-REC's checkpoints have, but {some}")
    return {name.removeprefix(_PREFIX): tensor for name, tensor in plain_tensors(found).items()}


def _renamed(
    theirs: Mapping[str, Tensor], expected: Mapping[str, Tensor], names: Mapping[str, str]
) -> dict[str, Tensor]:
    """Our names for tensors that are all there, under their names, and of the shapes of ours."""
    found = fitting(theirs, {name: expected[ours] for name, ours in names.items()})
    return {names[name]: tensor for name, tensor in found.items()}
