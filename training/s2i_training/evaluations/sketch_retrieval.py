"""How surely a sketch finds its picture, beside HOG and a network that only knows ImageNet.

Everything asked and everything searched for is held out: subjects of the test split, sketched in
styles that training never draws (`rough_hand.HELD_OUT_STYLES` and the hand of `held_out_hand`) or
taken from sets that training never sees. All methods get the same framed squares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from rich.progress import track

from s2i_models.catalog import SHIPPED_WEIGHTS
from s2i_models.find_reference.network import PIPELINE, Embedder, load_embedder
from s2i_models.find_reference.squares import Blank, picture_square, sketch_square
from s2i_training.data.manifest import Item, read_manifest
from s2i_training.data.packed import PackedPictures
from s2i_training.data.query_drawings import ensure_queries
from s2i_training.data.renders import ensure_renders
from s2i_training.held_out_hand import on_canvas, redrawn
from s2i_training.lines import draw_lines_as
from s2i_training.retrieval_baselines import (
    HOG_SIZE,
    IMAGENET_SIZE,
    ImageNetFeatures,
    hog_features,
)
from s2i_training.rough_hand import HELD_OUT_STYLES

LEAST_GALLERY = 1000
TOPS = (1, 5, 20)
OURS = "find_reference"
REDRAWN = "redrawn"
STYLES = (*HELD_OUT_STYLES, REDRAWN)
# Sets by one hand: a hit among them would not be "by another hand".
_FAMILY = {
    "fluent-flat": "fluent",
    "fluent-3d": "fluent",
    "fluent-high-contrast": "fluent",
    "noto-v1": "noto",
    "emojione-monotone": "emojione",
}
# Line versions of a set's own drawings: they have the same names.
_OWN_PICTURE = {"emojione-monotone": "emojione", "fluent-high-contrast": "fluent-flat"}
_CHUNK = 32


@dataclass(frozen=True)
class Picture:
    """An item of one of the sets, readable: `read` gives the drawing, (H, W, 4) float32, sRGB over
    white and coverage, and its own lines (H, W) or None."""

    item: Item
    read: Callable[[], tuple[np.ndarray, np.ndarray | None]]

    @property
    def family(self) -> str:
        return _FAMILY.get(self.item.source, self.item.source)


@dataclass(frozen=True)
class Query:
    """What is asked: `draw` gives gray lines (H, W) or a picture (H, W, 3), float32, 0 to 1.

    `hits`: places in the gallery that are right; `left_out`: places that are not searched.
    """

    draw: Callable[[], np.ndarray]
    hits: frozenset[int]
    left_out: frozenset[int] = frozenset()

    def square(self, size: int) -> np.ndarray:
        """As the pipeline prepares it: (size, size, 3) float32, 0 to 1.

        A style may leave nothing of a pale drawing: white paper, which then finds what it finds.
        """
        pixels = (self.draw() * 255).round().astype(np.uint8)
        try:
            return sketch_square(pixels, size) if pixels.ndim == 2 else picture_square(pixels, size)
        except Blank:
            return np.ones((size, size, 3), np.float32)


@dataclass(frozen=True)
class Method:
    """`embed`: squares (N, size, size, 3) to embeddings (N, D) of unit length."""

    name: str
    size: int
    embed: Callable[[np.ndarray], np.ndarray]


def evaluate(
    data: Path, weights: Path | None, count: int, folder: Path, *, quick: bool = False
) -> str:
    """The tables as Markdown; also writes `sheet.png`, queries with what they found.

    `count`: at most so many queries a row. `quick`: without the baselines.
    """
    network = load_embedder(weights or SHIPPED_WEIGHTS / f"{PIPELINE}.safetensors")
    roots = (data, ensure_renders(data))
    gallery = held_out_gallery(roots, LEAST_GALLERY)
    rows = {
        **drawing_queries(gallery, count),
        **set_queries(list(_pictures(ensure_queries(data), "test")), gallery, count),
        **picture_queries(gallery, count),
    }
    methods = [Method(OURS, network.size, _embedding(network))]
    if not quick:
        methods.append(Method("HOG", HOG_SIZE, hog_features))
        methods.append(Method("ImageNet features", IMAGENET_SIZE, ImageNetFeatures()))
    tables: dict[str, dict[str, np.ndarray]] = {name: {} for name in rows}
    found: list[np.ndarray] = []
    for method in methods:
        searched = _embed(method, [_Shown(picture).square for picture in gallery], "gallery")
        for name, queries in rows.items():
            asked = _embed(method, [query.square for query in queries], name)
            scores = asked @ searched.T
            tables[name][method.name] = ranks(scores, queries)
            if method.name == OURS:
                found.append(_strips(queries, scores, gallery))
    _write_sheet(folder / "sheet.png", found)
    held_out = sum(picture.item.split == "test" for picture in gallery)
    head = (
        f"Gallery: {len(gallery)} pictures, {held_out} of them held out; top "
        f"{' / '.join(map(str, TOPS))} in %.\n"
    )
    return head + "\n" + _table(tables, rows) + "\n\n" + timing(network) + "\n"


def held_out_gallery(roots: Sequence[Path], least: int) -> list[Picture]:
    """All test pictures of the sets, filled up with others of other subjects to `least`."""
    gallery = [picture for root in roots for picture in _pictures(root, "test")]
    held_out = {picture.item.subject for picture in gallery}
    for root in roots:
        for picture in _pictures(root, "train"):
            if len(gallery) >= least:
                return gallery
            if picture.item.subject not in held_out:
                gallery.append(picture)
    return gallery


def drawing_queries(gallery: Sequence[Picture], count: int) -> dict[str, list[Query]]:
    """Sketches in each held-out style of drawings in the gallery; one picture is right."""
    places = [
        place
        for place, picture in enumerate(gallery)
        if picture.item.split == "test" and picture.item.source != "fluent-3d"
    ][:count]
    rows = {}
    for number, style in enumerate(STYLES):
        rows[f"same drawing, {style.replace('_', ' ')}"] = [
            Query(_Sketch(gallery[place], style, (number, place)), frozenset({place}))
            for place in places
        ]
    return rows


def set_queries(
    drawings: Sequence[Picture], gallery: Sequence[Picture], count: int
) -> dict[str, list[Query]]:
    """Line drawings of sets that training never sees.

    Where the set is the line version of one in the gallery: the same drawing, and the same subject
    with all pictures by that hand left out. Drawings whose subject the gallery has not are left
    out.
    """
    place_of = {(p.item.source, p.item.id): place for place, p in enumerate(gallery)}
    rows: dict[str, list[Query]] = {}
    for picture in drawings:
        source = picture.item.source
        own = place_of.get((_OWN_PICTURE.get(source, ""), picture.item.id))
        if own is not None:
            query = Query(_Gray(picture), frozenset({own}))
            rows.setdefault(f"same drawing, {source} to {_OWN_PICTURE[source]}", []).append(query)
        by_others, same_hand = other_hands(picture, gallery)
        if by_others:
            query = Query(_Gray(picture), by_others, same_hand)
            rows.setdefault(f"other hand, {source}", []).append(query)
    return {name: queries[:count] for name, queries in sorted(rows.items(), reverse=True)}


def picture_queries(gallery: Sequence[Picture], count: int) -> dict[str, list[Query]]:
    """Pictures of the gallery that another hand drew too."""
    queries = []
    for picture in gallery:
        by_others, same_hand = other_hands(picture, gallery)
        if picture.item.split == "test" and by_others and len(queries) < count:
            queries.append(Query(_Shown(picture).draw, by_others, same_hand))
    return {"other hand, picture to picture": queries}


def other_hands(
    picture: Picture, gallery: Sequence[Picture]
) -> tuple[frozenset[int], frozenset[int]]:
    """Places of its subject by other hands, and places of everything by its own hand."""
    hits = [p for p, other in enumerate(gallery) if other.item.subject == picture.item.subject]
    own = frozenset(p for p, other in enumerate(gallery) if other.family == picture.family)
    return frozenset(hits) - own, own


def ranks(scores: np.ndarray, queries: Sequence[Query]) -> np.ndarray:
    """For each query how many wrong pictures come before its first right one, (Q,).

    `scores`: (Q, G), larger is nearer. Wrong ones that are equally near count as before.
    """
    found = np.empty(len(queries), np.int64)
    for row, query in enumerate(queries):
        right = np.zeros(scores.shape[1], bool)
        right[list(query.hits)] = True
        searched = np.ones(scores.shape[1], bool)
        searched[list(query.left_out)] = False
        best = scores[row][right & searched].max()
        found[row] = (scores[row][searched & ~right] >= best).sum()
    return found


def timing(network: Embedder, repeats: int = 20) -> str:
    """Milliseconds per picture, one alone and in batches."""
    parts = []
    for batch in (1, 32):
        pictures = torch.rand(batch, 3, network.size, network.size)
        with torch.inference_mode():
            network(pictures)
            spent = []
            for _ in range(repeats):
                start = time.perf_counter()
                network(pictures)
                spent.append((time.perf_counter() - start) / batch)
        parts.append(f"{1000 * float(np.median(spent)):.1f} ms in a batch of {batch}")
    threads = torch.get_num_threads()
    return f"Embedding a picture takes {', '.join(parts)} ({threads} CPU threads)."


@dataclass(frozen=True)
class _Sketch:
    """A drawing in a held-out style, somewhere on a canvas."""

    picture: Picture
    style: str
    seed: tuple[int, int]

    def __call__(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        drawing, ink = self.picture.read()
        if self.style == REDRAWN:
            lines = redrawn(drawing, rng)
        else:
            lines = draw_lines_as(self.style, drawing, ink)
        return on_canvas(lines.astype(np.float32), rng).clip(0, 1)


@dataclass(frozen=True)
class _Gray:
    """A line drawing as it is, in gray. Streamline's are colored: of them, the dark outlines."""

    picture: Picture

    def __call__(self) -> np.ndarray:
        gray = cv2.cvtColor(self.picture.read()[0][:, :, :3], cv2.COLOR_RGB2GRAY)
        if self.picture.item.source == "streamline":
            return ((gray - 0.27) / 0.13).clip(0, 1)  # the outlines' luma is 0.25
        return gray


