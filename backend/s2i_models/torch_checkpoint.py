"""Reading the files of `torch.save` that others published, without running what they hold.

They are pickles: only what PyTorch's restricted reader allows is read, tensors and plain
containers. Errors say what is wrong with a file; who calls adds which file it is.
"""

from __future__ import annotations

import errno
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

# No published network is wider; a file that claims more would only fill the memory.
MOST_WIDTH = 64


def read_checkpoint(path: Path) -> Mapping:
    """What a file holds. Raises OSError when it can not be read, and ValueError when it is damaged
    or holds more than names, tensors and plain containers."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # Looked for outside of the file, whose end is missing.
        raise ValueError("PyTorch can not read it; download it again") from error
    except pickle.UnpicklingError as error:
        raise ValueError(
            "it holds more than tensors and plain containers, which could run a program, or is "
            "damaged; PyTorch's restricted reader refuses it"
        ) from error
    except Exception as error:  # a damaged file can raise nearly anything there
        raise ValueError(f"PyTorch can not read it ({type(error).__name__})") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"it holds a {type(found).__name__} where names and tensors should be")
    return found


def plain_tensors(found: Mapping) -> dict[str, Tensor]:
    """`found`, when it is names of plain tensors and nothing else; ValueError otherwise."""
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ValueError(f"{name} is no tensor")
        if tensor.layout != torch.strided or (
            tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes()
        ):
            # A few bytes can claim to be a tensor of any size.
            raise ValueError(f"{name} is not a plain tensor")
    return dict(found)


def width_of(tensors: Mapping[str, Tensor], first: str, most: int = MOST_WIDTH) -> int:
    """Output channels of the convolution `first`; ValueError without it, or with over `most`."""
    if first not in tensors or tensors[first].ndim != 4:
        raise ValueError(f"it has no {first}")
    width = tensors[first].shape[0]
    if not 1 <= width <= most:
        raise ValueError(f"{first} has {width} channels; expected are 1 to {most}")
    return width


def fitting(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`state` in the depth of `expected`, when its names and shapes are those of it; ValueError
    otherwise."""
    if missing := sorted(expected.keys() - state.keys()):
        raise ValueError(f"not a whole checkpoint: {missing[0]} is missing ({len(missing)} in all)")
    if unknown := sorted(state.keys() - expected.keys()):
        raise ValueError(f"{unknown[0]} belongs to another network ({len(unknown)} in all)")
    for name, tensor in expected.items():
        if state[name].shape != tensor.shape:
            ours, theirs = (tuple(t.shape) for t in (tensor, state[name]))
            raise ValueError(f"{name} has shape {theirs}; expected is {ours}")
    return {name: state[name].to(tensor.dtype).contiguous() for name, tensor in expected.items()}
