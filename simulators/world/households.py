"""Households: who lives together, with names, relationships, addresses and register items."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from records.code_lists import relationship_text
from simulators.world import names
from simulators.world.names import FEMALE, MALE, Name
from simulators.world.rows import Row, day, individual_number, resident_record_code, row, worded
from simulators.world.town import Town, days_before

RARE_SHARE = 0.04
FOREIGN_SHARE = 0.025
ELSEWHERE = (
    "徳島県徳島市幸町",
    "大阪府大阪市北区梅田",
    "香川県高松市番町",
    "東京都中野区中野",
    "兵庫県神戸市中央区加納町",
)
TOWNS = ("大字中央", "大字東山", "大字西谷", "大字南原", "大字北野", "字川上", "字川下", "字宮前")
BUILDINGS = ("コーポ見本", "メゾン架空", "町営住宅第２団地", "ハイツひかり")
STATUSES = (
    ("永住者", None),
    ("技能実習２号ロ", "１年"),
    ("特定技能１号", "１年"),
    ("留学", "２年"),
    ("定住者", "３年"),
)


class Member(NamedTuple):
    """One person to be: relationship codes (続柄), sex, age."""

    relationship: str
    sex: str
    age: int


class Family(NamedTuple):
    """What the members of one household share."""

    number: str
    surname: Name
    lot: str
    town_name: str
    katagaki: str | None
    domicile: str
    settled_on: date


def household(town: Town, most: int) -> Iterator[Row]:
    """The rows of one new household of at most ``most`` people (at least one)."""
    rng = town.rng
    if rng.random() < FOREIGN_SHARE:
        yield _foreigner(town)
        return
    rare = rng.choice(town.format.spell.targets) if town.format.spell.targets and rng.random() < RARE_SHARE else None
    family = _family(town, names.rare_surname(rng, rare) if rare else names.surname(rng))
    householder = ""
    for member in _members(rng)[: max(most, 1)]:
        made = japanese(town, family, member, householder)
        householder = householder or made["name"]
        yield made


def _members(rng: random.Random) -> list[Member]:
    """A structure as rural towns have it: singles, couples, families, three generations, single parents."""
    kind = rng.choices(
        ("elder", "single", "couple", "family", "three", "parent", "unfiled"), (14, 18, 22, 26, 12, 6, 2)
    )[0]
    if kind == "elder":
        return [Member("02", rng.choice((MALE, FEMALE)), rng.randint(70, 99))]
    if kind == "single":
        return [Member("02", rng.choice((MALE, FEMALE)), rng.randint(19, 69))]
    age = rng.randint(60, 88) if kind == "couple" and rng.random() < 0.6 else rng.randint(26, 58)
    head = Member("02", MALE if rng.random() < 0.85 else FEMALE, age)
    partner = _partner(head, kind == "unfiled", rng)
    children = [
        Member("20", rng.choice((MALE, FEMALE)), max(0, age - rng.randint(24, 34))) for _ in range(rng.randint(1, 3))
    ]
    if kind == "family":
        return [head, partner, *children]
    if kind == "parent":
        return [head, *children]
    if kind == "three":
        parents = [Member("52", FEMALE, age + 26)] + ([Member("51", MALE, age + 28)] if rng.random() < 0.5 else [])
        grandchildren = [Member("2020", FEMALE, 1)] if children[0].age >= 22 and rng.random() < 0.5 else []
        return [head, partner, *children, *parents, *grandchildren]
    return [head, partner]


def _partner(head: Member, unfiled: bool, rng: random.Random) -> Member:
    wife, husband = ("14", "13") if unfiled else ("12", "11")
    sex, code = (FEMALE, wife) if head.sex == MALE else (MALE, husband)
    return Member(code, sex, max(19, head.age + rng.randint(-6, 4)))


def _family(town: Town, surname: Name) -> Family:
    rng = town.rng
    town_name, lot = rng.choice(TOWNS), f"{rng.randint(1, 4000)}番地{rng.choice(('', '1', '2', '3'))}"
    flat = rng.random() < 0.15
    return Family(
        number=town.next_number(),
        surname=surname,
        lot=lot,
        town_name=town_name,
        katagaki=f"{rng.choice(BUILDINGS)}{rng.randint(101, 409)}号" if flat else None,
        domicile=f"{town.municipality.prefecture}{place(town)}{town_name}{rng.randint(1, 4000)}番地",
        settled_on=days_before(rng, town.today, 40, 16_000),
    )


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


def japanese(town: Town, family: Family, member: Member, householder: str) -> Row:
    """One Japanese resident of the family."""
    rng = town.rng
    given = names.given(rng, member.sex)
    name = f"{family.surname.text}　{given.text}"
    born = town.today - timedelta(days=member.age * 365 + member.age // 4 + rng.randint(0, 364))
    settled = max(born, family.settled_on)
    former = names.surname(rng) if member.relationship in ("12", "11") and rng.random() < 0.08 else None
    moved_in = rng.random() < 0.5 and settled != born
    return row(
        "resident",
        **_common(town, family, settled),
        **day("became_resident_on", settled),
        **_birth(rng, born),
        resident_kind="1",
        name=name,
        name_kana=f"{family.surname.kana}　{given.kana}",
        former_surname=former.text if former else None,
        former_surname_kana=former.kana if former else None,
        sex=member.sex,
        relationship_codes=member.relationship,
        relationship_text=relationship_text(member.relationship),
        householder_name=householder or name,
        address_before_move_in=f"{rng.choice(ELSEWHERE)}{rng.randint(1, 30)}番地" if moved_in else None,
        previous_address=f"{family.domicile}" if not moved_in and rng.random() < 0.3 else None,
        registered_domicile=family.domicile,
        family_register_head=householder or name,
    )


def _birth(rng: random.Random, born: date) -> Row:
    """Nearly always a plain day; a few are 不詳, or a day that no calendar has, as real registers hold them."""
    draw = rng.random()
    if born.year < 1950 and draw < 0.01:
        return (
            worded("birth_on", None, "1", f"昭和{born.year - 1925}年{born.month}月日不詳")
            if born.year > 1926
            else day("birth_on", born)
        )
    if 1930 < born.year < 1950 and draw < 0.015:
        return worded("birth_on", None, "4", f"昭和{born.year - 1925}年2月30日")
    if born == date(1926, 12, 25):
        return worded("birth_on", born, "0", "大正15年12月25日")
    return day("birth_on", born)


def _common(town: Town, family: Family, settled: date) -> Row:
    return {
        **address(town, family),
        **day("address_settled_on", settled),
        **day("changed_on", settled),
        **day("filed_on", settled),
        "addressee_number": town.next_number(),
        "household_number": family.number,
        "resident_record_code": resident_record_code(town.rng),
        "individual_number": individual_number(town.rng),
        "resident_status": "1",
        "change_reason": "90",
        "support_measure": "0",
        "issuance_stop": "0",
    }


def _foreigner(town: Town) -> Row:
    """A foreign resident in a household of their own, with 在留資格 and sometimes a 通称."""
    rng = town.rng
    kana, roman, nationality = rng.choice(names.FOREIGN)
    family = _family(town, Name(roman, kana))
    status, period = rng.choice(STATUSES)
    born = days_before(rng, town.today, 19 * 365, 60 * 365)
    settled = days_before(rng, town.today, 40, 3_000)
    common = names.surname(rng) if rng.random() < 0.4 else None
    given = names.given(rng, MALE)
    ends = town.today + timedelta(days=rng.randint(30, 900)) if period else None
    return row(
        "resident",
        **_common(town, family, settled),
        **day("became_resident_on", settled),
        **day("birth_on", born, western=True),
        **day("residence_period_ends_on", ends, western=True),
        resident_kind="2",
        name=roman,
        name_roman=None if "name_roman" in town.format.layout.absent.get("resident", {}) else roman,
        name_kana=kana,
        common_name=f"{common.text}　{given.text}" if common else None,
        common_name_kana=_common_kana(town, common, given),
        sex=rng.choice((MALE, FEMALE)),
        relationship_codes="02",
        relationship_text=relationship_text("02"),
        householder_name=roman,
        nationality=nationality,
        residence_status=status,
        residence_period=period,
        residence_card_number=f"{rng.choice('ABUX')}{rng.choice('ABCX')}{rng.randrange(10**8):08d}{rng.choice('AZ')}{rng.choice('AZ')}",
        article_30_45_kind="中長期在留者",
    )


def _common_kana(town: Town, common: Name | None, given: Name) -> str | None:
    if common is None or "common_name_kana" in town.format.layout.absent.get("resident", {}):
        return None
    return f"{common.kana}　{given.kana}"
