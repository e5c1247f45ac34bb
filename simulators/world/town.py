"""A whole fictional town: households with real structure, their seals and their tax, drawn by seed and size.

The town's rows are the truth. Rows are never changed in place: a change puts a new row, so that older states stay.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from municipalities.registry import Municipality, get
from records.batch import FEEDS
from records.dictionary import items, key_items
from simulators.vendors.files import Change, VendorFormat
from simulators.world.rows import Row, day

TODAY = date(2026, 11, 23)
TAX_YEAR = 2026
ACTIVE = "1"
TRIES = 300
SEAL_SHARE = 0.6
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
    tax_year: int = TAX_YEAR
    _people: list[Key] = field(default_factory=list)
    _households: dict[str, dict[Key, None]] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Callable[..., Town], tuple[Any, ...]]:
        """The format is made of functions and is built anew."""
        state = (self.records, self.pending, self.numbers, self.today, self.tax_year, self._people, self._households)
        return _restored, (self.municipality.code, self.rng, *state)

    def put(self, feed: str, row: Row) -> None:
        """A record is new or has changed."""
        seen = self._as_sent(feed, row)
        key = key_of(feed, seen)
        old = self.records[feed].get(key)
        if feed == "resident":
            self._index(key, old, seen)
        self.records[feed][key] = seen
        self.pending[feed].append(Change("1" if old is None else "2", seen))

    def remove(self, feed: str, key: Key) -> None:
        """A record was entered by mistake and is deleted."""
        row = self.records[feed].pop(key)
        if feed == "resident":
            self._people.remove(key)
            del self._households[row["household_number"]][key]
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
        return [row for row in self.records["resident"].values() if row["resident_status"] == ACTIVE]

    def members(self, household_number: str) -> list[Row]:
        """Active members of a household, householder first."""
        keys = self._households.get(household_number, {})
        rows = [self.records["resident"][key] for key in keys]
        found = [row for row in rows if row["resident_status"] == ACTIVE]
        return sorted(found, key=lambda row: (row["relationship_codes"] != "02", row["addressee_number"]))

    def someone(self, wanted: Callable[[Row], bool]) -> Row | None:
        """An active resident of the wanted kind, by chance; ``None`` when there is none."""
        residents = self.records["resident"]
        for _ in range(TRIES if self._people else 0):
            row = residents[self._people[self.rng.randrange(len(self._people))]]
            if row["resident_status"] == ACTIVE and wanted(row):
                return row
        found = [row for row in self.active() if wanted(row)]
        return self.rng.choice(found) if found else None

    def _index(self, key: Key, old: Row | None, new: Row) -> None:
        if old is None:
            self._people.append(key)
        elif old["household_number"] != new["household_number"]:
            del self._households[old["household_number"]][key]
        self._households.setdefault(new["household_number"], {})[key] = None

    def _as_sent(self, feed: str, row: Row) -> Row:
        """What the vendor's system can't hold is not in its register either."""
        absent = self.format.layout.absent.get(feed, {})
        lost = {column: None for item in items(feed) if item.key in absent for column in item.columns}
        truth = self.format.spell.truth
        texts = {item.key: truth(row[item.key]) for item in items(feed) if item.type == "text" and row[item.key]}
        return {**row, **texts, **lost}


def _restored(
    code: str, rng: random.Random, records: dict[str, dict[Key, Row]], pending: dict[str, list[Change]], *state: Any
) -> Town:
    municipality = get(code)
    return Town(municipality, rng, VendorFormat(municipality), records, pending, *state)


def key_of(feed: str, row: Mapping[str, Any]) -> Key:
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
    from simulators.world import households

    town = Town(municipality, random.Random(f"{seed}-{municipality.code}"), VendorFormat(municipality))
    count = told = 0
    while count < size:
        rows = households.household(town)[: size - count]
        count += len(rows)
        rows += households.removed(town, rows)
        for row in rows:
            town.put("resident", row)
        if belongings:
            _belongings(town, rows)
        if count - told >= 200:
            told = count
            tell(count, size)
    town.pending = {feed: [] for feed in FEEDS}
    tell(size, size)
    return town


def _belongings(town: Town, rows: list[Row]) -> None:
    from simulators.world import seals, tax

    for row in rows:
        if years(row, town.today) >= 18 and town.rng.random() < SEAL_SHARE:
            seal = seals.registration(town, row)
            if row["resident_status"] != ACTIVE:
                reason = "04" if row["resident_status"] == "3" else "03"
                seal = {**seals.ended(town, seal, reason=reason), **day("cancelled_on", row["removed_on"])}
            elif town.rng.random() < 0.03:
                seal = seals.ended(town, seal, **town.rng.choice(({"reason": "01"}, {"reason": "02", "status": "2"})))
            town.put("seal", seal)
    for row in tax.household(town, [one for one in rows if one["resident_status"] == ACTIVE]):
        town.put("tax", row)


def years(row: Mapping[str, Any], today: date) -> int:
    """Age in years; 80 where the day of birth is not certain, as only old people's is."""
    born = row["birth_on"]
    if born is None:
        return 80
    return int(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


def days_before(rng: random.Random, today: date, low: int, high: int) -> date:
    """A day between ``low`` and ``high`` days before ``today``."""
    return today - timedelta(days=rng.randint(low, max(low, high)))
