"""What happens in a town (異動): births, moves, marriages, corrections, seals, tax. Each event changes the truth and leaves
the after-images that the vendor will send. Deterministic by the town's own random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from simulators.world import households, names, seals, tax
from simulators.world.changes import change, changed, end_seal, leaves, may_be, seal_in_force, set_relationship
from simulators.world.households import Family, surname_of
from simulators.world.names import FEMALE, MALE
from simulators.world.rows import Row, day, worded
from simulators.world.structure import Member
from simulators.world.town import Town, key_of, years

Event = Callable[[Town], None]


def happen(town: Town, count: int = 1) -> None:
    """``count`` events drawn by how often they happen in a small town."""
    for _ in range(count):
        town.rng.choices(list(WEIGHTS), cum_weights=_CUMULATIVE)[0](town)


def birth(town: Town) -> None:
    """出生: a child joins a household whose householder is of the age for it."""
    head = town.someone(lambda row: _heads(row) and row["resident_kind"] == "1" and 19 <= years(row, town.today) <= 48)
    if head is not None:
        member = Member("20", town.rng.choice((MALE, FEMALE)), 0)
        child = households.japanese(town, _family_of(head), member, head["name"])
        born = town.today - timedelta(days=town.rng.randint(0, 13))
        days = {**day("birth_on", born), **day("became_resident_on", born), **day("address_settled_on", born)}
        empty = {"address_before_move_in": None, "previous_address": None}
        town.put("resident", {**child, **days, **changed(town, "11"), **_address_of(head), **empty})


def death(town: Town) -> None:
    """死亡: the resident record is removed and the seal registration ends; another member may become householder."""
    row = town.someone(lambda row: years(row, town.today) >= 60)
    if row is not None:
        leaves(town, row, status="3", reason="22", seal_reason="04")


def move_out(town: Town) -> None:
    """転出: those who filed a notice first, else one person or a whole household; the seal registrations end."""
    row = town.someone(lambda row: row["move_out_planned_on"] is not None) if town.rng.random() < 0.5 else None
    row = row or town.someone(lambda row: True)
    if row is not None:
        whole = _heads(row) and town.rng.random() < 0.7
        for one in reversed(town.members(row["household_number"])) if whole else (row,):
            leaves(town, one, status="2", reason="21", seal_reason="03")


def move_out_notice(town: Town) -> None:
    """転出届: filed today, the moving day lies ahead; from now on nothing may be issued."""
    row = town.someone(lambda row: row["move_out_planned_on"] is None)
    if row is not None:
        planned = town.today + timedelta(days=town.rng.randint(1, 20))
        change(town, row, **day("move_out_planned_on", planned), **changed(town, "20"))


def move_in(town: Town) -> None:
    """転入: a new household."""
    came_from = f"{town.rng.choice(households.ELSEWHERE)}{households.lot_number(town.rng)}"
    moved = {"address_before_move_in": came_from, "previous_address": None}
    settled = {**day("address_settled_on", town.today), **day("became_resident_on", town.today)}
    stays = day("move_out_planned_on", None)
    for row in households.household(town):
        town.put("resident", {**row, **moved, **settled, **stays, **changed(town, "10")})


def move_within(town: Town) -> None:
    """転居: a whole household moves to another address in the town."""
    head = town.someone(_heads)
    if head is not None:
        old, lot = tax.full_address(head), households.lot_number(town.rng)
        moved = {"address_town": town.rng.choice(households.TOWNS), "address_lot_number": lot, "katagaki": None}
        settled = day("address_settled_on", town.today)
        for row in town.members(head["household_number"]):
            change(town, row, **moved, **settled, previous_address=old, **changed(town, "12"))


def name_change(town: Town) -> None:
    """氏名変更: a new given name; who is householder changes the householder's name of all members."""
    row = town.someone(lambda row: row["resident_kind"] == "1")
    if row is not None:
        given, surname = names.given(town.rng, row["sex"]), surname_of(row)
        _renamed(town, row, f"{surname.text}　{given.text}", f"{surname.kana}　{given.kana}", "16")


def former_surname(town: Town) -> None:
    """旧氏記載."""
    row = town.someone(lambda row: row["resident_kind"] == "1" and row["former_surname"] is None)
    if row is not None:
        former = names.surname(town.rng)
        change(town, row, former_surname=former.text, former_surname_kana=former.kana, **changed(town, "17"))


