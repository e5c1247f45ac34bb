"""``python -m services.container NAME``: one process of Airflow as the main process of a container.

A restart policy starts a container that has ended, but no engine ends one whose process hangs: this does, by the same
signs of life and the same limit as the supervisor. With ``--probe`` it is the container's health check.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from services import airflow_environment, catalogue
from services.catalogue import Service
from services.watched import FRESH_SECONDS, LIMIT_SECONDS, Watched

WATCH_SECONDS = 3.0
HUNG = 70  # EX_SOFTWARE of sysexits.h


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the process, ``HUNG`` when it was killed for showing no life; of a probe 0 or 1."""
    parser = argparse.ArgumentParser(prog="python -m services.container")
    parser.add_argument("name", choices=tuple(airflow_environment.PROCESSES))
    parser.add_argument("--probe", action="store_true", help="only say by the exit code whether it shows life")
    options = parser.parse_args(arguments)
    service = _service(options.name)
    return probe(service) if options.probe else run(service)


def run(service: Service, limit: float = LIMIT_SECONDS) -> int:
    """Run the service until it ends, is told to end, or hangs."""
    watched = Watched(service, subprocess.Popen(service.command, env=service.environment))

    def pass_on(number: int, _frame: FrameType | None) -> None:
        watched.process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    while watched.process.poll() is None:
        watched.fresh()
        if watched.hangs(limit):
            print(f"{service.name} showed no life for {limit:.0f} s: killed", file=sys.stderr, flush=True)
            watched.process.kill()
            watched.process.wait()
            return HUNG
        time.sleep(WATCH_SECONDS)
    return watched.process.returncode


def probe(service: Service) -> int:
    """0 when the service showed life lately; 1 when it did not, or nobody can tell."""
    try:
        return 0 if service.age() < FRESH_SECONDS else 1
    except catalogue.Unknown:
        return 1


def _service(name: str) -> Service:
    """The container's own environment is already the right one; only the address of the API server is read from it."""
    url = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    life = catalogue.life(name, catalogue.Heartbeats(url))
    command = airflow_environment.command(*airflow_environment.PROCESSES[name])
    return Service(name, tuple(command), dict(os.environ), life)


if __name__ == "__main__":
    sys.exit(main())
