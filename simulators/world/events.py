"""What happens in a town: births, moves, marriages, corrections, seals, tax. Each event changes the truth and leaves the
after-images that the vendor will send. Deterministic by the town's own random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from records.code_lists import relationship_text
from simulators.world import households, names, seals, tax
from simulators.world.households import Family, Member
from simulators.world.names import FEMALE, MALE, Name
from simulators.world.rows import Row, day, worded
from simulators.world.town import TAX_YEAR, Town, years

Event = Callable[[Town], None]


def happen(town: Town, count: int = 1) -> None:
    """``count`` events drawn by how often they happen in a small town."""
    for _ in range(count):
        town.rng.choices(list(WEIGHTS), cum_weights=_CUMULATIVE)[0](town)


def birth(town: Town) -> None:
    """出生: a child joins a household that has a householder of working age."""
    head = _someone(town, lambda row: row["relationship_codes"] == "02" and row["resident_kind"] == "1")
    if head is not None:
        member = Member("20", town.rng.choice((MALE, FEMALE)), 0)
        child = households.japanese(town, _family_of(head), member, head["name"])
        born = town.today - timedelta(days=town.rng.randint(0, 13))
        dates = {**day("birth_on", born), **day("became_resident_on", born), **_changed(town, "11")}
        town.put(
            "resident", {**child, **dates, **_address_of(head), "address_before_move_in": None, "former_surname": None}
        )


def death(town: Town) -> None:
    """死亡: the resident record is removed and the seal registration ends; another member may become householder."""
    _leave(town, "22", "3", "04", lambda row: years(row, town.today) >= 60)


def move_out(town: Town) -> None:
    """転出: the person has left; the seal registration ends."""
    _leave(town, "21", "2", "03", lambda row: True)


def move_out_notice(town: Town) -> None:
    """転出届: filed today, the moving day lies ahead; from now on nothing may be issued."""
    row = _someone(town, lambda row: row["move_out_planned_on"] is None)
    if row is not None:
        planned = town.today + timedelta(days=town.rng.randint(1, 20))
        _change(town, row, **day("move_out_planned_on", planned), **_changed(town, "20"))


def move_in(town: Town) -> None:
    """転入: a new household."""
    for row in households.household(town, 4):
        settled = {**day("address_settled_on", town.today), **day("became_resident_on", town.today)}
        if row["birth_on"] is None or row["birth_on"] <= town.today:
            town.put("resident", {**row, **settled, **_changed(town, "10")})


def move_within(town: Town) -> None:
    """転居: a whole household moves to another address in the town."""
    head = _someone(town, lambda row: row["relationship_codes"] == "02")
    if head is not None:
        old = tax.full_address(head)
        lot = f"{town.rng.randint(1, 4000)}番地"
        for row in town.members(head["household_number"]):
            moved = {"address_lot_number": lot, "katagaki": None, "previous_address": old}
            _change(town, row, **moved, **day("address_settled_on", town.today), **_changed(town, "12"))


def name_change(town: Town) -> None:
    """氏名変更: a new given name; who is householder changes the householder's name of all members."""
    row = _someone(town, lambda row: row["resident_kind"] == "1")
    if row is not None:
        given = names.given(town.rng, row["sex"])
        name = f"{row['name'].split('　')[0]}　{given.text}"
        kana = f"{row['name_kana'].split('　')[0]}　{given.kana}"
        _change(town, row, name=name, name_kana=kana, **_changed(town, "16"))
        if row["relationship_codes"] == "02":
            _householder_named(town, row["household_number"], name)


def former_surname(town: Town) -> None:
    """旧氏記載."""
    row = _someone(town, lambda row: row["resident_kind"] == "1" and row["former_surname"] is None)
    if row is not None:
        former = names.surname(town.rng)
        _change(town, row, former_surname=former.text, former_surname_kana=former.kana, **_changed(town, "17"))


def marriage(town: Town) -> None:
    """婚姻: an adult child leaves the household and founds one with a partner who moves in."""
    row = _someone(town, lambda row: row["relationship_codes"] == "20" and years(row, town.today) >= 20)
    if row is not None:
        number = town.next_number()
        own = {"household_number": number, "relationship_codes": "02", "relationship_text": relationship_text("02")}
        domicile = {"registered_domicile": f"{row['registered_domicile']}の１", "family_register_head": row["name"]}
        _change(town, row, **own, **domicile, householder_name=row["name"], **_changed(town, "14"))
        code = ("12", FEMALE) if row["sex"] == MALE else ("11", MALE)
        family = _family_of({**row, **own, **domicile})
        partner = households.japanese(town, family, Member(*code, years(row, town.today)), row["name"])
        town.put(
            "resident", {**partner, **_address_of(row), **day("became_resident_on", town.today), **_changed(town, "10")}
        )


