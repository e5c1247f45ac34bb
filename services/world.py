"""The fictional world (``simulators/``) as a service: the vendors' SFTP servers and the 戸籍 system, for tries and the demo only.

Its addresses come from ``site.toml``, which the simulators write. The certificate centre is no service: it asks us. Only
its certificates are made here, before the nodes start.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from municipalities.site import site
from records.errors import ConfigurationError, UtsushiError
from services import catalogue

BUILD_SECONDS = 900.0  # the first start invents whole towns


@dataclass(slots=True)
class VendorLife:
    """Life of the vendors' servers: seconds since all of them last accepted a connection."""

    last: float = field(default_factory=lambda: float("-inf"))

    def __call__(self) -> float:
        if _all_accept():
            self.last = time.monotonic()
        return time.monotonic() - self.last


@dataclass(slots=True)
class KosekiLife:
    """Life of the 戸籍 system: seconds since it last accepted a connection."""

    last: float = field(default_factory=lambda: float("-inf"))

    def __call__(self) -> float:
        if _koseki_accepts():
            self.last = time.monotonic()
        return time.monotonic() - self.last


def services() -> list[catalogue.Service]:
    """The vendors' servers as one process, the 戸籍 system as another."""
    environment = catalogue.plain_environment()
    vendors, koseki = ((sys.executable, "-m", module) for module in ("simulators.run", "simulators.koseki"))
    return [
        catalogue.Service(catalogue.WORLD, vendors, environment, VendorLife(), BUILD_SECONDS),
        catalogue.Service(catalogue.KOSEKI, koseki, environment, KosekiLife()),
    ]


def prepare_centre() -> None:
    """Certificates of the simulated centre, and ``[centre]`` in ``site.toml``."""
    command = [sys.executable, "-m", "simulators.centre"]
    made = subprocess.run(command, env=catalogue.plain_environment(), check=False)
    if made.returncode != 0:
        raise UtsushiError("the simulated certificate centre could not be prepared; see logs/supervisor.log")


def _all_accept() -> bool:
    try:
        vendors = site().vendors.values()
    except ConfigurationError:
        return False
    return bool(vendors) and all(accepts(str(one["host"]), int(one["port"])) for one in vendors)


def _koseki_accepts() -> bool:
    try:
        systems = [urlsplit(str(one["url"])) for one in site().koseki.values()]
    except ConfigurationError:
        return False
    return bool(systems) and all(accepts(one.hostname or "", one.port or 443) for one in systems)


def accepts(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False
