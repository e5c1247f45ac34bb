"""Writes ``docs/exchange_examples``: files made as a stranger would, from ``docs/exchange_format.md`` and nothing of ours.

Only the standard library and Pillow. Values are invented. Run ``python tests/extractors/make_exchange_examples.py`` after
a change to the format, then ``python -m extractors.document``.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[2]
TARGET = CHECKOUT / "docs" / "exchange_examples"
LAYOUTS = CHECKOUT / "vendor_layouts"
CREATED = "2026-11-24T09:00:00+09:00"

Values = Mapping[str, str]

SOMEBODY: Values = {
    "addressee_number": "100000000000001",
    "household_number": "200000000000001",
    "resident_record_code": "12345678903",
    "individual_number": "123456789018",
    "resident_kind": "1",
    "resident_status": "1",
    "name": "渡\ue003　太郎",
    "name_kana": "ワタナベ　タロウ",
    "birth_on": "S500201",
    "sex": "M",
    "relationship_codes": "02",
    "relationship_text": "世帯主",
    "householder_name": "渡\ue003　太郎",
    "address_prefecture": "徳島県",
    "address_municipality": "三好郡東みよし町",
    "address_town": "加茂",
    "address_lot_number": "３３６０番地",
    "postal_code": "7712595",
    "address_settled_on": "H150401",
    "became_resident_on": "S500201",
    "registered_domicile": "徳島県三好郡東みよし町加茂３３６０番地",
    "family_register_head": "渡\ue003　太郎",
    "change_reason": "90",
    "changed_on": "R080401",
    "filed_on": "R080401",
    "support_measure": "0",
    "issuance_stop": "0",
}
NARUTO: Values = {
    **SOMEBODY,
    "": "D",
    "resident_kind": "N",
    "resident_status": "0",
    "name_kana": "ﾜﾀﾅﾍﾞ ﾀﾛｳ",
    "birth_on": "300500201",
    "sex": "1",
    "address_municipality": "阿波中央市",
    "address_town": "本町",
    "address_lot_number": "１番地２",
    "registered_domicile": "徳島県阿波中央市本町１番地２",
    "address_settled_on": "400150401",
    "became_resident_on": "300500200",
    "change_reason": "Z0",
    "changed_on": "500080401",
    "filed_on": "500080401",
    "support_measure": "N",
    "issuance_stop": "N",
}
SUDACHI: Values = {
    **SOMEBODY,
    "name#1": "渡\ue000",
    "name#2": "太郎",
    "householder_name": "渡\ue000　太郎",
    "family_register_head": "渡\ue000　太郎",
    "resident_kind": "日本人",
    "birth_on": "S50-02-01",
    "sex": "男",
    "address_municipality": "花園町",
    "address_town": "葛\U000e0104原",
    "registered_domicile": "徳島県花園町葛\U000e0104原３３６０番地",
    "address_settled_on": "H15-04-01",
    "became_resident_on": "S50-02-00",
    "changed_on": "R08-04-01",
    "filed_on": "R08-04-01",
    "support_measure": "無",
    "issuance_stop": "無",
}
FOREIGNER: Values = {
    "addressee_number": "100000000000002",
    "household_number": "200000000000002",
    "resident_kind": "外国人",
    "resident_status": "1",
    "name#1": "ＭＩＨＯＮ",
    "name#2": "ＡＮＮＡ",
    "name_roman": "MIHON ANNA",
    "common_name": "見本　杏奈",
    "birth_on": "1990-05-00",
    "sex": "女",
    "relationship_codes": "02",
    "relationship_text": "世帯主",
    "householder_name": "ＭＩＨＯＮ　ＡＮＮＡ",
    "address_prefecture": "徳島県",
    "address_municipality": "花園町",
    "address_town": "本町",
    "address_lot_number": "１番地",
    "became_resident_on": "R05-04-01",
    "nationality": "ベトナム",
    "residence_status": "技術・人文知識・国際業務",
    "residence_period": "３年",
    "residence_period_ends_on": "2028-03-31",
    "residence_card_number": "AB12345678CD",
    "article_30_45_kind": "中長期在留者",
    "change_reason": "10",
    "changed_on": "R05-04-01",
    "support_measure": "無",
    "issuance_stop": "無",
}
TAX: Values = {
    "addressee_number": "100000000000001",
    "fiscal_year": "2026",
    "filing_kind": "申告",
    "address_on_january_1": "徳島県花園町葛\U000e0104原３３６０番地",
    "salary_receipts": "4000000",
    "salary_income": "2760000",
    "business_income": "-120000",
    "total_income": "2640000",
    "social_insurance_deduction": "600000",
    "basic_deduction": "430000",
    "deductions_total": "1030000",
    "taxable_income": "1610000",
    "spouse_kind": "0",
    "general_dependants": "0",
    "dependants_under_16": "1",
    "municipal_income_levy": "95100",
    "municipal_per_capita_levy": "3000",
    "prefectural_income_levy": "63400",
    "prefectural_per_capita_levy": "1000",
    "forest_environment_tax": "1000",
    "annual_tax": "163500",
    "issuance_stop": "無",
}
SEAL: Values = {
    "addressee_number": "100000000000001",
    "registration_number": "A-000123",
    "seal_status": "登録",
    "registered_on": "H30-07-01",
    "name_form": "2",
}


def columns(layout: str, feed: str) -> list[dict[str, str]]:
    with (LAYOUTS / layout / f"{feed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cells(layout: str, feed: str, operation: str, number: int, values: Values) -> list[str]:
    own = {**values, "@operation": operation, "@row_number": str(number)}
    names = [one["field"] + (f"#{one['part']}" if one["part"] else "") for one in columns(layout, feed)]
    return [own.get(name, "") if name or index == 0 else "" for index, name in enumerate(names)]


def csv_lines(rows: Sequence[Sequence[str]], newline: str) -> str:
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + newline for row in rows)


def control(stem: str, layout: str, rows: int, data: bytes) -> str:
    municipality, feed, kind, sequence = stem.split("_")
    lines = {
        "utsushi_exchange": "1",
        "municipality": municipality,
        "feed": feed,
        "kind": kind,
        "sequence": sequence,
        "layout": layout,
        "rows": str(rows),
        "bytes": str(len(data)),
        "sha256": hashlib.sha256(data).hexdigest(),
        "created_at": CREATED,
        "latest_sequence": sequence,
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def put(stem: str, layout: str, rows: int, data: bytes) -> None:
    (TARGET / f"{stem}.dat").write_bytes(data)
    (TARGET / f"{stem}.ctl").write_text(control(stem, layout, rows, data), "ascii")


def cp932(text: str) -> bytes:
    """Python's cp932 has the user area; the doubled codes do not occur here."""
    return text.encode("cp932")


