"""Weights: those that ship, those the user brought in, and which of them a pipeline loads.

Only `safetensors` files are kept and loaded. The checkpoints of other kinds that can come in are
converted once, and nothing in them is run, so no file of weights can run a program.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from s2i_models.catalog import NAMES, SHIPPED_WEIGHTS, load

if TYPE_CHECKING:
    from torch import Tensor

PIPELINE_KEY = "s2i.pipeline"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CHOICES_FILE = "chosen.json"
_TENSORFLOW = re.compile(r"(.+)\.(index|meta|data-\d+-of-\d+)")
# A zip (torch.save since 1.6, npz) and the opcodes that begin pickles of protocol 2 to 5.
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".pkl", ".pickle", ".bin", ".npz", ".joblib"})


class StoreError(Exception):
    """A wish that the store can not fulfil; the text says why and what to do."""


def user_folder() -> Path:
    """Where the user's weights are; `S2I_MODELS_DIR` overrides the platform's data folder."""
    if chosen := os.environ.get("S2I_MODELS_DIR"):
        return Path(chosen)
    return platformdirs.user_data_path("s2i", appauthor=False) / "models"


@dataclass(frozen=True)
class Weights:
    """A file of weights. `metadata` is what the file says of itself, `s2i.…` keys are ours."""

    name: str
    pipeline: str
    path: Path
    shipped: bool
    file_bytes: int
    parameter_count: int
    metadata: dict[str, str]

    @property
    def card(self) -> str | None:
        """The text of the model card beside the file, where there is one."""
        path = self.path.with_suffix(".md")
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def sha256(self) -> str:
        """The digest of the file, in hexadecimal; reads all of it."""
        found = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
        return found.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {**vars(self), "path": str(self.path)}


class ModelStore:
    """The shipped weights and the user's folder. Nothing is read before it is asked for."""

    def __init__(self, folder: Path | None = None, shipped: Path = SHIPPED_WEIGHTS):
        self.folder = folder or user_folder()
        self.shipped = shipped

    def list(self) -> list[Weights]:
        """All weights, the shipped ones first, by name; files that are not ours are left out."""
        found: list[Weights] = []
        for folder in (self.shipped, self.folder):
            for path in sorted(folder.glob("*.safetensors")):
                try:
                    found.append(self._describe(path))
                except StoreError:
                    continue
        return found

    def find(self, name: str) -> Weights:
        """The weights called `name`. Raises `StoreError` with the names there are."""
        weights = self.list()
        for candidate in weights:
            if candidate.name == name:
                return candidate
        names = ", ".join(w.name for w in weights) or "none yet"
        raise StoreError(f"No weights are called {name!r}; there are: {names}.")

    def chosen(self, pipeline: str) -> Weights | None:
        """What `pipeline` loads: the user's choice, else the shipped weights of its own name.

        None when it has neither, as pipelines without a network.
        """
        path = self.chosen_path(pipeline) or self.shipped / f"{pipeline}.safetensors"
        try:
            return self._describe(path)
        except StoreError:
            return None

    def chosen_path(self, pipeline: str) -> Path | None:
        """The file of the user's choice for `pipeline`; None for what it loads by itself."""
        name = self._choices().get(pipeline)
        for folder in (self.folder, self.shipped):
            if name and (path := folder / f"{name}.safetensors").is_file():
                return path
        return None

    def use(self, name: str) -> Weights:
        """Let the pipeline of these weights load them from its next job on."""
        weights = self.find(name)
        self._write_choices({**self._choices(), weights.pipeline: name})
        return weights

    def remove(self, name: str) -> Weights:
        """Delete the user's weights called `name`, and their card; what ships stays."""
        weights = self.find(name)
        if weights.shipped:
            raise StoreError(f"{name} ships with s2i and stays; only imported weights are removed.")
        try:
            weights.path.unlink()
        except OSError as error:
            raise StoreError(
                f"{weights.path}: {error.strerror}. If the daemon has it open, stop it with "
                "`s2i-backend stop` and try again."
            ) from error
        weights.path.with_suffix(".md").unlink(missing_ok=True)
        self._write_choices({p: n for p, n in self._choices().items() if n != name})
        return weights

    def import_file(self, path: Path, name: str | None = None) -> Weights:
        """Bring weights into the user's folder under `name`, by default the file's own.

        `path`: a safetensors file whose metadata has `s2i.pipeline`, with or without a card
        (`NAME.md`) beside it; one of the files of a TensorFlow checkpoint that Auto-painter's
        authors published; or, read by PyTorch's restricted reader, a PyTorch checkpoint of a public
        implementation of reference-based colorization or of PI-REC's author. The latter brings the
        other phase's file of its folder along, and the folder may be given instead. The pipeline is
        loaded once to see that they fit. Raises `StoreError`, for all other files that hold pickles
        too.
        """
        if path.is_dir():
            path = path.resolve()  # "." has no name
        checkpoint = _TENSORFLOW.fullmatch(path.name)
        if not checkpoint and path.with_name(f"{path.name}.index").is_file():
            # TensorFlow's own way to name one, without an ending.
            checkpoint = _TENSORFLOW.fullmatch(f"{path.name}.index")
        stem = path.name if path.is_dir() else path.stem
        name = name or _clean(checkpoint[1] if checkpoint else stem)
        self._check_free(name)
        if checkpoint:
            return self._import_tensorflow(path, name)
        if path.is_dir():
            return self._import_torch(path, name)
        if not path.is_file():
            raise StoreError(f"{path}: no such file.")
        with path.open("rb") as file:
            start = file.read(4)
        if start.startswith(_PICKLE_STARTS) or path.suffix.lower() in _PICKLE_SUFFIXES:
            return self._import_torch(path, name)
        _read_header(path)
        with self._arriving(name) as target:
            shutil.copyfile(path, target)
        if (card := path.with_suffix(".md")).is_file():
            shutil.copyfile(card, self.folder / f"{name}.md")
        return self.find(name)

    def _import_tensorflow(self, path: Path, name: str) -> Weights:
        from s2i_models.auto_painter.importer import convert

        try:
            state, metadata = convert(path)
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{path}: {error}") from error
        return self._import_converted(state, {PIPELINE_KEY: "auto_painter", **metadata}, name)

    def _import_torch(self, path: Path, name: str) -> Weights:
        from s2i_models.pi_rec import importer as pi_rec
        from s2i_models.reference_colorization import importer as reference_colorization

        try:
            if pi_rec.recognizes(path):
                return self._import_pi_rec(path, name)
            state, metadata = reference_colorization.convert(path)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}.") from error
        except ValueError as error:
            raise StoreError(
                f"{path}: this kind of file holds Python pickles, which can run any program, so "
                "s2i takes nothing from it but the tensors of a checkpoint it knows, and this is "
                f"none: {error}; nor has it PI-REC's generator. Ask its author for a safetensors "
                "file."
            ) from error
        description = {PIPELINE_KEY: "reference_colorization", **metadata}
        return self._import_converted(state, description, name)

    def _import_pi_rec(self, path: Path, name: str) -> Weights:
        from s2i_models.pi_rec.importer import convert

        try:
            state, metadata = convert(path)
        except ValueError as error:
            raise StoreError(f"{path}: {error}.") from error
        return self._import_converted(state, {PIPELINE_KEY: "pi_rec", **metadata}, name)

    def _import_converted(
        self, state: dict[str, Tensor], metadata: dict[str, str], name: str
    ) -> Weights:
        from safetensors.torch import save_file

        with self._arriving(name) as target:
            save_file(state, target, metadata=metadata)
        return self.find(name)

    @contextmanager
    def _arriving(self, name: str) -> Iterator[Path]:
        """Where to write a file; it takes its name when a pipeline could load it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f".{name}.arriving"
        try:
            yield target
            pipeline = _read_header(target)[0][PIPELINE_KEY]
            try:
                load(pipeline, weights=target)
            # What a network raises for weights of another shape or missing names.
            except (RuntimeError, KeyError, ValueError, TypeError) as error:
                raise StoreError(
                    f"These weights do not fit {pipeline} of this version: {error}"
                ) from error
            target.replace(self.folder / f"{name}.safetensors")
        except OSError as error:
            raise StoreError(f"{error.filename}: {error.strerror}.") from error
        finally:
            target.unlink(missing_ok=True)

    def _check_free(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise StoreError(
                f"{name!r} can not be a name; use letters, digits, and - _ . between them."
            )
        taken = [w for w in self.list() if w.name == name] or name in NAMES
        if taken or (self.folder / f"{name}.safetensors").exists():
            raise StoreError(f"The name {name} is taken. Give another with --name.")

    def _describe(self, path: Path) -> Weights:
        metadata, parameter_count = _read_header(path)
        return Weights(
            name=path.stem,
            pipeline=metadata[PIPELINE_KEY],
            path=path,
            shipped=path.parent == self.shipped,
            file_bytes=path.stat().st_size,
            parameter_count=parameter_count,
            metadata=metadata,
        )

    def _choices(self) -> dict[str, str]:
        try:
            plain = json.loads((self.folder / _CHOICES_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        items = plain.items() if isinstance(plain, dict) else ()
        return {p: n for p, n in items if isinstance(n, str)}

    def _write_choices(self, choices: dict[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / _CHOICES_FILE
        written = path.with_suffix(".new")
        written.write_text(json.dumps(choices, indent=2), encoding="utf-8")
        written.replace(path)


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """A safetensors file's metadata and its number of parameters, without reading tensors.

    Raises `StoreError` for another kind of file, and for weights of no pipeline here.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            count = sum(prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise StoreError(
            f"{path}: not a safetensors file ({error}). Give a .safetensors file, a TensorFlow "
            "checkpoint's .index file or a PyTorch checkpoint."
        ) from error
    if metadata.get(PIPELINE_KEY) not in NAMES:
        raise StoreError(
            f"{path}: its metadata does not say which pipeline these weights are for; "
            f"{PIPELINE_KEY} has to be one of {', '.join(NAMES)}. `s2i-train export` writes it."
        )
    return metadata, count


def _clean(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:64] or "weights"
