import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from s2i_training.array_pickle import load_arrays


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_in_dictionaries_and_lists_come_back(protocol):
    rng = np.random.default_rng(0)
    tree: dict = {"a": {"kernel": rng.random((2, 3, 4), np.float32)}}
    tree["b"] = [np.arange(5), np.array([True, False])]

    read = load_arrays(pickle.dumps(tree, protocol=protocol))

    np.testing.assert_array_equal(read["a"]["kernel"], tree["a"]["kernel"])
    np.testing.assert_array_equal(read["b"][0], tree["b"][0])
    np.testing.assert_array_equal(read["b"][1], tree["b"][1])


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    mark = tmp_path / "ran"

    class Prepared:
        def __reduce__(self):
            return Path.touch, (mark,)

    with pytest.raises(pickle.UnpicklingError, match="only numeric numpy arrays"):
        load_arrays(pickle.dumps({"weights": Prepared()}))
    assert not mark.exists()


@pytest.mark.parametrize("function", ["eval", "getattr", "__import__"])
def test_builtins_are_refused(function):
    written = io.BytesIO()
    written.write(f"cbuiltins\n{function}\n(S'1'\ntR.".encode())
    with pytest.raises(pickle.UnpicklingError, match=function):
        load_arrays(written.getvalue())


def test_arrays_of_objects_are_refused():
    with pytest.raises(pickle.UnpicklingError, match="only numbers"):
        load_arrays(pickle.dumps(np.array([{}, []], dtype=object), protocol=4))
