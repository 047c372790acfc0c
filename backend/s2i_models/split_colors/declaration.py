"""Declaration of `split_colors`: what it takes, its settings and its layers."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

DECLARATION = Declaration(
    name="split_colors",
    title="Split colors",
    summary="Splits a layer of flat colors into one layer for each color.",
    inputs=(Input("sketch", "Flats", "A layer of flat colors.", required=True),),
    parameters=(
        Parameter(
            "most",
            "Most layers",
            "The largest colors, up to so many, get a layer each; what is left comes together in "
            "one more.",
            "int",
            default=24,
            minimum=1,
            maximum=60,
        ),
        Parameter(
            "tolerance",
            "Tolerance",
            "Colors that differ less than this (CIELAB distance) are one, and soft edges belong to "
            "the color they come nearest to; 0 takes every color for itself.",
            "float",
            default=2.0,
            minimum=0.0,
            maximum=50.0,
        ),
    ),
    outputs=(
        Output(
            "layer", "Color", "The parts of one color, the largest color first.", "flats", many=True
        ),
    ),
)
