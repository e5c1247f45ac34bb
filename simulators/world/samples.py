"""People of a fictional town who are worth a certificate in the demo, with the serial of a card for each."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from simulators.world.rows import Row
from simulators.world.town import TAX_YEAR, Town, years


class Sample(NamedTuple):
    """One person: why they are interesting, the card's serial, and the certificates to ask for."""

    municipality: str
    why: str
    addressee_number: str
    card: str
    kinds: tuple[str, ...]


HOUSEHOLD = ("resident_record_certificate",)
ITEMS = ("record_item_certificate",)
SEAL = ("seal_registration_certificate",)
TAX = ("income_taxation_certificate",)
KOSEKI = (
    "family_register_all_certificate",
    "family_register_individual_certificate",
    "family_register_address_certificate",
)


def samples(town: Town) -> list[Sample]:
    """One person for each kind of interest that the town has."""
    wanted: list[tuple[str, Callable[[Row], bool], tuple[str, ...]]] = [
        ("外字のある世帯", lambda row: _rare(row["name"]) and _crowd(town, row) >= 3, HOUSEHOLD),
        ("五人以上の世帯", lambda row: _crowd(town, row) >= 5, HOUSEHOLD),
        ("外国人住民", lambda row: row["resident_kind"] == "2" and bool(row["common_name"]), HOUSEHOLD),
        ("旧氏併記", lambda row: row["former_surname"] is not None, ITEMS),
        ("印鑑登録", lambda row: _rare(row["name"]) and _seal(town, row), SEAL),
        ("印鑑登録", lambda row: _seal(town, row), SEAL),
        ("課税", lambda row: _levied(town, row) is True, TAX),
        ("非課税", lambda row: _levied(town, row) is False, TAX),
        ("町内の本籍者", lambda row: _registered_here(town, row), KOSEKI),
    ]
    taken: set[str] = set()
    return list(_found(town, wanted, taken))


def _found(
    town: Town, wanted: list[tuple[str, Callable[[Row], bool], tuple[str, ...]]], taken: set[str]
) -> Iterator[Sample]:
    residents = [row for row in town.active() if _may_be_issued(town, row)]
    for why, fits, kinds in wanted:
        row = next((row for row in residents if row["addressee_number"] not in taken and fits(row)), None)
        if row is not None:
            taken.add(row["addressee_number"])
            number = row["addressee_number"]
            yield Sample(town.municipality.code, why, number, _serial(town.municipality.code, number), kinds)


def _may_be_issued(town: Town, row: Row) -> bool:
    household = town.members(row["household_number"]) if row["support_measure"] == "0" else []
    return (
        years(row, town.today) >= 18
        and bool(household)
        and all(one["support_measure"] == "0" and one["move_out_planned_on"] is None for one in household)
    )


def _rare(text: str) -> bool:
    return any(unicodedata.category(character) == "Mn" for character in text)


def _crowd(town: Town, row: Row) -> int:
    return len(town.members(row["household_number"]))


def _seal(town: Town, row: Row) -> bool:
    seal = town.records["seal"].get((row["addressee_number"],))
    return seal is not None and seal["seal_status"] == "1"


def _registered_here(town: Town, row: Row) -> bool:
    return town.municipality.name in (row["registered_domicile"] or "") and _crowd(town, row) >= 3


def _levied(town: Town, row: Row) -> bool | None:
    """Whether there is a tax to pay; ``None`` when nothing was filed."""
    tax = town.records["tax"].get((row["addressee_number"], TAX_YEAR))
    return bool(tax["annual_tax"]) if tax is not None and tax["filing_kind"] == "1" else None


def _serial(code: str, number: str) -> str:
    return hashlib.sha256(f"card {code} {number}".encode()).hexdigest()[:16].upper()
