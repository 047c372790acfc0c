"""A function of the test's, as text that runs inside another process.

Along with its source go the functions it calls by a global name, the standard library's modules
it uses, and constants that JSON can hold. What can not travel is refused with its name.
"""

from __future__ import annotations

import dis
import inspect
import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from inside_krita import OnlyInside


def pack(function: Callable[..., Any]) -> dict[str, Any]:
    """`function` and all that it needs: `{"function", "sources", "constants", "modules"}`.

    Raises `TypeError` for a lambda, a function that closes over local variables, and one that
    uses a global that can not be sent.
    """
    package: dict[str, Any] = {
        "function": function.__name__,
        "sources": [],
        "constants": {},
        "modules": {},
    }
    _add(function, package, {})
    return package


def _add(function: Any, package: dict[str, Any], seen: dict[str, Any]) -> None:
    name = getattr(function, "__name__", repr(function))
    if not isinstance(function, FunctionType) or name == "<lambda>":
        raise TypeError(f"{name} can not be sent: only a function made with `def` has a source.")
    if function.__code__.co_freevars:
        variables = ", ".join(function.__code__.co_freevars)
        raise TypeError(f"{name} uses {variables} of the function around it: pass it as argument.")
    if seen.setdefault(name, function) is not function:
        raise TypeError(f"Two functions that are sent together are called {name}: rename one.")
    lines, first = inspect.getsourcelines(function)
    package["sources"].append(
        {
            "text": textwrap.dedent("".join(lines)),
            "file": inspect.getsourcefile(function),
            "line": first,
        }
    )
    for wanted in _global_names(function.__code__):
        if wanted not in function.__globals__:
            continue  # A builtin; or a mistake, which Krita's Python will tell.
        value = function.__globals__[wanted]
        if isinstance(value, FunctionType):
            if value.__name__ != wanted:
                raise TypeError(f"{name} uses {value.__name__} as {wanted}: use its own name.")
            if seen.get(wanted) is not value:
                _add(value, package, seen)
        elif isinstance(value, ModuleType) and value.__name__ in sys.stdlib_module_names:
            package["modules"][wanted] = value.__name__
        elif not isinstance(value, OnlyInside):
            package["constants"][wanted] = _constant(name, wanted, value)


def _constant(function: str, name: str, value: Any) -> Any:
    try:
        json.dumps(value)
    except TypeError:
        raise TypeError(
            f"{function} uses {name}, a {type(value).__name__}, which can not be sent to Krita."
        ) from None
    return value


def _global_names(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)
