"""The manifest of one exchange file's batch directory: facts about the file and how far it has come, never a row.

Each step reads and writes ``batch.json``; the data itself lies beside it (``source.enc``, ``decoded.parquet``, …).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

FEEDS = ("resident", "seal", "tax")

Kind = Literal["full", "diff"]
State = Literal["received", "decoded", "mapped", "validated", "loaded", "verified", "rejected"]
ORDER: tuple[State, ...] = ("received", "decoded", "mapped", "validated", "loaded", "verified")
MANIFEST = "batch.json"


@dataclass(slots=True)
class Manifest:
    """連携ファイル one of a feed: identity, control totals, state and counts (no personal data).

    ``rows`` and ``bytes`` are the control record's; ``sha256`` is of the whole ``.dat`` file in lower hex.
    """

    municipality: str
    feed: str
    kind: Kind
    sequence: int
    layout: str
    file: str
    rows: int
    bytes: int
    sha256: str
    created_at: str
    pulled_at: str
    state: State = "received"
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    rejection: dict[str, str] | None = None

    @property
    def heartbeat(self) -> bool:
        """An empty difference: it only says that the vendor is alive and that nothing was missed."""
        return self.kind == "diff" and self.rows == 0

    def reached(self, state: State) -> bool:
        """Whether the batch has already come as far as ``state``."""
        return self.state in ORDER and ORDER.index(self.state) >= ORDER.index(state)

    @classmethod
    def read(cls, batch: Path) -> Self:
        """The manifest in the directory ``batch``; unknown keys are an error."""
        values: dict[str, Any] = json.loads((batch / MANIFEST).read_text("utf-8"))
        known = {one.name for one in fields(cls)}
        if unknown := set(values) - known:
            raise KeyError(f"unknown manifest keys {sorted(unknown)}")
        return cls(**values)

    def write(self, batch: Path) -> None:
        """Replace the manifest atomically, so that a killed step leaves the old or the new one."""
        part = batch / (MANIFEST + ".part")
        part.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8")
        os.replace(part, batch / MANIFEST)


def directory_name(sequence: int, sha256: str) -> str:
    """Name of the batch directory: number and hash, so that the same number with other content never collides."""
    return f"{sequence:08d}-{sha256[:12]}"
