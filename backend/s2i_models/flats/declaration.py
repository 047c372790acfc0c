"""Declaration of `flats`: what it takes, its settings and its layers."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

DECLARATION = Declaration(
    name="flats",
    title="Flats",
    summary="Finds the closed regions of line art, gaps or not, and gives each a flat color.",
    whole=True,
    inputs=(
        Input("sketch", "Line art", "Dark or colored lines on paper or transparent.", True),
        Input("hints", "Color hints", "Dabs or strokes of color, transparent elsewhere."),
    ),
    parameters=(
        Parameter(
            "close_gaps",
            "Close gaps",
            "Join strokes with the ink they almost reach.",
            "bool",
            default=True,
        ),
        Parameter(
            "gap",
            "Widest gap",
            "Gaps up to this many canvas pixels are closed; 0 is 1 % of the shorter side.",
            "float",
            default=0.0,
            minimum=0.0,
            maximum=200.0,
        ),
        Parameter(
            "smallest",
            "Smallest region",
            "Side in canvas pixels of a square as large as the smallest region; smaller ones join "
            "a neighbor, unless a hint lies in them. 0 is 0.6 % of the shorter side.",
            "float",
            default=0.0,
            minimum=0.0,
            maximum=500.0,
        ),
        Parameter(
            "grow",
            "Grow under the lines",
            "Let flats meet in the middle of the lines; off, they end where the lines begin.",
            "bool",
            default=True,
        ),
        Parameter(
            "blacks",
            "Solid blacks",
            "Areas filled with ink are lines, which flats grow under, or regions of their own.",
            "choice",
            default="lines",
            choices=("lines", "regions"),
        ),
    ),
    outputs=(
        Output("flats", "Flats", "One color per region; the background stays clear.", "flats"),
        Output("lines", "Lines", "The drawing's lines on transparent paper.", "lines"),
        Output(
            "regions",
            "Regions",
            "The number of each region as a 16-bit gray value, 0 for the background.",
            "mask",
            default=False,
        ),
        Output(
            "blacks",
            "Solid blacks",
            "Which areas were taken for solid black rather than for lines.",
            "mask",
            default=False,
        ),
    ),
)
