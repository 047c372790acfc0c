"""`find_reference`: a sketch, a picture or both in, the most alike pictures of a folder out."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from s2i_client.declaration import MAX_TITLE, InvalidRequest
from s2i_models.find_reference.declaration import DECLARATION
from s2i_models.find_reference.folder import plain
from s2i_models.find_reference.index import index_folder
from s2i_models.find_reference.library import Embedding, Hit, Library, Shelf
from s2i_models.find_reference.network import load_embedder
from s2i_models.find_reference.picture_files import UnreadablePicture, read_small
from s2i_models.find_reference.squares import Blank, picture_square, sketch_square
from s2i_models.pipeline import Layer, Pipeline, Request

# Changes whenever pictures are prepared for the network in another way: indexes are then anew.
PREPARATION = 1
RESULT_SIDE = 1024
# Of hits whose files are gone meanwhile, so many others take the place.
SPARE = 8


class PipelineImpl(Pipeline):
    """Embeds what is looked for and looks up its neighbors in the folder's index."""

    declaration = DECLARATION
    weights_name = "find_reference"

    def __init__(self, weights: Path | None = None, device: str = "cpu"):
        super().__init__(weights, device)
        if weights is None:
            raise ValueError("find_reference needs a file of weights")
        self.network = load_embedder(weights, device)
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        self.library = Library(
            Embedding(self.embed, self.network.size, self.network.width, f"{digest}/{PREPARATION}")
        )

    def memory_bytes(self) -> int:
        return sum(p.numel() * p.element_size() for p in self.network.parameters())

    def embed(self, squares: np.ndarray) -> np.ndarray:
        """float32 RGB 0 to 1, (n, size, size, 3), to float32 (n, width) of unit length."""
        batch = torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2)))
        with torch.inference_mode():
            return self.network(batch.to(self.device)).float().cpu().numpy()

    def run(self, request: Request) -> list[Layer]:
        step, timing = request.progress.step, request.timing
        step(
            0.0, "looking at the sketch" if "sketch" in request.images else "looking at the picture"
        )
        begin = time.perf_counter()
        wanted = self._wanted(request)
        timing["network"] = time.perf_counter() - begin
        begin = time.perf_counter()
        shelf = self._shelf(request)
        timing["folder"] = time.perf_counter() - begin
        if notice := shelf.notice():
            request.notes.append(f"{notice}.")
        begin = time.perf_counter()
        count = int(request.parameters["count"])
        hits = shelf.search(wanted, count + SPARE)
        timing["neighbors"] = time.perf_counter() - begin
        begin = time.perf_counter()
        layers = []
        for hit, pixels in _read_hits(shelf.folder, hits, count):
            step(0.95 + 0.05 * len(layers) / count, "reading what was found")
            layers.append(Layer("result", pixels, title=title_of(hit)))
            if len(layers) == count:
                break
        timing["results"] = time.perf_counter() - begin
        return layers

    def _wanted(self, request: Request) -> np.ndarray:
        """The weighted mean of what was given, float32 (width,)."""
        size = self.network.size
        prepare = {"sketch": sketch_square, "picture": picture_square}
        weight = float(request.parameters["sketch_weight"])
        weights = {"sketch": weight, "picture": 1 - weight}
        given = [name for name in prepare if request.images.get(name) is not None]
        if len(given) > 1:  # what does not count may be empty
            given = [name for name in given if weights[name] > 0]
        squares, shares = [], []
        for name in given:
            try:
                squares.append(prepare[name](request.images[name], size))
            except Blank:
                allowed = f"a {name} with something on it"
                raise InvalidRequest(name, "an empty one", allowed) from None
            shares.append(weights[name])
        if not squares:
            raise InvalidRequest(
                "sketch", "neither a sketch nor a picture", "a sketch, a picture, or both"
            )
        if len(squares) == 1:
            shares = [1.0]
        return np.array(shares, np.float32) @ self.embed(np.stack(squares))

    def _shelf(self, request: Request) -> Shelf:
        given = str(request.parameters["folder"])
        folder = Path(given).expanduser()
        if not given or not folder.is_absolute():
            raise InvalidRequest("folder", given, "the whole path of a folder of pictures")
        if not folder.is_dir():
            raise InvalidRequest(
                "folder", given, "a folder that is there, on the computer that does the work"
            )
        try:
            shelf = self.library.shelf(
                folder, bool(request.parameters["subfolders"]), request.progress.step
            )
        except (OSError, sqlite3.OperationalError) as error:
            raise InvalidRequest(
                "folder",
                given,
                plain(
                    "a folder that can be read, with room for its index in "
                    f"{index_folder()}; what was done so far is kept ({error})"
                ),
            ) from error
        if not shelf.paths:
            problem = f" ({shelf.notice()})" if shelf.notice() else ""
            raise InvalidRequest(
                "folder", given, f"a folder with PNG, JPEG, WebP, TIFF, BMP or GIF files{problem}"
            )
        return shelf


def title_of(hit: Hit) -> str:
    """Such as "0.83 cats/sitting.png"; a path that is too long loses its beginning."""
    start = f"{hit.likeness:.2f} "
    path = plain(hit.path)
    room = MAX_TITLE - len(start)
    return start + (path if len(path) <= room else "…" + path[1 - room :])


def _read_hits(folder: Path, hits: list[Hit], count: int) -> Iterator[tuple[Hit, np.ndarray]]:
    """The pictures of the hits that can still be read, in order; `count` are expected to be."""

    def read(hit: Hit) -> np.ndarray | None:
        try:
            return read_small(folder / hit.path, RESULT_SIDE)
        except UnreadablePicture:
            return None

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="decode") as pool:
        expected = hits[:count], pool.map(read, hits[:count])
        for hit, pixels in zip(*expected, strict=True):
            if pixels is not None:
                yield hit, pixels
    for hit in hits[count:]:
        pixels = read(hit)
        if pixels is not None:
            yield hit, pixels
