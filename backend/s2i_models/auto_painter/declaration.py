"""What Auto-painter takes, offers and returns."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

DECLARATION = Declaration(
    name="auto_painter",
    title="Auto-painter",
    summary="Colors line art, by itself or after color hints, as layers.",
    whole=True,
    inputs=(
        Input("sketch", "Sketch", "The line art: dark lines on white or on nothing.", True),
        Input("hints", "Hints", "Dabs or strokes of color; transparent where there is no hint."),
        Input(
            "palette",
            "Palette",
            "The only colors that areas without a hint may have: a picture with up to 256 of them.",
        ),
    ),
    parameters=(
        Parameter(
            "quality",
            "Quality",
            "Best looks at the drawing four times, mirrored and at two sizes; fast looks once.",
            "choice",
            default="best",
            choices=("fast", "best"),
            live="fast",
        ),
        Parameter(
            "gap",
            "Gap closing",
            "Gaps in the lines up to this many pixels do not leak; 0 chooses by canvas size.",
            "float",
            default=0.0,
            minimum=0.0,
            maximum=200.0,
        ),
        Parameter(
            "keep_to_hints",
            "Keep to the hints",
            "Areas without a hint take a hint's color when they would be at most this different "
            "from it (CIELAB distance); 0 leaves them as painted.",
            "float",
            default=25.0,
            minimum=0.0,
            maximum=100.0,
        ),
        Parameter(
            "saturation",
            "Saturation",
            "How strong the colors are that no hint gave; 0 is gray, 1 as painted.",
            "float",
            default=1.0,
            minimum=0.0,
            maximum=2.0,
        ),
        Parameter(
            "shading",
            "Shading",
            "How strong the shade layer is; 0 leaves flat colors.",
            "float",
            default=0.3,
            minimum=0.0,
            maximum=1.0,
        ),
    ),
    outputs=(
        Output("flats", "Flats", "One color per region, reaching under the lines.", "flats"),
        Output("shade", "Shade", "Light and dark over the flats.", "shade", blend="multiply"),
        Output("lines", "Lines", "The drawing's lines on transparent paper.", "lines"),
        Output("color", "Color", "All in one: flats, shade and lines.", "color"),
        Output(
            "smooth",
            "Smooth",
            "The network's own soft colors, not snapped to regions.",
            "color",
            default=False,
        ),
    ),
)
