"""From the chosen sources to the pictures of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from s2i_client.declaration import Declaration, Input
from s2i_client.geometry import Bounds
from s2i_client.pixels import Picture

from ..host.document import Document
from ..host.selection import Selection
from ..host.steps import until_idle
from ..texts import _
from .palette import Palette
from .region import work_region
from .sources import Source, SourceKind, read_file
from .task import WAIT_SECONDS, Work, on_thread


@dataclass(frozen=True)
class Request:
    """Pictures ready to send. `within`: the selection that the result is limited to."""

    pictures: tuple[Picture, ...]
    region: Bounds
    within: Selection | None


class MissingInput(ValueError):
    """An input can not be read; the text says which, and what to do."""


def gather(
    document: Document,
    declaration: Declaration,
    sources: Mapping[str, Source],
    palette: Palette,
    context: float,
    given: Picture | None = None,
) -> Work:
    """Read all inputs once Krita is idle; returns a `Request`.

    `given` is the input of its name, whatever is chosen for that. Waits for pictures that are being
    read. Raises `MissingInput` when a required one is not there, and `UnreadablePicture` when a
    file can not be read.
    """
    yield from until_idle(document.raw)
    selection = document.selection()
    if selection is not None and selection.bounds.is_empty:
        raise MissingInput(
            _("The selection lies outside of the canvas. Select a part of the picture.")
        )
    part = None if selection is None or declaration.whole else selection.bounds
    region = work_region(document.bounds, part, context)
    pictures = []
    for declared in declaration.inputs:
        if given is not None and declared.name == given.name:
            pictures.append(given)
            continue
        while (source := sources.get(declared.name, Source())).loading:
            yield WAIT_SECONDS
        around = _masked(document, declared, sources)
        picture = yield from read_source(document, declared, source, region, palette, around)
        if picture is not None:
            pictures.append(picture)
        elif declared.required:
            names = {"system": _(declaration.title), "input": _(declared.title)}
            raise MissingInput(
                _("{system} needs an input: {input}. Choose a layer or a picture for it.", **names)
                if declared.off_canvas
                else _("{system} needs an input: {input}. Choose a layer for it.", **names)
            )
    return Request(tuple(pictures), region, selection)


def read_source(
    document: Document,
    declared: Input,
    source: Source,
    region: Bounds,
    palette: Palette,
    around: Bounds | None = None,
) -> Work:
    """The picture of one input; None when nothing is to be sent.

    `around`: what of a layer that does not lie on the canvas is sent, instead of all of it.
    """
    if not source.is_sent:
        return None
    match source.kind:
        case SourceKind.canvas:
            return (yield from document.read(region, declared.name))
        case SourceKind.palette:
            return palette.picture(declared.name)
        case SourceKind.layer:
            layer = document.layer(source.layer)
            if layer is None:
                raise MissingInput(
                    _("The layer “{layer}” is gone. Choose another one for {input}.",
                      layer=source.label, input=_(declared.title))
                )  # fmt: skip
            part = _part(declared, layer.bounds, region)
            if part.is_empty:
                return None
            part = around or part
            return (yield from layer.read(part, declared.name))
        case _:
            # A file that the document told of and that could not be read: perhaps it can be now.
            picture = source.picture or (yield from on_thread(read_file, source.path))
            return replace(picture, name=declared.name)


def _part(declared: Input, content: Bounds, region: Bounds) -> Bounds:
    """What of a layer is sent: the sketch's size is the result's, of the others only what is there
    is, which for some dabs of color is much less."""
    if declared.name == "sketch":
        return region
    return content if declared.off_canvas else content.intersection(region)


def _masked(document: Document, declared: Input, sources: Mapping[str, Source]) -> Bounds | None:
    """Where the layer is that an input is the mask of, as `reference_mask` is of `reference`: read
    there too, the two lie on each other."""
    base = declared.name.removesuffix("_mask")
    source = sources.get(base, Source())
    layer = document.layer(source.layer) if source.is_sent and source.layer else None
    return layer.bounds if layer is not None and base != declared.name else None
