"""How events change a town's rows: one change with its reason and days, a seal that ends, somebody who leaves a household."""

from __future__ import annotations

from typing import Any

from records.code_lists import relationship_text
from simulators.world import relationships, seals
from simulators.world.rows import Row, day
from simulators.world.town import Town, years


def change(town: Town, row: Row, **values: Any) -> None:
    """Some columns of a resident change."""
    town.change("resident", (row["addressee_number"],), **values)


def changed(town: Town, reason: str) -> Row:
    """異動事由, 異動年月日 and 届出年月日 of a change today."""
    return {"change_reason": reason, **day("changed_on", town.today), **day("filed_on", town.today)}


def set_relationship(codes: str) -> Row:
    """続柄コード and its wording."""
    return {"relationship_codes": codes, "relationship_text": relationship_text(codes)}


def may_be(town: Town, key: str) -> bool:
    """Whether the vendor's system has this item at all."""
    return key not in town.format.layout.absent.get("resident", {})


def seal_in_force(town: Town, row: Row) -> Row | None:
    """The person's seal registration, if it is registered."""
    seal = town.records["seal"].get((row["addressee_number"],))
    return seal if seal is not None and seal["seal_status"] == "1" else None


def end_seal(town: Town, row: Row, reason: str, *, status: str = "3") -> None:
    """The registration of ``row`` is cancelled or suspended today, if there is one."""
    seal = seal_in_force(town, row)
    if seal is not None:
        town.put("seal", seals.ended(town, seal, reason=reason, status=status))


def leaves(town: Town, row: Row, *, status: str, reason: str, seal_reason: str) -> None:
    """消除: somebody dies, moves out or is removed; if it was the householder, another one follows."""
    rest = [one for one in town.members(row["household_number"]) if one is not row]
    change(town, row, resident_status=status, **day("removed_on", town.today), **changed(town, reason))
    end_seal(town, row, seal_reason)
    if row["relationship_codes"] == relationships.HOUSEHOLDER and rest:
        _succeed(town, row, rest)


def _succeed(town: Town, old: Row, rest: list[Row]) -> None:
    """世帯主変更: the heir becomes householder, and everybody's 続柄 is written from there."""
    ages = {one["addressee_number"]: years(one, town.today) for one in rest}
    new = relationships.heir(rest, ages)
    for one in rest:
        codes = relationships.HOUSEHOLDER if one is new else relationships.seen_from(new, old, one, ages)
        change(town, one, **set_relationship(codes), householder_name=new["name"], **changed(town, "13"))
