"""What the user is told, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from s2i_client.errors import S2IError

from ..texts import _


class Repair(Enum):
    """A repair that the plugin has a button for."""

    start = "start"  # the daemon
    install = "install"
    update = "update"  # to the backend that the plugin brings along
    cancel = "cancel"  # an installation
    restart = "restart"  # the daemon
    settings = "settings"  # to be opened
    autostart = "autostart"  # of the daemon, with Krita


@dataclass(frozen=True)
class Message:
    """`text` says what happened, `fix` what to do, `repair` is a button that does it."""

    text: str
    fix: str = ""
    repair: Repair | None = None
    is_error: bool = True


def message_of(error: Exception) -> Message:
    """An error in the user's words."""
    if isinstance(error, S2IError):
        repairs = {"no_daemon": Repair.start, "lost": Repair.start}
        return Message(_(error.message), _(error.fix), repairs.get(error.code))
    return Message(str(error) or type(error).__name__)
