"""The steps of an installation, from finding a Python to switching over, as one generator."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .child import InstallFailed, answer, run
from .connection_file import read_connection, runtime_folder
from .environment import clean_environment
from .installed import (
    CACHE,
    LOG,
    Installed,
    current_folder,
    free_bytes,
    new_version_folder,
    program,
    remove_tree,
    switch,
    version_folders,
    write_marker,
)
from .pip_settings import uv_variables
from .python_finder import Python, find_python

UV = "uv==0.13.8"
_GB = 10**9
# Measured on Linux with torch 2.13. The CPU build and all that s2i needs: 1.4 GB installed, and
# while pip installs, its 0.3 GB of wheels twice more. The CUDA build: 5.4 GB, at most 6.5 GB
# meanwhile. The rest is margin.
NEEDED_BYTES = {"cpu": 5 * _GB // 2, "cuda": 8 * _GB}
_ANSWER_SECONDS = 120.0
_LOOK_SECONDS = 0.5
# Where each step's share of the time begins, of 1.
_STARTS = {
    "Looking for Python": 0.0,
    "Making room": 0.02,
    "Making a Python environment": 0.04,
    "Getting the installer": 0.08,
    "Installing PyTorch": 0.10,
    "Installing the backend": 0.75,
    "Trying it": 0.95,
    "Removing the version before": 0.98,
}
_CHECK = """
import json, platform, torch
print(json.dumps({
    "python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda,
}))
"""

_ABSENT = re.compile(r"(?:No matching distribution found for|\(constraint\)) (\S+)")
_NETWORK = re.compile(
    r"connection|connect |getaddrinfo|name resolution|Name or service|timed? ?out|SSL|proxy", re.I
)


@dataclass(frozen=True)
class Offer:
    """What a host brings along: the backend's version, its wheel, and the pinned versions."""

    version: str
    wheel: Path
    constraints: Path