def common_name(town: Town) -> None:
    """通称記載, or its removal."""
    row = town.someone(lambda row: row["resident_kind"] == "2")
    if row is not None:
        surname, given = names.surname(town.rng), names.given(town.rng, row["sex"])
        text = None if row["common_name"] else f"{surname.text}　{given.text}"
        kana = f"{surname.kana}　{given.kana}" if text and may_be(town, "common_name_kana") else None
        change(town, row, common_name=text, common_name_kana=kana, **changed(town, "18"))
        if text is None and (seal := seal_in_force(town, row)) and seal["name_form"] == seals.COMMON:
            end_seal(town, row, "05")


def residence_extended(town: Town) -> None:
    """在留資格変更: a new 在留期間 and a new card."""
    row = town.someone(lambda row: row["residence_period_ends_on"] is not None)
    if row is not None:
        ends = day("residence_period_ends_on", row["residence_period_ends_on"] + timedelta(days=365), western=True)
        card = f"{row['residence_card_number'][:2]}{town.rng.randrange(10**8):08d}ZZ"
        change(town, row, residence_card_number=card, **ends, **changed(town, "19"))


def marriage(town: Town) -> None:
    """婚姻: a grown child leaves the household and founds one with a partner who moves in; one of the two takes a new name."""
    row = town.someone(lambda row: row["relationship_codes"] == "20" and _japanese_adult(town, row))
    if row is None:
        return
    family = households.new_family(town, surname_of(row))
    family.settled_on = town.today
    partner_code, sex = ("12", FEMALE) if row["sex"] == MALE else ("11", MALE)
    domicile = f"{town.municipality.prefecture}{households.place(town)}{family.town_name}{family.lot}"
    family.registers["couple"] = (domicile, row["name"])
    age = max(19, years(row, town.today) + town.rng.randint(-4, 4))
    partner = households.japanese(town, family, Member(partner_code, sex, age), row["name"])
    moved = {**households.address(town, family), **day("address_settled_on", town.today)}
    own = {
        "household_number": family.number,
        "previous_address": tax.full_address(row),
        "householder_name": row["name"],
    }
    register = {"registered_domicile": domicile, "family_register_head": row["name"]}
    change(town, row, **set_relationship("02"), **own, **register, **moved, **changed(town, "14"))
    came = {**day("became_resident_on", town.today), "address_before_move_in": f"{households.ELSEWHERE[0]}1番地"}
    town.put("resident", {**partner, **moved, **came, "previous_address": None, **changed(town, "10")})


def divorce(town: Town) -> None:
    """離婚: husband or wife takes the name from before, and lives alone at a new address."""
    row = town.someone(lambda row: row["relationship_codes"] in ("11", "12") and row["resident_kind"] == "1")
    if row is None:
        return
    surname = names.surname(town.rng)
    family = households.new_family(town, surname)
    given, given_kana = row["name"].split("　")[-1], row["name_kana"].split("　")[-1]
    name = f"{surname.text}　{given}"
    moved = {**households.address(town, family), **day("address_settled_on", town.today)}
    own = {"household_number": family.number, "previous_address": tax.full_address(row), "householder_name": name}
    register = {"registered_domicile": f"{households.ELSEWHERE[0]}{family.lot}", "family_register_head": name}
    change(town, row, **set_relationship("02"), **own, **register, **moved, **changed(town, "15"))
    kana = f"{surname.kana}　{given_kana}"
    _renamed(town, town.records["resident"][key_of("resident", row)], name, kana, "15")
    if seal_in_force(town, row):
        end_seal(town, row, "05")


def correction(town: Town) -> None:
    """職権修正: a domicile corrected, or a birth day that is known only in words."""
    if town.rng.random() < 0.3:
        row = town.someone(lambda row: row["resident_kind"] == "1" and years(row, town.today) >= 80)
        if row is not None:
            change(town, row, **worded("birth_on", None, "5", "昭和の初め頃"), **changed(town, "30"))
            return
    row = town.someone(lambda row: row["resident_kind"] == "1")
    if row is not None:
        domicile = f"{households.place(town)}{town.rng.choice(households.TOWNS)}{households.lot_number(town.rng)}"
        for one in _same_register(town, row):
            change(town, one, registered_domicile=f"{town.municipality.prefecture}{domicile}", **changed(town, "30"))


def ex_officio_removal(town: Town) -> None:
    """職権消除: nobody lives there any more."""
    row = town.someone(lambda row: True)
    if row is not None:
        leaves(town, row, status="9", reason="23", seal_reason="06")


def support_measure(town: Town) -> None:
    """支援措置: begins or ends for a whole household."""
    row = town.someone(_heads)
    if row is not None:
        measure = "0" if row["support_measure"] == "1" else "1"
        for one in town.members(row["household_number"]):
            change(town, one, support_measure=measure, **changed(town, "40"))


