"""Which files make which pictures: from the paths of a `run` to pieces of work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from s2i_client.declaration import Declaration

# The files of a folder that `picture_files` can read.
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})


class PlanError(ValueError):
    """The paths do not make a plan; `field` is the input at fault."""

    def __init__(self, field: str, message: str):
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class Piece:
    """One job of a run: the file of each input, and the folder for its layers.

    `missing`: a required input that has no file of this name in its folder.
    """

    name: str
    inputs: Mapping[str, Path]
    out: Path
    missing: tuple[str, Path] | None = None


def plan(declaration: Declaration, paths: Mapping[str, Path], out: Path) -> list[Piece]:
    """One piece for single files, or one for each file of a folder.

    The first input that is a folder leads: each of its pictures is a piece, with layers in
    `out/STEM`. Another input that is a folder gives the picture of the same file name, or else
    of the same stem; an optional one may have none. An input that is a file goes into every
    piece. Raises `PlanError` when a folder holds no pictures, and when nothing was given.
    """
    if not paths:
        names = ", ".join(declared.title for declared in declaration.inputs)
        raise PlanError(declaration.leading.name, f"no picture was given. Give one for: {names}.")
    folders = [i.name for i in declaration.inputs if i.name in paths and paths[i.name].is_dir()]
    if not folders:
        name = next(paths[i.name] for i in declaration.inputs if i.name in paths).name
        return [Piece(name, dict(paths), out)]
    contents = {name: _pictures_in(paths[name]) for name in folders}
    for name, files in contents.items():
        if not files:
            kinds = ", ".join(sorted(SUFFIXES))
            raise PlanError(name, f"{paths[name]} holds no pictures ({kinds}).")
    required = {i.name for i in declaration.inputs if i.required}
    leading, *others = folders
    stems = Counter(file.stem for file in contents[leading])
    pieces: list[Piece] = []
    for file in contents[leading]:
        inputs = {n: p for n, p in paths.items() if n not in folders} | {leading: file}
        missing = None
        for name in others:
            partner = _partner(file, contents[name])
            if partner is not None:
                inputs[name] = partner
            elif name in required:
                missing = (name, paths[name])
        # Two files with one stem, such as a.png and a.jpg, must not share a folder.
        folder = out / (file.stem if stems[file.stem] == 1 else file.name)
        pieces.append(Piece(file.name, inputs, folder, missing))
    return pieces


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _partner(file: Path, candidates: list[Path]) -> Path | None:
    same_name = [c for c in candidates if c.name == file.name]
    same_stem = [c for c in candidates if c.stem == file.stem]
    return next(iter(same_name or same_stem), None)
