"""Checks for the fields of a message header: what is allowed, said once per field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, field, fields
from typing import Any

from .errors import ProtocolError

Check = Callable[[object], Any]


class Unfit(Exception):
    """A value that a check refuses; the text says what would be accepted."""


def text(limit: int, *, least: int = 1) -> Check:
    def check(value: object) -> str:
        if isinstance(value, str) and least <= len(value) <= limit:
            return value
        raise Unfit(f"a text of {least} to {limit} characters")

    return check


def integer(minimum: int, maximum: int) -> Check:
    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return value
        raise Unfit(f"a whole number from {minimum} to {maximum}")

    return check


def number(minimum: float, maximum: float) -> Check:
    def check(value: object) -> float:
        if isinstance(value, bool):
            raise Unfit("a number, not true or false")
        if isinstance(value, int | float) and minimum <= value <= maximum:
            return float(value)
        raise Unfit(f"a number from {minimum:g} to {maximum:g}")

    return check


def truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Unfit("true or false")


def one_of(*allowed: str) -> Check:
    def check(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise Unfit("one of " + ", ".join(allowed))

    return check


def optional(inner: Check) -> Check:
    def check(value: object) -> Any:
        return None if value is None else inner(value)

    return check


def list_of(inner: Check, limit: int) -> Check:
    def check(value: object) -> tuple:
        if not isinstance(value, list | tuple) or len(value) > limit:
            raise Unfit(f"a list of at most {limit}")
        return tuple(inner(item) for item in value)

    return check


def map_of(inner: Check, limit: int) -> Check:
    def check(value: object) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > limit:
            raise Unfit(f"a map of at most {limit} names")
        return {key: inner(item) for key, item in value.items()}

    return check


def scalar(value: object) -> Any:
    """A parameter's value; which one fits is the declaration's to say."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 4096):
        return value
    raise Unfit("a number, a text of at most 4096 characters, true or false")


def anything(value: object) -> Any:
    """Plain data whose names this version does not fix, such as timings by pipeline."""
    return value


def checked(check: Check, default: Any = MISSING, factory: Any = MISSING) -> Any:
    """A dataclass field whose value from the wire goes through `check`; required by default."""
    metadata = {"check": check}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    if default is not MISSING:
        return field(default=default, metadata=metadata)
    return field(metadata=metadata)


def read_fields(cls: Any, plain: dict[str, Any], *, job: str = "") -> Any:
    """Make the dataclass `cls` from a map; names it does not have are left out.

    Raises `ProtocolError` with code `bad_field`, naming the field and what is allowed.
    """
    values: dict[str, Any] = {}
    for declared in fields(cls):
        name = declared.name
        if name in plain:
            try:
                values[name] = declared.metadata["check"](plain[name])
            except Unfit as unfit:
                given = repr(plain[name])[:80]
                raise ProtocolError(
                    "bad_field", f"{name}: got {given}, allowed is {unfit}.", field=name, job=job
                ) from None
        elif declared.default is MISSING and declared.default_factory is MISSING:
            raise ProtocolError("bad_field", f"{name} is missing.", field=name, job=job)
    return cls(**values)
