"""The fictional world (``simulators/``) as a service: the vendors' SFTP servers, for tries and the demo only.

Its addresses come from ``site.toml``, which the simulators write.
"""

from __future__ import annotations

import socket
import sys
import time
from dataclasses import dataclass, field

from municipalities.site import site
from records.errors import ConfigurationError
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


def service() -> catalogue.Service:
    """The vendors' servers as one process."""
    command = (sys.executable, "-m", "simulators.run")
    return catalogue.Service(catalogue.WORLD, command, catalogue.plain_environment(), VendorLife(), BUILD_SECONDS)


def _all_accept() -> bool:
    try:
        vendors = site().vendors.values()
    except ConfigurationError:
        return False
    return bool(vendors) and all(_accepts(str(one["host"]), int(one["port"])) for one in vendors)


def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False
