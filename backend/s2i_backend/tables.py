"""What the commands print for people: tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from s2i_backend.declared_options import option_name
from s2i_client.declaration import Declaration, Value
from s2i_models.catalog import NEED_WEIGHTS

if TYPE_CHECKING:
    from s2i_backend.model_store import Weights
    from s2i_client.messages import Status


def _console() -> Console:
    # No highlighting: numbers and names in sentences are not data to color.
    return Console(highlight=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0),
        header_style="dim", pad_edge=False,
    )  # fmt: skip
    for number, column in enumerate(columns):
        last = number == len(columns) - 1
        table.add_column(column, no_wrap=not last, overflow="fold")
    return table


def show_pipelines(rows: Sequence[tuple[Declaration, Weights | None]]) -> None:
    """All pipelines, one line or two each."""
    table = _table("Pipelines", "name", "weights", "what it does")
    for declared, weights in rows:
        name = Text(declared.name, style="bold")
        table.add_row(name, _loaded(declared, weights), declared.summary)
    console = _console()
    console.print(table)
    console.print("\nInputs, parameters and outputs of one: s2i-backend models NAME")
    console.print("Options to run it with:                s2i-backend run NAME --help")


def _loaded(declared: Declaration, weights: Weights | None) -> str:
    if weights is not None:
        return weights.name
    return "missing" if declared.name in NEED_WEIGHTS else "needs none"


def show_declaration(declared: Declaration, weights: Weights | None) -> None:
    """A pipeline's inputs, parameters and outputs."""
    console = _console()
    console.print(Text.assemble((declared.title, "bold"), f" ({declared.name})"))
    console.print(declared.summary)
    inputs = _table("Inputs", "name", "", "picture")
    for taken in declared.inputs:
        inputs.add_row(taken.name, "required" if taken.required else "optional", taken.help)
    console.print()
    console.print(inputs)
    if declared.parameters:
        parameters = _table("Parameters", "name", "default", "allowed", "meaning")
        parameters.columns[2].no_wrap = False
        parameters.columns[2].max_width = 24
        for p in declared.parameters:
            parameters.add_row(p.name, _plain(p.default), p.allowed, p.help)
        console.print()
        console.print(parameters)
    outputs = _table("Outputs", "name", "blend", "layer")
    for made in declared.outputs:
        notes = ("" if made.default else " (on demand)") + (" (any number)" if made.many else "")
        outputs.add_row(made.name, made.blend, made.help + notes)
    console.print()
    console.print(outputs)
    origin = "" if weights is None else " (shipped)" if weights.shipped else " (imported)"
    console.print(f"\nWeights: {_loaded(declared, weights)}{origin}")
    required = "".join(
        f" {option_name(i.name)} {i.name}.png" for i in declared.inputs if i.required
    )
    console.print(f"\nTry it: s2i-backend run {declared.name}{required} -o out", soft_wrap=True)


def show_weights(weights: Sequence[Weights], used: Mapping[str, str], folder: Path) -> None:
    """The weights there are; those that a pipeline loads are marked."""
    console = _console()
    table = _table("Weights", "name", "pipeline", "from", "size", "used")
    for w in weights:
        origin = "shipped" if w.shipped else "imported"
        mark = "yes" if used.get(w.pipeline) == w.name else ""
        table.add_row(w.name, w.pipeline, origin, _megabytes(w.file_bytes), mark)
    console.print(table if weights else "There are no weights.")
    console.print(f"\nImported weights are kept in {folder}", soft_wrap=True)


def show_weights_info(weights: Weights) -> None:
    """One file of weights with its card."""
    console = _console()
    table = _table(weights.name, "", "")
    table.show_header = False
    table.add_row("pipeline", weights.pipeline)
    table.add_row("from", "shipped with s2i" if weights.shipped else "imported")
    table.add_row("file", str(weights.path))
    size = f"{_megabytes(weights.file_bytes)}, {weights.parameter_count:,} numbers"
    table.add_row("size", size)
    for key, value in sorted(weights.metadata.items()):
        if key != "s2i.pipeline":
            table.add_row(key.removeprefix("s2i."), value)
    console.print(table)
    if weights.card is not None:
        console.print()
        console.print(Markdown(weights.card))


def show_status(status: Status, endpoint: str, version: str) -> None:
    """The daemon's devices, queue, hosts and times."""
    console = _console()
    up = f"for {_duration(status.uptime)}" if status.uptime >= 1 else "just started"
    console.print(f"The daemon runs: version {version}, process {status.pid}, {up}, {endpoint}",
                  soft_wrap=True)  # fmt: skip
    devices = _table("Devices", "device", "state", "memory")
    for worker in status.workers:
        devices.add_row(*_texts(worker, "device", "state"), _megabytes(worker.get("memory") or 0))
    console.print()
    console.print(devices)
    queue = status.queue
    console.print(
        f"\nQueue: {queue['running']} running, {queue['live'] + queue['batch']} waiting "
        f"of at most {queue['limit']}"
    )
    memory = status.memory
    console.print(
        f"Pictures: {_megabytes(memory['frames'])} of {_megabytes(memory['frames_limit'])}, "
        f"and {_megabytes(memory['kept'])} of results kept for hosts that are away"
    )
    hosts = [h for h in status.hosts if h.get("name") != "cli"]
    names = ", ".join(f"{h['name']} {h['version']}".strip() + _away(h) for h in hosts)
    console.print(f"Hosts: {names or 'none'}")
    if status.timing:
        timing = _table("Times", "pipeline", "jobs", "mean")
        for name, times in status.timing.items():
            timing.add_row(name, f"{times['count']:g}", f"{times['mean']:.2f} s")
        console.print()
        console.print(timing)


def _texts(plain: Mapping[str, Any], *keys: str) -> list[str]:
    return [str(plain.get(key, "")) for key in keys]


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _away(host: Mapping[str, Any]) -> str:
    return "" if host.get("present", True) else " (away)"


def _megabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
