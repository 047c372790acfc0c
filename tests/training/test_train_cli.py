"""`s2i-train` ends with a plain error where the user can put something right."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from s2i_training.cli import main
from s2i_training.data.packages import PackageUnavailableError

ERRORS = (
    ValueError("3 drawings are too few"),
    FileNotFoundError(2, "No such file", "manifest.json"),
    PackageUnavailableError("run pip download lpips"),
)
# The precision of the other tests: a process has one for all its runs.
COMMANDS = {
    "recipes.auto_painter.train": ["fit", "auto_painter", "--data", ".", "--precision", "no"],
    "evaluations.auto_painter.evaluate": ["evaluate", "auto_painter", "--data", "."],
    "recipes.auto_painter.export": ["export", "auto_painter", "-o", "w.safetensors"],
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("failing", COMMANDS)
def test_an_error_is_told_without_a_traceback(
    failing: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    module, name = failing.rsplit(".", 1)
    monkeypatch.setattr(import_module(f"s2i_training.{module}"), name, fail)
    result = CliRunner().invoke(main, COMMANDS[failing])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert f"Error: {error}" in result.output


@pytest.mark.parametrize("option", ["--baseline-weights", "--ablation"])
def test_a_system_with_nothing_to_compare_with_says_so(tmp_path: Path, option: str) -> None:
    weights = tmp_path / "paper.safetensors"
    weights.touch()
    value = f"without={weights}" if option == "--ablation" else str(weights)
    out = str(tmp_path / "out")
    command = ["evaluate", "auto_painter", "--data", str(tmp_path), "--out", out]
    result = CliRunner().invoke(main, [*command, option, value])
    assert result.exit_code == 2
    assert "auto_painter has no" in result.output


@pytest.mark.parametrize("value", ["weights.safetensors", "without=missing.safetensors"])
def test_an_ablation_without_a_name_or_a_file_is_refused(tmp_path: Path, value: str) -> None:
    command = ["evaluate", "pi_rec", "--data", str(tmp_path), "--ablation", value]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "write NAME=FILE" in result.output
