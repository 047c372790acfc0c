"""Every declared input and parameter is an option, with its range, default and help."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from s2i_backend.cli import main
from s2i_backend.commands.run import pipeline_command
from s2i_backend.declared_options import (
    declared_options,
    folder_option,
    given_inputs,
    given_parameters,
)
from s2i_client.declaration import Declaration, Input, Output, Parameter
from s2i_models import catalog

ALL_KINDS = Declaration(
    name="kinds",
    title="Kinds",
    summary="Has a parameter of each type.",
    inputs=(
        Input("line_art", "Line art", "The drawing.", required=True),
        Input("hints", "Hints", "Colors."),
    ),
    parameters=(
        Parameter("paper_tone", "Tone", "How dark.", "float", 0.25, minimum=0.0, maximum=1.0),
        Parameter("count", "Count", "How many.", "int", 3, minimum=-1, maximum=9),
        Parameter("seed", "Seed", "Which noise.", "int", 0, minimum=0, maximum=1 << 62),
        Parameter("clean_up", "Clean", "Whether.", "bool", True),
        Parameter("style", "Style", "Which.", "choice", "ink", choices=("ink", "pencil")),
        Parameter("prompt", "Prompt", "What.", "text", ""),
        Parameter("shelf", "Shelf", "Where.", "folder", ""),
    ),
    outputs=(Output("color", "Color", "All.", "color"),),
)


def parsed(arguments: list[str]) -> dict:
    params: list[click.Parameter] = [*declared_options(ALL_KINDS), *folder_option(ALL_KINDS)]
    command = click.Command("kinds", params=params)
    return command.make_context("kinds", arguments).params


@pytest.mark.parametrize("name", catalog.NAMES)
def test_every_pipeline_has_one_option_per_input_and_parameter(name: str) -> None:
    declared = catalog.declaration(name)
    expected = [n.name.replace("_", "-") for n in (*declared.inputs, *declared.parameters)]
    if "folder" not in expected:
        expected.append("folder")
    command = pipeline_command(declared)
    options = [o for p in command.params for o in (*p.opts, *p.secondary_opts)]
    assert len(options) == len(set(options)), "an option of ours has a declared one's name"
    assert [options.count(f"--{n}") for n in expected] == [1] * len(expected)
    assert len(declared_options(declared)) + len(folder_option(declared)) == len(expected)
    help_text = CliRunner().invoke(main, ["run", name, "--help"], terminal_width=200).output
    for declared_one in (*declared.inputs, *declared.parameters):
        assert declared_one.help in re.sub(r"\s+", " ", help_text)


def test_values_arrive_in_the_type_of_their_parameter(tmp_path: Path) -> None:
    numbers = ["--paper-tone", "1", "--count", "-1", "--seed", "4611686018427387903"]
    others = ["--no-clean-up", "--style", "pencil", "--prompt", "a red hat"]
    given = parsed(["--line-art", str(tmp_path), *numbers, *others])
    assert given_inputs(given) == {"line_art": tmp_path}
    values = given_parameters(given)
    assert values == {
        "paper_tone": 1.0,
        "count": -1,
        "seed": 4611686018427387903,
        "clean_up": False,
        "style": "pencil",
        "prompt": "a red hat",
        "shelf": "",
    }
    assert [type(v) for v in values.values()] == [float, int, int, bool, str, str, str]


def test_what_is_left_out_has_its_declared_default(tmp_path: Path) -> None:
    values = given_parameters(parsed(["--line-art", str(tmp_path)]))
    assert values == {p.name: p.default for p in ALL_KINDS.parameters}


def test_a_folder_is_told_as_the_daemon_can_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for given in ("pictures", "~/pictures", str(tmp_path / "pictures")):
        values = given_parameters(parsed(["--line-art", ".", "--shelf", given]))
        assert values["shelf"] == str(tmp_path / "pictures")


def test_a_folder_of_drawings_stands_for_the_leading_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pages").mkdir()
    assert given_inputs(parsed(["--folder", str(tmp_path)])) == {"line_art": tmp_path}
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert given_inputs(parsed(["--folder=~/pages"])) == {"line_art": tmp_path / "pages"}
    with pytest.raises(click.UsageError, match="either --folder or --line-art"):
        parsed(["--folder", str(tmp_path), "--line-art", str(tmp_path)])
    with pytest.raises(click.BadParameter, match="not a folder") as caught:
        parsed(["--folder", __file__])
    assert "--folder" in caught.value.format_message()


def test_a_pipeline_s_own_folder_is_left_to_it() -> None:
    shelf = Parameter("folder", "Folder", "Where.", "folder", "")
    own = Declaration("own", "", "", (Input("sketch", "", ""),), (shelf,), ())
    assert folder_option(own) == []
    assert folder_option(ALL_KINDS) != []


def test_a_folder_can_be_completed_by_the_shell() -> None:
    (option,) = (o for o in declared_options(ALL_KINDS) if "--shelf" in o.opts)
    (item,) = option.shell_complete(click.Context(click.Command("kinds")), "pic")
    assert (item.value, item.type) == ("pic", "dir")


@pytest.mark.parametrize(
    ("option", "given", "allowed"),
    [
        ("--paper-tone", "1.5", "a number from 0 to 1"),
        ("--paper-tone", "nan", "a number from 0 to 1"),
        ("--paper-tone", "dark", "a number from 0 to 1"),
        ("--count", "2.5", "a whole number from -1 to 9"),
        ("--count", "10", "a whole number from -1 to 9"),
        ("--style", "oil", "one of ink, pencil"),
        ("--line-art", "absent.png", "a picture file"),
        ("--shelf", "absent", "an existing folder"),
        ("--shelf", __file__, "an existing folder"),
    ],
)
def test_a_wrong_value_names_its_option_what_was_given_and_what_is_allowed(
    option: str, given: str, allowed: str, tmp_path: Path
) -> None:
    arguments = [] if option == "--line-art" else ["--line-art", str(tmp_path)]
    with pytest.raises(click.BadParameter) as caught:
        parsed([*arguments, option, given])
    message = caught.value.format_message()
    assert option in message
    assert f"got {given!r}" in message
    assert f"allowed is {allowed}" in message
    assert caught.value.exit_code == 2


def test_a_missing_input_is_named() -> None:
    with pytest.raises(click.MissingParameter) as caught:
        parsed([])
    assert "--line-art" in caught.value.format_message()
    assert "picture file" in caught.value.format_message()
