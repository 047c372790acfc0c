"""From the checkpoints of two public implementations to our networks.

Snailpong/reference_based_sketch_image_colorization writes a file `model_dict` of generator,
discriminator and epoch; Jungjaewon/Reference_based_Skectch_Image_Colorization writes
`{epoch}-G.ckpt`, a generator alone. Both are files of `torch.save`, which are pickles: only what
PyTorch's restricted reader allows is read, tensors and plain containers, so that no file can run a
program. Both implementations cut feature maps into tokens that are no places; weights trained so
only paint what they learned with `token_layout="reshape"`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from s2i_models.reference_colorization.network import PaperConfig, PaperGenerator, PatchGan
from s2i_models.torch_checkpoint import (
    MOST_WIDTH,
    fitting,
    plain_tensors,
    read_checkpoint,
    width_of,
)

_Names = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
# Patterns of their names, and what those are called here.
_SNAILPONG: _Names = (
    (r"encoder_s\.layers\.(\d+)\.layers\.0\.", r"sketch_encoder.blocks.\1.conv."),
    (r"encoder_r\.layers\.(\d+)\.layers\.0\.", r"reference_encoder.blocks.\1.conv."),
    (r"scft\.W_q\.", "transfer.query."),
    (r"scft\.W_k\.", "transfer.key."),
    (r"scft\.W_v\.", "transfer.value."),
    (r"resblocks\.layers\.(\d+)\.layers\.0\.", r"residual.\1.conv1."),
    (r"resblocks\.layers\.(\d+)\.layers\.1\.", r"residual.\1.norm1."),
    (r"resblocks\.layers\.(\d+)\.layers\.2\.", r"residual.\1.conv2."),
    (r"resblocks\.layers\.(\d+)\.layers\.3\.", r"residual.\1.norm2."),
    (r"decoder\.layers\.10\.layers\.0\.", "decoder.output.0."),
    (r"decoder\.layers\.(\d+)\.layers\.0\.", r"decoder.blocks.\1.conv."),
)
_SNAILPONG_DISCRIMINATOR: _Names = (
    (r"layers\.(\d)\.layers\.0\.", r"convolutions.\1."),
    (r"layers\.(\d)\.layers\.1\.", r"norms.\1."),
    (r"layers\.4\.", "convolutions.4."),
)
# Its encoders count layers from 1, its decoder from 10 downward.
_JUNGJAEWON: _Names = (
    (
        r"encoder_(sketch|reference)\.layer(\d+)\.main\.",
        lambda found: f"{found[1]}_encoder.blocks.{int(found[2]) - 1}.",
    ),
    (r"decoder\.layer(\d+)\.main\.", lambda found: f"decoder.blocks.{10 - int(found[1])}."),
    (r"(.*\.blocks\.\d+)\.0\.", r"\1.conv."),
    (r"(.*\.blocks\.\d+)\.1\.", r"\1.norm."),
    (r"scft_module\.w_q\.", "transfer.query."),
    (r"scft_module\.w_k\.", "transfer.key."),
    (r"scft_module\.w_v\.", "transfer.value."),
    (r"res_model\.main\.(\d+)\.main\.0\.", r"residual.\1.conv1."),
    (r"res_model\.main\.(\d+)\.main\.1\.", r"residual.\1.norm1."),
    (r"res_model\.main\.(\d+)\.main\.3\.", r"residual.\1.conv2."),
    (r"res_model\.main\.(\d+)\.main\.4\.", r"residual.\1.norm2."),
    (r"decoder\.last_conv\.", "decoder.output.0."),
)
# Layers of Jungjaewon's decoder whose input has the sketch's map, or the residual blocks' input,
# last; here it is first. Both are as wide as what they are joined to.
_SWAPPED = (0, 1, 3, 5, 7, 9)


def convert(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The generator in a checkpoint, as weights of `PaperGenerator` and their description.

    The description has `s2i.network` and `s2i.config` for `PaperConfig.from_dict`. Raises
    OSError when the file can not be read, and ValueError, saying what was found, when it is no
    such checkpoint or holds anything but tensors and plain containers.
    """
    checkpoint = read_checkpoint(path)
    if isinstance(checkpoint.get("generator_state_dict"), Mapping):
        theirs = plain_tensors(checkpoint["generator_state_dict"])
        width = width_of(theirs, "encoder_s.layers.0.layers.0.weight")
        config = PaperConfig("snailpong", width, token_layout="reshape", leaky_output=True)
        names = _SNAILPONG
    elif any(str(name).startswith("encoder_sketch.layer") for name in checkpoint):
        theirs = _without_spectral_norm(plain_tensors(checkpoint))
        width = width_of(theirs, "encoder_sketch.layer1.main.0.weight")
        config = PaperConfig("jungjaewon", width, token_layout="reshape")
        names = _JUNGJAEWON
    else:
        some = ", ".join(str(name) for name in list(checkpoint)[:3]) or "nothing"
        raise ValueError(
            "not a checkpoint of a known implementation of reference-based colorization: it has "
            f"neither generator_state_dict nor encoder_sketch.layer1 and the layers below, but "
            f"{some}"
        )
    with torch.device("meta"):
        expected = PaperGenerator(config).state_dict()
    state = fitting(_renamed(theirs, names), expected)
    if config.preset == "jungjaewon":
        for block in _SWAPPED:
            name = f"decoder.blocks.{block}.conv.weight"
            state[name] = torch.cat(state[name].chunk(2, dim=1)[::-1], dim=1)
    return state, {"s2i.network": config.preset, "s2i.config": json.dumps(config.to_dict())}


def convert_discriminator(path: Path) -> dict[str, Tensor]:
    """The discriminator in a `model_dict`, as weights of `PatchGan`. Raises as `convert` does."""
    theirs = read_checkpoint(path).get("discriminator_state_dict")
    if not isinstance(theirs, Mapping):
        raise ValueError("the checkpoint has no discriminator_state_dict")
    tensors = plain_tensors(theirs)
    width = width_of(tensors, "layers.0.layers.0.weight", 4 * MOST_WIDTH)
    with torch.device("meta"):
        expected = PatchGan("batch", width).state_dict()
    return fitting(_renamed(tensors, _SNAILPONG_DISCRIMINATOR), expected)


def _without_spectral_norm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that are kept apart from their largest singular value, divided by it.

    As that code paints: with one more step of its power iteration.
    """
    plain = {name: t for name, t in tensors.items() if ".module.weight_" not in name}
    for name, weight in tensors.items():
        if not name.endswith(".module.weight_bar"):
            continue
        base = name.removesuffix("weight_bar")
        rows = weight.float().flatten(1)
        u = tensors.get(f"{base}weight_u")
        if u is None or u.shape != rows.shape[:1]:
            raise ValueError(f"{name} has no weight_u that fits")
        v = F.normalize(rows.T @ u.float(), dim=0, eps=1e-12)
        u = F.normalize(rows @ v, dim=0, eps=1e-12)
        plain[f"{base.removesuffix('module.')}weight"] = weight.float() / (u @ rows @ v)
    return plain


def _renamed(tensors: Mapping[str, Tensor], names: _Names) -> dict[str, Tensor]:
    renamed = {}
    for theirs, tensor in tensors.items():
        ours = theirs
        for pattern, name in names:
            ours = re.sub(f"^{pattern}", name, ours)
        renamed[ours] = tensor
    return renamed
