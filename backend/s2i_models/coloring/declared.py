"""What every system that colors a sketch declares alike; standard library only."""

from s2i_client.declaration import Output, Parameter

QUALITY = Parameter(
    "quality",
    "Quality",
    "Best looks at the drawing four times, mirrored and at two sizes; fast looks once.",
    "choice",
    default="best",
    choices=("fast", "best"),
    live="fast",
)
GAP = Parameter(
    "gap",
    "Gap closing",
    "Gaps in the lines up to this many pixels do not leak; 0 chooses by canvas size.",
    "float",
    default=0.0,
    minimum=0.0,
    maximum=200.0,
)
KEEP_TO_HINTS = Parameter(
    "keep_to_hints",
    "Keep to the hints",
    "Areas without a hint take a hint's color when they would be at most this different "
    "from it (CIELAB distance); 0 leaves them as painted.",
    "float",
    default=25.0,
    minimum=0.0,
    maximum=100.0,
)
SHADING = Parameter(
    "shading",
    "Shading",
    "How strong the shade layer is; 0 leaves flat colors.",
    "float",
    default=0.3,
    minimum=0.0,
    maximum=1.0,
)
LAYERS = (
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
)
