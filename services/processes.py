"""One process of a service: started in a session of its own, recorded, recognised, and ended with all its children.

A record (``home()/run/<name>.json``) holds the pid together with its start time: a pid alone may belong to
somebody else by the time anyone acts on it. Which services there are is not known here.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from municipalities.site import home

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Record:
    """A process as it was when we started it; ``started`` is its start time in seconds since the epoch."""

    name: str
    pid: int
    started: float

    def process(self) -> psutil.Process | None:
        """The process while it still is that process and not a zombie."""
        try:
            process = psutil.Process(self.pid)
            if process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            pass
        return None

    def write(self) -> None:
        """Keep the record for whoever comes later."""
        folder = run_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = folder / f"{self.name}.{os.getpid()}.part"
        part.write_text(json.dumps(asdict(self)), "utf-8")
        os.replace(part, path_of(self.name))


def run_folder() -> Path:
    """Where records lie."""
    return home() / "run"


def path_of(name: str) -> Path:
    """The file of one record."""
    return run_folder() / f"{name}.json"


def read(name: str) -> Record | None:
    """The record of ``name``; ``None`` when it was never started or was stopped properly."""
    path = path_of(name)
    return Record(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def forget(name: str) -> None:
    """Remove the record of a process that has ended."""
    path_of(name).unlink(missing_ok=True)


def become_subreaper() -> None:
    """Let orphaned grandchildren become our children, so that none can get away unseen."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, *, dies_with_us: bool = True
) -> subprocess.Popen[bytes]:
    """Start ``command`` in its own session, output appended to ``log``; with ``dies_with_us`` it ends when we do."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    parent = os.getpid()

    def leash() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=nothing,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=leash if dies_with_us else None,  # noqa: PLW1509 - we start processes from one thread only
        )
    Record(name, process.pid, psutil.Process(process.pid).create_time()).write()
    return process


def members(session: int, since: float) -> list[psutil.Process]:
    """All living processes of a session that are not older than its leader."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(pid) != session:
                continue
            process = psutil.Process(pid)
            if process.create_time() >= since and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(record: Record, *, grace: float = 10.0) -> None:
    """End one recorded process and everything in its session."""
    end_all([record], grace=grace)


def end_all(ending: Sequence[Record], *, grace: float = 10.0) -> None:
    """End processes and everything in their sessions: politely first, after ``grace`` seconds by force."""
    for record in ending:
        with suppress(psutil.NoSuchProcess):
            if (leader := record.process()) is not None:
                leader.terminate()
    deadline = time.monotonic() + grace
    while any(record.process() for record in ending) and time.monotonic() < deadline:
        time.sleep(0.05)
    for record in ending:
        kill_session(record)
        forget(record.name)


def kill_session(record: Record) -> None:
    """End whatever is left of a recorded session at once."""
    deadline = time.monotonic() + 5
    while (left := members(record.pid, record.started)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        reap()
        time.sleep(0.05)


def reap() -> None:
    """Collect zombies that became ours as subreaper; processes with a ``Popen`` keep their exit code for it."""
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, ChildProcessError):
            if child.status() == psutil.STATUS_ZOMBIE and child.pid not in _popen_pids():
                os.waitpid(child.pid, os.WNOHANG)


def _popen_pids() -> set[int]:
    return {record.pid for record in records()}


def records() -> list[Record]:
    """All records there are."""
    found = (read(path.stem) for path in run_folder().glob("*.json"))
    return [record for record in found if record is not None]
