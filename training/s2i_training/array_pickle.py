"""Reading pickles that hold nothing but numbers.

A pickle is a program. This reader allows it to rebuild dictionaries, lists and numeric numpy
arrays and refuses every other name it asks for, so that a prepared file can not run code.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

# numpy's own rebuilding function, taken from an array because its module moved between versions.
_REBUILD = np.empty(0).__reduce__()[0]


def _numeric_type(code: str, align: bool = False, copy: bool = True) -> np.dtype:
    dtype = np.dtype(code)
    if dtype.kind not in "fiub":
        raise pickle.UnpicklingError(f"arrays of {code!r} are refused: only numbers are read")
    return dtype


_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _REBUILD,
    ("numpy._core.multiarray", "_reconstruct"): _REBUILD,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _numeric_type,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the pickle asks for {module}.{name}; only numeric numpy arrays are read"
            ) from None


def load_arrays(data: bytes) -> Any:
    """Read a pickle (protocol 3 or 4) of dictionaries and lists of numeric numpy arrays.

    Raises pickle.UnpicklingError, naming what was asked for, when it holds anything else.
    """
    return _ArrayUnpickler(io.BytesIO(data)).load()
