"""Income tax (所得課税) of a household: who earns, who is whose dependant, who filed nothing. Sums: ``tax_rules``."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from simulators.world import tax_rules as rules
from simulators.world.rows import Row, row
from simulators.world.town import Town, years

INCOMES = ("salary_income", "miscellaneous_income", "business_income", "farm_income", "real_estate_income")
COUPLE = {"02", "11", "12"}
STRANGERS = {"13", "14", "96", "99"}
ASCENDANTS = ("51", "52", "1252", "1152", "1151")


@dataclass(slots=True)
class Person:
    """A member of the household with their incomes in yen."""

    row: Row
    age: int
    amounts: dict[str, int]

    @property
    def total(self) -> int:
        """合計所得金額."""
        return sum(self.amounts.get(name, 0) for name in INCOMES)

    @property
    def relationship(self) -> str:
        """続柄コード."""
        return str(self.row["relationship_codes"])


def household(town: Town, members: Sequence[Row], year: int | None = None) -> list[Row]:
    """Rows of one fiscal year for the adults of a household who were residents on 1 January."""
    year = year or town.tax_year
    january = date(year, 1, 1)
    here = [one for one in members if _was_here(one, january)]
    people = [_person(town.rng, one, years(one, january)) for one in here]
    adults = [person for person in people if person.age >= 18]
    family = [person for person in adults if person.relationship not in STRANGERS]
    earner = max(family, key=lambda person: person.total, default=None)
    return [_row(town, year, person, people, earner) for person in adults]


def full_address(resident: Row) -> str:
    """The address as one text."""
    keys = ("address_prefecture", "address_municipality", "address_town", "address_lot_number")
    return "".join(resident[key] or "" for key in keys)


def _was_here(resident: Row, january: date) -> bool:
    """Whether someone was a resident on 1 January; nobody is taxed here who came later."""
    became = resident["became_resident_on"]
    return became is None or became <= january


def _person(rng: random.Random, resident: Row, age: int) -> Person:
    salary = _salary(rng, resident, age)
    pension = rng.randrange(500_000, 2_700_000, 1_000) if age >= 65 else 0
    if 60 <= age < 65 and rng.random() < 0.15:
        pension = rng.randrange(300_000, 1_200_000, 1_000)
    amounts = {
        "salary_receipts": salary,
        "salary_income": rules.salary_income(salary),
        "pension_receipts": pension,
        "miscellaneous_income": rules.pension_income(pension, age),
    }
    if age >= 20:
        chances = (
            ("business_income", 0.07, -300_000),
            ("farm_income", 0.07, -200_000),
            ("real_estate_income", 0.03, 0),
        )
        for name, chance, lowest in chances:
            if rng.random() < chance:
                amounts[name] = rng.randrange(lowest, 2_800_000, 1_000)
    return Person(resident, age, amounts)


def _salary(rng: random.Random, resident: Row, age: int) -> int:
    working = 0.0 if age < 18 else 0.35 if age < 22 else 0.82 if age < 60 else 0.55 if age < 70 else 0.06
    if resident["relationship_codes"] == "12":
        working *= 0.85
    if rng.random() >= working:
        return 0
    middle = 1_100_000 if age < 22 or resident["relationship_codes"] == "12" or age >= 65 else 3_300_000
    return int(rng.triangular(400_000, 8_800_000 if middle > 2_000_000 else 4_200_000, middle)) // 1_000 * 1_000


def _row(town: Town, year: int, person: Person, people: Sequence[Person], earner: Person | None) -> Row:
    shared: Row = {
        "addressee_number": person.row["addressee_number"],
        "fiscal_year": year,
        "address_on_january_1": full_address(person.row),
        "issuance_stop": "0",
    }
    kind = _filing_kind(town.rng, person, earner)
    if kind != "1":
        return row("tax", **shared, filing_kind=kind)
    spouse, dependants = _supported(person, people, earner)
    return row("tax", **shared, filing_kind="1", **_assessed(town.rng, person, spouse, dependants))


def _filing_kind(rng: random.Random, person: Person, earner: Person | None) -> str:
    """Whoever has receipts filed; of the others some are dependants who did not, some simply did not."""
    if any(person.amounts.values()):
        return "1"
    supported = earner is not None and person is not earner and person.relationship not in STRANGERS
    if supported:
        return "3" if rng.random() < 0.6 else "1"
    return "2" if rng.random() < 0.3 else "1"


def _supported(
    person: Person, people: Sequence[Person], earner: Person | None
) -> tuple[Person | None, Sequence[Person]]:
    """The spouse, and everybody whom the household's first earner supports."""
    couple = person.relationship in COUPLE
    spouse = next((one for one in people if couple and one is not person and one.relationship in COUPLE), None)
    if person is not earner:
        return (spouse if spouse is not earner else None), ()
    others = [one for one in people if one is not person and one is not spouse and one.relationship not in STRANGERS]
    return spouse, [one for one in others if one.total <= rules.DEPENDANT_LIMIT]


