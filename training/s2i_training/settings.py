"""Numbers of a recipe's config, changed from the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

Config = TypeVar("Config")


def scaled(config: Config, share: float) -> Config:
    """`config`, a dataclass with `phases`, each shortened to `share` of its steps, at least one."""
    phases: Any = config.phases  # type: ignore[attr-defined]  # of a recipe
    shorter = tuple(replace(p, steps=max(1, round(p.steps * share))) for p in phases)
    return replace(config, phases=shorter)  # type: ignore[type-var]


def with_settings(config: Config, settings: Sequence[str]) -> Config:
    """`config`, a dataclass, with each "NAME=VALUE" of `settings` in place.

    Values are numbers, true, false, or texts, of the kind that the field has; fields that are not
    such, as the phases, can not be set. Raises ValueError with what may be written instead.
    """
    plain = {
        field.name: getattr(config, field.name)
        for field in fields(config)  # type: ignore[arg-type]  # any dataclass
        if isinstance(getattr(config, field.name), (bool, int, float, str))
    }
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in plain:
            raise ValueError(
                f"{setting!r} sets nothing: write NAME=VALUE with one of {', '.join(plain)}"
            )
        changes[name] = _value(name, text, plain[name])
    return replace(config, **changes)  # type: ignore[type-var]


def _value(name: str, text: str, now: bool | int | float | str) -> Any:
    if isinstance(now, str):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(now, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(now):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(now)]
        raise ValueError(f"{name}={text}: it must be {kind}; it is {json.dumps(now)} by itself")
    return value
