"""Tiny wheels that pip installs like real ones: a backend that knows its version, and a torch."""

from __future__ import annotations

import zipfile
from pathlib import Path

from s2i_client.installation import Offer
from s2i_client.installation_steps import UV

BACKEND = """
import sys
def main():
    print("s2i-backend, version {says}")
"""
TORCH = """
__version__ = "2.13.0+{build}"
class version:
    cuda = {cuda!r}
"""
# Notes what it was asked, and installs by pip, or fails as when it does not reach torch's index.
UV_MAIN = """
import json, os, pathlib, subprocess, sys
asked = {{"arguments": sys.argv[1:], "variables": {{
    name: value for name, value in os.environ.items() if name.startswith("UV_")}}}}
pathlib.Path({note!r}).write_text(json.dumps(asked))
if {fails}:
    sys.exit("Failed to fetch torch")
python = sys.argv[sys.argv.index("--python") + 1]
del os.environ["PYTHONPATH"]
sys.exit(subprocess.call([python, "-m", "pip", "install", "torch"]))
"""


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: dict[str, str],
    *,
    requires: tuple[str, ...] = (),
    script: str = "",
) -> Path:
    """Write a pure wheel; `script` is an entry point such as `s2i-backend = s2i_fake:main`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {required}" for required in requires]
    files = {
        **files,
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{script}\n"
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def make_offer(folder: Path, version: str, *, says: str = "") -> Offer:
    """A backend of `version` that needs torch; `says` is what it answers if not its version."""
    wheel = make_wheel(
        folder,
        "s2i",
        version,
        {"s2i_fake.py": BACKEND.format(says=says or version)},
        requires=("torch",),
        script="s2i-backend = s2i_fake:main",
    )
    constraints = folder / "constraints.txt"
    constraints.write_text("# pinned\ntorch==2.13.0\n")
    return Offer(version, wheel, constraints)


def make_torch(folder: Path, build: str = "cpu") -> Path:
    cuda = None if build == "cpu" else "13.0"
    return make_wheel(
        folder, "torch", "2.13.0", {"torch/__init__.py": TORCH.format(build=build, cuda=cuda)}
    )


def make_uv(folder: Path, note: Path, *, fails: bool) -> Path:
    main = UV_MAIN.format(note=str(note), fails=fails)
    files = {"uv/__init__.py": "", "uv/__main__.py": main}
    return make_wheel(folder, "uv", UV.removeprefix("uv=="), files)
