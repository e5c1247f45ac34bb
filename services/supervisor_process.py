"""``python -m services.supervisor_process``: starts all services, watches them, and ends them with itself.

A process that exits is started again; one that shows no life for ``limit`` seconds (Airflow's scheduler can hang
without ever exiting) is killed with its whole session and started again. What happens is written to
``home()/supervisor.json``, which the command line reads. Which services there are is ``catalogue``'s matter.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import httpx

from municipalities.site import ensure_secret, home, site
from records.errors import UtsushiError
from services import airflow_environment, catalogue, processes, world
from services.catalogue import Service
from services.database import Database, prepare_airflow, prepare_replicas, publish_release
from services.state import ServiceState, State
from services.watched import LIMIT_SECONDS, Watched

POLL_SECONDS = 0.5
WATCH_SECONDS = 3.0
LONGEST_PAUSE_SECONDS = 30.0
START_TRIES = 3
BOOTSTRAP = "airflow-bootstrap"
TRIGGERER = "airflow-triggerer"


class Stopped(Exception):
    """Somebody asked us to end."""


class Supervisor:
    """All services of one installation, from the first to be started to the last to be ended."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.watched: list[Watched] = []
        self.state = State(pid=os.getpid())
        self.database = Database()
        self.stopping = False
        self.began = time.monotonic()

    def run(self) -> None:
        """Start everything, watch until told to stop."""
        self._start()
        self.say("ready", phase="ready")
        while True:
            self._pause(WATCH_SECONDS)
            self._look_after_database()
            for one in self.watched:
                self._look_after(one)
            self._report()

    def say(self, text: str, phase: str | None = None) -> None:
        """Tell the command line how far we are."""
        seconds = time.monotonic() - self.began
        self.state.events.append(f"{seconds:5.1f} s  {text}")
        self.state.phase = phase or self.state.phase
        print(text, flush=True)
        self._report()

    def stop(self) -> None:
        """End everything, PostgreSQL last."""
        self.stopping = False
        self.say("stopping", phase="stopping")
        names = [one.service.name for one in self.watched] + [BOOTSTRAP]
        # Nothing waits in the triggerer (no DAG defers), and it takes eleven seconds to end by itself. Tasks that run
        # now report to the API server, so it ends after the scheduler; nobody needs it then.
        # The issuance API finishes what it has accepted.
        issuance, last = list(catalogue.ISSUANCE_NODES), [catalogue.API_SERVER]
        others = [name for name in names if name not in (*issuance, *last)]
        for group, grace in (([TRIGGERER], 0.5), (issuance, 45.0), (others, 10.0), (last, 2.0)):
            processes.end_all([record for name in group if (record := processes.read(name))], grace=grace)
        self.database.server.stop()
        self.state.services = []
        self.say("stopped", phase="stopped")

    def _start(self) -> None:
        ports = catalogue.claim_ports()
        self.database.start()
        server = self.database.server
        self.say(f"PostgreSQL on port {server.port}")
        if self.options.world:
            self._launch(world.services())
            world.prepare_centre()
            self.say("the fictional vendors are starting")
        host = airflow_environment.embedded(ports["airflow_api"])
        airflow_environment.write_secrets(server.host, server.port)
        ensure_secret(catalogue.CENTRE_TOKEN)
        ensure_secret(catalogue.ISSUE_RECORD_KEY)
        prepare_airflow(server.superuser_dsn)
        for failure in prepare_replicas(server.superuser_dsn):
            self.say(failure)
        if failure := publish_release():
            self.say(f"the release could not be published: {failure}")
        self.say("databases are there")
        self._bootstrap(host)
        self.say("Airflow's metadata database is up to date")
        self._launch([*catalogue.airflow(host), *self._nodes(ports)])
        self._await_ready()
        # The first call builds the execution interface and blocks for seconds: better now than in the first task.
        httpx.get(f"{host.api_url}/execution/health", timeout=60, trust_env=False)

    def _nodes(self, ports: dict[str, int]) -> list[Service]:
        if self.options.without_issuance:
            return []
        return catalogue.issuance_nodes(ports, always_open=self.options.always_open, centre=bool(site().centre))

    def _bootstrap(self, host: airflow_environment.Host) -> None:
        command = [sys.executable, "-m", "services.airflow_bootstrap"]
        environment = airflow_environment.process_environment(host)
        log = home() / "logs" / f"{BOOTSTRAP}.log"
        process = processes.start(BOOTSTRAP, command, environment, log)
        while process.poll() is None:
            self._pause(POLL_SECONDS)
        processes.forget(BOOTSTRAP)
        if process.returncode != 0:
            raise UtsushiError(f"Airflow's metadata database could not be prepared; see {log.name} in logs/")

    def _launch(self, services: Sequence[Service]) -> None:
        self.watched += [Watched(service, _start(service)) for service in services]

    def _await_ready(self) -> None:
        waiting = list(self.watched)
        deadline = time.monotonic() + max(one.service.start_seconds for one in waiting)
        while waiting:
            self._pause(POLL_SECONDS)
            for one in [one for one in waiting if one.fresh()]:
                waiting.remove(one)
                self.say(f"{one.service.name} is well")
            for one in waiting:
                self._look_after(one)
                if one.restarts >= START_TRIES:
                    raise UtsushiError(f"{one.service.name} does not start; see logs/{one.service.name}.log")
            if time.monotonic() > deadline:
                names = ", ".join(one.service.name for one in waiting)
                raise UtsushiError(f"not well in time: {names}; see logs/")

    def _look_after_database(self) -> None:
        if not self.database.server.running():
            self.say("postgresql has ended; starting it again")
            self.database.start()

    def _look_after(self, one: Watched) -> None:
        if one.process.poll() is not None:
            self._restart_soon(one, f"ended with exit code {one.process.returncode}")
        elif one.hangs(self.options.limit):
            self._restart_soon(one, f"showed no life for {self.options.limit:.0f} s: killed")

    def _restart_soon(self, one: Watched, why: str) -> None:
        """Clear away what is left, and start again after a pause that grows with each time."""
        if one.restart_at is None:
            if (record := processes.read(one.service.name)) is not None:
                processes.kill_session(record)
                one.process.wait()
            one.restart_at = time.monotonic() + min(2.0**one.restarts - 1, LONGEST_PAUSE_SECONDS)
            self.say(f"{one.service.name} {why}; starting it again")
        if time.monotonic() >= one.restart_at:
            one.process = _start(one.service)
            one.started = time.monotonic()
            one.restarts += 1
            one.shown = False
            one.restart_at = None

    def _report(self) -> None:
        self.state.services = [self._describe(one) for one in self.watched]
        if self.database.server.running():
            self.state.services.insert(0, ServiceState("postgresql", well=True, reason=""))
        self.state.write()

    def _describe(self, one: Watched) -> ServiceState:
        well = one.fresh()
        reason = "" if well else "ended" if one.process.poll() is not None else "no sign of life"
        return ServiceState(one.service.name, well=well, reason=reason, restarts=one.restarts, pid=one.process.pid)

    def _pause(self, seconds: float) -> None:
        """Sleep in short steps, so that a request to stop is heard."""
        until = time.monotonic() + seconds
        while True:
            if self.stopping:
                raise Stopped
            processes.reap()
            if (left := until - time.monotonic()) <= 0:
                return
            time.sleep(min(left, 0.2))

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """SIGTERM and SIGINT: end at the next pause, in the middle of nothing."""
        self.stopping = True


