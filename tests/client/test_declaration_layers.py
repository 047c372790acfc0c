"""A pipeline may return what its declaration says, and each layer has a name for its file."""

import pytest

from s2i_client.declaration import MAX_LAYERS, Declaration, Input, Output, Parameter


def declared() -> Declaration:
    outputs = (
        Output("flats", "Flats", "", "flats"),
        Output("layer", "Layer", "", "flats", many=True),
    )
    return Declaration("split", "Split", "", (), (), outputs)


def test_only_outputs_declared_so_may_come_several_times() -> None:
    declared().check_layers(["layer", "flats", "layer"])
    declared().check_layers([])
    with pytest.raises(ValueError, match=r"2 layers called flats; .* many=True"):
        declared().check_layers(["flats", "layer", "flats"])


def test_a_result_has_no_more_layers_than_a_message_may() -> None:
    declared().check_layers(["layer"] * MAX_LAYERS)
    with pytest.raises(ValueError, match=f"{MAX_LAYERS + 1} layers; .* at most {MAX_LAYERS}"):
        declared().check_layers(["layer"] * (MAX_LAYERS + 1))


def test_layers_that_come_several_times_are_numbered() -> None:
    assert declared().keys(["flats", "layer", "layer"]) == ["flats", "layer-01", "layer-02"]
    assert declared().keys(["layer"]) == ["layer-01"]
    assert [declared().output_of(key).name for key in ("flats", "layer-01")] == ["flats", "layer"]
    for key in ("flats-01", "layer", "shade"):
        with pytest.raises(KeyError, match=key):
            declared().output_of(key)


def test_whether_an_output_comes_several_times_travels() -> None:
    plain = declared().to_dict()
    assert Declaration.from_dict(plain) == declared()
    for output in plain["outputs"]:
        del output["many"]  # an older daemon
    assert not any(output.many for output in Declaration.from_dict(plain).outputs)


def painter(again: str) -> Declaration:
    inputs = (Input("sketch", "Sketch", ""), Input("picture", "Picture", ""))
    outputs = (Output("picture", "Picture", "", "image", again=again, again_title="Refine"),)
    return Declaration("paint", "Paint", "", inputs, (), outputs)


def test_which_input_a_layer_can_be_again_travels() -> None:
    plain = painter("picture").to_dict()
    assert Declaration.from_dict(plain) == painter("picture")
    (output,) = plain["outputs"]
    del output["again"], output["again_title"]  # an older daemon
    (read,) = Declaration.from_dict(plain).outputs
    assert (read.again, read.again_title) == ("", "")
    output["from_next_year"] = 1  # a newer one
    assert Declaration.from_dict(plain).outputs == (read,)


def test_a_layer_can_only_be_an_input_again_that_there_is() -> None:
    with pytest.raises(ValueError, match="can not be the input hints again"):
        painter("hints")


def test_an_input_and_a_parameter_do_not_share_a_name() -> None:
    palette = Input("palette", "Palette", "")
    reach = Parameter("palette", "Reach", "", "float", 1.0, 0.0, 2.0)
    with pytest.raises(ValueError, match="one name"):
        Declaration("paint", "Paint", "", (palette,), (reach,), ())
