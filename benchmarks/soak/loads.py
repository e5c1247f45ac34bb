"""The soak's vendor and loader, a process of its own: ``python -m benchmarks.soak.loads FOLDER SIZE``.

Each line of its input is an order in JSON: which feed, and the new versions of whom. The vendor writes a difference, the
real steps load and verify it, and a line says that it is done. The first full sets are loaded before ``ready``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, Self

from benchmarks.soak.town import CODE, SoakTown
from services.catalogue import plain_environment

READY = "ready"
FEEDS = ("resident", "seal", "tax")


class Loader:
    """The process, seen from the soak: ``load`` gives an order and waits until it is loaded."""

    def __init__(self, folder: Path, size: int) -> None:
        command = [sys.executable, "-m", "benchmarks.soak.loads", str(folder), str(size)]
        self._process = subprocess.Popen(
            command, env=plain_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The end of its input ends it."""
        self._input.close()
        self._process.wait(60)

    def wait(self) -> None:
        """Until the full sets are loaded."""
        self._expect(READY)

    def load(self, feed: str, versions: dict[int, int]) -> int:
        """Load new versions of households (resident) or people (seal, tax); the number of the file."""
        self._input.write(json.dumps([feed, list(versions.items())]) + "\n")
        self._input.flush()
        return int(self._line())

    @property
    def _input(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise AssertionError("the loader has ended")
        return line

    def _expect(self, wanted: str) -> None:
        if self._line() != wanted:
            raise AssertionError("the loader said something else")


def _serve(folder: Path, size: int, orders: IO[str], done: IO[str]) -> None:
    from extractors.sources import FolderSource
    from sync import steps

    town = SoakTown(folder, size)
    source = FolderSource(folder / "outgoing")
    for feed in FEEDS:
        town.vendor.full_set(feed)
        _checked(steps.run(CODE, feed, full=True, source=source), len(town.vendor.town.records[feed]))
    print(READY, file=done, flush=True)
    for line in orders:
        feed, versions = json.loads(line)
        change = {"resident": town.change_household, "seal": town.change_seal, "tax": town.change_tax}[feed]
        for number, version in versions:
            change(number if feed == "resident" else town.people[number], version)  # type: ignore[operator]
        rows = len(town.vendor.town.pending[feed])
        town.vendor.difference(feed)
        _checked(steps.run(CODE, feed, source=source), rows)
        print(town.vendor.sequence[feed], file=done, flush=True)


def _checked(counts: dict[str, Any], rows: int) -> None:
    """Every row was written: one that went to quarantine would make the soak measure something else."""
    if counts.get("written") != rows or counts.get("quarantined"):
        raise AssertionError(f"{counts} instead of {rows} rows")


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), sys.stdin, sys.stdout)
