"""The soak's town: every text that could be somebody else's is marked, so that a reader can tell whose it is.

Given names, buildings, tax addresses and 本籍 carry tokens that stand nowhere else in the town; names, buildings, tax
addresses and imprints carry a running version too, so that a page tells from which load it is. Invented people.
"""

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from municipalities.registry import Municipality, get
from municipalities.site import CHECKOUT
from simulators.vendors.vendor import Vendor
from simulators.world import seals
from simulators.world.rows import Row
from simulators.world.town import TAX_YEAR, Town, build, years

CODE = "364894"
SEED = 7
STABLE_SHARE = 2  # every second household keeps its names; only those ask for 戸籍, which would not follow at once
MARKS, VERSION_MARKS = 48, 12
FIRST_MARK = 0x989F  # where level 2 of JIS X 0208 begins in CP932: signs that no form and no common name has
HOUSEHOLD_BASE = 10_001


def _level_two() -> Iterator[str]:
    for high in range(0x99, 0xA0):
        for low in (*range(0x40, 0x7F), *range(0x80, 0xFD)):
            yield bytes([high, low]).decode("cp932")


@lru_cache(maxsize=1)
def _marks() -> tuple[str, str]:
    """Signs for people, and signs for versions: none of them stands in a form or in what the towns are made of."""
    paths = [*(CHECKOUT / "forms").rglob("*.typ"), *(CHECKOUT / "simulators" / "world").rglob("*.[cp]*[vy]")]
    used = set("".join(path.read_text("utf-8") for path in paths))
    free = [one for one in _level_two() if one not in used and unicodedata.normalize("NFKC", one) == one]
    return "".join(free[:MARKS]), "".join(free[MARKS : MARKS + VERSION_MARKS])


@dataclass(frozen=True, slots=True)
class Person:
    """One resident: ``number`` is the person's place in ``SoakTown.people``; ``surname`` is as the register has it."""

    number: int
    household: int
    addressee_number: str
    surname: str
    individual_number: str
    relationship: str
    birth_text: str
    card: str | None
    seal: bool
    tax: bool


@dataclass(frozen=True, slots=True)
class Household:
    """One household, householder first, in the order in which a certificate must list it."""

    number: int
    people: tuple[Person, ...]
    renames: bool
    domicile: str

    @property
    def head(self) -> Person:
        """世帯主, who is the head of the household's 戸籍 too."""
        return self.people[0]


