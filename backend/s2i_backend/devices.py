"""Which devices a worker can use."""

from __future__ import annotations

import ctypes.util
import re
import sys

import psutil

_NAMES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def resolve(device: str) -> tuple[str, list[str]]:
    """The device to use for a name such as `auto`, `cpu` or `cuda:0`, and others there are.

    `auto` is the first GPU, else the CPU. Torch, which takes seconds to import, is only asked
    where a GPU is likely. Raises ValueError, saying what to do, for a device that is not there.
    """
    if device == "cpu":
        return "cpu", []
    if device == "auto" and not _gpu_is_likely():
        return "cpu", []
    if not _NAMES.fullmatch(device):
        raise ValueError(f"there is no device {device}; choose auto, cpu, cuda:0 or mps")
    import torch

    found = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    if device == "auto":
        return (found[0], found[1:]) if found else ("cpu", [])
    name = "cuda:0" if device == "cuda" else device
    if name not in found:
        there = ", ".join([*found, "cpu"])
        raise ValueError(f"there is no device {device}; choose among: {there}")
    return name, []


def default_model_bytes(device: str) -> int:
    """Half of the memory that the device has, for weights; the rest is for pictures."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_properties(device).total_memory // 2
    return psutil.virtual_memory().total // 2


def _gpu_is_likely() -> bool:
    if sys.platform == "darwin":
        return True
    return ctypes.util.find_library("nvcuda" if sys.platform == "win32" else "cuda") is not None
