"""Chance that is the same every time it is asked (決定的な乱数): drawn from a seed and from what is asked, not in order.

So one thing more in a family does not move all the others.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from simulators.world import names
from simulators.world.names import Name

PLACES = ("徳島県徳島市", "徳島県鳴門市", "香川県高松市", "大阪府大阪市北区", "愛媛県四国中央市", "兵庫県神戸市中央区")
TOWNS = ("幸町二丁目", "本町一丁目", "栄町三丁目", "新田町", "緑ケ丘", "中央通四丁目")


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws for one 戸籍; ``what`` names the draw."""

    seed: str

    def of(self, *what: object) -> random.Random:
        """The random numbers of one thing."""
        return random.Random("|".join((self.seed, *map(str, what))))

    def yes(self, share: float, *what: object) -> bool:
        """Whether it happens."""
        return self.of(*what).random() < share

    def day(self, first: date, last: date, *what: object) -> date:
        """A day from ``first`` to ``last``; ``first`` where that is no span."""
        return first + timedelta(days=self.of(*what).randint(0, max(0, (last - first).days)))

    def given(self, sex: str, *what: object, other_than: Collection[str] = ()) -> Name:
        """名 with its reading; not one of those, which would make two people look like one."""
        rng = self.of("given", *what)
        found = names.given(rng, sex)
        while found.text in other_than:
            found = names.given(rng, sex)
        return found

    def surname(self, *what: object) -> Name:
        """氏 with its reading."""
        return names.surname(self.of("surname", *what))

    def place(self, *what: object) -> str:
        """A municipality elsewhere."""
        return self.of("place", *what).choice(PLACES)

    def address(self, *what: object) -> str:
        """An address elsewhere, or a 本籍."""
        rng = self.of("address", *what)
        return f"{rng.choice(PLACES)}{rng.choice(TOWNS)}{rng.randint(1, 900)}番地"


def years_after(day: date, count: int) -> date:
    """The same day ``count`` years later; 29 February counts as 1 March."""
    try:
        return day.replace(year=day.year + count)
    except ValueError:
        return date(day.year + count, 3, 1)
