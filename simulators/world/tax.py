"""Income tax (所得課税) with consistent arithmetic: incomes, deductions, levies; some exempt, some who filed nothing.

The rates are those of 2026 in a plain form; what counts here is that the sums agree, not that a tax office would sign.
"""

from __future__ import annotations

import random

from simulators.world.rows import Row, row
from simulators.world.town import TAX_YEAR, Town, years

NOT_FILED_SHARE, DEPENDANT_SHARE = 0.02, 0.10
BASIC_DEDUCTION = 430_000


def income(town: Town, resident: Row) -> Row:
    """The newest year's row of a resident of 1 January."""
    rng = town.rng
    shared = {
        "addressee_number": resident["addressee_number"],
        "fiscal_year": TAX_YEAR,
        "address_on_january_1": full_address(resident),
        "issuance_stop": "0",
    }
    draw = rng.random()
    if draw < NOT_FILED_SHARE:
        return row("tax", **shared, filing_kind="2")
    if draw < NOT_FILED_SHARE + DEPENDANT_SHARE and resident["relationship_codes"] != "02":
        return row("tax", **shared, filing_kind="3")
    return row("tax", **shared, filing_kind="1", **amounts(rng, years(resident, town.today)))


def full_address(resident: Row) -> str:
    """The address as one text."""
    keys = ("address_prefecture", "address_municipality", "address_town", "address_lot_number")
    return "".join(resident[key] or "" for key in keys)


def amounts(rng: random.Random, age: int) -> dict[str, int | str]:
    """Incomes, deductions and levies that agree with each other (yen)."""
    incomes = _incomes(rng, age)
    deductions = _deductions(rng, incomes["total_income"])
    taxable = max(0, incomes["total_income"] - deductions["deductions_total"]) // 1000 * 1000
    exempt = incomes["total_income"] <= 450_000
    taxes = {
        "municipal_income_levy": 0 if exempt else taxable * 6 // 100 // 100 * 100,
        "municipal_per_capita_levy": 0 if exempt else 3_000,
        "prefectural_income_levy": 0 if exempt else taxable * 4 // 100 // 100 * 100,
        "prefectural_per_capita_levy": 0 if exempt else 1_000,
        "forest_environment_tax": 0 if exempt else 1_000,
    }
    dependants = {"general_dependants": rng.randint(0, 2), "specific_dependants": 0, "elderly_dependants": 0}
    people: dict[str, int | str] = {
        **dependants,
        "dependants_under_16": rng.randint(0, 2),
        "disabled_dependants": 0,
        "spouse_kind": "0",
    }
    return {**incomes, **deductions, **people, **taxes, "taxable_income": taxable, "annual_tax": sum(taxes.values())}


def _incomes(rng: random.Random, age: int) -> dict[str, int]:
    salary = (
        0 if age >= 70 else rng.choice((0, 900_000, 2_400_000, 3_600_000, 5_200_000)) + rng.randrange(0, 600_000, 1000)
    )
    pension = rng.randrange(600_000, 2_600_000, 1000) if age >= 65 else 0
    business = rng.randrange(-300_000, 4_000_000, 1000) if rng.random() < 0.08 else 0
    farm = rng.randrange(-200_000, 900_000, 1000) if rng.random() < 0.06 else 0
    salary_income = max(0, salary - 650_000) if salary <= 1_900_000 else salary * 7 // 10 - 80_000
    pension_income = max(0, pension - 1_100_000)
    return {
        "salary_receipts": salary,
        "salary_income": salary_income,
        "pension_receipts": pension,
        "miscellaneous_income": pension_income,
        "business_income": business,
        "farm_income": farm,
        "total_income": salary_income + pension_income + business + farm,
    }


def _deductions(rng: random.Random, total: int) -> dict[str, int]:
    social = max(0, total) * 14 // 100 // 1000 * 1000
    each = {
        "social_insurance_deduction": social,
        "life_insurance_deduction": rng.choice((0, 28_000, 56_000, 70_000)),
        "earthquake_insurance_deduction": rng.choice((0, 0, 12_000)),
        "spouse_deduction": rng.choice((0, 0, 330_000)),
        "medical_expense_deduction": rng.choice((0, 0, 0, 64_000)),
        "basic_deduction": BASIC_DEDUCTION,
    }
    return {**each, "deductions_total": sum(each.values())}
