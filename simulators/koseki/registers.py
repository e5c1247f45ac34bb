"""戸籍 of a fictional town: everybody of the register whose 本籍 is in the town, and some who live elsewhere. Invented people.

The registers follow the town's own state, as a real system follows its filings; nothing of it is ever in the replica. Each
is made when it is asked for: the same members give the same 戸籍.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from municipalities.registry import Municipality
from records.code_lists import relationship_text
from simulators.koseki.chance import Chance
from simulators.koseki.composing import compose
from simulators.koseki.kin import JAPANESE, kin
from simulators.koseki.model import Register
from simulators.koseki.stories import tell
from simulators.world.names import FEMALE
from simulators.world.rows import Row, day, row
from simulators.world.town import TODAY

PLACE = {"364894": "三好郡東みよし町昼間"}
ELSEWHERE = (("香川県", "高松市", "番町一丁目8番15号"), ("大阪府", "大阪市北区", "梅田三丁目1番1号"))
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NonResident:
    """本籍者 who lives elsewhere: what they enter in a usage registration."""

    name: str
    name_kana: str
    birth_on: date
    address: str
    registered_domicile: str
    family_register_head: str
    card: str


class Book(Mapping[Key, Register]):
    """All 戸籍 of a town by 本籍 and 筆頭者."""

    def __init__(self, municipality: Municipality, residents: Iterable[Row]) -> None:
        self._code = municipality.code
        self._made: dict[Key, Register] = {}
        self._members: dict[Key, list[Row]] = {}
        self._foreigners: dict[str, list[Row]] = {}
        for one in (*residents, *map(_elsewhere, non_residents(municipality))):
            if one["resident_kind"] != JAPANESE:
                self._foreigners.setdefault(one["household_number"], []).append(one)
            elif one["registered_domicile"]:
                key = (one["registered_domicile"], one["family_register_head"])
                self._members.setdefault(key, []).append(one)

    def __getitem__(self, key: Key) -> Register:
        if key not in self._made:
            self._made[key] = self._make(key, self._members[key])
        return self._made[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def _make(self, key: Key, rows: list[Row]) -> Register:
        households = dict.fromkeys(one["household_number"] for one in rows)
        foreigners = [each for number in households for each in self._foreigners.get(number, ())]
        chance = Chance("|".join((self._code, *key)))
        days = [one[name] for one in rows for name in ("birth_on", "changed_on") if one[name]]
        today = max([TODAY, *days])
        return compose(self._code, tell(chance, key[0], key[1], kin(key[1], rows, foreigners, today), today))


def registers(municipality: Municipality, residents: Iterable[Row]) -> Book:
    """All registers of the town by 本籍 and 筆頭者."""
    return Book(municipality, residents)


def non_residents(municipality: Municipality) -> list[NonResident]:
    """Two people whose 本籍 is in the town and who live elsewhere."""
    place = PLACE.get(municipality.code, f"{municipality.name}大字中央")
    domicile = f"{municipality.prefecture}{place}9{municipality.code[3:]}番地"
    return [
        NonResident(
            name=f"見本　{given}",
            name_kana=f"ミホン　{kana}",
            birth_on=date(1980 + number, 4, 2 + number),
            address="".join(ELSEWHERE[number]),
            registered_domicile=domicile,
            family_register_head="見本　外男",
            card=f"ELSEWHERE{municipality.code}{number:05d}",
        )
        for number, (given, kana) in enumerate((("外子", "ソトコ"), ("外江", "ソトエ")))
    ]


def _elsewhere(one: NonResident) -> Row:
    """As the other town's register has them."""
    prefecture, municipality, town = next(each for each in ELSEWHERE if "".join(each) == one.address)
    settled = date(2012 + one.birth_on.day, 4, 1)
    values: dict[str, Any] = {
        "address_prefecture": prefecture,
        "address_municipality": municipality,
        "address_town": town,
        "registered_domicile": one.registered_domicile,
        "family_register_head": one.family_register_head,
        "relationship_codes": "02",
        "relationship_text": relationship_text("02"),
    }
    days = {**day("birth_on", one.birth_on), **day("address_settled_on", settled), **day("became_resident_on", settled)}
    who = {"name": one.name, "name_kana": one.name_kana, "sex": FEMALE, "resident_kind": JAPANESE}
    return row("resident", **values, **days, **who, household_number=one.card, addressee_number=one.card)