@dataclass(frozen=True)
class _Shown:
    """A picture on white."""

    picture: Picture

    def draw(self) -> np.ndarray:
        return self.picture.read()[0][:, :, :3]

    def square(self, size: int) -> np.ndarray:
        return picture_square((self.draw() * 255).round().astype(np.uint8), size)


def _pictures(root: Path, split: str) -> Iterator[Picture]:
    packed = PackedPictures(root)
    for item in read_manifest(root):
        if item.split == split:
            yield Picture(item, _Reader(packed, item))


@dataclass(frozen=True)
class _Reader:
    packed: PackedPictures
    item: Item

    def __call__(self) -> tuple[np.ndarray, np.ndarray | None]:
        color, ink = self.packed.read(self.item)
        drawing = cv2.cvtColor(color, cv2.COLOR_BGRA2RGBA).astype(np.float32) / 255
        return drawing, None if ink is None else ink.astype(np.float32) / 255


def _embedding(network: Embedder) -> Callable[[np.ndarray], np.ndarray]:
    def embed(squares: np.ndarray) -> np.ndarray:
        pictures = torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2)))
        with torch.inference_mode():
            return network(pictures).numpy()

    return embed


def _embed(method: Method, squares: Sequence[Callable[[int], np.ndarray]], what: str) -> np.ndarray:
    made = []
    for start in track(range(0, len(squares), _CHUNK), f"{method.name}: {what}"):
        chunk = np.stack([square(method.size) for square in squares[start : start + _CHUNK]])
        made.append(method.embed(chunk))
    return np.concatenate(made)


