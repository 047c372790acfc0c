"""What find_reference takes, offers and returns."""

from s2i_client.declaration import Declaration, Input, Output, Parameter

MOST = 24

DECLARATION = Declaration(
    name="find_reference",
    title="Find references",
    summary="Searches a folder of pictures by a rough sketch, by a picture, or by both.",
    inputs=(
        Input("sketch", "Sketch", "A rough drawing of what to look for."),
        Input("picture", "Picture", "A picture of what to look for.", off_canvas=True),
    ),
    parameters=(
        Parameter(
            "folder",
            "Folder",
            "The pictures to search: a folder on the computer that does the work. The first search "
            "looks at all of them once, later ones only at what is new.",
            "folder",
            default="",
        ),
        Parameter(
            "count", "Results", "How many pictures to find.", "int",
            default=12, minimum=1, maximum=MOST,
        ),
        Parameter(
            "sketch_weight",
            "Weight of the sketch",
            "How much the sketch counts where a picture is given too; 0 is the picture alone.",
            "float",
            default=0.5,
            minimum=0.0,
            maximum=1.0,
        ),
        Parameter(
            "subfolders", "Subfolders", "Search the folders inside the folder too.", "bool",
            default=True,
        ),
    ),
    outputs=(
        Output(
            "result",
            "Result",
            "A picture that was found, the best first, at most 1024 pixels wide and high; its "
            "title is how alike it is, up to 1, and its file.",
            "image",
            many=True,
            off_canvas=True,
        ),
    ),
)  # fmt: skip
