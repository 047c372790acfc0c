"""Which files make which pictures: from the paths of a `run` to pieces of work."""

from __future__ import annotations

import itertools
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


def plan(
    declaration: Declaration, paths: Mapping[str, Path], out: Path, combine: bool = False
) -> list[Piece]:
    """One piece for single files, or one for each file of a folder.

    The first input that is a folder leads: each of its pictures is a piece, with layers in
    `out/STEM`. Another input that is a folder gives the picture of the same file name, or else
    of the same stem; an optional one may have none. An input that is a file goes into every
    piece.

    With `combine`, each picture of a folder goes with each one of the other folders, in the order
    of the inputs; layers are then in `out/STEM/STEM`.

    Raises `PlanError` when a folder holds no pictures, and when nothing was given.
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
    for_all = {name: path for name, path in paths.items() if name not in folders}
    if combine:
        return _combined(contents, for_all, out)
    required = {i.name for i in declaration.inputs if i.required}
    leading, *others = folders
    names = _folder_names(contents[leading])
    pieces: list[Piece] = []
    for file in contents[leading]:
        inputs = for_all | {leading: file}
        missing = None
        for name in others:
            partner = _partner(file, contents[name])
            if partner is not None:
                inputs[name] = partner
            elif name in required:
                missing = (name, paths[name])
        pieces.append(Piece(file.name, inputs, out / names[file], missing))
    return pieces


def _combined(
    contents: Mapping[str, list[Path]], for_all: Mapping[str, Path], out: Path
) -> list[Piece]:
    folder_names = {name: _folder_names(files) for name, files in contents.items()}
    pieces = []
    for files in itertools.product(*contents.values()):
        chosen = dict(zip(contents, files, strict=True))
        parts = [folder_names[name][file] for name, file in chosen.items()]
        name = " + ".join(file.name for file in files)
        pieces.append(Piece(name, {**for_all, **chosen}, out.joinpath(*parts)))
    return pieces


def _folder_names(files: list[Path]) -> dict[Path, str]:
    """What the folder of each file's layers is called: by its stem, but for two files with one
    stem, such as a.png and a.jpg, which must not share a folder."""
    stems = Counter(file.stem for file in files)
    return {file: file.stem if stems[file.stem] == 1 else file.name for file in files}


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
