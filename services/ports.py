"""Ports of an installation's services: free ones are picked once and kept in ``home()/ports.json``.

Only numbers live here. They are picked below the ephemeral range, so that no outgoing connection of this machine can
sit on one while the service is down.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from municipalities.site import home
from records.errors import ConfigurationError, Place

RANGE = range(20_000, 30_000)


def recorded(name: str) -> int:
    """The port that ``name`` got at the last start; ``ConfigurationError`` when it never got one."""
    port = _read().get(name)
    if port is None:
        raise ConfigurationError("this service has no port yet: run ./utsushi up", Place("ports.json", field=name))
    return port


def claim(name: str) -> int:
    """The port for a service that is about to start: the recorded one while it is free, else another."""
    with _locked():
        ports = _read()
        taken = {port for other, port in ports.items() if other != name}
        if (port := ports.get(name)) is None or not free(port):
            ports[name] = port = _pick(taken)
            _write(ports)
        return port


def free(port: int) -> bool:
    """Whether a service could listen on ``port`` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _pick(taken: set[int]) -> int:
    for port in random.sample(RANGE, k=len(RANGE)):
        if port not in taken and free(port):
            return port
    raise ConfigurationError(f"no port between {RANGE.start} and {RANGE.stop} is free")


def _path() -> Path:
    return home() / "ports.json"


def _read() -> dict[str, int]:
    path = _path()
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def _write(ports: dict[str, int]) -> None:
    part = _path().with_suffix(".part")
    part.write_text(json.dumps(ports, indent=1, sort_keys=True), "utf-8")
    os.replace(part, _path())


@contextmanager
def _locked() -> Iterator[None]:
    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home() / ".ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
