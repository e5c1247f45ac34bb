"""What the supervisor says about itself and its services, as a file that anyone on this machine can read.

Facts only. The file outlives the supervisor: a reader must check that the supervisor still lives (``supervisor``).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from municipalities.site import home


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service: ``well`` only when it has shown life lately."""

    name: str
    well: bool
    reason: str
    restarts: int = 0
    pid: int | None = None

    def row(self) -> dict[str, str | bool | int | None]:
        """The state as a row of ``./utsushi status``."""
        facts = {"restarts": self.restarts, "pid": self.pid, "reason": self.reason}
        return {"service": self.name, "well": self.well, **facts}


@dataclass(slots=True)
class State:
    """``phase`` is starting, ready, stopping, stopped or failed; ``events`` are lines for people."""

    pid: int
    phase: str = "starting"
    events: list[str] = field(default_factory=list)
    services: list[ServiceState] = field(default_factory=list)

    def write(self) -> None:
        """Replace the file atomically."""
        part = path().with_suffix(".part")
        part.write_text(json.dumps(asdict(self), ensure_ascii=False), "utf-8")
        os.replace(part, path())


def path() -> Path:
    """Where the state lies."""
    return home() / "supervisor.json"


def read() -> State | None:
    """The newest state; ``None`` when no supervisor ever ran here."""
    if not path().exists():
        return None
    values = json.loads(path().read_text("utf-8"))
    return State(**{**values, "services": [ServiceState(**one) for one in values["services"]]})