def _table(tables: dict[str, dict[str, np.ndarray]], rows: dict[str, list[Query]]) -> str:
    methods = list(next(iter(tables.values())))
    lines = [
        f"| asked with | queries | {' | '.join(methods)} |",
        "|---|---|" + "---|" * len(methods),
    ]
    styles = list(tables)[: len(STYLES)]
    together = {m: np.concatenate([tables[name][m] for name in styles]) for m in methods}
    lines.append(_line("**same drawing, all held-out styles**", together))
    lines += [_line(name, tables[name]) for name in rows]
    return "\n".join(lines)


def _line(name: str, found: dict[str, np.ndarray]) -> str:
    cells = [
        " / ".join(f"{100 * (values < top).mean():.1f}" for top in TOPS)
        for values in found.values()
    ]
    return f"| {name} | {len(next(iter(found.values())))} | {' | '.join(cells)} |"


def _strips(
    queries: Sequence[Query],
    scores: np.ndarray,
    gallery: Sequence[Picture],
    size: int = 96,
    shown: int = 6,
    most: int = 3,
) -> np.ndarray:
    """A few queries, each with the pictures it found; right ones are framed in green."""
    step = max(1, len(queries) // most)
    strips = []
    for row in range(step // 2, len(queries), step)[:most]:
        query = queries[row]
        allowed = scores[row].copy()
        allowed[list(query.left_out)] = -np.inf
        cells = [_tile(query.square(size), None)]
        for place in np.argsort(-allowed)[:shown]:
            cells.append(_tile(_Shown(gallery[place]).square(size), int(place) in query.hits))
        strips.append(np.concatenate(cells, axis=1))
    return np.concatenate(strips)


def _tile(square: np.ndarray, right: bool | None) -> np.ndarray:
    pixels = (square * 255).round().astype(np.uint8)
    color = {None: 255, True: (20, 160, 60), False: 225}[right]
    framed = np.full((pixels.shape[0] + 8, pixels.shape[1] + 8, 3), color, np.uint8)
    framed[3:-3, 3:-3] = 255
    framed[4:-4, 4:-4] = pixels
    return framed


def _write_sheet(path: Path, strips: Sequence[np.ndarray]) -> None:
    """Pictures of `_strips` in two columns."""
    half = -(-len(strips) // 2)
    columns = [np.concatenate(part) for part in (strips[:half], strips[half:]) if part]
    height = max(len(column) for column in columns)
    padded = [
        np.pad(column, ((0, height - len(column)), (0, 24), (0, 0)), constant_values=255)
        for column in columns
    ]
    Image.fromarray(np.concatenate(padded, axis=1)).save(path)
