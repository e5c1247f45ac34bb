"""Which services an installation has: their commands, environments, and how each shows that it is alive.

Only descriptions live here; ``supervisor_process`` starts and watches them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from municipalities.site import CHECKOUT, home
from services import airflow_environment, ports
from services.airflow_client import AirflowError, heartbeat_ages

API_SERVER = "airflow-api-server"
ISSUANCE_NODES = ("issuance-1", "issuance-2")
WORLD = "world"
KOSEKI = "koseki"
CENTRE = "centre"  # the name of its port
ISSUE_RECORD_KEY = "issue_record.key"  # the name of the file; issuing nodes seal with it what they certified
CENTRE_TOKEN = "centre.token"  # noqa: S105 - the name of the file; the certificate centre shows it to the issuance API
# Airflow's processes that have no port of their own: their heartbeats are read through the API server.
HEARTBEATS = {
    "airflow-scheduler": "scheduler",
    "airflow-dag-processor": "dag_processor",
    "airflow-triggerer": "triggerer",
}


class Unknown(Exception):
    """Nothing can be said about a service now, because the one that would tell does not answer."""


@dataclass(frozen=True, slots=True)
class Service:
    """``age`` gives the seconds since the service last showed life, or raises ``Unknown``.

    ``start_seconds`` is how long it may take from its start to its first sign of life.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    age: Callable[[], float]
    start_seconds: float = 180.0


@dataclass(slots=True)
class HttpLife:
    """Life of a service with an address: seconds since ``url`` last answered without an error."""

    url: str
    last: float = field(default_factory=lambda: float("-inf"))

    def __call__(self) -> float:
        try:
            well = not httpx.get(self.url, timeout=5, trust_env=False).is_error
        except httpx.HTTPError:
            well = False
        if well:
            self.last = time.monotonic()
        return time.monotonic() - self.last


@dataclass(slots=True)
class Heartbeats:
    """The heartbeats of Airflow's processes, asked for once in ``keep`` seconds for all of them."""

    url: str
    keep: float = 1.0
    asked: float = field(default_factory=lambda: float("-inf"))
    ages: dict[str, float] | None = None

    def life(self, name: str) -> Callable[[], float]:
        """Life of one of them."""
        return lambda: self._age(name)

    def _age(self, name: str) -> float:
        if time.monotonic() - self.asked > self.keep:
            self.asked = time.monotonic()
            self.ages = self._ask()
        if self.ages is None:
            raise Unknown("the API server does not answer")
        return self.ages[name] + time.monotonic() - self.asked

    def _ask(self) -> dict[str, float] | None:
        try:
            return heartbeat_ages(self.url)
        except (httpx.HTTPError, AirflowError):
            return None


def airflow(host: airflow_environment.Host) -> list[Service]:
    """The four processes of Airflow."""
    environment = airflow_environment.process_environment(host)
    heartbeats = Heartbeats(host.api_url)
    services = []
    for name, arguments in airflow_environment.PROCESSES.items():
        own = dict(environment)
        if name == "airflow-scheduler":
            own["PYTHONPATH"] = airflow_environment.scheduler_path(host)
        command = tuple(airflow_environment.command(*arguments))
        services.append(Service(name, command, own, life(name, heartbeats)))
    return services


def life(name: str, heartbeats: Heartbeats) -> Callable[[], float]:
    """How one of Airflow's processes shows life: by its heartbeat, the API server by answering."""
    if name in HEARTBEATS:
        return heartbeats.life(HEARTBEATS[name])
    return HttpLife(f"{heartbeats.url}/api/v2/version")


def issuance_nodes(ports_: dict[str, int], *, always_open: bool = False, centre: bool = False) -> list[Service]:
    """The nodes of the certificates' API: shared ports, over which the kernel spreads connections, and one of its own.

    With ``centre`` (where the site has ``[centre]``) they listen for the certificate centre too.
    """
    shared = ["--port", str(ports_["issuance_api"])]
    if centre:
        shared += ["--centre-port", str(ports_[CENTRE])]
    return [_node(name, shared, ports_[_own(name)], always_open) for name in ISSUANCE_NODES]


def _node(name: str, shared: list[str], own_port: int, always_open: bool) -> Service:
    always = ("--always-open",) if always_open else ()
    ports_ = (*shared, "--own-port", str(own_port))
    command = (sys.executable, "-m", "issuance_api", "--name", name, *ports_, *always)
    return Service(name, command, plain_environment(), HttpLife(f"http://127.0.0.1:{own_port}/livez"))


def _own(name: str) -> str:
    return name.replace("-", "_")


def plain_environment() -> dict[str, str]:
    """The environment of our own processes: ours, with the state folder and the path made sure of."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW_", "PYTHONDONTWRITE"))}
    return {**kept, "UTSUSHI_HOME": str(home()), "PYTHONPATH": str(CHECKOUT)}


def claim_ports() -> dict[str, int]:
    """Ports for all services that are about to start."""
    return {name: ports.claim(name) for name in ("airflow_api", "issuance_api", CENTRE, *map(_own, ISSUANCE_NODES))}
