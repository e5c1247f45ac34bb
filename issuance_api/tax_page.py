"""The page data of 所得課税証明書 and 非課税証明書: which income, deduction and tax item stands on which line.

Amounts in yen, worded. A dependant for whom nobody filed has no amounts: stars are printed (未申告の被扶養者).
"""

from __future__ import annotations

from typing import Any

from issuance_api import wording
from municipalities.registry import Municipality
from records.code_lists import label
from records.dictionary import items
from records.records import IncomeTax, Resident
from records.wareki import eras, fiscal_year

DEPENDANT_NOT_FILED = "3"
INCOMES = (
    "salary_receipts", "pension_receipts", "salary_income", "business_income", "farm_income", "real_estate_income",
    "interest_income", "dividend_income", "miscellaneous_income", "capital_gains_income", "occasional_income",
    "total_income",
)  # fmt: skip
DEDUCTIONS = (
    "casualty_loss_deduction", "medical_expense_deduction", "social_insurance_deduction",
    "small_enterprise_mutual_aid_deduction", "life_insurance_deduction", "earthquake_insurance_deduction",
    "disability_deduction", "widow_or_single_parent_deduction", "working_student_deduction", "spouse_deduction",
    "special_spouse_deduction", "dependant_deduction", "basic_deduction", "deductions_total",
)  # fmt: skip
DEPENDANTS = (
    "general_dependants", "specific_dependants", "elderly_dependants", "dependants_under_16", "disabled_dependants",
)  # fmt: skip
TAXES = (
    "taxable_income", "municipal_income_levy", "municipal_per_capita_levy", "prefectural_income_levy",
    "prefectural_per_capita_levy", "forest_environment_tax", "annual_tax",
)  # fmt: skip


def tax_page(municipality: Municipality, person: Resident, tax: IncomeTax) -> dict[str, Any]:
    """The body of the page; ``title`` turns into 非課税証明書 at zero tax."""
    names = _names(municipality)
    year = fiscal_year(tax.fiscal_year)
    return {
        "title": f"{year}　{title(tax)}",
        "subtitle": f"（{_year_of_income(tax.fiscal_year)}分　{_tax_name(municipality)}）",
        "january_label": f"{_year_text(tax.fiscal_year)}1月1日現在の住所",
        "address_on_january_1": tax.address_on_january_1,
        "name": wording.name(person),
        "name_kana": wording.item(person.name_kana),
        "birth": wording.day(person.birth_on),
        "incomes": _lines(tax, INCOMES, names),
        "deductions": _lines(tax, DEDUCTIONS, names),
        "dependants": [_spouse(tax, names), *_lines(tax, DEPENDANTS, names)],
        "tax_heading": "課税標準額・税額（円）",
        "taxes": _lines(tax, TAXES, names),
        "note": "△は損失の金額、＊は記載すべき事項のないことを示します。",
    }


def is_tax_exempt(tax: IncomeTax) -> bool:
    """非課税: no tax of any kind for the year."""
    return not tax.annual_tax


def title(tax: IncomeTax) -> str:
    """所得課税証明書, or 所得・非課税証明書 at zero tax."""
    return "非課税証明書" if is_tax_exempt(tax) else "所得課税証明書"


def _lines(tax: IncomeTax, keys: tuple[str, ...], names: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "name": names[key], "text": _text(tax, key)} for key in keys]


def _text(tax: IncomeTax, key: str) -> str:
    if tax.filing_kind == DEPENDANT_NOT_FILED and getattr(tax, key) is None:
        return wording.NOT_FILED
    return wording.people(getattr(tax, key)) if key in DEPENDANTS else wording.yen(getattr(tax, key))


def _spouse(tax: IncomeTax, names: dict[str, str]) -> dict[str, str]:
    text = label("spouse_kind", tax.spouse_kind) if tax.spouse_kind else wording.NOT_FILED
    return {"key": "spouse_kind", "name": names["spouse_kind"], "text": text}


def _names(municipality: Municipality) -> dict[str, str]:
    """Japanese item names, with 市町村 and 道府県 replaced by what this municipality is."""
    local, prefectural = municipality.name[-1], municipality.prefecture[-1]
    return {
        item.key: item.japanese_name.replace("市町村", local).replace("道府県", prefectural) for item in items("tax")
    }


def _tax_name(municipality: Municipality) -> str:
    return f"{municipality.name[-1]}民税・{municipality.prefecture[-1]}民税・森林環境税"


def _year_text(year: int) -> str:
    """和暦 of the year as on 1 January, without 年度: 2026 → 令和8年."""
    era = next(
        era for era in reversed(eras()) if (era.first_on.year, era.first_on.month, era.first_on.day) <= (year, 1, 1)
    )
    number = era.year_of(year)
    return f"{era.name}{'元' if number == 1 else number}年"


def _year_of_income(year: int) -> str:
    """Income of the calendar year before the fiscal year."""
    return f"{_year_text(year - 1)}"
