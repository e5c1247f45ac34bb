"""Households become rows: names, addresses, family registers, the days of a life. Who lives together is in ``structure``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from records.code_lists import relationship_text
from simulators.world import foreigners, names, structure
from simulators.world.names import FEMALE, MALE, Name
from simulators.world.rows import Row, day, individual_number, resident_record_code, row, worded
from simulators.world.structure import ALONE, PARENTS, SIBLINGS, Member
from simulators.world.town import Town, days_before

RARE_SHARE = 0.04
FOREIGN_SHARE = 0.045
ELSEWHERE = (
    "徳島県徳島市幸町",
    "徳島県鳴門市撫養町南浜字東浜",
    "大阪府大阪市北区梅田",
    "香川県高松市番町",
    "愛媛県四国中央市三島宮川",
    "東京都中野区中野",
    "兵庫県神戸市中央区加納町",
)
TOWNS = (
    "大字中央",
    "大字東山",
    "大字西谷",
    "大字南原",
    "大字北野",
    "大字上村字宮ノ前",
    "字川上",
    "字川下",
    "字宮前",
    "字一本松",
)
BUILDINGS = ("コーポ見本", "メゾン架空", "町営住宅第２団地", "ハイツひかり", "特別養護老人ホームやすらぎ")


@dataclass(slots=True)
class Family:
    """What the members of one household share; ``registers`` gives 本籍 and 筆頭者 of each 戸籍 among them.

    ``husband``: the householder is a wife, and he lives with her.
    """

    number: str
    surname: Name
    lot: str
    town_name: str
    katagaki: str | None
    settled_on: date
    came_from: str | None
    registers: dict[str, tuple[str, str]] = field(default_factory=dict)
    husband: bool = False


def household(town: Town) -> list[Row]:
    """The rows of one new household, householder first."""
    rng = town.rng
    foreign = rng.random() < FOREIGN_SHARE
    plan = list(foreigners.plan(rng)) if foreign else structure.members(rng)
    origin = foreigners.origin(rng)
    family = new_family(town, _surname(town))
    family.husband = any(member.relationship == "11" for member in plan)
    householder, found = "", []
    for member in plan:
        made = resident(town, family, member, householder, origin)
        householder = householder or made["name"]
        found.append(made)
    return list(_marked(town, found))


def _surname(town: Town) -> Name:
    rng, targets = town.rng, town.format.spell.targets
    if targets and rng.random() < RARE_SHARE:
        return names.rare_surname(rng, rng.choice(targets))
    return names.surname(rng)


def new_family(town: Town, surname: Name) -> Family:
    """A household's number and address."""
    rng = town.rng
    flat = rng.random() < 0.15
    return Family(
        number=town.next_number(),
        surname=surname,
        lot=lot_number(rng),
        town_name=rng.choice(TOWNS),
        katagaki=f"{rng.choice(BUILDINGS)}{rng.randint(101, 409)}号" if flat else None,
        settled_on=days_before(rng, town.today, 40, 14_000),
        came_from=f"{rng.choice(ELSEWHERE)}{lot_number(rng)}" if rng.random() < 0.45 else None,
    )


def lot_number(rng: random.Random) -> str:
    """番地号表記."""
    return f"{rng.randint(1, 4000)}番地{rng.choice(('', '', '1', '2', '3の1'))}"


def place(town: Town) -> str:
    """市区郡町村 as addresses write it; 東みよし町 lies in 三好郡."""
    county = "三好郡" if town.municipality.code == "364894" else ""
    return county + town.municipality.name


def address(town: Town, family: Family) -> Row:
    """The columns of an address."""
    return {
        "address_prefecture": town.municipality.prefecture,
        "address_municipality": place(town),
        "address_town": family.town_name,
        "address_lot_number": family.lot,
        "katagaki": family.katagaki,
        "postal_code": None if "postal_code" in town.format.layout.absent.get("resident", {}) else "7790000",
    }


def resident(town: Town, family: Family, member: Member, householder: str, origin: foreigners.Origin) -> Row:
    """One resident of the family, Japanese or foreign."""
    rng = town.rng
    born = _birthday(town, member.age)
    person = foreigners.columns(town, member, origin) if member.foreign else _japanese(town, family, member)
    name = person["name"]
    register = {} if member.foreign else _register(town, family, member, name)
    return row(
        "resident",
        **_common(town, family, member, born),
        **(day("birth_on", born, western=True) if member.foreign else _birth(rng, born)),
        **person,
        **register,
        sex=member.sex,
        relationship_codes=member.relationship,
        relationship_text=relationship_text(member.relationship),
        householder_name=householder or name,
    )


def japanese(town: Town, family: Family, member: Member, householder: str) -> Row:
    """One Japanese resident of the family."""
    return resident(town, family, member._replace(foreign=False), householder, foreigners.ORIGINS[0])


def _japanese(town: Town, family: Family, member: Member) -> Row:
    rng = town.rng
    surname = names.surname(rng) if member.register == ALONE else family.surname
    given = names.given(rng, member.sex)
    married = member.relationship in ("12", "11", "2012") or (member.relationship == "02" and member.sex == FEMALE)
    former = names.surname(rng) if married and member.age < 65 and rng.random() < 0.10 else None
    return {
        "resident_kind": "1",
        "name": f"{surname.text}　{given.text}",
        "name_kana": f"{surname.kana}　{given.kana}",
        "former_surname": former.text if former else None,
        "former_surname_kana": former.kana if former else None,
    }


