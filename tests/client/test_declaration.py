"""What a pipeline says of its inputs, outputs and settings reaches hosts, also from old daemons."""

import pytest

from s2i_client.declaration import Declaration, Input, InvalidRequest, Output, Parameter

FOLDER = Parameter("folder", "Folder", "Where to look.", "folder", "")
FINDER = Declaration(
    "finder",
    "Finder",
    "",
    (
        Input("sketch", "Sketch", ""),
        Input("picture", "Picture", "", off_canvas=True),
    ),
    (FOLDER,),
    (Output("result", "Result", "", "image", many=True, off_canvas=True),),
)


def test_what_does_not_lie_on_the_canvas_travels() -> None:
    plain = FINDER.to_dict()
    assert Declaration.from_dict(plain) == FINDER
    for part in (*plain["inputs"], *plain["outputs"]):
        del part["off_canvas"]  # an older daemon
    old = Declaration.from_dict(plain)
    assert not any(part.off_canvas for part in (*old.inputs, *old.outputs))


def test_a_folder_is_a_text_that_says_what_it_is() -> None:
    for path in ("", "/pictures/ünïcode", "C:\\pictures"):
        assert FOLDER.check(path) == path
    with pytest.raises(InvalidRequest, match="the path of a folder"):
        FOLDER.check(3)


@pytest.mark.parametrize(("required", "leading"), [((), "a"), (("b", "c"), "b"), (("c",), "c")])
def test_the_first_required_input_leads_or_else_the_first(
    required: tuple[str, ...], leading: str
) -> None:
    inputs = tuple(Input(name, "", "", name in required) for name in "abc")
    assert Declaration("three", "", "", inputs, (), ()).leading.name == leading