def has_nvidia() -> bool:
    """Whether an NVIDIA driver that runs is on this machine; looks at files alone."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32/nvcuda.dll").exists()
    # The second is where the Windows driver shows itself to Linux under WSL.
    places = ("/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1")
    return sys.platform == "linux" and any(Path(place).exists() for place in places)


class Steps:
    """One attempt to install `offer` below `root`. `step` and `fraction` say where it is.

    `wheel_folder`: take every package from there and nothing from the network. `variant` is
    `auto`, `cpu` or `cuda`.
    """

    def __init__(self, root: Path, offer: Offer, wheel_folder: Path | None, variant: str):
        self.root = root
        self.step = ""
        self.fraction = 0.0
        self._offer = offer
        self._wheel_folder = wheel_folder
        self._asked = variant
        self._variant = ("cuda" if has_nvidia() else "cpu") if variant == "auto" else variant
        self._log = root / LOG
        self._folder = new_version_folder(root, offer.version)
        self._environment = clean_environment()
        self._free_at_start = self._used = 0

    def run(self) -> Iterator[None]:
        """Do it all; yields all the time. Raises `InstallFailed` after undoing what it made."""
        try:
            yield from self._install()
        except (InstallFailed, OSError):
            yield from remove_tree(self._folder)
            raise

    def _install(self) -> Iterator[None]:
        self._begin("Looking for Python")
        python = yield from find_python(self._environment)
        self._say(f"Python {python.version}: {' '.join(python.command)}")
        self._begin("Making room")
        yield from self._make_room()
        self._begin("Making a Python environment")
        yield from self._make_environment(python)
        yield from self._install_torch()
        self._begin("Installing the backend")
        yield from self._pip([str(self._offer.wheel)])
        self._begin("Trying it")
        installed = yield from self._try()
        yield from remove_tree(self._folder / "tmp")
        write_marker(self._folder, installed)
        before = current_folder(self.root)
        switch(self.root, self._folder)
        self._say(f"s2i {installed.version} is installed, with torch {installed.torch}.")
        self._begin("Removing the version before")
        if before is not None and read_connection(runtime_folder()) is None:
            # A daemon that runs may be of that version, and loads parts of it only later; then
            # `tidy` or the next installation removes it.
            yield from remove_tree(before)
        yield from remove_tree(self.root / CACHE)

    def _begin(self, step: str) -> None:
        self.step, self.fraction = step, _STARTS[step]
        self._say(f"== {self.fraction:.2f} {step}")

    def _say(self, text: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(text + "\n")

    def _make_room(self) -> Iterator[None]:
        """Remove what older attempts left, and see whether there is enough space."""
        in_use = current_folder(self.root)
        for folder in version_folders(self.root):
            if folder != in_use:
                yield from remove_tree(folder)
        self._free_at_start = free_bytes(self.root)
        self._check_space(self._variant)
        if self._wheel_folder is None:
            self._say(f"Installing for {self._variant} (asked for: {self._asked}).")

    def _check_space(self, variant: str) -> None:
        free, needed = free_bytes(self.root), NEEDED_BYTES[variant]
        if free < needed:
            raise InstallFailed(
                f"There are {free / _GB:.1f} GB free where {self.root} is, and {needed / _GB:.1f} "
                f"GB are needed ({variant.upper()} build).",
                "Make room there, or set S2I_DATA_DIR to a folder on another disk.",
            )

    def _make_environment(self, python: Python) -> Iterator[None]:
        command = [*python.command, "-I", "-m", "venv", str(self._folder)]
        if (yield from run(command, self._environment, self._log, self.root)) != 0:
            raise InstallFailed(
                "No Python environment could be made.", f"{self._log} says why; then try again."
            )
        # Here and not in /tmp, which may be small; what is left by a kill is removed with it.
        temporary = self._folder / "tmp"
        temporary.mkdir()
        cache = self.root / CACHE
        for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
            self._environment.pop(name, None)
        self._environment |= {
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
            "PIP_CACHE_DIR": str(cache / "pip"),
            "UV_CACHE_DIR": str(cache / "uv"),
            "PIP_USER": "0",
            "PIP_NO_INPUT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
        }
        if self._wheel_folder is not None:
            # The folder alone: no index and no other folder of the user's settings.
            kept = {k: v for k, v in self._environment.items() if not k.startswith("PIP_")}
            self._environment = {
                **kept,
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_NO_INPUT": "1",
                "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            }

    def _install_torch(self) -> Iterator[None]:
        # The package index has one build of torch per platform, which is not always the wanted
        # one. uv knows where torch's own indexes are. macOS has but one build.
        if self._wheel_folder is None and sys.platform != "darwin":
            self._begin("Getting the installer")
            try:
                # Into the folder that is removed at the end, as only this step needs it.
                yield from self._pip(["--target", str(self._folder / "tmp" / "uv"), UV])
                self._begin("Installing PyTorch")
                yield from self._install_torch_by_uv()
            except InstallFailed as error:
                self._say(f"{error.message} Taking the build that pip finds instead.")
                if sys.platform == "linux":
                    self._check_space("cuda")  # that is the index's build for Linux
            else:
                return
        self._begin("Installing PyTorch")
        yield from self._pip(["torch"])

    def _install_torch_by_uv(self) -> Iterator[None]:
        pip = self._python("-m", "pip", "config", "list")
        listed = yield from answer(pip, self._environment, _ANSWER_SECONDS)
        environment = {
            **uv_variables(listed),  # below what the user set for uv itself
            **self._environment,
            "PYTHONPATH": str(self._folder / "tmp" / "uv"),
        }
        backend = "cpu" if self._variant == "cpu" else "auto"
        command = self._python("-m", "uv", "pip", "install", "--python", *self._python())
        command += ["--torch-backend", backend, "-c", str(self._offer.constraints), "torch"]
        yield from self._watched(command, environment, "uv could not install torch.")

    def _pip(self, packages: list[str]) -> Iterator[None]:
        command = [*self._python("-m", "pip"), "install", "--progress-bar", "off"]
        command += ["-c", str(self._offer.constraints)]
        if self._wheel_folder is not None:
            command += ["--no-index", "--find-links", str(self._wheel_folder)]
        what = Path(packages[-1]).name
        yield from self._watched(
            [*command, *packages], self._environment, f"{what} could not be installed."
        )

    def _watched(
        self, command: list[str], environment: Mapping[str, str], fault: str
    ) -> Iterator[None]:
        """Run a command of the attempt; the disk that fills up shows how far it is."""
        begin = self.fraction
        end = next((start for start in _STARTS.values() if start > begin), 1.0)
        log_size = self._log.stat().st_size
        running = run(command, environment, self._log, self._folder)
        looking = self._look_at_disk()
        while True:
            try:
                next(running)
            except StopIteration as stop:
                code = stop.value
                break
            if not looking.is_alive():
                looking = self._look_at_disk()
            share = min(max(self._used / (0.6 * NEEDED_BYTES[self._variant]), 0.0), 1.0)
            self.fraction = max(self.fraction, min(begin + share * (end - begin), end))
            yield
        if code != 0:
            with self._log.open("rb") as log:
                log.seek(log_size)
                said = log.read(1 << 18).decode("utf-8", errors="replace")
            raise InstallFailed(fault, self._cure(said))

    def _look_at_disk(self) -> threading.Thread:
        """Begin to see how much space was taken: a disk that is written to may answer late."""

        def look() -> None:
            with contextlib.suppress(OSError):
                self._used = self._free_at_start - free_bytes(self.root)
            time.sleep(_LOOK_SECONDS)

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        return looking

    def _python(self, *arguments: str) -> list[str]:
        return [str(program(self._folder, "python")), *arguments]

    def _cure(self, said: str) -> str:
        if "No space left" in said or "Errno 28" in said:
            return "Make room on the disk, then install again."
        absent = _ABSENT.findall(said)
        if self._wheel_folder is not None and absent:
            # pip says it of the constraint, or of the package when there is none.
            return f"Put a wheel of {absent[-1]} that fits this system into {self._wheel_folder}."
        if self._wheel_folder is None and _NETWORK.search(said):
            return "Check the network connection, then install again; or use a folder of wheels."
        return f"{self._log} says why; then install again."

    def _try(self) -> Generator[None, None, Installed]:
        """Start what was installed. Raises `InstallFailed` when it does not work."""
        backend = [str(program(self._folder, "s2i-backend")), "--version"]
        said = yield from answer(backend, self._environment, _ANSWER_SECONDS)
        if self._offer.version not in said.split():
            raise InstallFailed(
                f"The installed backend does not say that it is version {self._offer.version}; it "
                f"says: {said.strip() or 'nothing'}.",
                "Install the add-on again, then the backend.",
            )
        said = yield from answer(
            self._python("-I", "-c", _CHECK), self._environment, _ANSWER_SECONDS
        )
        try:
            found = json.loads(said)
        except ValueError:
            fix = "Install it again."
            if sys.platform == "win32":
                fix = "Install Microsoft's Visual C++ Redistributable (x64), then try again."
            raise InstallFailed("PyTorch is installed but can not be loaded.", fix) from None
        variant = "cuda" if found["cuda"] else "cpu"
        if self._asked == "cuda" and variant == "cpu":
            raise InstallFailed(
                f"Only a CPU build of PyTorch could be had ({found['torch']}).",
                "Update the NVIDIA driver, or install the CPU variant.",
            )
        if variant != self._variant:
            self._say(f"This is the {variant} build of torch, not the {self._variant} build.")
        return Installed(self._offer.version, str(found["python"]), str(found["torch"]), variant)
