"""Declaration of `echo`, which returns its picture unchanged: for benchmarks and diagnosis."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

DECLARATION = Declaration(
    name="echo",
    title="Echo",
    summary="Returns the sketch unchanged, to measure and test the way there and back.",
    inputs=(Input("sketch", "Sketch", "Any picture.", required=True),),
    parameters=(
        Parameter(
            "seconds",
            "Seconds",
            "How long to pretend to work, in steps of 10 ms.",
            "float",
            default=0.0,
            minimum=0.0,
            maximum=600.0,
        ),
    ),
    outputs=(Output("image", "Image", "The sketch as it came.", "image"),),
    hidden=True,
)