def _register(town: Town, family: Family, member: Member, name: str) -> Row:
    """本籍 and 筆頭者: the first member of each 戸籍 heads it, or a husband or father who is no longer there."""
    if member.register == ALONE or member.register not in family.registers:
        rng = town.rng
        widowed = member.sex == FEMALE and member.age >= 60 and rng.random() < 0.8 and not family.husband
        absent = f"{name.split('　', maxsplit=1)[0]}　{names.given(rng, MALE).text}"
        mother = member.register == PARENTS and member.sex == FEMALE
        head = absent if widowed or mother or member.register == SIBLINGS else name
        inside = f"{town.municipality.prefecture}{place(town)}{family.town_name}"
        domicile = f"{inside if rng.random() < 0.75 else rng.choice(ELSEWHERE)}{rng.randint(1, 4000)}番地"
        family.registers[member.register] = (domicile, head)
    domicile, head = family.registers[member.register]
    return {"registered_domicile": domicile, "family_register_head": head}


def _birthday(town: Town, age: int) -> date:
    """A day that makes someone ``age`` years old today."""
    latest = _years_before(town.today, age)
    earliest = _years_before(town.today, age + 1) + timedelta(days=1)
    return earliest + timedelta(days=town.rng.randint(0, (latest - earliest).days))


def _years_before(today: date, count: int) -> date:
    try:
        return today.replace(year=today.year - count)
    except ValueError:
        return today.replace(year=today.year - count, day=28)


def _birth(rng: random.Random, born: date) -> Row:
    """Nearly always a plain day; a few are 不詳, or a day that no calendar has, as real registers hold them."""
    draw, era_year = rng.random(), born.year - 1925
    if date(1927, 1, 1) <= born < date(1950, 1, 1):
        if draw < 0.004:
            return worded("birth_on", None, "1", f"昭和{era_year}年{born.month}月日不詳")
        if draw < 0.006:
            return worded("birth_on", None, "2", f"昭和{era_year}年月日不詳")
        if draw < 0.009:
            return worded("birth_on", None, "4", f"昭和{era_year}年2月30日")
    if born == date(1926, 12, 25):
        return worded("birth_on", born, "0", "大正15年12月25日")
    return day("birth_on", born)


def _common(town: Town, family: Family, member: Member, born: date) -> Row:
    return {
        **address(town, family),
        **_days(town, family, member, born),
        "addressee_number": town.next_number(),
        "household_number": family.number,
        "resident_record_code": resident_record_code(town.rng),
        "individual_number": individual_number(town.rng),
        "resident_status": "1",
        "support_measure": "0",
        "issuance_stop": "0",
    }


def _days(town: Town, family: Family, member: Member, born: date) -> Row:
    """住民となった日, 住定日, and the newest change: born here, moved in from elsewhere, or moved within the town."""
    rng = town.rng
    settled = max(born, family.settled_on)
    came_from, previous = (family.came_from, None) if settled > born else (None, None)
    became, reason = (settled, "10") if came_from else (born, "11" if settled == born else "12")
    if reason == "12" or (came_from and rng.random() < 0.15):
        earlier = (settled - born).days
        became = became if reason == "12" else born + timedelta(days=rng.randint(0, earlier))
        reason, previous = "12", f"{town.municipality.prefecture}{place(town)}{rng.choice(TOWNS)}{lot_number(rng)}"
    filed = min(town.today, settled + timedelta(days=rng.randint(0, 13)))
    return {
        **day("address_settled_on", settled),
        **day("became_resident_on", became),
        **day("changed_on", settled),
        **day("filed_on", filed),
        "change_reason": "90" if settled.year < 2005 else reason,
        "address_before_move_in": came_from,
        "previous_address": previous,
    }


def _marked(town: Town, rows: list[Row]) -> Iterator[Row]:
    """A few households under 支援措置, a few people who have filed 転出届 or whose certificates are stopped."""
    rng = town.rng
    measure = "1" if rng.random() < 0.003 else "0"
    for one in rows:
        marks: Row = {"support_measure": measure, "issuance_stop": "1" if rng.random() < 0.001 else "0"}
        if rng.random() < 0.0015:
            filed = days_before(rng, town.today, 0, 7)
            marks |= {
                **day("move_out_planned_on", town.today + timedelta(days=rng.randint(1, 20))),
                **day("filed_on", filed),
            }
            marks |= {**day("changed_on", filed), "change_reason": "20"}
        yield {**one, **marks}


def removed(town: Town, rows: list[Row]) -> list[Row]:
    """Now and then somebody who has died or moved out of this household, and is still in the vendor's register (除票)."""
    rng = town.rng
    if rng.random() >= 0.04 or rows[0]["resident_kind"] == "2":
        return []
    head, gone = rows[0], days_before(rng, town.today, 30, 1_500)
    family = Family(head["household_number"], surname_of(head), "", "", None, gone, None)
    status, reason, age = rng.choice((("3", "22", rng.randint(76, 97)), ("2", "21", rng.randint(22, 40))))
    code = "52" if status == "3" else "20"
    made = resident(town, family, Member(code, FEMALE, age, ALONE), head["name"], foreigners.ORIGINS[0])
    columns = ("address_prefecture", "address_municipality", "address_town", "address_lot_number", "katagaki")
    ended = {"resident_status": status, "change_reason": reason, "move_out_planned_on": None}
    days = {**day("removed_on", gone), **day("changed_on", gone), **day("filed_on", gone)}
    return [{**made, **{name: head[name] for name in columns}, **ended, **days, "householder_name": head["name"]}]


def surname_of(row: Row) -> Name:
    """氏 of a Japanese resident."""
    return Name(row["name"].split("　")[0], (row["name_kana"] or "").split("　")[0])
