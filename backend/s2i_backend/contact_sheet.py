"""A labeled sheet of what a run made: its inputs beside its results, small, in one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from s2i_backend.lettering import Lettering
from s2i_backend.picture_files import PictureFileError, decode_picture, read_file
from s2i_backend.pixels_numpy import to_array
from s2i_backend.run_plan import Piece
from s2i_client.declaration import SHOWN_BEST, STACK, Declaration, Output

# Sides of a picture in pixels, the first that lets the sheet have no more pixels than `ROOM`.
SIDES = (256, 192, 128, 96, 64, 48, 32)
ROOM = 48_000_000
GAP = 8
PAPER, INK, FAINT, LINE = (255, 255, 255), (30, 30, 30), (150, 150, 150), (225, 225, 225)
TEXT_HEIGHTS = {256: 15, 192: 13, 128: 11}  # of the font in pixels; 9 for smaller pictures


@dataclass(frozen=True)
class Made:
    """What became of a piece: the files of its layers by their keys, and the titles of those that
    have one. Without layers `text` says why."""

    piece: Piece
    layers: Mapping[str, Path]
    titles: Mapping[str, str]
    text: str = ""


@dataclass(frozen=True)
class Shown:
    """A picture of the sheet: files laid over each other, the bottom one first, and the words below
    it. `multiplied` are those of the files that darken what is below them."""

    files: tuple[Path, ...]
    text: str = ""
    multiplied: frozenset[Path] = frozenset()


Cell = Sequence[Shown]


def contact_sheet(declaration: Declaration, made: Sequence[Made]) -> np.ndarray:
    """The sheet, uint8 (height, width, 3), RGB.

    A row for each file of the first input, a column for each file (or set of files) of the others,
    which the first row and column show. Where not every row goes with every column, as when files
    of the same name were taken together, each piece has a row with its inputs and its results.

    Of a result, all layers of the output that shows it best are seen, where that comes any number
    of times, with their titles; else the layer that shows all, or those that make it up, laid over
    each other. Raises `PictureFileError` when a file can not be read any more.
    """
    table = _crossed(declaration, made) or _listed(declaration, made)
    columns = max(map(len, table))
    widths = [max(len(row[c]) if c < len(row) else 0 for row in table) for c in range(columns)]
    side = next((s for s in SIDES if _area(s, len(table), sum(widths)) <= ROOM), SIDES[-1])
    return _drawn(table, widths, side)


def _area(side: int, rows: int, pictures: int) -> int:
    return (side + 2 * GAP) ** 2 * rows * pictures


def _crossed(declaration: Declaration, made: Sequence[Made]) -> list[list[Cell]] | None:
    """Rows and columns; None when a place of such a table would be empty."""
    given = [i for i in declaration.inputs if i.name in made[0].piece.inputs]
    first, *others = [declared.name for declared in given]
    places = {}
    for each in made:
        inputs = each.piece.inputs
        if inputs.keys() != made[0].piece.inputs.keys():
            return None
        places[inputs[first], tuple(inputs[name] for name in others)] = each
    rows = list(dict.fromkeys(row for row, _ in places))
    columns = list(dict.fromkeys(column for _, column in places))
    if len(rows) * len(columns) != len(made):
        return None
    head: list[list[Cell]] = []
    if others:
        corner = Shown((), " × ".join(declared.title for declared in given))
        head = [[[corner], *([_input(file) for file in column] for column in columns)]]
    return head + [
        [[_input(row)], *(_results(declaration, places[row, column]) for column in columns)]
        for row in rows
    ]


def _listed(declaration: Declaration, made: Sequence[Made]) -> list[list[Cell]]:
    names = [i.name for i in declaration.inputs if any(i.name in m.piece.inputs for m in made)]
    return [
        [
            *([_input(m.piece.inputs[n])] if n in m.piece.inputs else [] for n in names),
            _results(declaration, m),
        ]
        for m in made
    ]


def _input(file: Path) -> Shown:
    return Shown((file,), file.stem)


def _results(declaration: Declaration, made: Made) -> Cell:
    if not made.layers:
        return [Shown((), made.text)]
    layers = [(declaration.output_of(key), key, path) for key, path in made.layers.items()]
    best = min((output for output, _, _ in layers), key=lambda o: SHOWN_BEST.index(o.kind))
    if best.many:
        return [
            Shown((path,), made.titles.get(key, "")) for output, key, path in layers
            if output == best
        ]  # fmt: skip
    if best.kind in ("color", "image"):
        return [Shown(tuple(path for output, _, path in layers if output == best))]
    return [_stack([(o, path) for o, _, path in layers if not (o.many or o.off_canvas)])]


def _stack(layers: Sequence[tuple[Output, Path]]) -> Shown:
    ordered = sorted(layers, key=lambda layer: STACK.index(layer[0].kind))
    multiplied = frozenset(path for output, path in ordered if output.blend == "multiply")
    return Shown(tuple(path for _, path in ordered), multiplied=multiplied)


def _drawn(table: list[list[Cell]], widths: list[int], side: int) -> np.ndarray:
    words = [shown.text for row in table for cell in row for shown in cell]
    lettering = Lettering(words, TEXT_HEIGHTS.get(side, 9))
    small = cache(lambda file: _small(file, side))
    images = [[[_image(shown, small) for shown in cell] for cell in row] for row in table]
    # No higher than the pictures in it: most are wider than high.
    heights = [
        max((image.height for cell in row for image in cell if image), default=side)
        for row in images
    ]
    line = sum(lettering.font.getmetrics())
    lefts = _offsets([width * (side + GAP) for width in widths])
    tops = _offsets([height + line + GAP for height in heights])
    sheet = Image.new("RGB", (lefts[-1] + GAP, tops[-1] + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for edge in lefts[1:-1]:
        draw.line((edge + GAP // 2, 0, edge + GAP // 2, sheet.height), LINE)
    for edge in tops[1:-1]:
        draw.line((0, edge + GAP // 2, sheet.width, edge + GAP // 2), LINE)
    for row, top, height, pictures in zip(table, tops, heights, images, strict=False):
        for cell, left, found in zip(row, lefts, pictures, strict=False):
            for place, (shown, image) in enumerate(zip(cell, found, strict=True)):
                x, y = left + GAP + place * (side + GAP), top + GAP
                if image is not None:
                    at = x + (side - image.width) // 2, y + (height - image.height) // 2
                    sheet.paste(image, at)
                ink = FAINT if image is None else INK
                text = lettering.fitted(shown.text, side)
                middle = x + side / 2, y + height + line / 2
                draw.text(middle, text, ink, lettering.font, "mm")
    return np.asarray(sheet)


def _offsets(lengths: Sequence[int]) -> list[int]:
    return [sum(lengths[:end]) for end in range(len(lengths) + 1)]


def _image(shown: Shown, small: Callable[[Path], Image.Image]) -> Image.Image | None:
    """The picture on white paper; None where there is nothing but words."""
    if not shown.files:
        return None
    whole = None
    for file in shown.files:
        layer = small(file)
        paper = Image.new("RGB", layer.size, PAPER)
        if whole is None or whole.size != layer.size:
            whole = paper
        if file in shown.multiplied:
            paper.paste(layer, mask=layer.getchannel("A"))
            whole = ImageChops.multiply(whole, paper)
        else:
            whole.paste(layer, mask=layer.getchannel("A"))
    return whole


def _small(file: Path, side: int) -> Image.Image:
    """A file's picture as RGBA."""
    try:
        picture = decode_picture(read_file(file), file, "sheet")
    except PictureFileError as error:
        raise PictureFileError(f"The sheet can not be made: {error}") from error
    pixels = to_array(picture, [memoryview(picture.data)])
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGBA")
    factor = side / max(image.size)
    width, height = (max(1, round(length * factor)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)
