"""One vendor (基幹系ベンダー) of one town: numbers its files, keeps the truth behind each number, and misbehaves on demand.

Files appear as a careful vendor writes them: under another name, renamed when whole, the control record last. Every file
is kept whole in an archive first, so that a resend brings the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from extractors.exchange import FileName
from records.batch import FEEDS
from simulators.vendors import mischief, requests
from simulators.vendors.files import Change, ExchangeFile
from simulators.vendors.mischief import Delivery
from simulators.world import events
from simulators.world.history import History, Truth
from simulators.world.town import Town

ARCHIVE = ".archive"


def _nothing() -> None:
    """Nobody keeps this vendor's state."""


class Vendor:
    """The vendor of ``town``, writing below ``folder`` (``outgoing/<feed>/``, ``requests/``).

    ``keep`` is called when files are written but not delivered yet: whoever stores the vendor then may be killed at any
    time, and ``publish`` after a restart delivers the same bytes.
    """

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.folder = folder
        self.sequence = dict.fromkeys(FEEDS, 0)
        self.keep: Callable[[], None] = _nothing
        self._history = {feed: History(feed, town.records[feed]) for feed in FEEDS}
        self._kinds: dict[tuple[str, int], str] = {}
        self._mischief: dict[str, str] = {}
        self._outbox: list[Delivery] = []
        self._late: list[ExchangeFile] = []
        for name in (*(f"outgoing/{feed}" for feed in FEEDS), "requests", ARCHIVE):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def __getstate__(self) -> dict[str, Any]:
        """Who keeps the state is not part of it."""
        return {**self.__dict__, "keep": _nothing}

    def truth_at(self, feed: str, sequence: int) -> Truth:
        """The register as it was when the file with this number was written."""
        return self._history[feed].at(sequence)

    def full_set(self, feed: str) -> ExchangeFile:
        """Write the whole register as the next number."""
        return self._published(feed, "full")

    def difference(self, feed: str) -> ExchangeFile:
        """Write what has changed as the next number; nothing changed makes a heartbeat."""
        return self._published(feed, "diff")

    def tick(self, count: int = 0) -> None:
        """``count`` events happen, and every feed gets its difference."""
        self.finish_uploads()
        events.happen(self.town, count)
        for feed in FEEDS:
            self._write(feed, "diff")
        self.publish()

    def break_next(self, feed: str, how: str) -> None:
        """The next file of ``feed`` is spoilt as ``mischief.KINDS`` says; a resend brings it whole.

        ``KeyError`` for an unknown kind, ``ValueError`` where this vendor's format can't go wrong that way.
        """
        mischief.check(self.town.format.layout, feed, how)
        self._mischief[feed] = how

    def skip(self, feed: str) -> None:
        """The next file is made but never reaches the outgoing directory: a gap, until a resend."""
        self.break_next(feed, "lost")

    def finish_uploads(self) -> None:
        """Uploads that were still under way come to their end."""
        late, self._late = self._late, []
        for file in late:
            self.deliver(file)

    def answer_requests(self) -> int:
        """Send again what resend requests ask for, mark them done, and say how many there were."""
        found = requests.waiting(self.folder / "requests")
        for path in found:
            asked = requests.read(path, self.town.municipality.code)
            if asked is not None:
                feed, first, last = asked
                for number in range(first, min(last, self.sequence[feed]) + 1):
                    self.deliver(self.file(feed, number))
            os.replace(path, path.with_suffix(".refused" if asked is None else ".done"))
        return len(found)

    def deliver(self, file: ExchangeFile) -> None:
        """Lay a file into the outgoing directory, control record last."""
        self._lay(file, self.folder / "outgoing" / file.name.feed)

    def file(self, feed: str, sequence: int) -> ExchangeFile:
        """The file as it was written, whole; ``KeyError`` for a number that was never written."""
        kind = self._kinds[feed, sequence]
        name = FileName(self.town.municipality.code, feed, "full" if kind == "full" else "diff", sequence)
        archive = self.folder / ARCHIVE
        control = archive / name.control
        return ExchangeFile(
            name, (archive / str(name)).read_bytes(), control.read_bytes() if control.exists() else None
        )

    def publish(self) -> None:
        """Deliver what is written, after the state was kept."""
        if self._outbox:
            self.keep()
        for delivery in self._outbox:
            for file in delivery.files:
                self.deliver(file)
            for feed, name, data in delivery.pieces:
                (self.folder / "outgoing" / feed / name).write_bytes(data)
            self._late += delivery.late
        self._outbox.clear()

    def _published(self, feed: str, kind: str) -> ExchangeFile:
        file = self._write(feed, kind)
        self.publish()
        return file

    def _write(self, feed: str, kind: str) -> ExchangeFile:
        happened = self.town.take(feed)
        everything = [Change("1", row) for row in self.town.records[feed].values()] if kind == "full" else happened
        self.sequence[feed] += 1
        number = self.sequence[feed]
        file = self.town.format.write(feed, kind, number, everything, latest=number)
        self._history[feed].add(happened)
        self._kinds[feed, number] = kind
        self._lay(file, self.folder / ARCHIVE)
        how = self._mischief.pop(feed, None)
        before = self.file(feed, number - 1) if number > 1 and how is not None else None
        self._outbox.append(
            Delivery([file]) if how is None else mischief.spoil(self.town, file, everything, how, before)
        )
        return file

    def _lay(self, file: ExchangeFile, folder: Path) -> None:
        place(folder, str(file.name), file.data)
        if file.control is not None:
            place(folder, file.name.control, file.control)


def place(folder: Path, name: str, data: bytes) -> None:
    """Written under another name, then renamed."""
    part = folder / f"{name}.part"
    part.write_bytes(data)
    os.replace(part, folder / name)


def state(vendor: Vendor) -> dict[str, Any]:
    """Numbers of a vendor, for people."""
    return {"municipality": vendor.town.municipality.code, **vendor.sequence}
