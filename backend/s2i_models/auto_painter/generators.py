"""From a weights file to a generator, whichever of the family it holds."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open

from s2i_models.auto_painter.compact import CompactConfig, CompactGenerator
from s2i_models.auto_painter.network import SketchPainter, UNet, UNetConfig


def load_generator(path: Path, device: str) -> CompactGenerator | SketchPainter:
    """The generator in the weights file `path`, ready to paint on `device`.

    It takes lines (B, 1, H, W) and hints (B, 4, H, W) and returns colors (B, 3, H, W), all 0 to 1,
    H and W multiples of its `stride`. Raises ValueError when the file is not Auto-painter's.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        metadata = file.metadata() or {}
        if metadata.get("s2i.pipeline") != "auto_painter":
            raise ValueError(f"{path} does not hold Auto-painter's weights")
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    config = json.loads(metadata["s2i.config"])
    if metadata.get("s2i.network") == "unet":
        unet = UNet(UNetConfig.from_dict(config))
        unet.load_state_dict(state)
        return SketchPainter(unet).eval().to(device)
    network = CompactGenerator(CompactConfig.from_dict(config))
    network.load_state_dict(state)
    return network.eval().to(device)
