"""The commands that show pipelines and manage weights."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

from s2i_backend.cli import main
from s2i_backend.model_store import ModelStore
from s2i_models import catalog


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("S2I_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    save_file({"w": np.zeros(1000, np.float16)}, path, {"s2i.pipeline": "echo"})
    path.with_suffix(".md").write_text("# Mine\n\nTrained on nothing.")
    return path


def call(*arguments: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["models", *arguments])
    assert result.exit_code == exit_code, result.output
    return result


def test_json_lists_all_pipelines_by_name_with_their_declarations() -> None:
    plain = json.loads(call("--json").output)
    assert tuple(plain) == catalog.NAMES
    for name, described in plain.items():
        assert "weights" in described
        del described["weights"]
        assert described == json.loads(json.dumps(catalog.declaration(name).to_dict()))


def test_the_table_has_every_pipeline_but_those_for_diagnosis() -> None:
    output = call().output
    for declared in catalog.declarations():
        assert (declared.name in output) == (not declared.hidden)
    assert "echo" in call("--all").output


def test_the_table_tells_missing_weights_from_needless_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(name: str) -> str:
        row = next(line for line in call("--all").output.splitlines() if line.startswith(name))
        (again,) = re.findall(r"^Weights: (.*)$", call(name).output, re.MULTILINE)
        assert again in row
        return again

    monkeypatch.setattr(ModelStore.__init__, "__defaults__", (None, tmp_path))
    assert told("auto_painter") == "missing"
    assert told("flats") == told("echo") == "needs none"


@pytest.mark.parametrize("name", catalog.NAMES)
def test_the_catalog_knows_which_pipelines_load_weights(name: str) -> None:
    pipeline = import_module(f"s2i_models.{name}.pipeline").PipelineImpl
    assert (pipeline.weights_name is not None) == (name in catalog.NEED_WEIGHTS)


@pytest.mark.parametrize("name", catalog.NAMES)
def test_a_pipelines_name_prints_its_inputs_parameters_and_outputs(name: str) -> None:
    output = call(name).output
    tables, command = output.rsplit("\n\n", 1)
    assert max(map(len, tables.splitlines())) <= 80
    assert command.count("\n") == 1  # on one line, however long, to be copied
    declared = catalog.declaration(name)
    words = set(re.findall(r"\w+", output))
    for part in (*declared.inputs, *declared.parameters, *declared.outputs):
        assert part.name in words
        assert set(re.findall(r"\w+", part.help)) <= words
    for parameter in declared.parameters:
        assert set(re.findall(r"\w+", parameter.allowed)) <= words
    assert json.loads(call(name, "--json").output)["name"] == name


def test_weights_are_imported_used_shown_and_removed(weights: Path, models_folder: Path) -> None:
    assert "mine" not in call("list").output
    imported = call("import", str(weights))
    assert "models use mine" in imported.output
    listed = json.loads(call("list", "--json").output)
    assert (listed["mine"]["pipeline"], listed["mine"]["used"]) == ("echo", False)
    assert "echo loads mine" in call("use", "mine").output
    assert json.loads(call("list", "--json").output)["mine"]["used"] is True
    assert json.loads(call("--json").output)["echo"]["weights"]["name"] == "mine"
    shown = call("info", "mine").output
    assert "1,000 numbers" in shown
    assert "Trained on nothing." in shown
    assert json.loads(call("info", "mine", "--json").output)["card"].startswith("# Mine")
    call("remove", "mine")
    assert not list(models_folder.glob("mine*"))
    assert json.loads(call("--json").output)["echo"]["weights"] is None


def test_weights_can_be_used_as_they_come(weights: Path) -> None:
    call("import", str(weights), "--name", "better", "--use")
    assert json.loads(call("list", "--json").output)["better"]["used"] is True


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"\x80\x02")
    refused = call("import", str(tmp_path / "model.pth"), exit_code=1)
    assert "safetensors" in refused.output
    assert "no such file" in call("import", "absent.safetensors", exit_code=1).output
    assert "No weights are called 'gone'" in call("info", "gone", exit_code=1).output
    assert "No weights are called 'gone'" in call("use", "gone", exit_code=1).output
    unknown = call("auto_panter", exit_code=2)
    assert "'auto_panter' is neither a pipeline" in unknown.output
    assert "auto_painter" in unknown.output
