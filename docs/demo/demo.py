"""Color and paint the bundled drawings through the daemon: `make demo`.

Starts a daemon of its own, apart from any that runs, sends each drawing as a host would, writes
every layer as PNG and one contact sheet, and stops the daemon.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw
from rich.console import Console

from s2i_client.blocking import BlockingClient
from s2i_client.pixels import Picture

HERE = Path(__file__).parent
TILE = 360  # pixels, the longest side of a picture on the contact sheet
GAP = 16
PAPER = (236, 236, 232)


def main(out: Path) -> None:
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="s2i-demo-") as runtime:
        environment = {**os.environ, "S2I_RUNTIME_DIR": runtime}
        os.environ["S2I_RUNTIME_DIR"] = runtime
        command = [sys.executable, "-m", "s2i_backend", "serve"]
        with (out / "daemon.log").open("w") as log:
            daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                with BlockingClient("demo", timeout=30) as client:
                    rows = [
                        color(client, path, out, console)
                        for path in sorted((HERE / "drawings").glob("*.png"))
                    ]
                    client.shutdown()
                daemon.wait(timeout=30)
            finally:
                if daemon.poll() is None:
                    daemon.terminate()
                    daemon.wait(timeout=30)
    sheet = contact_sheet(rows)
    sheet.save(out / "contact_sheet.png")
    console.print(f"Layers and contact sheet are in {out}: open {out / 'contact_sheet.png'}")


def color(
    client: BlockingClient, path: Path, out: Path, console: Console
) -> tuple[str, list[Image.Image]]:
    """Color one drawing by itself, after hints and after a reference, and paint it from its lines
    and the same hints; returns its name and the pictures to show."""
    drawing = Image.open(path).convert("L")
    sketch = picture("sketch", drawing)
    hints = Image.open(HERE / "hints" / path.name).convert("RGBA")
    reference = Image.open(HERE / "references" / path.name).convert("RGBA")
    ways = (
        ("without_hints", "auto_painter", None),
        ("with_hints", "auto_painter", picture("hints", hints)),
        ("like_a_reference", "reference_colorization", picture("reference", reference)),
        ("painted", "pi_rec", picture("colors", hints)),
    )
    made = {}
    for folder, pipeline, more in ways:
        begin = time.monotonic()
        result = client.submit(pipeline, [sketch] if more is None else [sketch, more])
        layers = result.wait(timeout=300).layers
        passed = time.monotonic() - begin
        target = out / path.stem / folder
        target.mkdir(parents=True, exist_ok=True)
        for layer in layers:
            image = as_image(layer)
            image.save(target / f"{layer.name}.png")
            if layer.name in ("color", "picture"):
                made[folder] = on_paper(image)
        width, height = drawing.size
        what = folder.replace("_", " ")
        console.print(f"{path.stem}, {width} × {height}, {what}: {passed:.1f} s")
    over = drawing.convert("RGBA")
    over.alpha_composite(hints)
    return path.stem, [
        drawing.convert("RGB"),
        made["without_hints"],
        on_paper(over),
        made["with_hints"],
        on_paper(reference),
        made["like_a_reference"],
        made["painted"],
    ]


def on_paper(image: Image.Image) -> Image.Image:
    """An RGBA image laid on white, as RGB."""
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB")


def picture(name: str, image: Image.Image) -> Picture:
    """A Pillow image, L or RGBA, as the client sends it."""
    order = "gray" if image.mode == "L" else "rgba"
    return Picture(
        name=name,
        width=image.width,
        height=image.height,
        channels=len(image.getbands()),
        depth="u8",
        order=order,
        data=image.tobytes(),
    )


def as_image(layer: Picture) -> Image.Image:
    """A layer as an RGBA image."""
    mode = {"gray": "L", "graya": "LA", "rgb": "RGB", "rgba": "RGBA"}[layer.order]
    return Image.frombytes(mode, (layer.width, layer.height), bytes(layer.data)).convert("RGBA")


def contact_sheet(rows: list[tuple[str, list[Image.Image]]]) -> Image.Image:
    """One row per drawing: lines, colored without hints, the hints, colored with them, a
    reference, colored like it, painted after the hints."""
    titles = (
        "line art", "without hints", "hints", "with hints",
        "a reference", "colored like it", "painted after the hints",
    )  # fmt: skip
    tiles = []
    for _, pictures in rows:
        scaled = [p.copy() for p in pictures]
        for p in scaled:
            p.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
        tiles.append(scaled)
    heights = [max(p.height for p in row) for row in tiles]
    width = GAP + len(titles) * (TILE + GAP)
    sheet = Image.new("RGB", (width, 40 + sum(h + GAP for h in heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        center = GAP + column * (TILE + GAP) + TILE / 2
        draw.text((center, 20), title, fill=(60, 60, 60), anchor="mm", font_size=20)
    top = 40
    for row, height in zip(tiles, heights, strict=True):
        for column, p in enumerate(row):
            left = GAP + column * (TILE + GAP)
            box = (left, top, left + TILE, top + height)
            draw.rounded_rectangle(box, radius=10, fill="white")
            sheet.paste(p, (left + (TILE - p.width) // 2, top + (height - p.height) // 2))
        top += height + GAP
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output"))
