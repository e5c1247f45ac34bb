"""戸籍の附票: where the members of a 戸籍 have lived, from what the town's resident register says of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from records import wareki
from simulators.koseki.chance import Chance
from simulators.koseki.model import Abode

COLUMNS = ("address_prefecture", "address_municipality", "address_town", "address_lot_number")
CONSULATE = "アメリカ合衆国ニューヨーク州"


def abodes(row: dict[str, Any]) -> tuple[Abode, ...]:
    """住所 of a resident, oldest first: before moving in, before moving within the town, and the present one."""
    born, became, settled = row["birth_on"], row["became_resident_on"], row["address_settled_on"]
    found = []
    if row["address_before_move_in"] and became:
        earlier = max(born or date.min, became - timedelta(days=200 + len(row["address_before_move_in"]) * 97))
        found.append(Abode(row["address_before_move_in"], wareki.wareki(earlier)))
    if row["previous_address"] and became and settled and became < settled:
        found.append(Abode(row["previous_address"], row["became_resident_text"]))
    text = "".join(row[name] or "" for name in COLUMNS)
    if row["katagaki"]:
        text += f"　{row['katagaki']}"
    return (*found, Abode(text, row["address_settled_text"] or ""))


def elsewhere(chance: Chance, name: str, first: date, last: date) -> tuple[Abode, ...]:
    """住所 of a member who lives in no town of ours; one of a few came back from abroad."""
    settled = chance.day(first, last, "settled", name)
    here = Abode(chance.address("lives", name), wareki.wareki(settled))
    left = chance.day(first, settled, "abroad", name)
    if chance.yes(0.85, "stayed", name) or left == settled:
        return (here,)
    return (Abode(CONSULATE, wareki.wareki(left), voting=chance.place("voting", name)), here)