def _assessed(rng: random.Random, person: Person, spouse: Person | None, dependants: Sequence[Person]) -> Row:
    counts = _counts(spouse, dependants)
    single_parent = spouse is None and any(one.age < 23 for one in dependants) and person.relationship == "02"
    each = {
        "social_insurance_deduction": max(0, person.total) * 14 // 100 // 1_000 * 1_000,
        "life_insurance_deduction": rng.choice((0, 28_000, 56_000, 70_000)) if person.total > 0 else 0,
        "earthquake_insurance_deduction": rng.choice((0, 0, 12_000)) if person.total > 0 else 0,
        "medical_expense_deduction": rng.choice((0, 0, 0, 0, 64_000)) if person.total > 0 else 0,
        "widow_or_single_parent_deduction": rules.SINGLE_PARENT if single_parent else 0,
        "disability_deduction": rules.DISABILITY * counts["disabled_dependants"],
        "spouse_deduction": _spouse_deduction(spouse),
        "special_spouse_deduction": rules.special_spouse(spouse.total) if spouse else 0,
        "dependant_deduction": _dependant_deduction(dependants),
        "basic_deduction": rules.BASIC,
    }
    deductions = sum(each.values())
    people = 1 + (counts["spouse_kind"] != "0") + len(dependants)
    return {
        **person.amounts,
        "total_income": person.total,
        **each,
        "deductions_total": deductions,
        **counts,
        **rules.levies(person.total, deductions, people, protected=single_parent),
    }


def _counts(spouse: Person | None, dependants: Sequence[Person]) -> Row:
    kind = "0" if spouse is None or spouse.total > rules.DEPENDANT_LIMIT else "2" if spouse.age >= 70 else "1"
    groups = [_group(one.age) for one in dependants]
    names = ("general_dependants", "specific_dependants", "elderly_dependants", "dependants_under_16")
    disabled = sum(int(str(one.row["addressee_number"])) % 41 == 0 for one in dependants)
    return {"spouse_kind": kind, **{name: groups.count(name) for name in names}, "disabled_dependants": disabled}


def _group(age: int) -> str:
    if age < 16:
        return "dependants_under_16"
    if 19 <= age < 23:
        return "specific_dependants"
    return "elderly_dependants" if age >= 70 else "general_dependants"


def _spouse_deduction(spouse: Person | None) -> int:
    if spouse is None or spouse.total > rules.DEPENDANT_LIMIT:
        return 0
    return rules.ELDERLY_SPOUSE if spouse.age >= 70 else rules.SPOUSE


def _dependant_deduction(dependants: Sequence[Person]) -> int:
    amounts = {"general_dependants": rules.GENERAL, "specific_dependants": rules.SPECIFIC, "dependants_under_16": 0}
    total = 0
    for one in dependants:
        elderly = rules.ELDERLY_PARENT if one.relationship in ASCENDANTS else rules.ELDERLY
        total += amounts.get(_group(one.age), elderly)
    return total
