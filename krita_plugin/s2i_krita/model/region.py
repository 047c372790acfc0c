"""Which part of the canvas a job looks at."""

from __future__ import annotations

from s2i_client.geometry import Bounds

LEAST_CONTEXT = 64  # canvas pixels


def work_region(canvas: Bounds, selection: Bounds | None, context: float) -> Bounds:
    """The whole canvas, or the selection with `context` parts of its longer side around it.

    A network needs to see what a selected hand belongs to. Raises `ValueError` when the selection
    lies outside of the canvas.
    """
    if selection is None:
        return canvas
    inside = selection.intersection(canvas)
    if inside.is_empty:
        raise ValueError("the selection lies outside of the canvas")
    margin = max(LEAST_CONTEXT, round(context * inside.extent.longest_side))
    return inside.pad(margin).intersection(canvas)
