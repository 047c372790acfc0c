"""The daemon's log: a rotating file in the user's log folder, and standard error."""

from __future__ import annotations

import logging
import logging.handlers
import os
from pathlib import Path

FILE_NAME = "daemon.log"
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MAX_BYTES = 2 << 20
_LEVEL_VARIABLE = "S2I_LOG_LEVEL"


def configure_daemon(folder: Path) -> Path:
    """Log to `folder` and to standard error; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    rotating = logging.handlers.RotatingFileHandler(
        path, maxBytes=_MAX_BYTES, backupCount=3, encoding="utf-8"
    )
    _configure([rotating, logging.StreamHandler()], _FORMAT)
    return path


def log_to_file_only() -> None:
    """Write no more to standard error; the file, which does not grow for ever, has it all."""
    root = logging.getLogger()
    root.handlers[:] = [h for h in root.handlers if isinstance(h, logging.FileHandler)]


def configure_worker() -> None:
    """Log to standard error, which the broker copies into the daemon's log."""
    _configure([logging.StreamHandler()], "%(levelname)s %(name)s: %(message)s")


def _configure(handlers: list[logging.Handler], form: str) -> None:
    root = logging.getLogger()
    root.setLevel(os.environ.get(_LEVEL_VARIABLE, "INFO").upper())
    for handler in handlers:
        handler.setFormatter(logging.Formatter(form))
    root.handlers[:] = handlers
