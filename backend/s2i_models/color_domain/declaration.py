"""Declaration of `color_domain`: what it takes, its settings and its layers."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

DECLARATION = Declaration(
    name="color_domain",
    title="Colors of a picture",
    summary="Makes a few large blobs of flat color of a picture, to paint with them anew.",
    whole=True,
    inputs=(Input("sketch", "Picture", "A painting or photo.", required=True),),
    parameters=(
        Parameter(
            "colors",
            "Colors",
            "At most so many. Painting with edges and colors was trained with 2 to 5.",
            "int",
            default=3,
            minimum=2,
            maximum=24,
        ),
        Parameter(
            "smoothness",
            "Smoothness",
            "What is smaller than this goes first, in pixels of a picture of 128. Painting with "
            "edges and colors was trained with 15 to 35.",
            "int",
            default=25,
            minimum=1,
            maximum=63,
        ),
        Parameter(
            "softness",
            "Rounding",
            "How much the borders of the blobs are rounded, in pixels of a picture of 128. "
            "Painting with edges and colors was trained with 1 to 5.",
            "int",
            default=3,
            minimum=1,
            maximum=15,
        ),
    ),
    outputs=(
        Output("colors", "Colors", "Blobs of flat color; what is transparent stays so.", "flats"),
    ),
)
