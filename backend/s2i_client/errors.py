"""Every way a request can fail: a stable code, what it means, and what the user can do.

Codes are part of the protocol: hosts may match on them. Texts may change.
"""

from __future__ import annotations

FIXES = {
    # A message that could not be read. The connection lives on.
    "malformed": "Update the add-on or the daemon; one of them wrote a header it should not.",
    "too_large": "Use a smaller canvas or fewer pictures.",
    "unknown_message": "Update the daemon: it does not know what this host asked.",
    "bad_field": "Correct the named field; the message says what is allowed.",
    "bad_frames": "Send each picture as width × height × channels × depth bytes, without padding.",
    "protocol_version": "Update the older of the two, the add-on or the daemon.",
    "no_hello": "Say hello first; a restarted daemon does not know its hosts.",
    # A request that can not be taken.
    "invalid_request": "Correct the named field; the message says what is allowed.",
    "unknown_pipeline": "Choose a pipeline that `s2i-backend models` lists.",
    "duplicate_job": "Give every job an id of its own.",
    "unknown_job": "Submit the job again: the daemon does not have it.",
    "busy": "Wait for other jobs to end, or cancel some.",
    "not_allowed": "Do this on the machine where the daemon runs.",
    # A job that ended badly.
    "memory": "Use a smaller canvas, close other programs, or serve on another device.",
    "pipeline_error": "See the daemon's log for the details, and report them.",
    "weights_missing": "`s2i-backend models` shows what each pipeline loads.",
    "worker_lost": "Try a smaller canvas; see the daemon's log for why its worker ended.",
    "worker_unusable": "See the daemon's log for why its worker can not start.",
    # What the client itself finds.
    "no_daemon": "Start the daemon with `s2i-backend serve`.",
    "lost": "Submit the job again: the daemon was restarted more than once meanwhile.",
}


class S2IError(Exception):
    """A failure with its stable `code`, `message` (what happened) and `fix` (what to do)."""

    def __init__(self, code: str, message: str, fix: str = ""):
        self.code = code
        self.message = message
        self.fix = fix or FIXES.get(code, "")
        super().__init__(f"{message} {self.fix}".strip())


class ProtocolError(S2IError):
    """A message that breaks the protocol. `job` is its job's id, where it could be read."""

    def __init__(self, code: str, message: str, *, field: str = "", job: str = ""):
        super().__init__(code, message)
        self.field = field
        self.job = job


class DaemonUnavailable(S2IError):
    """No daemon answers."""


class JobFailed(S2IError):
    """The job ended without a result.

    `details` has `field`, `given` and `allowed` for a request that did not fit its declaration.
    """

    def __init__(self, code: str, message: str, fix: str = "", details: dict | None = None):
        super().__init__(code, message, fix)
        self.details = dict(details or {})


class JobCancelled(S2IError):
    """The job was cancelled before it had a result."""

    def __init__(self) -> None:
        super().__init__("cancelled", "The job was cancelled.")


class JobSuperseded(S2IError):
    """A newer live job of the same document took the place of this one."""

    def __init__(self) -> None:
        super().__init__("superseded", "A newer request of this document replaced the job.")
