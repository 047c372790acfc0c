"""`s2i-backend run find_reference`, with a real daemon and a network of random weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from s2i_backend.cli import main
from s2i_backend.model_store import ModelStore
from s2i_models.find_reference.network import NETWORK, Embedder
from s2i_training.export import write_weights


@pytest.fixture(scope="module", autouse=True)
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for all tests here, which a `run` starts."""
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("daemon")
        patch.setenv("S2I_RUNTIME_DIR", str(base / "run"))
        patch.setenv("S2I_MODELS_DIR", str(base / "models"))
        patch.setenv("S2I_INDEX_DIR", str(base / "index"))
        torch.manual_seed(0)
        state, config = Embedder().state_dict(), Embedder.config()
        write_weights(base / "random.safetensors", state, "find_reference", NETWORK, config)
        store = ModelStore()
        store.use(store.import_file(base / "random.safetensors").name)
        yield
        CliRunner().invoke(main, ["stop"])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(5):
        picture = np.full((60, 80, 3), 255, np.uint8)
        cv2.circle(picture, (15 + 10 * number, 30), 5 + 4 * number, (0, 50 * number, 200), -1)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return folder


def call(*arguments: object, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["run", "find_reference", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return result


def test_a_picture_finds_itself_through_the_daemon(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--picture", pictures / "3.png", "--count", 3]
    result = call(*given, "--folder", "pictures", "-o", tmp_path / "out", "--json")
    (piece,) = json.loads(result.stdout)["files"]
    assert list(piece["layers"]) == ["result-01", "result-02", "result-03"]
    best = cv2.imread(piece["layers"]["result-01"], cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(best, cv2.imread(str(pictures / "3.png")))


def test_a_sketch_finds_pictures_through_the_daemon(tmp_path: Path, pictures: Path) -> None:
    sketch = np.zeros((90, 90, 4), np.uint8)
    cv2.circle(sketch, (45, 45), 30, (0, 0, 0, 255), 3)
    cv2.imwrite(str(tmp_path / "rough.png"), sketch)
    call("--sketch", tmp_path / "rough.png", "--folder", pictures, "-o", tmp_path / "out")
    found = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in found] == [f"result-{n:02}.png" for n in range(1, 6)]


def test_what_is_missing_is_told(tmp_path: Path, pictures: Path) -> None:
    result = call("--folder", pictures, "-o", tmp_path / "out", exit_code=2)
    assert "Give one for: Sketch, Picture" in result.stderr
    result = call("--picture", pictures / "1.png", "-o", tmp_path / "out", exit_code=1)
    assert "the whole path of a folder of pictures" in result.stderr


def test_what_could_not_be_read_is_told_with_what_was_found(tmp_path: Path, pictures: Path) -> None:
    (pictures / "broken.png").touch()
    given = ("--picture", pictures / "3.png", "--folder", pictures, "-o", tmp_path / "out")
    result = call(*given, "--json")
    (piece,) = json.loads(result.stdout)["files"]
    assert piece["notes"] == ["1 picture could not be read: broken.png."]
    assert f"3.png: {piece['notes'][0]}" in result.stderr
