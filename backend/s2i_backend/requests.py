"""From a submission to a job the scheduler can queue: the declaration has the first word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from s2i_backend.scheduler import Entry
from s2i_client import messages as m
from s2i_client.declaration import InvalidRequest
from s2i_client.errors import FIXES
from s2i_models import catalog


@dataclass
class Job:
    """A request that fits its declaration, with its frames, until it has ended."""

    entry: Entry
    request: m.Submit
    parameters: dict[str, Any]
    outputs: tuple[str, ...]
    frames: list[Any]  # the request as it came: header and pixels
    since: float
    started: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.entry.key


def failure(code: str, message: str, *, job: str | None = None, fix: str = "") -> m.Failed:
    """A `failed` message with the code's own advice."""
    return m.Failed(code=code, message=message[:4096], fix=fix or FIXES.get(code, ""), job=job)


def invalid(error: InvalidRequest, job: str) -> m.Failed:
    """A `failed` message for a request that does not fit, with all that the error tells."""
    return m.Failed(
        code="invalid_request",
        message=str(error)[:4096],
        fix=FIXES["invalid_request"],
        job=job,
        field=error.field[:256],
        given=repr(error.given)[:1024],
        allowed=error.allowed[:4096],
    )


def read_request(session: str, request: m.Submit, frames: list[Any], now: float) -> Job | m.Failed:
    """Check a submission against its pipeline's declaration."""
    try:
        declaration = catalog.declaration(request.pipeline)
    except KeyError as error:
        return failure("unknown_pipeline", str(error.args[0]), job=request.job)
    names = [picture.name for picture in request.pictures]
    if len(set(names)) != len(names):
        return failure("invalid_request", "Two pictures have the same name.", job=request.job)
    try:
        parameters, outputs = declaration.check(names, request.parameters, request.outputs)
    except InvalidRequest as error:
        return invalid(error, request.job)
    group = (
        request.pipeline,
        tuple(sorted(parameters.items())),
        outputs,
        tuple((p.name, p.width, p.height, p.depth, p.order, p.profile) for p in request.pictures),
    )
    entry = Entry(
        key=(session, request.job),
        lane=request.lane,
        document=request.document,
        group=group,
        byte_count=sum(p.byte_count for p in request.pictures),
    )
    return Job(entry, request, parameters, outputs, frames, now)
