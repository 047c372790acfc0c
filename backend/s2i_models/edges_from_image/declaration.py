"""Declaration of `edges_from_image`: what it takes, its settings and its layers."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

DECLARATION = Declaration(
    name="edges_from_image",
    title="Edges of a picture",
    summary="Draws the edges of a picture as clean lines, few and rough, to paint with them anew.",
    whole=True,
    inputs=(Input("sketch", "Picture", "A painting or photo.", required=True),),
    parameters=(
        Parameter(
            "coarseness",
            "Coarseness",
            "The more, the fewer and rounder the edges: so many pixels of 128 the picture is "
            "blurred. Painting with edges and colors was trained with 2.5 to 5.4.",
            "float",
            default=3.5,
            minimum=0.5,
            maximum=12.0,
        ),
        Parameter(
            "width",
            "Line width",
            "Width of the lines in canvas pixels; 0 is 0.4 % of the longer side.",
            "float",
            default=0.0,
            minimum=0.0,
            maximum=64.0,
        ),
    ),
    outputs=(Output("edges", "Edges", "Black lines on transparent.", "lines"),),
)
