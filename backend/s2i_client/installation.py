"""The backend's managed installation, driven from a host's timer without a terminal."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .child import InstallFailed
from .install_lock import InstallLock
from .installation_steps import Offer, Steps
from .installed import (
    CACHE,
    CURRENT,
    LOCK,
    LOG,
    Installed,
    InstallState,
    current_folder,
    data_folder,
    program,
    read_marker,
    read_state,
    remove_tree,
    version_folders,
)
from .tail import Tail

__all__ = [
    "InstallEnd",
    "InstallOutcome",
    "InstallProgress",
    "InstallState",
    "Installation",
    "Installed",
    "Offer",
]

VARIANTS = ("auto", "cpu", "cuda")
_STEP = re.compile(r"== (\d\.\d+) (.+)")
# A look at the lock holds it for some microseconds; another program's installation takes longer.
_TRIES = 5


class InstallOutcome(Enum):
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


@dataclass(frozen=True)
class InstallProgress:
    """What is being done. `fraction` is from 0 to 1, an estimate; `lines` are the log's last.

    `elsewhere`: another program does it, and this one looks on.
    """

    step: str
    fraction: float
    lines: tuple[str, ...]
    elsewhere: bool = False


@dataclass(frozen=True)
class InstallEnd:
    """How it ended. `fix` is what the user can do after a failure."""

    outcome: InstallOutcome
    message: str = ""
    fix: str = ""
    lines: tuple[str, ...] = ()


class Installation:
    """The backend in a virtual environment of its own below `folder`.

    By default that is the user's data folder, see `installed.data_folder`. `install`,
    `uninstall` and `tidy` begin something; `poll`, called from a timer, does it in pieces of a
    few milliseconds and says how it stands. A host that closes calls `cancel`.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = Path(folder).absolute() if folder is not None else data_folder()
        self._lock = InstallLock(self.folder / LOCK)
        self._work: Iterator[None] | None = None
        self._steps: Steps | None = None
        self._progress = InstallProgress("", 0.0, ())
        self._end: InstallEnd | None = None
        self._tail = Tail(self.log)

    @property
    def log(self) -> Path:
        """The file with all that the last installation said."""
        return self.folder / LOG

    @property
    def executable(self) -> Path | None:
        """`s2i-backend` of the version in use; None when there is none that works."""
        folder = current_folder(self.folder)
        return program(folder, "s2i-backend") if folder is not None else None

    @property
    def installed(self) -> Installed | None:
        """The version in use; None when there is none that works."""
        folder = current_folder(self.folder)
        return read_marker(folder) if folder is not None else None

    @property
    def busy(self) -> bool:
        """Whether something was begun here that has not ended."""
        return self._work is not None

    def state(self, offered: str = "") -> InstallState:
        """What the disk says, where `offered` is the version that the host brings along."""
        return read_state(self.folder, offered)

    def install(
        self, offer: Offer, wheel_folder: Path | None = None, variant: str = "auto"
    ) -> None:
        """Begin to install `offer`, or to follow another program that installs just now.

        `wheel_folder`: take all packages from there, nothing from the network. `variant`: which
        build of torch; `auto` chooses by the graphics card. What was installed before stays in
        use until the new version has worked. Raises `ValueError` for another variant.
        """
        if variant not in VARIANTS:
            raise ValueError(f"variant is {variant!r}, allowed is {', '.join(VARIANTS)}")
        if not self.busy:
            self._begin(self._install(offer, wheel_folder, variant))

    def uninstall(self) -> None:
        """Begin to remove all of it. The daemon should have ended before."""
        if not self.busy:
            self._begin(self._uninstall())

    def tidy(self) -> None:
        """Begin to remove what interrupted updates left beside a version that works."""
        if not self.busy:
            self._begin(self._tidy())

    def cancel(self) -> None:
        """End what was begun here, with its child processes.

        The version that was in use before stays so; without one, the state is `interrupted`.
        """
        if self._work is not None:
            self._finish(InstallEnd(InstallOutcome.cancelled, "Cancelled."))

    def poll(self) -> InstallProgress | InstallEnd | None:
        """Go on with what was begun: how far it is, or how it ended. None: nothing was begun."""
        if self._work is None:
            return self._end
        try:
            next(self._work)
        except StopIteration:
            self._finish(InstallEnd(InstallOutcome.done))
        except InstallFailed as error:
            self._finish(InstallEnd(InstallOutcome.failed, error.message, error.fix))
        except OSError as error:
            self._finish(
                InstallEnd(
                    InstallOutcome.failed,
                    f"{error.filename or self.folder}: {error.strerror or error}.",
                    "See whether the folder may be written, or set S2I_DATA_DIR to another.",
                )
            )
        except Exception as error:
            # A generator that raised looks like one that is done, and this one is not.
            fault = f"The installation ended by a fault of its own: {error!r}."
            fix = "Report it, with the last lines of the log."
            self._finish(InstallEnd(InstallOutcome.failed, fault, fix))
        if self._end is not None:
            return self._end
        return self._show()

    def _begin(self, work: Iterator[None]) -> None:
        self._work, self._steps, self._end = work, None, None
        self._progress = InstallProgress("", 0.0, ())
        self._tail = Tail(self.log)

    def _finish(self, end: InstallEnd) -> None:
        work, self._work, self._steps = self._work, None, None
        if isinstance(work, Generator):
            work.close()  # ends the child that it waits for
        self._lock.release()
        self._tail.read_all()
        self._end = InstallEnd(end.outcome, end.message, end.fix, tuple(self._tail.lines))

    def _show(self) -> InstallProgress:
        steps = self._steps
        if steps is not None:
            self._tail.read()
            lines = tuple(self._tail.lines)
            self._progress = InstallProgress(steps.step, steps.fraction, lines)
        return self._progress

    def _install(self, offer: Offer, wheels: Path | None, variant: str) -> Iterator[None]:
        _check(offer, wheels)
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            if self._lock.acquire():
                break
            yield
        else:
            yield from self._follow(offer)
            return
        self.log.write_bytes(b"")
        wheels = wheels.absolute() if wheels is not None else None
        self._steps = Steps(self.folder, offer, wheels, variant)
        yield from self._steps.run()

    def _follow(self, offer: Offer) -> Iterator[None]:
        """Look on while another program installs; the log says where it is."""
        step, fraction = "", 0.0
        while self.state() is InstallState.installing:
            for line in self._tail.read():
                if found := _STEP.fullmatch(line):
                    fraction, step = float(found[1]), found[2]
            lines = tuple(self._tail.lines)
            self._progress = InstallProgress(step, fraction, lines, elsewhere=True)
            yield
        if self.state(offer.version) is not InstallState.ready:
            raise InstallFailed(
                "Another program was installing the backend and did not finish.", "Install again."
            )

    def _uninstall(self) -> Iterator[None]:
        if self.folder.exists():
            self._lock_or_fail()
            self._progress = InstallProgress("Removing the backend", 0.0, ())
            # First of all, so that no host starts what is half gone.
            (self.folder / CURRENT).unlink(missing_ok=True)
            for folder in version_folders(self.folder):
                yield from remove_tree(folder)
            yield from remove_tree(self.folder / CACHE)
            if left := version_folders(self.folder):
                raise InstallFailed(
                    f"{left[0]} can not be removed.", "Stop the daemon, then remove it again."
                )
            self.log.unlink(missing_ok=True)
            self._lock.release()
            (self.folder / LOCK).unlink(missing_ok=True)
            if not any(self.folder.iterdir()):
                self.folder.rmdir()

    def _tidy(self) -> Iterator[None]:
        in_use = current_folder(self.folder)
        if in_use is not None:
            self._lock_or_fail()
            self._progress = InstallProgress("Removing old files", 0.0, ())
            for folder in version_folders(self.folder):
                if folder != in_use:
                    yield from remove_tree(folder)
            yield from remove_tree(self.folder / CACHE)

    def _lock_or_fail(self) -> None:
        if not self._lock.acquire():
            raise InstallFailed(
                "Another program is installing the backend.", "Wait until it has finished."
            )


def _check(offer: Offer, wheels: Path | None) -> None:
    for path in (offer.wheel, offer.constraints):
        if not path.is_file():
            raise InstallFailed(
                f"{path} is missing, which is part of the add-on.", "Install the add-on again."
            )
    if wheels is not None and not any(wheels.glob("*.whl")):
        raise InstallFailed(
            f"There are no wheels in {wheels}.",
            "Choose a folder with *.whl files: those of the backend and all that it needs.",
        )
