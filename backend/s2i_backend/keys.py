"""The daemon's own CURVE keys."""

from __future__ import annotations

import json
import os
from pathlib import Path

import zmq

from s2i_client.connection_file import make_private_folder

FILE_NAME = "server_keys.json"


def server_keys(folder: Path | None) -> tuple[bytes, bytes]:
    """Public and secret key: new ones, or with a `folder` those kept in it.

    Local hosts read the key of this run in the connection file. Hosts of other machines were
    told a key once, so it has to stay.
    """
    if folder is None:
        return zmq.curve_keypair()
    path = make_private_folder(folder) / FILE_NAME
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept["public"].encode(), kept["secret"].encode()
    except FileNotFoundError:
        public, secret = zmq.curve_keypair()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"public": public.decode(), "secret": secret.decode()}, file)
    return public, secret
