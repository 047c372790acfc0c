"""From the checkpoints that Auto-painter's authors published to our networks.

Their TensorFlow code names variables `generator/encoder_{i}/conv/filter` and so on, from 1, and
stores kernels (height, width, in, out), those of transposed convolutions (height, width, out, in).
It keeps no statistics of its batch norms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from s2i_models.auto_painter.network import PAPER, UPSAMPLING, WGAN, UNetConfig
from s2i_models.tensorflow_checkpoint import TensorFlowCheckpoint

_VARIANTS = {"paper": PAPER, "wgan": WGAN, "upsampling": UPSAMPLING}
_OURS = (3, 2, 0, 1)  # (h, w, in, out) to (out, in, h, w); of transposed ones to (in, out, h, w)


def convert(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The generator in a published checkpoint, as weights of `UNet` and their description.

    `path`: one of the checkpoint's files (`NAME.index`, `NAME.data-…`). Width, kernel, depth and
    upsampling are read off the shapes. The description has `s2i.network` "unet", `s2i.config` for
    `UNetConfig.from_dict`, and for people `variant`, `ngf` and `kernel`. Raises
    FileNotFoundError, and ValueError when it is not such a checkpoint.
    """
    checkpoint = TensorFlowCheckpoint(path)
    config = _config(checkpoint)
    state = {}
    for level in range(1, len(config.widths) + 1):
        theirs, ours = f"generator/encoder_{level}", f"encoders.{level - 1}"
        state[f"{ours}.conv.weight"] = _kernel(checkpoint, f"{theirs}/conv/filter")
        if level > 1:
            state |= _norm(checkpoint, theirs, ours)
        theirs, ours = f"generator/decoder_{level}", f"decoders.{len(config.widths) - level}"
        if config.upsampling == "bilinear":
            layer = f"{theirs}/deconv/conv2d"
            state[f"{ours}.up.layer.weight"] = _kernel(checkpoint, f"{layer}/kernel")
            state[f"{ours}.up.layer.bias"] = _tensor(checkpoint, f"{layer}/bias")
        else:
            state[f"{ours}.up.layer.weight"] = _kernel(checkpoint, f"{theirs}/deconv/filter")
        if level > 1:
            state |= _norm(checkpoint, theirs, ours)
    variant = next((name for name, known in _VARIANTS.items() if known == config), "custom")
    metadata = {
        "s2i.network": "unet",
        "s2i.config": json.dumps(config.to_dict()),
        "variant": variant,
        "ngf": str(config.widths[0]),
        "kernel": str(config.kernel),
    }
    return state, metadata


def convert_discriminator(path: Path) -> dict[str, Tensor]:
    """The discriminator in a published checkpoint, as weights of `PatchGan`.

    Raises as `convert` does; exported demonstration models hold no discriminator.
    """
    checkpoint = TensorFlowCheckpoint(path)
    state = {}
    for layer in range(1, 6):
        theirs = f"discriminator/layer_{layer}"
        name = f"convolutions.{layer - 1}.weight"
        state[name] = _kernel(checkpoint, f"{theirs}/conv/filter")
        if 2 <= layer <= 4:
            state[f"norms.{layer - 2}.weight"] = _tensor(checkpoint, f"{theirs}/batchnorm/scale")
            state[f"norms.{layer - 2}.bias"] = _tensor(checkpoint, f"{theirs}/batchnorm/offset")
    return state


def _config(checkpoint: Mapping[str, np.ndarray]) -> UNetConfig:
    levels = [
        int(found[1])
        for name in checkpoint
        if (found := re.fullmatch(r"generator/encoder_(\d+)/conv/filter", name))
    ]
    if not levels or sorted(levels) != list(range(1, len(levels) + 1)):
        some = ", ".join(list(checkpoint)[:3]) or "nothing"
        raise ValueError(
            f"not a checkpoint of Auto-painter: it has no generator/encoder_1/conv/filter "
            f"and the levels below, but {some}"
        )
    shapes = [checkpoint[f"generator/encoder_{i}/conv/filter"].shape for i in sorted(levels)]
    bilinear = "generator/decoder_1/deconv/conv2d/kernel" in checkpoint
    return UNetConfig(
        tuple(shape[3] for shape in shapes),
        kernel=shapes[0][0],
        upsampling="bilinear" if bilinear else "transposed",
    )


def _norm(checkpoint: Mapping[str, np.ndarray], theirs: str, ours: str) -> dict[str, Tensor]:
    return {
        f"{ours}.norm.weight": _tensor(checkpoint, f"{theirs}/batchnorm/scale"),
        f"{ours}.norm.bias": _tensor(checkpoint, f"{theirs}/batchnorm/offset"),
    }


def _kernel(checkpoint: Mapping[str, np.ndarray], name: str) -> Tensor:
    return _tensor(checkpoint, name).permute(_OURS).contiguous()


def _tensor(checkpoint: Mapping[str, np.ndarray], name: str) -> Tensor:
    if name not in checkpoint:
        raise ValueError(f"not a whole checkpoint of Auto-painter: {name} is missing")
    return torch.from_numpy(checkpoint[name].astype(np.float32))
