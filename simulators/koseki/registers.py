"""戸籍 of a fictional town: everybody of the register whose 本籍 is in the town, and some who live elsewhere. Invented people.

The registers follow the town's own state, as a real system follows its filings; nothing of it is ever in the replica.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from municipalities.registry import Municipality
from records.wareki import wareki
from simulators.world.rows import Row

PLACE = {"364894": "三好郡東みよし町昼間"}
ELSEWHERE = ("香川県高松市番町一丁目8番15号", "大阪府大阪市北区梅田三丁目1番1号")


@dataclass(frozen=True, slots=True)
class Member:
    """戸籍に記録されている者."""

    name: str
    birth: str
    father: str
    mother: str
    relationship: str


@dataclass(frozen=True, slots=True)
class Register:
    """One 戸籍: 本籍, 筆頭者, its members in order, and the addresses of the 附票."""

    domicile: str
    head: str
    members: tuple[Member, ...]
    addresses: tuple[str, ...]


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


def registers(municipality: Municipality, residents: Iterable[Row]) -> dict[tuple[str, str], Register]:
    """All registers of the town by 本籍 and 筆頭者."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in residents:
        if row["registered_domicile"]:
            groups.setdefault((row["registered_domicile"], row["family_register_head"]), []).append(dict(row))
    found = {key: _register(key, rows) for key, rows in groups.items()}
    for one in non_residents(municipality):
        member = Member(one.name, wareki(one.birth_on), "見本　外男", "見本　外美", "長女")
        key = (one.registered_domicile, one.family_register_head)
        old = found.get(key)
        found[key] = Register(*key, (*(old.members if old else ()), member), (one.address,))
    return found


def non_residents(municipality: Municipality) -> list[NonResident]:
    """Two people whose 本籍 is in the town and who live elsewhere."""
    place = PLACE.get(municipality.code, f"{municipality.name}大字中央")
    domicile = f"{municipality.prefecture}{place}9{municipality.code[3:]}番地"
    return [
        NonResident(
            name=f"見本　{given}",
            name_kana=f"ミホン　{kana}",
            birth_on=date(1980 + number, 4, 2 + number),
            address=ELSEWHERE[number],
            registered_domicile=domicile,
            family_register_head="見本　外男",
            card=f"ELSEWHERE{municipality.code}{number:05d}",
        )
        for number, (given, kana) in enumerate((("外子", "ソトコ"), ("外江", "ソトエ")))
    ]


def _register(key: tuple[str, str], rows: list[dict[str, Any]]) -> Register:
    ordered = sorted(rows, key=lambda row: (row["name"] != key[1], row["birth_text"] or "", row["addressee_number"]))
    members = tuple(
        Member(
            row["name"], row["birth_text"] or "", "見本　父男", "見本　母子", "長男" if row["sex"] == "1" else "長女"
        )
        for row in ordered
    )
    addresses = dict.fromkeys(
        "".join(filter(None, (row["address_prefecture"], row["address_municipality"], row["address_town"],
                              row["address_lot_number"])))
        for row in ordered
    )  # fmt: skip
    return Register(*key, members, tuple(addresses))
