"""Fixed fictional people for the golden pages and for tests of issuing; nobody real. All of 東みよし町."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from PIL import Image, ImageDraw

from issuance_api.forms import Issue, PageData, Subject, household_order, page_data
from issuance_api.model import HOUSEHOLD_ITEMS, Application, Kind, OptionalItem
from issuance_api.service_hours import JST
from municipalities.registry import get
from records.records import IncomeTax, Resident, SealRegistration
from records.wareki import DateValue, wareki, western

CODE = "364894"
ALL_ITEMS = HOUSEHOLD_ITEMS
ISSUE = Issue("golden-request-0001", "2026112400000017", datetime(2026, 11, 24, 10, 15, tzinfo=JST))


def known(year: int, month: int, day: int) -> DateValue:
    """A known day in 和暦."""
    on = date(year, month, day)
    return DateValue(on, "0", wareki(on))


def known_western(year: int, month: int, day: int) -> DateValue:
    """A known day with its western year, as for foreign residents."""
    on = date(year, month, day)
    return DateValue(on, "0", western(on))


FATHER = Resident(
    addressee_number="000000000000101",
    household_number="000000000005001",
    resident_record_code="12345678903",
    individual_number="123456789018",
    resident_kind="1",
    resident_status="1",
    name="渡邉\U000e0110　辰之助",
    name_roman=None,
    name_kana="ワタナベ　タツノスケ",
    former_surname=None,
    former_surname_kana=None,
    common_name=None,
    common_name_kana=None,
    birth_on=known(1975, 2, 1),
    sex="1",
    relationship_codes="02",
    relationship_text="世帯主",
    householder_name="渡邉\U000e0110　辰之助",
    address_prefecture="徳島県",
    address_municipality="三好郡東みよし町",
    address_town="昼間",
    address_lot_number="3673番地1",
    katagaki="コーポ見本201号",
    postal_code="7792500",
    address_settled_on=known(2011, 4, 1),
    became_resident_on=known(2003, 10, 20),
    address_before_move_in="香川県高松市番町一丁目8番15号",
    previous_address="徳島県三好郡東みよし町加茂3360番地",
    registered_domicile="徳島県三好郡東みよし町昼間3673番地1",
    family_register_head="渡邉\U000e0110　辰之助",
    nationality=None,
    residence_status=None,
    residence_period=None,
    residence_period_ends_on=None,
    residence_card_number=None,
    article_30_45_kind=None,
    change_reason="12",
    changed_on=known(2011, 4, 1),
    filed_on=known(2011, 4, 4),
    move_out_planned_on=None,
    removed_on=None,
    support_measure=False,
    issuance_stop=False,
)
MOTHER = replace(
    FATHER,
    addressee_number="000000000000102",
    individual_number="234567890120",
    name="渡邉\U000e0110　𠮷乃",
    name_kana="ワタナベ　ヨシノ",
    former_surname="髙𣘺",
    former_surname_kana="タカハシ",
    birth_on=DateValue(None, "1", "昭和52年8月日不詳"),
    sex="2",
    relationship_codes="12",
    relationship_text="妻",
    address_before_move_in=None,
)
CHILD = replace(
    FATHER,
    addressee_number="000000000000103",
    individual_number="345678901235",
    name="渡邉\U000e0110　葵",
    name_kana="ワタナベ　アオイ",
    birth_on=known(2008, 6, 30),
    relationship_codes="20",
    relationship_text="子",
    sex="2",
    became_resident_on=known(2008, 6, 30),
    address_before_move_in=None,
)
LODGER = replace(
    FATHER,
    addressee_number="000000000000104",
    individual_number="456789012341",
    resident_kind="2",
    name="GARCIA MARTINEZ MARIA FERNANDA DEL CARMEN",
    name_roman="GARCIA MARTINEZ MARIA FERNANDA DEL CARMEN",
    name_kana="ガルシア　マルティネス　マリア　フェルナンダ　デル　カルメン",
    common_name="見本　マリア",
    common_name_kana="ミホン　マリア",
    birth_on=known_western(1991, 12, 3),
    sex="2",
    relationship_codes="99",
    relationship_text="同居人",
    registered_domicile=None,
    family_register_head=None,
    nationality="フィリピン",
    residence_status="技術・人文知識・国際業務",
    residence_period="3年",
    residence_period_ends_on=known_western(2028, 3, 31),
    residence_card_number="AB12345678CD",
    article_30_45_kind="中長期在留者",
    became_resident_on=known(2019, 5, 1),
)
SECOND_CHILD = replace(CHILD, addressee_number="000000000000105", name="渡邉\U000e0110　蓮", name_kana="ワタナベ　レン")
FAMILY = (FATHER, MOTHER, CHILD)
LARGE_FAMILY = (FATHER, MOTHER, CHILD, SECOND_CHILD, LODGER)


def imprint() -> bytes:
    """A round 1-bit imprint of 12 mm at 600 dpi."""
    side = round(12 / 25.4 * 600)
    image = Image.new("1", (side, side), 1)
    pen = ImageDraw.Draw(image)
    pen.ellipse((3, 3, side - 4, side - 4), outline=0, width=12)
    for number in range(3):
        pen.line((60 + number * 80, 60, 60 + number * 80, side - 60), fill=0, width=14)
        pen.line((50, 70 + number * 70, side - 50, 70 + number * 70), fill=0, width=10)
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(600, 600))
    return out.getvalue()


SEAL = SealRegistration(
    addressee_number=FATHER.addressee_number,
    registration_number="0012345",
    seal_status="1",
    registered_on=known(2004, 1, 8),
    cancelled_on=None,
    cancel_reason=None,
    name_form="2",
    impression=imprint(),
)


def income_tax(**changes: Any) -> IncomeTax:
    """The tax record of the father for 令和8年度."""
    amounts: dict[str, Any] = dict.fromkeys(IncomeTax.__dataclass_fields__)
    amounts |= {
        "addressee_number": FATHER.addressee_number,
        "fiscal_year": 2026,
        "filing_kind": "1",
        "address_on_january_1": "徳島県三好郡東みよし町昼間3673番地1　コーポ見本201号",
        "salary_receipts": 5_843_200,
        "salary_income": 4_234_400,
        "farm_income": -120_000,
        "total_income": 4_114_400,
        "social_insurance_deduction": 842_300,
        "life_insurance_deduction": 56_000,
        "earthquake_insurance_deduction": 12_500,
        "spouse_deduction": 330_000,
        "dependant_deduction": 330_000,
        "basic_deduction": 430_000,
        "deductions_total": 2_000_800,
        "taxable_income": 2_113_000,
        "spouse_kind": "1",
        "general_dependants": 1,
        "municipal_income_levy": 125_300,
        "municipal_per_capita_levy": 3_000,
        "prefectural_income_levy": 83_500,
        "prefectural_per_capita_levy": 1_000,
        "forest_environment_tax": 1_000,
        "annual_tax": 213_800,
        "issuance_stop": False,
    }
    return IncomeTax(**(amounts | changes))


DEPENDANT_TAX = {
    **{key: None for key in IncomeTax.__dataclass_fields__ if key not in ("addressee_number", "fiscal_year")},
    "filing_kind": "3",
    "address_on_january_1": "徳島県三好郡東みよし町昼間3673番地1　コーポ見本201号",
    "annual_tax": 0,
    "issuance_stop": False,
}


def application(kind: Kind, **more: Any) -> Application:
    """An application of the father."""
    if kind is Kind.INCOME_TAXATION:
        more.setdefault("fiscal_year", 2026)
    return Application(request_id=ISSUE.request_id, kind=kind, card_serial="0000000000000001", **more)


def golden_pages() -> dict[str, tuple[str, PageData]]:
    """All golden certificates: name → (municipality, page data)."""
    record, item = Kind.RESIDENT_RECORD, Kind.RECORD_ITEM

    def page(kind: Kind, subject: Subject, code: str = CODE, **more: Any) -> tuple[str, PageData]:
        return code, page_data(get(code), application(kind, **more), subject, ISSUE)

    family, large = household_order(FAMILY), household_order(LARGE_FAMILY)
    return {
        "resident_record_family": page(record, Subject(FATHER, family), items=ALL_ITEMS),
        "resident_record_large": page(record, Subject(FATHER, large), items=frozenset({OptionalItem.RELATIONSHIP})),
        "resident_record_lodger": page(record, Subject(LODGER, (LODGER,), whole_household=False)),
        "resident_record_other_town": page(record, Subject(FATHER, family), code="364991", items=ALL_ITEMS),
        "resident_record_individual": page(
            record, Subject(FATHER, household_order((FATHER, LODGER)), whole_household=False), code="362999"
        ),
        "record_item_family": page(item, Subject(FATHER, household_order((*FAMILY, LODGER))), items=ALL_ITEMS),
        "seal_registration": page(Kind.SEAL_REGISTRATION, Subject(FATHER, (FATHER,), seal=SEAL)),
        "seal_registration_other_town": page(
            Kind.SEAL_REGISTRATION, Subject(FATHER, (FATHER,), seal=SEAL), code="362999"
        ),
        "income_taxation": page(Kind.INCOME_TAXATION, Subject(FATHER, (FATHER,), tax=income_tax())),
        "income_tax_exempt": page(
            Kind.INCOME_TAXATION, Subject(FATHER, (FATHER,), tax=income_tax(**DEPENDANT_TAX)), code="362999"
        ),
    }