class SoakTown:
    """The town as it was at first; ``vendor`` holds its state and writes its exchange files."""

    def __init__(self, folder: Path, size: int) -> None:
        self.municipality: Municipality = get(CODE)
        self.people: list[Person] = []
        self.households: list[Household] = []
        town = self._marked(build(self.municipality, SEED, size))
        self.vendor = Vendor(town, folder)

    @cached_property
    def individual_numbers(self) -> frozenset[str]:
        """個人番号 of everybody."""
        return frozenset(one.individual_number for one in self.people)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Every number that is one person's: 宛名番号, 個人番号, the card's serial."""
        found = ((one.addressee_number, one.individual_number, one.card) for one in self.people)
        return frozenset(number for numbers in found for number in numbers if number)

    def name(self, person: Person, version: int) -> str:
        """氏名 of a version; a household that keeps its names has the first one for ever."""
        return f"{person.surname}\u3000{self.given(person, version)}"

    def given(self, person: Person, version: int) -> str:
        """The given name: two signs for the person, one for the version."""
        return person_mark(person.number) + version_mark(version if self.households[person.household].renames else 0)

    def change_household(self, number: int, version: int) -> None:
        """Everybody of a household gets the texts of ``version``."""
        household = self.households[number]
        head = self.name(household.head, version)
        for person in household.people:
            self.vendor.town.change(
                "resident",
                (person.addressee_number,),
                name=self.name(person, version),
                householder_name=head,
                family_register_head=head,
                katagaki=building(number, version),
            )

    def change_seal(self, person: Person, version: int) -> None:
        """A person has another seal registered."""
        self.vendor.town.change("seal", (person.addressee_number,), impression=imprint(person.number, version))

    def change_tax(self, person: Person, version: int) -> None:
        """A person's address on 1 January is corrected."""
        key = (person.addressee_number, TAX_YEAR)
        self.vendor.town.change("tax", key, address_on_january_1=self.january(person, version))

    def january(self, person: Person, version: int) -> str:
        """1月1日現在の住所 of a version."""
        return f"徳島県三好郡{self.municipality.name}字川上課{person.number:05d}の{version:05d}番地"

    def _marked(self, drawn: Town) -> Town:
        """A town of the households that are plain enough, with marks in their texts."""
        town = Town(self.municipality, random.Random(SEED), drawn.format, numbers=drawn.numbers)
        for rows in _households(drawn):
            self._take(town, drawn, rows)
        town.pending = {feed: [] for feed in town.pending}
        self._check(town)
        return town

    def _take(self, town: Town, drawn: Town, rows: list[Row]) -> None:
        number = len(self.households)
        people = tuple(self._person(drawn, row, number, at) for at, row in enumerate(rows, len(self.people)))
        self.people += people
        domicile = f"徳島県三好郡東みよし町昼間{HOUSEHOLD_BASE + number}番地"
        self.households.append(Household(number, people, number % STABLE_SHARE != 0, domicile))
        head = self.name(people[0], 0)
        for person, row in zip(people, rows, strict=True):
            texts = {"name": self.name(person, 0), "householder_name": head, "family_register_head": head}
            town.put("resident", {**row, **texts, "registered_domicile": domicile, "katagaki": building(number, 0)})
            self._belongings(town, drawn, person)

    def _belongings(self, town: Town, drawn: Town, person: Person) -> None:
        if person.seal:
            seal = drawn.records["seal"][person.addressee_number,]
            town.put("seal", {**seal, "impression": imprint(person.number, 0)})
        if person.tax:
            tax = drawn.records["tax"][person.addressee_number, TAX_YEAR]
            town.put("tax", {**tax, "address_on_january_1": self.january(person, 0)})

    def _person(self, drawn: Town, row: Row, household: int, number: int) -> Person:
        addressee = row["addressee_number"]
        seal, tax = drawn.records["seal"].get((addressee,)), drawn.records["tax"].get((addressee, TAX_YEAR))
        adult = years(row, drawn.today) >= 18
        return Person(
            number=number,
            household=household,
            addressee_number=addressee,
            surname=str(row["name"]).partition("\u3000")[0],
            individual_number=row["individual_number"],
            relationship=row["relationship_codes"],
            birth_text=row["birth_text"],
            card=_card(addressee) if adult else None,
            seal=adult and seal is not None and seal["seal_status"] == "1",
            tax=adult and tax is not None and tax["filing_kind"] == "1",
        )

    def _check(self, town: Town) -> None:
        """Marks stand where they were put and nowhere else, and numbers are one person's."""
        free = ("name", "householder_name", "family_register_head")
        texts = (v for row in town.active() for key, v in row.items() if key not in free and isinstance(v, str))
        if set("".join(_marks())) & set("".join(texts)):
            raise AssertionError("a mark stands in an ordinary text")
        if len({one.individual_number for one in self.people}) != len(self.people):
            raise AssertionError("two people have one number")
        if len(self.people) > MARKS**2:
            raise AssertionError("there are more people than marks")


def person_mark(number: int) -> str:
    """The two signs of a person."""
    people = _marks()[0]
    return people[number // MARKS] + people[number % MARKS]


def version_mark(version: int) -> str:
    """The sign of a version; they come round again, the building tells which it is."""
    return _marks()[1][version % VERSION_MARKS]


def building(household: int, version: int) -> str:
    """方書 of a household and version."""
    return f"写棟{household:05d}の{version:05d}号"


@lru_cache(maxsize=4096)
def imprint(person: int, version: int) -> bytes:
    """印影 of a version, as PNG."""
    return seals.imprint(random.Random(f"seal-{person}-{version}"), person_mark(person) + version_mark(version))


def person_signs() -> str:
    """All signs of people, for a reader's pattern."""
    return _marks()[0]


def version_signs() -> str:
    """All signs of versions."""
    return _marks()[1]


def _households(town: Town) -> Iterator[list[Row]]:
    """Households that nothing keeps from having certificates: Japanese, certain dates, one householder."""
    for number in dict.fromkeys(row["household_number"] for row in town.active()):
        rows = sorted(town.members(number), key=lambda row: (row["relationship_codes"], row["addressee_number"]))
        heads = [row for row in rows if row["relationship_codes"] == "02"]
        plain = all(
            row["resident_kind"] == "1"
            and row["support_measure"] == "0"
            and row["issuance_stop"] == "0"
            and row["move_out_planned_on"] is None
            and row["birth_on"] is not None
            for row in rows
        )
        if plain and len(heads) == 1 and years(heads[0], town.today) >= 18:
            yield rows


def _card(addressee_number: str) -> str:
    return hashlib.sha256(f"soak card {addressee_number}".encode()).hexdigest()[:20].upper()
