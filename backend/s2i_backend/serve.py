"""Serve: bind, say where, start the workers, run until told to end."""

from __future__ import annotations

import logging
import os
import signal
from types import FrameType

import zmq
from filelock import FileLock, Timeout

from s2i_backend.broker import Broker
from s2i_backend.keys import server_keys
from s2i_backend.log import configure_daemon, log_to_file_only
from s2i_backend.options import ServeOptions
from s2i_client import messages as m
from s2i_client.connection_file import (
    FILE_NAME,
    LOCK_NAME,
    Connection,
    make_private_folder,
    read_connection,
    remove_connection,
    write_connection,
)

log = logging.getLogger(__name__)
EXIT_OK = 0
EXIT_ALREADY_RUNS = 3
# A host that looks whether the lock is held has it for some microseconds.
_LOCK_SECONDS = 0.5


def serve(options: ServeOptions) -> int:
    """Serve until SIGTERM, SIGINT, a host's `stop` or the idle time-out; returns an exit code.

    0 is a clean end; 3 says that another daemon serves from the same run folder, which the log
    names.
    """
    configure_daemon(options.logs)
    make_private_folder(options.run_folder)
    lock = FileLock(options.run_folder / LOCK_NAME)
    try:
        # Held for life; the system lets go of it when the process ends, however that is.
        lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.02)
    except Timeout:
        log.error("%s", _who_runs(options))
        return EXIT_ALREADY_RUNS
    try:
        # A file left by a daemon that was killed would now count as ours, until we write one.
        (options.run_folder / FILE_NAME).unlink(missing_ok=True)
        return _serve_locked(options)
    finally:
        lock.release()


def _serve_locked(options: ServeOptions) -> int:
    client_public, client_secret = zmq.curve_keypair()
    server_public, server_secret = server_keys(options.config if options.remote else None)
    broker = Broker(options, (server_public, server_secret), client_public)

    def end(signal_number: int, frame: FrameType | None) -> None:
        log.info("signal %d: ending", signal_number)
        broker.stop_asked = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    connection = Connection(
        endpoint=broker.endpoint,
        pid=os.getpid(),
        protocol=m.VERSION,
        server_key=server_public.decode(),
        client_public=client_public.decode(),
        client_secret=client_secret.decode(),
    )
    try:
        path = write_connection(connection, options.run_folder)
        log.info("serving at %s, process %d, found by %s", broker.endpoint, os.getpid(), path)
        if options.quiet:
            log_to_file_only()
        broker.start_workers()
        broker.run()
    finally:
        remove_connection(options.run_folder, os.getpid())
        broker.close()
        log.info("ended")
    return EXIT_OK


def _who_runs(options: ServeOptions) -> str:
    running = read_connection(options.run_folder)
    if running is None:
        return f"another daemon is starting in {options.run_folder}; wait a moment and ask again"
    return (
        f"a daemon already serves at {running.endpoint}, process {running.pid}; use it, or end it "
        "with `s2i-backend stop`"
    )
