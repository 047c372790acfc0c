"""Make the pictures of the documentation that come out of the programs themselves.

    python docs/make_pictures.py flats

They are drawn from the demo's drawings and hints (`docs/demo/ATTRIBUTION.md`) into `docs/images`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from s2i_models import catalog

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
SPACE = 24

# Cuts across lines of the burger: from x, y to x, y.
CUTS = (
    ((505, 30), (505, 55)),
    ((92, 262), (115, 262)),
    ((290, 422), (287, 450)),
    ((285, 545), (285, 572)),
    ((300, 598), (300, 628)),
    ((450, 732), (448, 755)),
    ((430, 798), (425, 825)),
    ((905, 342), (928, 330)),
    ((840, 455), (858, 455)),
    ((80, 430), (62, 420)),
)
CUT_WIDTH = 6
# A second color in the fairy's skirt: x, y, and RGB.
SECOND_DAB = ((640, 2540), (222, 110, 160))


def flats() -> None:
    """Regions of a drawing with gaps, closed and not; and a region that two hints split."""
    pipeline = catalog.load("flats")
    sketch = _gray(DOCS / "demo" / "drawings" / "burger.png")
    for start, stop in CUTS:
        cv2.line(sketch, start, stop, 255, CUT_WIDTH)
    marked = cv2.cvtColor(sketch, cv2.COLOR_GRAY2RGB)
    for start, stop in CUTS:
        middle = ((start[0] + stop[0]) // 2, (start[1] + stop[1]) // 2)
        cv2.circle(marked, middle, 20, (220, 40, 40), 3, cv2.LINE_AA)
    leaking = pipeline(sketch=sketch[..., None], close_gaps=False)["flats"]
    closed = pipeline(sketch=sketch[..., None])["flats"]
    pictures = [marked, _under_lines(leaking, sketch), _under_lines(closed, sketch)]
    _save("flats_gaps.png", pictures, height=320)

    sketch = _gray(DOCS / "demo" / "drawings" / "fairy.png")
    hints = cv2.imread(str(DOCS / "demo" / "hints" / "fairy.png"), cv2.IMREAD_UNCHANGED)
    assert hints is not None
    hints = cv2.cvtColor(hints, cv2.COLOR_BGRA2RGBA)
    cv2.circle(hints, SECOND_DAB[0], 32, (*SECOND_DAB[1], 255), -1)
    result = pipeline(sketch=sketch[..., None], hints=hints)["flats"]
    _save("flats_hints.png", [_over(sketch, hints), _under_lines(result, sketch)], height=760)


def edges_from_image() -> None:
    """A picture, its edges as they come, and finer ones."""
    picture = _reference("halloween")
    pipeline = catalog.load("edges_from_image")
    coarse, fine = (pipeline(sketch=picture, coarseness=c)["edges"] for c in (3.5, 1.5))
    white = np.full(picture.shape[:2], 255, np.uint8)
    shown = [_over(white, layer[..., [0, 0, 0, 1]]) for layer in (coarse, fine)]
    _save("edges_from_image.png", [_over(white, picture), *shown], height=384)


def color_domain() -> None:
    """A picture, its colors as they come, and more and finer ones."""
    picture = _reference("halloween")
    pipeline = catalog.load("color_domain")
    few = pipeline(sketch=picture)["colors"]
    many = pipeline(sketch=picture, colors=8, smoothness=7)["colors"]
    white = np.full(picture.shape[:2], 255, np.uint8)
    _save("color_domain.png", [_over(white, layer) for layer in (picture, few, many)], height=384)


def pi_rec() -> None:
    """Drawings with dabs of color as edges and colors, and what is painted from them."""
    pipeline = catalog.load("pi_rec")
    pictures = []
    for name in ("burger", "robot", "pie"):
        sketch = _gray(DOCS / "demo" / "drawings" / f"{name}.png")
        hints = cv2.imread(str(DOCS / "demo" / "hints" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert hints is not None
        hints = cv2.cvtColor(hints, cv2.COLOR_BGRA2RGBA)
        made = pipeline.layers(sketch=sketch[..., None], colors=hints)[0].pixels
        pictures += [_over(sketch, hints), np.ascontiguousarray(made[..., :3])]
    _save("pi_rec.png", pictures, height=300)


def _reference(name: str) -> np.ndarray:
    """A picture that the demo has as a reference: RGBA."""
    picture = cv2.imread(str(DOCS / "demo" / "references" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    assert picture is not None, name
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)


def _gray(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert picture is not None, path
    return np.asarray(picture)


def _over(sketch: np.ndarray, layer: np.ndarray) -> np.ndarray:
    alpha = layer[..., 3:] / 255
    return (alpha * layer[..., :3] + (1 - alpha) * sketch[..., None]).round().astype(np.uint8)


def _under_lines(flats: np.ndarray, sketch: np.ndarray) -> np.ndarray:
    painted = _over(np.full_like(sketch, 255), flats)
    return (painted * (sketch[..., None] / 255)).round().astype(np.uint8)


def _save(name: str, pictures: list[np.ndarray], height: int) -> None:
    """Pictures (RGB) side by side, `height` px high, as a PNG of 256 colors."""
    row = []
    for picture in pictures:
        size = (round(picture.shape[1] * height / picture.shape[0]), height)
        row += [cv2.resize(picture, size, interpolation=cv2.INTER_AREA)]
        row += [np.full((height, SPACE, 3), 255, np.uint8)]
    IMAGES.mkdir(exist_ok=True)
    whole = Image.fromarray(np.concatenate(row[:-1], axis=1))
    whole.quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)


PICTURES: dict[str, Callable[[], None]] = {
    made.__name__: made for made in (flats, edges_from_image, color_domain, pi_rec)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("of", choices=PICTURES)
    PICTURES[parser.parse_args().of]()


if __name__ == "__main__":
    main()
