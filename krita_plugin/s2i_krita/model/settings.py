"""What the user chose once for all documents. Each value is kept by Krita under its name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from s2i_client.installation import VARIANTS

from ..host.results import Placement
from ..qt import QtCore, pyqtSignal

Read = Callable[[str, str], str]
Write = Callable[[str, str], None]


@dataclass(frozen=True)
class Values:
    """Every setting with its default.

    `apply_as`: `group`, `one_layer` or `by_color`. `placement`: where results land, a name of
    `Placement`. `only_selection`: leave out what is not selected. `preview`: show a result over the
    canvas before it is applied. `context`: how much of what lies around a selection is looked at,
    in parts of its longer side. `live_grace`: milliseconds between the end of a stroke and the
    request. `history_megabytes`: how much of results a document keeps. `device` and
    `memory_gigabytes` (0: no limit) are for the daemon. `autostart_asked`: whether it should start
    with Krita is no question any more.
    `remote_*`: a daemon on another machine. `wheels`: a folder to install from, without a network.
    `folded`: names of the docker's parts that the user folded or unfolded, with commas.
    """

    system: str = ""
    apply_as: str = "group"
    placement: str = "above_sketch"
    only_selection: bool = False
    preview: bool = True
    context: float = 0.25
    live_grace: int = 40
    history_megabytes: int = 64
    language: str = ""
    device: str = "auto"
    memory_gigabytes: int = 0
    start_automatically: bool = False
    autostart_asked: bool = False
    remote: bool = False
    remote_endpoint: str = ""
    remote_key: str = ""
    wheels: str = ""
    variant: str = "auto"
    backend_command: str = ""
    folded: str = ""


# What some of them are limited to; what else stands in Krita's file is nonsense.
CHOICES: dict[str, tuple[str, ...]] = {
    "apply_as": ("group", "one_layer", "by_color"),
    "placement": tuple(Placement.__members__),
    "variant": VARIANTS,
}
# As PyTorch names devices; the daemon takes no others.
FORMS = {"device": re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")}
MOST = {"context": 2, "live_grace": 2000, "history_megabytes": 4096, "memory_gigabytes": 1024}


class Settings(QtCore.QObject):
    """Settings by name, such as `settings.values.preview`; `changed` names the one that changed."""

    changed = pyqtSignal(str)

    def __init__(self, read: Read, write: Write, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._write = write
        kept = {}
        for field in fields(Values):
            text = read(field.name, "")
            if text:
                kept[field.name] = _parse(field.name, text, field.default)
        self.values = Values(**kept)

    def set(self, name: str, value: Any) -> None:
        """Change one; a value of another type is an error."""
        default = getattr(Values(), name)
        if type(value) is not type(default):
            raise TypeError(f"{name} is a {type(default).__name__}, not {value!r}")
        if value != getattr(self.values, name):
            self.values = Values(**{**asdict(self.values), name: value})
            self._write(name, _format(value))
            self.changed.emit(name)


def _format(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(name: str, text: str, default: Any) -> Any:
    """The text as the default's type; the default when somebody wrote nonsense into the file."""
    if isinstance(default, bool):
        return text == "true" if text in ("true", "false") else default
    if text not in CHOICES.get(name, (text,)):
        return default
    if name in FORMS and not FORMS[name].fullmatch(text):
        return default
    try:
        value = type(default)(text)
    except ValueError:
        return default
    if isinstance(value, str):
        return value
    return min(max(value, 0), MOST[name]) if math.isfinite(value) else default
