"""Arithmetic of 個人住民税 for fiscal 2026 in yen: from receipts to incomes, deductions, levies, and who is exempt.

A plain form of 地方税法 第313条 to 第314条の3 and 給与所得控除 of 2025 incomes: no tax credits (税額控除, 調整控除) and no
separate taxation. What counts is that all sums agree; it claims no conformity with a tax office.
"""

from __future__ import annotations

BASIC, SPOUSE, ELDERLY_SPOUSE = 430_000, 330_000, 380_000
GENERAL, SPECIFIC, ELDERLY, ELDERLY_PARENT = 330_000, 450_000, 380_000, 450_000
SINGLE_PARENT, WIDOW, DISABILITY = 300_000, 260_000, 260_000
DEPENDANT_LIMIT = 580_000  # 合計所得金額 up to which someone is a dependant
SPECIAL_SPOUSE_LIMIT = 1_330_000
MUNICIPAL_PER_CAPITA, PREFECTURAL_PER_CAPITA, FOREST = 3_000, 1_000, 1_000


def salary_income(receipts: int) -> int:
    """給与所得 of 給与収入 (所得税法第28条: between 1.9 and 6.6 million by steps of 4,000)."""
    if receipts <= 1_900_000:
        return max(0, receipts - 650_000)
    quarter = receipts // 4_000 * 1_000
    if receipts < 3_600_000:
        return quarter * 28 // 10 - 80_000
    if receipts < 6_600_000:
        return quarter * 32 // 10 - 440_000
    if receipts < 8_500_000:
        return receipts * 9 // 10 - 1_100_000
    return receipts - 1_950_000


def pension_income(receipts: int, age: int) -> int:
    """雑所得 of 公的年金等収入; from 65 on at least 1,100,000 is deducted, before that 600,000."""
    least, from_ = (1_100_000, 3_300_000) if age >= 65 else (600_000, 1_300_000)
    if receipts <= from_:
        return max(0, receipts - least)
    if receipts <= 4_100_000:
        return receipts * 75 // 100 - 275_000
    return receipts * 85 // 100 - 685_000


def special_spouse(total: int) -> int:
    """配偶者特別控除 by the spouse's 合計所得金額."""
    steps = (
        (1_000_000, 330_000),
        (1_050_000, 310_000),
        (1_100_000, 260_000),
        (1_150_000, 210_000),
        (1_200_000, 160_000),
        (1_250_000, 110_000),
        (1_300_000, 60_000),
        (SPECIAL_SPOUSE_LIMIT, 30_000),
    )
    if total <= DEPENDANT_LIMIT:
        return 0
    return next((amount for limit, amount in steps if total <= limit), 0)


def levies(total: int, deductions: int, people: int, *, protected: bool = False) -> dict[str, int]:
    """課税標準額 and the five taxes. ``people``: the person, their spouse and dependants, also those under 16.

    ``protected``: widows, single parents and disabled people pay nothing up to 1,350,000 (地方税法第295条).
    """
    more = people > 1
    nothing = total <= 280_000 * people + 100_000 + 168_000 * more or (protected and total <= 1_350_000)
    no_levy = nothing or total <= 350_000 * people + 100_000 + 320_000 * more
    taxable = max(0, total - deductions) // 1_000 * 1_000
    taxes = {
        "municipal_income_levy": 0 if no_levy else taxable * 6 // 100 // 100 * 100,
        "municipal_per_capita_levy": 0 if nothing else MUNICIPAL_PER_CAPITA,
        "prefectural_income_levy": 0 if no_levy else taxable * 4 // 100 // 100 * 100,
        "prefectural_per_capita_levy": 0 if nothing else PREFECTURAL_PER_CAPITA,
        "forest_environment_tax": 0 if nothing else FOREST,
    }
    return {"taxable_income": taxable, **taxes, "annual_tax": sum(taxes.values())}
