"""`s2i-backend serve`, `status` and `stop`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class ByteSize(click.ParamType):
    """`512M` or `4G`, in powers of 1024."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
        if match is None:
            self.fail(f"got {value!r}, allowed is a number of bytes such as 512M or 4G.")
        return int(float(match[1]) * _UNITS[match[2].upper()])


class Device(click.ParamType):
    """A device by torch's name."""

    name = "device"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
            self.fail(f"got {value!r}, allowed is auto, cpu, mps, or cuda:0, cuda:1, …")
        return value


def device_option(help_text: str) -> Any:
    """`--device`, which may be given several times."""
    return click.option("--device", "devices", type=Device(), multiple=True, help=help_text)


@click.command()
@device_option("auto, cpu, mps, or cuda:N; several times for several.  [default: auto]")
@click.option(
    "--memory-limit",
    type=ByteSize(),
    help="Memory for loaded weights on each device, such as 2G; the least recently used go "
    "first.  [default: half of what it has]",
)
@click.option(
    "--picture-memory",
    type=ByteSize(),
    default="4G",
    show_default=True,
    help="Memory for the pictures of all waiting and running jobs.",
)
@click.option(
    "--max-jobs",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="Jobs that may wait; more are told that the daemon is busy.",
)
@click.option(
    "--idle-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End when no host has been there for so long.  [default: never]",
)
@click.option(
    "--remote",
    metavar="ADDRESS",
    help="Listen for other machines at this address of ours, such as 0.0.0.0. Only hosts whose "
    "keys are in the folder authorized_clients are let in; see docs/protocol.md.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="TCP port.  [default: any free one; hosts find it by themselves]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
)
@click.option("--started-by-run", is_flag=True, hidden=True)
def serve(
    devices: tuple[str, ...],
    memory_limit: int | None,
    picture_memory: int,
    max_jobs: int,
    idle_timeout: float | None,
    remote: str | None,
    port: int,
    log_level: str,
    started_by_run: bool,
) -> None:
    """Serve until `s2i-backend stop`, Ctrl-C or the idle time-out.

    \b
    s2i-backend serve
    s2i-backend serve --device cuda:0 --device cuda:1 --idle-timeout 600
    """
    from s2i_backend.options import ServeOptions
    from s2i_backend.serve import serve as serve_until_told

    # Through the environment, because worker processes need it too.
    os.environ["S2I_LOG_LEVEL"] = log_level
    options = ServeOptions(
        devices=devices or ("auto",),
        remote=remote,
        port=port,
        idle_seconds=idle_timeout,
        max_jobs=max_jobs,
        frame_bytes=picture_memory,
        model_bytes=memory_limit,
        quiet=started_by_run,
    )
    with plain_errors():
        code = serve_until_told(options)
    raise SystemExit(code)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def status(as_json: bool) -> None:
    """Show what the daemon does: devices, queue, hosts, memory, times.

    The exit code is 1 when none runs.
    """
    import json
    from dataclasses import asdict

    from s2i_backend.daemon_process import connect
    from s2i_client.connection_file import read_connection, runtime_folder

    connection = read_connection(runtime_folder())
    if connection is None:
        click.echo(
            '{"running": false}'
            if as_json
            else "No daemon runs; start one with `s2i-backend serve`."
        )
        raise SystemExit(1)
    with plain_errors(), connect() as client:
        found = client.status()
        daemon_version = client.ready.version
    if as_json:
        plain = {"running": True, "version": daemon_version, "endpoint": connection.endpoint}
        click.echo(json.dumps({**plain, **asdict(found)}, indent=2))
        return
    from s2i_backend.tables import show_status

    show_status(found, connection.endpoint, daemon_version)


@click.command()
def stop() -> None:
    """Stop the daemon. Jobs that wait or run end without a result."""
    from s2i_backend.daemon_process import connect, wait_for_end
    from s2i_client.connection_file import read_connection, runtime_folder

    connection = read_connection(runtime_folder())
    if connection is None:
        click.echo("No daemon runs.")
        return
    with plain_errors(), connect() as client:
        client.shutdown()
    if not wait_for_end(connection.pid, seconds=15):
        raise click.ClickException(
            f"The daemon said that it ends, but process {connection.pid} is still there."
        )
    click.echo(f"Stopped the daemon (process {connection.pid}).")


@contextmanager
def plain_errors() -> Iterator[None]:
    """What the client raises, as an error of the command: what happened and what to do."""
    from s2i_client.errors import S2IError

    try:
        yield
    except S2IError as error:
        raise click.ClickException(str(error)) from error
