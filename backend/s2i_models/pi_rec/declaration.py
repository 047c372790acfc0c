"""What PI-REC takes, offers and returns."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

WORK_SIZE = "work size"
CANVAS = "canvas"

DECLARATION = Declaration(
    name="pi_rec",
    title="Paint edges and colors",
    summary="From a few edges and blobs of color to a finished picture.",
    whole=True,
    inputs=(
        Input("sketch", "Edges", "Lines of any width and kind, dark on white or on nothing.", True),
        Input("colors", "Colors", "Blobs of color by any brush; transparent where there is none."),
        Input(
            "colors_2",
            "Second colors",
            "Other blobs of color: the result goes over to them, a layer for each step.",
        ),
        Input(
            "picture",
            "Picture to refine",
            "An earlier result, perhaps painted over: it is refined after the edges, and the "
            "colors are not looked at.",
        ),
    ),
    parameters=(
        Parameter(
            "domain",
            "Subject",
            "What the picture shows. Weights that you chose yourself paint everything.",
            "choice",
            default="drawings",
            choices=("drawings", "faces"),
        ),
        Parameter(
            "refine",
            "Refine",
            "Paint over the result once more, at the size of its detail; off, it stays as coarse "
            "as it was begun.",
            "bool",
            default=True,
        ),
        Parameter(
            "detail",
            "Size of detail",
            "Longest side in pixels of what is painted, before it is enlarged to the canvas; twice "
            "the size takes four times as long. The work size is that of the network's training.",
            "choice",
            default="1024",
            choices=(WORK_SIZE, "512", "1024", "2048", CANVAS),
            live="512",
        ),
        Parameter(
            "unpainted",
            "Without color",
            "What has no color takes one painted within the same lines, where there is one; or "
            "that of the nearest blob; or it is as white as paper.",
            "choice",
            default="lines",
            choices=("lines", "spread", "paper"),
        ),
        Parameter(
            "steps",
            "Steps",
            "With second colors: so many layers, from the first colors to the second.",
            "int",
            default=5,
            minimum=2,
            maximum=12,
        ),
        Parameter(
            "lighten",
            "Lighten",
            "How much the light parts are made lighter and the dark ones deeper.",
            "float",
            default=0.0,
            minimum=0.0,
            maximum=1.0,
        ),
    ),
    outputs=(
        Output(
            "picture",
            "Painted picture",
            "The finished picture; with second colors one for each step.",
            "image",
            many=True,
            again="picture",
            again_title="Refine",
        ),
        Output(
            "edges",
            "Edges as read",
            "The lines one pixel wide at the size of detail, as the network is given them.",
            "lines",
            default=False,
        ),
    ),
)
