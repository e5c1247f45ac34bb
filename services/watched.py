"""A running service: its process, how long it runs, and whether it shows life.

What is done about one that shows none is the supervisor's matter (``supervisor_process``, in containers ``container``).
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field

from services.catalogue import Service, Unknown

FRESH_SECONDS = 30.0  # older signs of life are reported as trouble, as Airflow's own health check does
LIMIT_SECONDS = 60.0  # without a sign of life for this long, a process is killed


@dataclass(slots=True)
class Watched:
    """A service with its process and its history."""

    service: Service
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    restarts: int = 0
    restart_at: float | None = None
    shown: bool = False

    def uptime(self) -> float:
        """Seconds since this process was started."""
        return time.monotonic() - self.started

    def age(self) -> float:
        """Seconds without a sign of life since the start; a sign from an earlier process does not count."""
        return min(self.service.age(), self.uptime())

    def hangs(self, limit: float) -> bool:
        """Whether it has shown no life for ``limit`` seconds; not while it may still be starting or nobody can tell."""
        allowed = limit if self.shown else max(limit, self.service.start_seconds)
        try:
            return self.age() > allowed
        except Unknown:
            return False

    def fresh(self) -> bool:
        """Whether this very process has shown life lately."""
        try:
            age = self.service.age()
        except Unknown:
            return False
        fresh = self.process.poll() is None and age < min(FRESH_SECONDS, self.uptime())
        self.shown = self.shown or fresh
        return fresh
