"""The contact sheet of a run as a file: where it may be written, and of what it is made."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from s2i_backend.contact_sheet import Made, contact_sheet
from s2i_backend.picture_files import PictureFileError, encode_png, read_record, write_file
from s2i_backend.run_plan import Piece
from s2i_backend.run_work import Outcome
from s2i_client.declaration import Declaration
from s2i_client.pixels import ResultLayer

_SHEET = "sheet"


def check_sheet(
    sheet: Path,
    declaration: Declaration,
    pieces: Sequence[Piece],
    folders: Iterable[Path],
    force: bool,
) -> None:
    """See whether a sheet of these pieces may be written to a file, with `force` also over others.

    Raises `PictureFileError` where it would replace somebody's work, an input or a layer of the
    run, and in one of the `folders` of inputs, where the next run would take it for one.
    """
    if sheet.suffix.lower() != ".png":
        raise PictureFileError(f"{sheet}: a sheet is a PNG file. Give it a name that ends in .png.")
    if not force and os.path.lexists(sheet) and _SHEET not in (read_record(sheet) or {}):
        raise PictureFileError(
            f"{sheet}: not a sheet that s2i made, or changed since, so it is kept. Choose another "
            "name, or replace it with --force."
        )
    place = sheet.resolve()
    if any(place.parent == folder.resolve() for folder in folders):
        raise PictureFileError(
            f"{sheet}: in a folder of inputs it would be one of them in the next run. Choose "
            "another folder."
        )
    if any(place == path.resolve() for piece in pieces for path in piece.inputs.values()):
        raise PictureFileError(f"{sheet}: an input of this run. Choose another name.")
    with contextlib.suppress(KeyError):
        declaration.output_of(place.stem)
        if any(place.parent == piece.out.resolve() for piece in pieces):
            raise PictureFileError(f"{sheet}: a layer has this name. Choose another one.")


def write_sheet(
    sheet: Path, declaration: Declaration, pieces: Sequence[Piece], outcomes: Sequence[Outcome]
) -> bool:
    """Write the sheet of a run that has ended, in the order of its pieces; False, and nothing is
    written, when it has no layers. Raises `PictureFileError`."""
    by_name = {outcome.name: outcome for outcome in outcomes}
    ended = [(piece, by_name[piece.name]) for piece in pieces]
    if not any(outcome.layers for _, outcome in ended):
        return False
    made = [Made(p, o.layers, o.titles, "" if o.layers else o.status) for p, o in ended]
    pixels = contact_sheet(declaration, made)
    height, width, channels = pixels.shape
    picture = ResultLayer(
        name=_SHEET, width=width, height=height, channels=channels, order="rgb",
        data=pixels.tobytes(),
    )  # fmt: skip
    record = {"version": version("s2i"), "pipeline": declaration.name, _SHEET: True}
    write_file(sheet, encode_png(picture, record))
    return True