def keis(text: str) -> bytes:
    """Half-width and ASCII characters by the table of the document, all others between shifts."""
    single = dict(zip("0123456789", range(0xF0, 0xFA), strict=True))
    single |= dict(zip("ABCDEFGHI", range(0xC1, 0xCA), strict=True)) | dict(
        zip("JKLMNOPQR", range(0xD1, 0xDA), strict=True)
    )
    single |= dict(zip("STUVWXYZ", range(0xE2, 0xEA), strict=True))
    single |= {" ": 0x40, "-": 0x60, "/": 0x61, ":": 0x7A, "+": 0x4E, "_": 0x6D}
    single |= {"ﾜ": 0xBC, "ﾀ": 0x91, "ﾅ": 0x96, "ﾍ": 0xA2, "ﾞ": 0xBE, "ﾛ": 0xBB, "ｳ": 0x83}
    out, two = b"", False
    for one in text:
        if (one not in single) != two:
            two = not two
            out += b"\x0a\x42" if two else b"\x0a\x41"
        out += bytes((single[one],)) if one in single else pair(one)
    return out + (b"\x0a\x41" if two else b"")


def pair(character: str) -> bytes:
    number = ord(character) - 0xE000
    if 0 <= number < 3008:
        return bytes((0x81 + number // 94, 0xA1 + number % 94))
    return b"\x40\x40" if character == "　" else character.encode("euc_jp")


def fixed(layout: str, feed: str, rows: Sequence[Sequence[str]]) -> bytes:
    widths = [int(one["bytes"]) for one in columns(layout, feed)]
    return b"".join(keis(cell).ljust(width, b"\x40") for row in rows for cell, width in zip(row, widths, strict=True))


def with_edges(stem: str, layout: str, rows: int, records: bytes) -> bytes:
    municipality, feed, kind, sequence = stem.split("_")
    header = (
        f"HUTSUSHI1{municipality}{feed.upper():<8}{kind.upper()}{sequence}{layout.upper():<20}{CREATED:<25}{sequence}"
    )
    start = keis(header).ljust(256, b"\x40") + records
    return start + keis(f"T{rows:010d}{len(records):012d}{hashlib.sha256(start).hexdigest().upper()}").ljust(
        256, b"\x40"
    )


def seal_png() -> bytes:
    """A framed square of 15 mm at 600 dpi (354 dots), black and white."""
    picture = Image.new("1", (354, 354), 1)
    for dot in range(354):
        for edge in (*range(12), *range(342, 354)):
            picture.putpixel((dot, edge), 0)
            picture.putpixel((edge, dot), 0)
    out = io.BytesIO()
    picture.save(out, "PNG", dpi=(600, 600), optimize=True)
    return out.getvalue()


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    awa, naruto, sudachi = "awa_csv/1", "naruto_fixed/1", "sudachi_csv/1"
    header = [one["vendor_column"] for one in columns(awa, "resident")]
    lines = [header, cells(awa, "resident", "1", 1, SOMEBODY)]
    put("364894_resident_full_00000001", awa, 1, cp932(csv_lines(lines, "\r\n")))
    put("364894_resident_diff_00000002", awa, 0, cp932(csv_lines([header], "\r\n")))

    record = fixed(naruto, "resident", [cells(naruto, "resident", "A", 1, NARUTO)])
    for stem, rows, records in (
        ("362999_resident_full_00000001", 1, record),
        ("362999_resident_diff_00000002", 0, b""),
    ):
        (TARGET / f"{stem}.dat").write_bytes(with_edges(stem, naruto, rows, records))

    people = [cells(sudachi, "resident", "1", number, one) for number, one in enumerate((SUDACHI, FOREIGNER), 1)]
    put("364991_resident_full_00000001", sudachi, 2, csv_lines(people, "\n").encode())
    gone = cells(sudachi, "resident", "3", 1, {"addressee_number": "100000000000002"})
    put("364991_resident_diff_00000002", sudachi, 1, csv_lines([gone], "\n").encode())
    put("364991_resident_diff_00000003", sudachi, 0, b"")
    tax = [cells(sudachi, "tax", "1", 1, TAX)]
    put("364991_tax_full_00000001", sudachi, 1, csv_lines(tax, "\n").encode())
    seal = [cells(sudachi, "seal", "1", 1, {**SEAL, "impression": base64.b64encode(seal_png()).decode()})]
    put("364991_seal_full_00000001", sudachi, 1, csv_lines(seal, "\n").encode())


if __name__ == "__main__":
    main()
