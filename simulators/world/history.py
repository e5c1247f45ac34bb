"""The truth behind each number: what a register held when the exchange file with that number was written.

Rows are shared with the town and never changed in place, so each number costs only what changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simulators.vendors.files import Change
from simulators.world.rows import Row
from simulators.world.town import Key, key_of

Truth = Mapping[Key, Row]


class History:
    """One feed's register at every number from 1 on."""

    def __init__(self, feed: str, before: Truth) -> None:
        self._feed = feed
        self._base = dict(before)
        self._deltas: list[dict[Key, Row | None]] = []

    def add(self, changes: Iterable[Change]) -> None:
        """The next number: what has changed since the one before."""
        self._deltas.append({key_of(self._feed, one.row): _after(one) for one in changes})

    def at(self, sequence: int) -> Truth:
        """The register at ``sequence``; ``KeyError`` for a number that was never written."""
        if not 1 <= sequence <= len(self._deltas):
            raise KeyError(sequence)
        truth = dict(self._base)
        for delta in self._deltas[:sequence]:
            for key, row in delta.items():
                if row is not None:
                    truth[key] = row
                else:
                    truth.pop(key, None)
        return truth


def _after(change: Change) -> Row | None:
    return None if change.operation == "3" else dict(change.row)