def entered_by_mistake(town: Town) -> None:
    """A record that should never have been entered is deleted (更新区分 3), with the seal and every year's tax."""
    row = town.someone(lambda row: not _heads(row))
    if row is not None:
        number = row["addressee_number"]
        town.remove("resident", (number,))
        for feed in ("seal", "tax"):
            for key in [key for key in town.records[feed] if key[0] == number]:
                town.remove(feed, key)


def seal_registered(town: Town) -> None:
    """印鑑登録: a new registration, or another seal for a cancelled one."""
    row = town.someone(lambda row: years(row, town.today) >= 15 and seal_in_force(town, row) is None)
    if row is not None:
        town.put("seal", {**seals.registration(town, row), **day("registered_on", town.today)})


def seal_cancelled(town: Town) -> None:
    """印鑑登録廃止."""
    row = town.someone(lambda row: seal_in_force(town, row) is not None)
    if row is not None:
        end_seal(town, row, "01")


def seal_lost(town: Town) -> None:
    """亡失: the registration is suspended."""
    row = town.someone(lambda row: seal_in_force(town, row) is not None)
    if row is not None:
        end_seal(town, row, "02", status="2")


def tax_correction(town: Town) -> None:
    """更正: the newest year's amounts change; now and then those of the year before."""
    row = town.someone(lambda row: (row["addressee_number"], town.tax_year) in town.records["tax"])
    if row is not None:
        year = town.tax_year - (town.rng.random() < 0.15)
        _assess(town, town.members(row["household_number"]), year, only=row["addressee_number"])


def june_tax_day(town: Town) -> None:
    """当初課税: the new fiscal year begins, and the rows of all taxpayers come at once."""
    town.tax_year += 1
    for head in [row for row in town.active() if _heads(row)]:
        _assess(town, town.members(head["household_number"]), town.tax_year)


WEIGHTS: dict[Event, int] = {
    birth: 6,
    death: 12,
    move_out: 10,
    move_out_notice: 6,
    move_in: 12,
    move_within: 12,
    name_change: 3,
    former_surname: 2,
    common_name: 1,
    residence_extended: 3,
    marriage: 4,
    divorce: 2,
    correction: 6,
    ex_officio_removal: 1,
    support_measure: 2,
    entered_by_mistake: 1,
    seal_registered: 12,
    seal_cancelled: 4,
    seal_lost: 2,
    tax_correction: 10,
}
_CUMULATIVE = [sum(list(WEIGHTS.values())[: number + 1]) for number in range(len(WEIGHTS))]
ALL: dict[str, Event] = {event.__name__: event for event in (*WEIGHTS, june_tax_day)}


def _assess(town: Town, members: Iterable[Row], year: int, only: str | None = None) -> None:
    for row in tax.household(town, list(members), year):
        if only in (None, row["addressee_number"]):
            town.put("tax", row)


def _renamed(town: Town, row: Row, name: str, kana: str, reason: str) -> None:
    """A new name, and wherever it stands for others: as householder's, as 筆頭者's."""
    register = _same_register(town, row) if row["family_register_head"] == row["name"] else []
    change(town, row, name=name, name_kana=kana, **changed(town, reason))
    if _heads(row):
        for one in town.members(row["household_number"]):
            change(town, one, householder_name=name)
    for one in register:
        change(town, town.records["resident"][key_of("resident", one)], family_register_head=name)


def _same_register(town: Town, row: Row) -> list[Row]:
    """Members of the household who are in one 戸籍 with ``row``, and ``row``."""
    register = (row["registered_domicile"], row["family_register_head"])
    rows = town.members(row["household_number"])
    return [one for one in rows if (one["registered_domicile"], one["family_register_head"]) == register]


def _heads(row: Row) -> bool:
    return bool(row["relationship_codes"] == "02")


def _japanese_adult(town: Town, row: Row) -> bool:
    return row["resident_kind"] == "1" and 19 <= years(row, town.today) < 60


def _family_of(row: Row) -> Family:
    """The household of ``row`` as new members of it need it."""
    family = Family(
        number=row["household_number"],
        surname=surname_of(row),
        lot=row["address_lot_number"],
        town_name=row["address_town"],
        katagaki=row["katagaki"],
        settled_on=row["address_settled_on"],
        came_from=None,
    )
    if row["registered_domicile"]:
        family.registers["couple"] = (row["registered_domicile"], row["family_register_head"])
    return family


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
