"""A daemon on another machine: its address and key, and the key pair that it knows this user by."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from s2i_client.connection_file import Connection, make_private_folder
from s2i_client.errors import S2IError
from s2i_client.installed import data_folder
from s2i_client.messages import VERSION

from ..texts import _

FILE_NAME = "remote_keys.json"
# A name, an IPv4 address, or an IPv6 address in brackets, and a port.
_ENDPOINT = re.compile(r"(?:tcp://)?(?:[\w.\-]+|\[[\da-fA-F:.]+\]):(\d{1,5})", re.ASCII)
_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")  # a CURVE key in Z85


class RemoteUnusable(ValueError):
    """The address or the key is not one; the text says what it should be."""


def remote_connection(endpoint: str, server_key: str, folder: Path | None = None) -> Connection:
    """How to reach it. Raises `RemoteUnusable`."""
    endpoint, server_key = endpoint.strip(), server_key.strip()
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None or not 0 < int(found[1]) < 1 << 16:
        raise RemoteUnusable(_("The address looks like workstation:41207, with the port."))
    if not _KEY.fullmatch(server_key):
        raise RemoteUnusable(_("The daemon's key has 40 characters; copy all of them."))
    public, secret = _own_keys_or_why(folder)
    return Connection(
        endpoint=endpoint if endpoint.startswith("tcp://") else f"tcp://{endpoint}",
        pid=0,
        protocol=VERSION,
        server_key=server_key,
        client_public=public,
        client_secret=secret,
    )


def own_public_key(folder: Path | None = None) -> str:
    """This user's public key. Raises `RemoteUnusable`."""
    return _own_keys_or_why(folder)[0]


def _own_keys_or_why(folder: Path | None) -> tuple[str, str]:
    try:
        return own_keys(folder)
    except (OSError, S2IError) as error:
        raise RemoteUnusable(_("Your key can not be kept: {why}", why=error)) from error


def own_keys(folder: Path | None = None) -> tuple[str, str]:
    """This user's public and secret key, made at the first use; only the user can read the file.

    The public one goes into the daemon's folder of authorized clients.
    """
    import zmq

    folder = make_private_folder(folder or data_folder().parent / "keys")
    path = folder / FILE_NAME
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        public, secret = kept["public"], kept["secret"]
        if zmq.curve_public(secret.encode()).decode() == public:
            return public, secret
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zmq.ZMQError):
        pass  # not there, or no keys: make new ones
    public, secret = (key.decode() for key in zmq.curve_keypair())
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"public": public, "secret": secret}, file)
    draft.replace(path)
    return public, secret
