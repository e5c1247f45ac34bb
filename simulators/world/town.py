"""A whole fictional town: households with real structure, their seals and their tax, drawn by seed and size.

The town's rows are the truth. Rows are never changed in place: a change puts a new row, so that older states stay.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from municipalities.registry import Municipality, get
from records.batch import FEEDS
from records.dictionary import items, key_items
from simulators.vendors.files import Change, VendorFormat
from simulators.world.rows import Row

TODAY = date(2026, 11, 23)
TAX_YEAR = 2026
Key = tuple[Any, ...]


@dataclass(slots=True)
class Town:
    """One town: ``records[feed][key]`` is the truth now, ``pending`` what its vendor has not sent yet."""

    municipality: Municipality
    rng: random.Random
    format: VendorFormat
    records: dict[str, dict[Key, Row]] = field(default_factory=lambda: {feed: {} for feed in FEEDS})
    pending: dict[str, list[Change]] = field(default_factory=lambda: {feed: [] for feed in FEEDS})
    numbers: int = 0
    today: date = TODAY

    def __reduce__(self) -> tuple[Callable[..., Town], tuple[Any, ...]]:
        """The format is made of functions and is built anew."""
        return _restored, (self.municipality.code, self.rng, self.records, self.pending, self.numbers, self.today)

    def put(self, feed: str, row: Row) -> None:
        """A record is new or has changed."""
        seen = self._as_sent(feed, row)
        key = key_of(feed, seen)
        operation = "2" if key in self.records[feed] else "1"
        self.records[feed][key] = seen
        self.pending[feed].append(Change(operation, seen))

    def remove(self, feed: str, key: Key) -> None:
        """A record was entered by mistake and is deleted."""
        row = self.records[feed].pop(key)
        self.pending[feed].append(Change("3", row))

    def change(self, feed: str, key: Key, **values: Any) -> None:
        """Some values of a record change."""
        self.put(feed, {**self.records[feed][key], **values})

    def take(self, feed: str) -> list[Change]:
        """What has happened since it was last asked, in order."""
        changes, self.pending[feed] = self.pending[feed], []
        return changes

    def next_number(self) -> str:
        """A new 宛名番号."""
        self.numbers += 1
        return f"{self.numbers:015d}"

    def active(self) -> list[Row]:
        """Residents (住民状態 1) in the order of their numbers."""
        return [row for row in self.records["resident"].values() if row["resident_status"] == "1"]

    def members(self, household_number: str) -> list[Row]:
        """Active members of a household, householder first."""
        found = [row for row in self.active() if row["household_number"] == household_number]
        return sorted(found, key=lambda row: (row["relationship_codes"] != "02", row["addressee_number"]))

    def _as_sent(self, feed: str, row: Row) -> Row:
        """What the vendor's system can't hold is not in its register either."""
        absent = self.format.layout.absent.get(feed, {})
        lost = {column: None for item in items(feed) if item.key in absent for column in item.columns}
        texts = {item.key: row[item.key] for item in items(feed) if item.type == "text" and row[item.key]}
        return {**row, **{key: self.format.spell.truth(text) for key, text in texts.items()}, **lost}


def _restored(
    code: str,
    rng: random.Random,
    records: dict[str, dict[Key, Row]],
    pending: dict[str, list[Change]],
    numbers: int,
    today: date,
) -> Town:
    municipality = get(code)
    return Town(municipality, rng, VendorFormat(municipality), records, pending, numbers, today)


def key_of(feed: str, row: Row) -> Key:
    """The key of a row."""
    return tuple(row[item.key] for item in key_items(feed))


def build(
    municipality: Municipality,
    seed: int,
    size: int,
    tell: Callable[[int, int], None] = lambda done, size: None,
    *,
    belongings: bool = True,
) -> Town:
    """A town of ``size`` active residents; the same seed and size give the same town. ``belongings``: seals and tax too."""
    from simulators.world import households, seals, tax

    town = Town(municipality, random.Random(f"{seed}-{municipality.code}"), VendorFormat(municipality))
    count = 0
    while count < size:
        for row in households.household(town, size - count):
            town.put("resident", row)
            count += 1
            if belongings:
                _belongings(town, row, seals.registration, tax.income)
        if count % 100 < 6:
            tell(min(count, size), size)
    town.pending = {feed: [] for feed in FEEDS}
    return town


def _belongings(town: Town, row: Row, seal: Callable[[Town, Row], Row], tax: Callable[[Town, Row], Row]) -> None:
    age = years(row, town.today)
    if age >= 18 and town.rng.random() < 0.6:
        town.put("seal", seal(town, row))
    if age >= 18:
        town.put("tax", tax(town, row))


def years(row: Row, today: date) -> int:
    """Age in years; 40 where the day of birth is not certain."""
    born = row["birth_on"]
    if born is None:
        return 40
    return int(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


def days_before(rng: random.Random, today: date, low: int, high: int) -> date:
    """A day between ``low`` and ``high`` days before ``today``."""
    return today - timedelta(days=rng.randint(low, high))


def first(rows: Iterable[Row]) -> Iterator[Row]:
    """Households in the order of their first member."""
    seen: set[str] = set()
    for row in rows:
        if row["household_number"] not in seen:
            seen.add(row["household_number"])
            yield row
