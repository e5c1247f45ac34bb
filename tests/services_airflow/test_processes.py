"""Processes are ended with all they started, and never mistaken for others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from services import processes
from services.processes import Record

pytestmark = pytest.mark.usefixtures("utsushi_home")

# A service like the worst of them: deaf to SIGTERM, with a child in a process group of its own.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
print("up", flush=True)
time.sleep(600)
"""
POLITE = "import time; print('up', flush=True); time.sleep(600)"


def started(code: str, folder: Path, name: str = "service") -> Record:
    log = folder / f"{name}.log"
    before = log.read_text().count("up") if log.exists() else 0
    processes.start(name, [sys.executable, "-c", code], os.environ, log)
    wait_until(lambda: log.read_text().count("up") > before)
    record = processes.read(name)
    assert record is not None
    return record


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_deaf_service_and_its_children_are_ended_by_force(tmp_path: Path) -> None:
    record = started(STUBBORN, tmp_path)
    family = processes.members(record.pid, record.started)
    assert len(family) == 2
    processes.end(record, grace=0.3)
    assert not processes.members(record.pid, record.started)
    assert processes.read("service") is None
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)


def test_children_left_by_a_killed_leader_are_found(tmp_path: Path) -> None:
    record = started(STUBBORN, tmp_path)
    os.kill(record.pid, signal.SIGKILL)
    wait_until(lambda: record.process() is None)
    assert len(processes.members(record.pid, record.started)) == 1
    processes.kill_session(record)
    assert not processes.members(record.pid, record.started)


def test_a_number_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    bystander = started(POLITE, tmp_path)
    stale = Record("other", bystander.pid, bystander.started - 1000.0)
    assert stale.process() is None
    newer = Record("other", bystander.pid, bystander.started + 1000.0)
    processes.end_all([newer], grace=0.2)
    assert bystander.process() is not None
    processes.end(bystander)


def test_a_service_ends_when_its_starter_is_killed(tmp_path: Path, utsushi_home: Path) -> None:
    script = (
        "import os, sys, time; from pathlib import Path; from services import processes\n"
        f"processes.start('service', [sys.executable, '-c', {POLITE!r}], os.environ, Path({str(tmp_path / 'log')!r}))\n"
        "print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        record = processes.read("service")
        assert record is not None
        assert record.process() is not None
        starter.kill()
    wait_until(lambda: record.process() is None)


def test_output_goes_to_the_log_and_stays(tmp_path: Path) -> None:
    for _ in range(2):
        processes.end(started(POLITE, tmp_path), grace=2)
    assert (tmp_path / "service.log").read_text().count("up") == 2
