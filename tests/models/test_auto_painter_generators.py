import json

import torch
from safetensors.torch import save_file

from s2i_models.auto_painter.generators import load_generator
from s2i_models.auto_painter.network import SketchPainter, UNet, UNetConfig


def test_an_imported_unet_paints_behind_the_shipped_networks_interface(tmp_path):
    config = UNetConfig((4, 8, 8), kernel=4)
    unet = UNet(config).eval()
    path = tmp_path / "imported.safetensors"
    metadata = {
        "s2i.pipeline": "auto_painter",
        "s2i.network": "unet",
        "s2i.config": json.dumps(config.to_dict()),
    }
    save_file(unet.state_dict(), path, metadata=metadata)

    painter = load_generator(path, "cpu")

    assert painter.stride == 8
    assert not painter.training
    lines, hints = torch.rand(1, 1, 32, 32), torch.zeros(1, 4, 32, 32)
    with torch.no_grad():
        assert torch.equal(painter(lines, hints), SketchPainter(unet)(lines, hints))
