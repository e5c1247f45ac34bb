"""Starting, stopping and asking the services, as ``./utsushi up``, ``down``, ``status`` and ``demo`` do it.

The services themselves are watched by a process of their own (``supervisor_process``); here are only the calls that
start it, wait for it and end it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from municipalities.site import home, secret, site
from records.errors import UtsushiError
from services import catalogue, ports, processes, state
from services import world as outside
from services.state import ServiceState

SUPERVISOR = "supervisor"
READY_SECONDS = 1200.0
STOP_SECONDS = 120.0
EXPECTED = ("postgresql", *("airflow-api-server", *catalogue.HEARTBEATS), *catalogue.ISSUANCE_NODES)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a person finds a service, and with which login."""

    name: str
    url: str
    user: str = ""
    password: str = ""


def addresses() -> list[Address]:
    """Addresses and logins of the running installation."""
    airflow = f"http://127.0.0.1:{ports.recorded('airflow_api')}"
    logins = [
        Address(f"Airflow ({role})", airflow, user, secret(f"airflow.user.{user}.password"))
        for user, role in (("admin", "all"), ("monitor", "read only"))
    ]
    api = Address("issuance API", f"http://127.0.0.1:{ports.recorded('issuance_api')}")
    centre = [Address("for the certificate centre (client certificate)", _centre_address())] if site().centre else []
    return [*logins, api, *centre]


def _centre_address() -> str:
    return f"https://127.0.0.1:{ports.recorded(catalogue.CENTRE)}/wide-area/<municipality>"


def start(say: Say, *, world: bool = False, detach: bool = False, options: tuple[str, ...] = ()) -> None:
    """Start the services and wait until all are well; with ``detach`` they outlive the caller.

    Raises ``UtsushiError`` when they run already or do not come up (what was started is ended then).
    """
    if running():
        raise UtsushiError("the services of this installation are running already (./utsushi down ends them)")
    _clear_remains(say)
    state.path().unlink(missing_ok=True)
    command = [sys.executable, "-m", "services.supervisor_process", *(["--world"] if world else []), *options]
    log = home() / "logs" / "supervisor.log"
    process = processes.start(SUPERVISOR, command, catalogue.plain_environment(), log, dies_with_us=not detach)
    try:
        _await_ready(process, say)
    except BaseException:
        down(say)
        raise


@contextmanager
def services(say: Say, *, world: bool = False, options: tuple[str, ...] = ()) -> Iterator[None]:
    """The services for as long as the block runs; nothing is left running afterwards, whatever happens in it."""
    start(say, world=world, options=options)
    try:
        yield
    finally:
        down(say)


def wait(say: Say) -> None:
    """Stay as long as the supervisor lives, and pass on what it says."""
    seen = len(now.events) if (now := state.read()) else 0
    while running():
        seen = _pass_on(seen, say)
        time.sleep(0.5)
    raise UtsushiError("the supervisor has ended; see logs/supervisor.log")


def down(say: Say) -> bool:
    """End all services; ``False`` when none was running. Only processes that are still the recorded ones are ended."""
    record = processes.read(SUPERVISOR)
    was_running = record is not None and record.process() is not None
    if record is not None:
        processes.end(record, grace=STOP_SECONDS)
    return _clear_remains(say) or was_running


def running() -> bool:
    """Whether the supervisor lives."""
    record = processes.read(SUPERVISOR)
    return record is not None and record.process() is not None


def service_states() -> list[ServiceState]:
    """Every service that should run, with what is known of it: nothing known is not well."""
    now = state.read()
    if now is None or not running():
        return [ServiceState(name, well=False, reason="not running") for name in EXPECTED]
    known = {one.name: one for one in now.services}
    missing = [ServiceState(name, well=False, reason=now.phase) for name in EXPECTED if name not in known]
    own = ServiceState(SUPERVISOR, well=now.phase == "ready", reason=_phase(now.phase))
    return [own, *known.values(), *missing, *_centre_state()]


def _centre_state() -> list[ServiceState]:
    """Whether anything listens for the certificate centre, where it should."""
    if not site().centre:
        return []
    well = outside.accepts("127.0.0.1", ports.recorded(catalogue.CENTRE))
    return [ServiceState("for the certificate centre", well=well, reason="" if well else "nothing listens")]


def _phase(phase: str) -> str:
    return "" if phase == "ready" else phase


def _await_ready(process: subprocess.Popen[bytes], say: Say) -> None:
    seen, deadline = 0, time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        seen = _pass_on(seen, say)
        now = state.read()
        if now is not None and now.phase == "ready":
            return
        if process.poll() is not None:
            last = now.events[-1] if now and now.events else "see logs/supervisor.log"
            raise UtsushiError(f"the services did not start: {last}")
        time.sleep(0.1)
    raise UtsushiError(f"the services were not ready after {READY_SECONDS:.0f} s; see logs/")


def _pass_on(seen: int, say: Say) -> int:
    now = state.read()
    events = now.events if now is not None else []
    for event in events[seen:]:
        say(event)
    return len(events)


def _clear_remains(say: Say) -> bool:
    """End what a killed supervisor may have left."""
    remains = [record for record in processes.records() if record.name != SUPERVISOR]
    alive = [record for record in remains if processes.members(record.pid, record.started)]
    for record in alive:
        say(f"ending {record.name}, which was still running")
    processes.end_all(remains)
    return bool(alive)
