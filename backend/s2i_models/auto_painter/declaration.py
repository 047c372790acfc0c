"""What Auto-painter takes, offers and returns."""

from s2i_client.declaration import Declaration, Input, Parameter
from s2i_models.coloring.declared import GAP, KEEP_TO_HINTS, LAYERS, QUALITY, SHADING

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
            off_canvas=True,
        ),
    ),
    parameters=(
        QUALITY,
        GAP,
        KEEP_TO_HINTS,
        Parameter(
            "saturation",
            "Saturation",
            "How strong the colors are that no hint gave; 0 is gray, 1 as painted.",
            "float",
            default=1.0,
            minimum=0.0,
            maximum=2.0,
        ),
        SHADING,
    ),
    outputs=LAYERS,
)