def _start(service: Service) -> subprocess.Popen[bytes]:
    return processes.start(service.name, service.command, service.environment, home() / "logs" / f"{service.name}.log")


@contextmanager
def only_one() -> Iterator[None]:
    """One supervisor an installation."""
    home().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home() / ".supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UtsushiError("the services of this installation are running already") from None
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal comes; exit code 1 when the services could not be started."""
    parser = argparse.ArgumentParser(prog="python -m services.supervisor_process")
    parser.add_argument("--world", action="store_true", help="with the fictional vendors")
    parser.add_argument("--always-open", action="store_true", help="issue at all hours (demonstrations only)")
    parser.add_argument("--without-issuance", action="store_true", help="without the issuance API")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds without life before a kill")
    options = parser.parse_args(arguments)
    with only_one():
        return _supervise(Supervisor(options))


def _supervise(supervisor: Supervisor) -> int:
    processes.become_subreaper()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.on_signal)
    failure = ""
    try:
        supervisor.run()
    except Stopped:
        pass
    except (UtsushiError, httpx.HTTPError, OSError) as error:
        failure = str(error)
        supervisor.say(f"failed: {failure}", phase="failed")
    finally:
        supervisor.stop()
    if failure:
        supervisor.say(f"failed: {failure}", phase="failed")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
