"""Who is whom in a 戸籍 (戸籍内の関係), as far as the town's resident register tells: its members who live in the town.

The resident register says how each is related to their householder; here it is turned into husband, wife and children.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from records import wareki
from simulators.koseki.chance import years_after
from simulators.koseki.model import Abode
from simulators.world.names import FEMALE
from simulators.world.rows import Row

JAPANESE = "1"
COUPLES = frozenset(
    map(frozenset, (("02", "11"), ("02", "12"), ("20", "2011"), ("20", "2012"), ("51", "52"), ("1151", "1152"),
                    ("1251", "1252")))
)  # fmt: skip
WIVES = ("12", "52", "1252", "1152", "2012")
HUSBANDS = ("11", "51", "1251", "1151", "2011")
GENERATION = 15
MARRIED, DIVORCED = "14", "15"


@dataclass(frozen=True, slots=True)
class Being:
    """A person, known from the town's register or invented; ``known_on`` is the day of the newest change there."""

    name: str
    kana: str
    sex: str
    born: date
    birth_text: str
    household: str = ""
    code: str = ""
    reason: str = ""
    known_on: date | None = None
    nationality: str = ""
    abodes: tuple[Abode, ...] = ()

    @property
    def plain(self) -> str:
        """氏名 as entries write it: without a blank."""
        return self.name.replace("\u3000", "")


@dataclass(frozen=True, slots=True)
class Kin:
    """The members of one 戸籍 who live in the town; ``foreign`` is a husband or wife, who is in no 戸籍."""

    head: Being | None
    spouse: Being | None
    children: tuple[Being, ...]
    foreign: Being | None = None


def kin(head_name: str, rows: Iterable[Row], foreigners: Iterable[Row], today: date) -> Kin:
    """Sort the members by their part in the 戸籍."""
    people = sorted(map(being, rows), key=lambda one: (one.born, one.name))
    head = next((one for one in people if one.name == head_name), None)
    rest = [one for one in people if one is not head]
    spouse = _spouse(head, rest) if head else _survivor(rest, today)
    children = tuple(one for one in rest if one is not spouse)
    partner = _foreign(head, foreigners) if head and not spouse else None
    return Kin(head, spouse, children, partner)


def being(row: Row) -> Being:
    """One resident."""
    from simulators.koseki.residences import abodes

    return Being(
        name=row["name"],
        kana=row["name_kana"] or "",
        sex=row["sex"],
        born=row["birth_on"] or near(row["birth_text"]),
        birth_text=row["birth_text"] or "",
        household=row["household_number"],
        code=row["relationship_codes"],
        reason=row["change_reason"] or "",
        known_on=row["changed_on"],
        nationality=row["nationality"] or "",
        abodes=abodes(row),
    )


def near(text: str | None) -> date:
    """A day near one that is known only in words (不詳)."""
    try:
        parts = wareki.parse(text or "")
    except wareki.InvalidDate:
        return date(1930, 6, 15)
    return date(parts.western_year or 1930, parts.month or 6, min(parts.day or 15, 28))


def _spouse(head: Being, rest: list[Being]) -> Being | None:
    for one in rest:
        if _couple(head, one):
            return one
    return next((one for one in rest if one.sex != head.sex and not _younger(one, head)), None)


def _couple(one: Being, other: Being) -> bool:
    pair = frozenset((one.code, other.code))
    return one.household == other.household and one.sex != other.sex and pair in COUPLES


def _survivor(people: list[Being], today: date) -> Being | None:
    """The widow or widower of a 筆頭者 who is no longer there: a generation above the others, or said to be one."""
    if not people or years_after(people[0].born, GENERATION + 5) > today:
        return None
    eldest, others = people[0], people[1:]
    above = bool(others) and all(_younger(one, eldest) for one in others)
    old_woman = eldest.sex == FEMALE and eldest.code == "02" and years_after(eldest.born, 50) <= today
    alone = not others and (old_woman or eldest.code in WIVES)
    return eldest if above or alone or eldest.code in HUSBANDS else None


def _younger(one: Being, other: Being) -> bool:
    return one.born >= years_after(other.born, GENERATION)


def _foreign(head: Being, foreigners: Iterable[Row]) -> Being | None:
    return next((one for one in map(being, foreigners) if _couple(head, one)), None)
