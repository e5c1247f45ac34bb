"""How large the fictional world is and how fast its time runs (``UTSUSHI_HOME/world/settings.json``)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from municipalities.site import home

SIZES = {"364894": 14_000, "362999": 3_000, "364991": 2_000}


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Seed, residents per municipality, seconds between differences (0: only on command), events in each."""

    seed: int = 1
    sizes: dict[str, int] = field(default_factory=lambda: dict(SIZES))
    tick_seconds: float = 240.0
    events: int = 6


def folder() -> Path:
    """The world's folder below the state folder."""
    return home() / "world"


def read() -> WorldSettings:
    """The settings of this installation, or the defaults."""
    path = folder() / "settings.json"
    return WorldSettings(**json.loads(path.read_text("utf-8"))) if path.exists() else WorldSettings()


def write(settings: WorldSettings) -> None:
    """Keep settings for this installation."""
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder() / "settings.json").write_text(json.dumps(asdict(settings)), "utf-8")
