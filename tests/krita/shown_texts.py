"""Every text that a user of the plugin may read, collected from the sources that say it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from s2i_client.errors import FIXES
from s2i_models.catalog import declarations

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "krita_plugin" / "s2i_krita"
MODELS = ROOT / "backend" / "s2i_models"
# What says why something failed, and the calls and names that carry it there.
FAILING = (
    *("s2i_client/" + name for name in ("child", "client", "installation", "installation_steps")),
    "s2i_client/launch",
    "s2i_backend/dispatch",
)
# Where a failure is given its cure.
CURES = "_cure"
CARRIERS = ("_fail", "InstallFailed", "JobFailed", "failure", "_watched")
NAMES = ("message", "fix")


def plugin_texts() -> set[str]:
    """The literals that the plugin itself translates."""
    return {
        text
        for path in PLUGIN.rglob("*.py")
        if "vendor" not in path.parts
        for call in _calls(path)
        if _name(call.func) == "_" and call.args and (text := _literal(call.args[0])) is not None
    }


def declared_texts() -> set[str]:
    """Titles, helps and choices of all systems. `echo` is for measurements, and no user sees it."""
    found: set[str] = set()
    for declared in declarations():
        if declared.name == "echo":
            continue
        if not declared.hidden:
            found |= {declared.title, declared.summary}
            for part in (*declared.inputs, *declared.parameters):
                found |= {part.title, part.help}
            for parameter in declared.parameters:
                found |= set(parameter.choices)
            found |= {output.again_title for output in declared.outputs if output.again_title}
        # Of those that the plugin uses without offering them, the layers are seen.
        found |= {output.title for output in declared.outputs}
    return found


def step_texts() -> set[str]:
    """What the systems and the installation say they are doing."""
    found = {
        text
        for path in MODELS.rglob("*.py")
        if "echo" not in path.parts
        for call in _calls(path)
        if _name(call.func) == "step" and len(call.args) > 1
        if (text := _literal(call.args[1])) is not None
    }
    steps = ROOT / "backend/s2i_client/installation_steps.py"
    found |= {
        text
        for call in _calls(steps)
        if _name(call.func) == "_begin" and (text := _literal(call.args[0])) is not None
    }
    return found


def failure_texts() -> set[str]:
    """What went wrong and how to mend it, where that is a fixed text."""
    found = {fix for fix in FIXES.values() if fix}
    for module in FAILING:
        tree = ast.parse((ROOT / "backend" / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            values: list[ast.expr] = []
            if isinstance(node, ast.Call) and _name(node.func) in CARRIERS:
                values = node.args
            elif isinstance(node, ast.Assign) and _name(node.targets[0]) in NAMES:
                both = isinstance(node.value, ast.IfExp)
                values = [node.value.body, node.value.orelse] if both else [node.value]  # type: ignore[attr-defined]
            elif isinstance(node, ast.FunctionDef) and node.name == CURES:
                values = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value]
            texts = (_literal(value) for value in values)
            found |= {text for text in texts if text and " " in text}
    return found


def shown_texts() -> set[str]:
    return plugin_texts() | declared_texts() | step_texts() | failure_texts()


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(node: ast.AST) -> str:
    return getattr(node, "id", None) or getattr(node, "attr", "")


def _literal(node: ast.AST) -> str | None:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else None  # type: ignore[attr-defined]
