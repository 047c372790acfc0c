"""What reference-based colorization takes, offers and returns."""

from dataclasses import replace

from s2i_client.declaration import Declaration, Input, Output, Parameter
from s2i_models.coloring.declared import GAP, KEEP_TO_HINTS, LAYERS, QUALITY, SHADING

MOST_PALETTE_COLORS = 64


def _blend(name: str, which: str) -> Parameter:
    return Parameter(
        name,
        f"{which.capitalize()}'s share",
        f"How much the {which} reference counts beside the first: 1 as much, 0 not at all.",
        "float",
        default=1.0,
        minimum=0.0,
        maximum=1.0,
    )


DECLARATION = Declaration(
    name="reference_colorization",
    title="Color like a picture",
    summary="Colors line art with the colors of a reference picture, part by part, as layers.",
    whole=True,
    inputs=(
        Input("sketch", "Sketch", "The line art: dark lines on white or on nothing.", True),
        Input(
            "reference",
            "Reference",
            "The picture to color like; its transparent parts are not used.",
            True,
            off_canvas=True,
        ),
        Input("reference_2", "Second reference", "Another picture to color like.", off_canvas=True),
        Input("reference_3", "Third reference", "One more picture to color like.", off_canvas=True),
        Input(
            "reference_mask",
            "Mask of the reference",
            "What to use of the first reference: light is used, dark or transparent is not.",
            off_canvas=True,
        ),
        Input("hints", "Hints", "Dabs or strokes of color; transparent where there is no hint."),
        Input("spots", "Spots", "Dabs on the sketch; shows where in the reference they look."),
    ),
    parameters=(
        replace(QUALITY, help="Best looks at the drawing twice, at two sizes; fast looks once."),
        Parameter(
            "palette_colors",
            "Colors of the palette",
            "Areas without a hint have only this many colors, taken from the reference, so that "
            "they are the same on every page; 0 leaves them as painted.",
            "int",
            default=24,
            minimum=0,
            maximum=MOST_PALETTE_COLORS,
        ),
        _blend("blend_2", "second"),
        _blend("blend_3", "third"),
        GAP,
        KEEP_TO_HINTS,
        SHADING,
    ),
    outputs=(
        *LAYERS,
        Output(
            "attention",
            "Where it looked",
            "Each reference, dark except where the spotted parts take their colors from; none "
            "without spots.",
            "image",
            many=True,
            off_canvas=True,
        ),
    ),
)
