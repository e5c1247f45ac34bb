"""One vendor (基幹系ベンダー) of one town: numbers its files, keeps the truth behind each number, and misbehaves on demand.

Files appear as a careful vendor writes them: under another name, renamed when whole, the control record last.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from records.batch import FEEDS
from simulators.vendors import mischief
from simulators.vendors.files import Change, ExchangeFile
from simulators.world import events
from simulators.world.rows import Row
from simulators.world.town import Key, Town

Truth = Mapping[Key, Row]


class Vendor:
    """The vendor of ``town``, writing below ``folder`` (``outgoing/<feed>/``, ``requests/``)."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.folder = folder
        self.sequence = dict.fromkeys(FEEDS, 0)
        self._truth: dict[tuple[str, int], Truth] = {}
        self._files: dict[tuple[str, int], ExchangeFile] = {}
        self._mischief: dict[str, str] = {}
        for feed in FEEDS:
            (folder / "outgoing" / feed).mkdir(parents=True, exist_ok=True)
        (folder / "requests").mkdir(parents=True, exist_ok=True)

    def truth_at(self, feed: str, sequence: int) -> Truth:
        """The register as it was when the file with this number was written."""
        return self._truth[feed, sequence]

    def full_set(self, feed: str) -> ExchangeFile:
        """Write the whole register as the next number."""
        self.town.take(feed)
        return self._send(feed, "full", [Change("1", row) for row in self.town.records[feed].values()])

    def difference(self, feed: str) -> ExchangeFile:
        """Write what has changed as the next number; nothing changed makes a heartbeat."""
        return self._send(feed, "diff", self.town.take(feed))

    def tick(self, count: int = 0) -> None:
        """``count`` events happen, and every feed gets its difference."""
        events.happen(self.town, count)
        for feed in FEEDS:
            self.difference(feed)

    def break_next(self, feed: str, how: str) -> None:
        """The next file of ``feed`` is spoilt as ``mischief.KINDS`` says; a resend brings it whole."""
        if how not in mischief.KINDS:
            raise KeyError(how)
        self._mischief[feed] = how

    def skip(self, feed: str) -> None:
        """The next file is made but never reaches the outgoing directory: a gap, until a resend."""
        self.break_next(feed, "lost")

    def answer_requests(self) -> int:
        """Send again what resend requests ask for, mark them done, and say how many there were."""
        requests = sorted((self.folder / "requests").glob("*.req"))
        for request in requests:
            asked = dict(line.split("=", 1) for line in request.read_text("ascii").splitlines())
            for number in range(int(asked["from"]), int(asked["to"]) + 1):
                if (asked["feed"], number) in self._files:
                    self.deliver(self._files[asked["feed"], number])
            os.replace(request, request.with_suffix(".done"))
        return len(requests)

    def deliver(self, file: ExchangeFile) -> None:
        """Lay a file into the outgoing directory, control record last."""
        folder = self.folder / "outgoing" / file.name.feed
        place(folder, str(file.name), file.data)
        if file.control is not None:
            place(folder, file.name.control, file.control)

    def file(self, feed: str, sequence: int) -> ExchangeFile:
        """The file as it was written, whole."""
        return self._files[feed, sequence]

    def _send(self, feed: str, kind: str, changes: list[Change]) -> ExchangeFile:
        self.sequence[feed] += 1
        number = self.sequence[feed]
        file = self.town.format.write(feed, kind, number, changes, latest=number)
        self._truth[feed, number] = dict(self.town.records[feed])
        self._files[feed, number] = file
        how = self._mischief.pop(feed, None)
        for spoilt in [file] if how is None else mischief.spoil(self.town, file, changes, how):
            self.deliver(spoilt)
        return file


def place(folder: Path, name: str, data: bytes) -> None:
    """Written under another name, then renamed."""
    part = folder / f"{name}.part"
    part.write_bytes(data)
    os.replace(part, folder / name)


def state(vendor: Vendor) -> dict[str, Any]:
    """Numbers of a vendor, for people."""
    return {"municipality": vendor.town.municipality.code, **vendor.sequence}
