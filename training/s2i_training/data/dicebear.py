"""DiceBear's drawn people: faces with hair, skin and clothes put together from parts.

Any number can be drawn. Some styles are inked all around; drawn once more with every color white,
ink is all that stays, which gives the true lines of the same person.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from s2i_training.data.drawing import Drawing, Picture
from s2i_training.data.packages import PackageUnavailableError
from s2i_training.data.packed import over_white
from s2i_training.data.published import Package
from s2i_training.data.vector import render_svg

VERSION = "9.4.3"
_SCRIPT = Path(__file__).with_name("avatars.mjs")

# Natural tones, so that what is learned of skin and hair holds for people; two dyed ones. Clothes
# may have any color.
_SKIN = ["fbe0cf", "f5cdb0", "edb98a", "e0a878", "c68a5c", "a56b42", "84502f", "5f3a22"]
_HAIR = "1f1a17 2e2320 4a312c 6b4423 8d5a2b a55728 b55239 d6b370 e8cf8f 9a9a9a c7b9a5 c93a6b 4a6fa5"
_CLOTHES = "d64545 e8833a f2c14e 6aa84f 2f8f83 3c78d8 2b4c7e 7e57c2 d46a9f 8d6e63 5f6b73 f4f1ea"
_COLORS = {
    "skinColor": _SKIN,
    "baseColor": _SKIN,
    "hairColor": _HAIR.split(),
    "facialHairColor": _HAIR.split(),
    "headContrastColor": _HAIR.split(),
    "clothesColor": _CLOTHES.split(),
    "clothingColor": _CLOTHES.split(),
    "shirtColor": _CLOTHES.split(),
    "bodyColor": _CLOTHES.split(),
}


@dataclass(frozen=True)
class AvatarStyle:
    """One style of DiceBear: its package, the designer's licence, how many people to draw, which of
    the colors above it knows, and whether it is inked."""

    name: str
    sha256: str
    license: str
    designer: str
    count: int
    colors: tuple[str, ...]
    inked: bool = False

    @property
    def package(self) -> Package:
        return Package("npm", f"@dicebear/{self.name}", VERSION, self.sha256)


CORE = Package(
    "npm",
    "@dicebear/core",
    VERSION,
    "6ca7dae651c74ad547e548fbe7c41f49aaa377cf4617259277518389bf6b1a3d",
)
# Licences as each package's LICENSE file gives them for its design.
STYLES = (
    AvatarStyle(
        "adventurer",
        "6edeac04f94ef6177c946918dce012e530200dfcc274b4f954239e33ecbe590c",
        "CC-BY-4.0",
        "Lisa Wischofsky",
        350,
        ("skinColor", "hairColor"),
        inked=True,
    ),
    AvatarStyle(
        "avataaars",
        "0faf2184c2013afbccfec08949b27e24c7e4c678eaec009752dd2b03b113f33d",
        "free for personal and commercial use",
        "Pablo Stanley",
        250,
        ("skinColor", "hairColor", "facialHairColor", "clothesColor"),
    ),
    AvatarStyle(
        "big-ears",
        "02fc47ff824b783142e6c85c2ba182ff535a7b40f65bfddfafa2b4f8d86eef50",
        "CC-BY-4.0",
        "The Visual Team",
        120,
        ("skinColor", "hairColor"),
    ),
    AvatarStyle(
        "big-smile",
        "8dbd7b96c9ceaf9dd7c280cdae4f0bb3e43ab2798b7bedbe355fbb3ce30e87bb",
        "CC-BY-4.0",
        "Ashley Seo",
        130,
        ("skinColor", "hairColor"),
    ),
    AvatarStyle(
        "lorelei",
        "78cbba0a6c4d14e1af7c62ffa9a73bd98a8cda02e28690110e199348cd6a9c06",
        "CC0-1.0",
        "Lisa Wischofsky",
        250,
        ("skinColor", "hairColor"),
    ),
    AvatarStyle(
        "micah",
        "b948931f01e97147ce8cdcfc4dfdad5c029bcb1ad57420dc0b22bc0aeb1d3fa7",
        "CC-BY-4.0",
        "Micah Lanier",
        180,
        ("baseColor", "hairColor", "facialHairColor", "shirtColor"),
        inked=True,
    ),
    AvatarStyle(
        "open-peeps",
        "65b664ec00dc69c068051461f2b5bd97c8335af676e36c284e906a3017c23d4f",
        "CC0-1.0",
        "Pablo Stanley",
        200,
        ("skinColor", "headContrastColor", "clothingColor"),
        inked=True,
    ),
    AvatarStyle(
        "personas",
        "6f5b4765c4d54444ab0330c4a89da53636662de3b04118b827f005a31332d002",
        "CC-BY-4.0",
        "Draftbit",
        130,
        ("skinColor", "hairColor", "clothingColor"),
    ),
    AvatarStyle(
        "toon-head",
        "b9cd3b5def9fb2c37a9acba2e4b9bd00268b6eaff705d596756e8d921a4580c8",
        "CC-BY-4.0",
        "Johan Melin",
        130,
        ("skinColor", "hairColor", "clothesColor"),
    ),
    AvatarStyle(
        "miniavs",
        "cebf19ca30a49e88a60824f994f5fa2d9f9f7e2cbc7eb3bcad5b5af166f78274",
        "CC-BY-4.0",
        "Webpixels",
        80,
        ("skinColor", "hairColor", "bodyColor"),
    ),
)


def dicebear_drawings(archives: Mapping[Package, Path]) -> Iterator[Drawing]:
    """Every person of every style; needs node. Raises PackageUnavailableError without it."""
    jobs = []
    for style in STYLES:
        seeds = [f"{style.name}-{number}" for number in range(style.count)]
        colored = {name: _COLORS[name] for name in style.colors}
        # As many whites as there were colors: the generator's random draws stay the same.
        white = {name: ["ffffff"] * len(_COLORS[name]) for name in style.colors}
        jobs.append({"style": style.name, "seeds": seeds, "options": colored})
        jobs.append({"style": style.name, "seeds": seeds, "options": white})
    drawn = _draw(archives, jobs)
    for place, style in enumerate(STYLES):
        for number, (svg, bare) in enumerate(
            zip(drawn[2 * place], drawn[2 * place + 1], strict=True)
        ):
            identity = f"{style.name}-{number:04d}"
            yield Drawing(
                id=identity,
                subject=f"avatar:{identity}",
                text=svg.encode(),
                render=partial(_render, svg, bare if style.inked else None),
                variant_of=identity,
                author=style.designer,
                license=style.license,
            )


def _draw(archives: Mapping[Package, Path], jobs: list[dict[str, object]]) -> list[list[str]]:
    """The SVG texts of each job, drawn by DiceBear itself."""
    if shutil.which("node") is None:
        raise PackageUnavailableError(
            "the avatars are drawn with node, which is not installed: install Node.js 18 or later, "
            "or leave the source dicebear out (--sources)"
        )
    with tempfile.TemporaryDirectory() as folder:
        for package in (CORE, *(style.package for style in STYLES)):
            _unpack(archives[package], Path(folder) / "node_modules" / package.name)
        script = shutil.copy(_SCRIPT, folder)
        done = subprocess.run(
            ["node", script],
            input="\n".join(map(json.dumps, jobs)),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise PackageUnavailableError(f"node could not draw the avatars:\n{done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _unpack(archive: Path, folder: Path) -> None:
    """The files of an npm archive, without its outer folder `package`."""
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            content = packed.extractfile(member) if member.isfile() else None
            target = folder / member.name.partition("/")[2]
            if content is None or ".." in target.parts:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())


def _render(svg: str, bare: str | None) -> Picture:
    color = render_svg(svg)
    return Picture(color, None if bare is None else _ink(render_svg(bare)))


def _ink(bare: np.ndarray) -> np.ndarray:
    """Ink of a person drawn in white (S, S, 4): what is dark in all channels. Lips, glasses and
    flowers that stay colored are paper: (S, S) uint8, 255 paper."""
    brightest = over_white(bare)[:, :, :3].max(axis=2).astype(np.float32)
    return np.clip((brightest - 25) * (255 / 155), 0, 255).round().astype(np.uint8)