def correction(town: Town) -> None:
    """職権修正: an unknown birth day is settled, or a domicile corrected, or an unknown wording written."""
    row = _someone(town, lambda row: row["resident_kind"] == "1")
    if row is not None and town.rng.random() < 0.3:
        _change(town, row, **worded("birth_on", None, "5", "昭和の初め頃"), **_changed(town, "30"))
    elif row is not None:
        _change(town, row, registered_domicile=f"{row['registered_domicile']}甲", **_changed(town, "30"))


def support_measure(town: Town) -> None:
    """支援措置: begins or ends."""
    row = _someone(town, lambda row: True)
    if row is not None:
        _change(town, row, support_measure="0" if row["support_measure"] == "1" else "1", **_changed(town, "40"))


def entered_by_mistake(town: Town) -> None:
    """A record that should never have been entered is deleted."""
    row = _someone(town, lambda row: row["relationship_codes"] != "02")
    if row is not None:
        key = (row["addressee_number"],)
        town.remove("resident", key)
        if key in town.records["seal"]:
            town.remove("seal", key)
        if (*key, TAX_YEAR) in town.records["tax"]:
            town.remove("tax", (*key, TAX_YEAR))


def seal_registered(town: Town) -> None:
    """印鑑登録: a new registration, or another seal for a cancelled one."""
    row = _someone(town, lambda row: years(row, town.today) >= 15 and _seal_status(town, row) != "1")
    if row is not None:
        town.put("seal", {**seals.registration(town, row), **day("registered_on", town.today)})


def seal_ended(town: Town) -> None:
    """印鑑登録廃止 or 亡失."""
    row = _someone(town, lambda row: _seal_status(town, row) == "1")
    if row is not None:
        reason, status = town.rng.choice((("01", "3"), ("02", "2")))
        _end_seal(town, row, reason, status)


def tax_correction(town: Town) -> None:
    """更正: the newest year's amounts change."""
    row = _someone(town, lambda row: (row["addressee_number"], TAX_YEAR) in town.records["tax"])
    if row is not None:
        town.put("tax", tax.income(town, row))


def june_tax_day(town: Town) -> None:
    """当初課税: every taxpayer's row comes at once."""
    for row in list(town.records["tax"].values()):
        town.put("tax", {**row, "issuance_stop": "0"})


WEIGHTS: dict[Event, int] = {
    birth: 6,
    death: 12,
    move_out: 10,
    move_out_notice: 6,
    move_in: 12,
    move_within: 12,
    name_change: 4,
    former_surname: 2,
    marriage: 4,
    correction: 6,
    support_measure: 2,
    entered_by_mistake: 1,
    seal_registered: 12,
    seal_ended: 6,
    tax_correction: 10,
}
_CUMULATIVE = [sum(list(WEIGHTS.values())[: number + 1]) for number in range(len(WEIGHTS))]


def _someone(town: Town, wanted: Callable[[Row], bool]) -> Row | None:
    found = [row for row in town.active() if wanted(row)]
    return town.rng.choice(found) if found else None


def _change(town: Town, row: Row, **values: Any) -> None:
    town.change("resident", (row["addressee_number"],), **values)


def _changed(town: Town, reason: str) -> Row:
    return {"change_reason": reason, **day("changed_on", town.today), **day("filed_on", town.today)}


def _leave(town: Town, reason: str, status: str, seal_reason: str, wanted: Callable[[Row], bool]) -> None:
    row = _someone(town, wanted)
    if row is None:
        return
    _change(town, row, resident_status=status, **day("removed_on", town.today), **_changed(town, reason))
    if _seal_status(town, row) == "1":
        _end_seal(town, row, seal_reason, "3")
    rest = town.members(row["household_number"])
    if row["relationship_codes"] == "02" and rest:
        heir = rest[0]
        head = {"relationship_codes": "02", "relationship_text": relationship_text("02")}
        _change(town, heir, **head, **_changed(town, "13"))
        _householder_named(town, row["household_number"], heir["name"])


def _householder_named(town: Town, household: str, name: str) -> None:
    for row in town.members(household):
        _change(town, row, householder_name=name)


def _end_seal(town: Town, row: Row, reason: str, status: str) -> None:
    values = {"seal_status": status, "cancel_reason": reason, **day("cancelled_on", town.today)}
    absent = town.format.layout.absent.get("seal", {})
    town.change("seal", (row["addressee_number"],), **{key: one for key, one in values.items() if key not in absent})


def _seal_status(town: Town, row: Row) -> str | None:
    seal = town.records["seal"].get((row["addressee_number"],))
    return seal["seal_status"] if seal else None


def _family_of(row: Row) -> Family:
    return Family(
        number=row["household_number"],
        surname=Name(row["name"].split("　")[0], (row["name_kana"] or "").split("　")[0]),
        lot=row["address_lot_number"],
        town_name=row["address_town"],
        katagaki=row["katagaki"],
        domicile=row["registered_domicile"] or "",
        settled_on=row["address_settled_on"],
    )


def _address_of(row: Row) -> Row:
    keys = (
        "address_prefecture",
        "address_municipality",
        "address_town",
        "address_lot_number",
        "katagaki",
        "postal_code",
    )
    return {key: row[key] for key in keys}
