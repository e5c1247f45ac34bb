"""Typed records (住民・世帯・印鑑登録・所得課税・発行抑止・異動): what one row of the register *is*, once it is read.

Each field of ``Resident``, ``SealRegistration`` and ``IncomeTax`` is an item of ``dictionary.csv``, in its order; a
test compares them both ways. Absent items are ``None``, never ``''``. No database and no Arrow here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Self

from records.dictionary import Item, items
from records.wareki import DateValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """住民: one person's newest state on the 住民票, as the vendor system last said (住民基本台帳法第7条)."""

    addressee_number: str
    household_number: str
    resident_record_code: str | None
    individual_number: str | None
    resident_kind: str
    resident_status: str
    name: str
    name_roman: str | None
    name_kana: str | None
    former_surname: str | None
    former_surname_kana: str | None
    common_name: str | None
    common_name_kana: str | None
    birth_on: DateValue
    sex: str
    relationship_codes: str
    relationship_text: str
    householder_name: str
    address_prefecture: str
    address_municipality: str
    address_town: str | None
    address_lot_number: str | None
    katagaki: str | None
    postal_code: str | None
    address_settled_on: DateValue | None
    became_resident_on: DateValue | None
    address_before_move_in: str | None
    previous_address: str | None
    registered_domicile: str | None
    family_register_head: str | None
    nationality: str | None
    residence_status: str | None
    residence_period: str | None
    residence_period_ends_on: DateValue | None
    residence_card_number: str | None
    article_30_45_kind: str | None
    change_reason: str
    changed_on: DateValue
    filed_on: DateValue | None
    move_out_planned_on: DateValue | None
    removed_on: DateValue | None
    support_measure: bool
    issuance_stop: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record in a row of replica columns, which may hold others too; ``KeyError`` names a missing one."""
        return cls(**_from_row("resident", row))

    def to_row(self) -> dict[str, Any]:
        """The replica columns of this record, the inverse of ``from_row``."""
        return _to_row("resident", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRegistration:
    """印鑑登録: one person's registered seal; ``impression`` (印影) is a 1-bit PNG at 600 dpi in true size."""

    addressee_number: str
    registration_number: str
    seal_status: str
    registered_on: DateValue
    cancelled_on: DateValue | None
    cancel_reason: str | None
    name_form: str
    impression: bytes

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record in a row of replica columns, which may hold others too; ``KeyError`` names a missing one."""
        return cls(**_from_row("seal", row))

    def to_row(self) -> dict[str, Any]:
        """The replica columns of this record, the inverse of ``from_row``."""
        return _to_row("seal", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeTax:
    """所得課税: one person's 市町村民税・道府県民税 of one 年度; amounts in yen, ``None`` where there is no amount."""

    addressee_number: str
    fiscal_year: int
    filing_kind: str
    address_on_january_1: str
    salary_receipts: int | None
    salary_income: int | None
    business_income: int | None
    farm_income: int | None
    real_estate_income: int | None
    interest_income: int | None
    dividend_income: int | None
    pension_receipts: int | None
    miscellaneous_income: int | None
    capital_gains_income: int | None
    occasional_income: int | None
    total_income: int | None
    casualty_loss_deduction: int | None
    medical_expense_deduction: int | None
    social_insurance_deduction: int | None
    small_enterprise_mutual_aid_deduction: int | None
    life_insurance_deduction: int | None
    earthquake_insurance_deduction: int | None
    disability_deduction: int | None
    widow_or_single_parent_deduction: int | None
    working_student_deduction: int | None
    spouse_deduction: int | None
    special_spouse_deduction: int | None
    dependant_deduction: int | None
    basic_deduction: int | None
    deductions_total: int | None
    taxable_income: int | None
    spouse_kind: str | None
    general_dependants: int | None
    specific_dependants: int | None
    elderly_dependants: int | None
    dependants_under_16: int | None
    disabled_dependants: int | None
    municipal_income_levy: int | None
    municipal_per_capita_levy: int | None
    prefectural_income_levy: int | None
    prefectural_per_capita_levy: int | None
    forest_environment_tax: int | None
    annual_tax: int | None
    issuance_stop: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record in a row of replica columns, which may hold others too; ``KeyError`` names a missing one."""
        return cls(**_from_row("tax", row))

    def to_row(self) -> dict[str, Any]:
        """The replica columns of this record, the inverse of ``from_row``."""
        return _to_row("tax", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """世帯: a row of the replica's view over active residents; the householder is 続柄 02."""

    household_number: str
    householder_addressee_number: str | None
    householder_name: str | None
    address_prefecture: str
    address_municipality: str
    address_town: str | None
    address_lot_number: str | None
    katagaki: str | None
    member_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuanceHold:
    """発行抑止: stops certificates of a person or a whole 戸籍 until it is lifted; it never expires by itself.

    ``target_kind`` is a code of ``hold_target``; instants have a time zone, ``lifted_at`` is ``None`` while it stands.
    """

    id: int
    target_kind: str
    addressee_number: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_at: datetime | None

    @property
    def stands(self) -> bool:
        """Whether it still stops certificates."""
        return self.lifted_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """異動: one row of an exchange file (連携ファイル): a record as it is afterwards, or its key when it is deleted.

    ``operation`` (更新区分) is a code of the list ``operation``; ``row_number`` (連番) counts from 1 in its file.
    """

    municipality: str
    feed: str
    sequence: int
    row_number: int
    operation: str
    record: Resident | SealRegistration | IncomeTax | None
    key: tuple[str, ...]


RECORD_CLASSES: dict[str, type[Resident] | type[SealRegistration] | type[IncomeTax]] = {
    "resident": Resident,
    "seal": SealRegistration,
    "tax": IncomeTax,
}


def _from_row(record: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {item.key: _read(item, row) for item in items(record)}


def _read(item: Item, row: Mapping[str, Any]) -> Any:
    value = row[item.key]
    if item.type == "date":
        certainty = row[item.certainty_column]
        return None if certainty is None else DateValue(value, certainty, row[item.text_column])
    if item.type == "flag" and value is not None:
        return value == "1"
    return bytes(value) if item.type == "image" and value is not None else value


def _to_row(record: str, one: Resident | SealRegistration | IncomeTax) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for item in items(record):
        row |= _write(item, getattr(one, item.key))
    return row


def _write(item: Item, value: Any) -> dict[str, Any]:
    if item.type == "date":
        three: tuple[date | None, str | None, str | None] = (None, None, None)
        if value is not None:
            three = (value.on, value.certainty, value.text)
        return dict(zip(item.columns, three, strict=True))
    if item.type == "flag" and value is not None:
        return {item.key: "1" if value else "0"}
    return {item.key: value}


def field_names(record: str) -> tuple[str, ...]:
    """Field names of a record's class, for the drift test."""
    return tuple(one.name for one in fields(RECORD_CLASSES[record]))
