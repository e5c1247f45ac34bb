"""A layout names its charset: the same records in another charset are the same table, and a broken one stays alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from extractors import charsets, parse_delimited, parse_fixed
from extractors.charsets import host
from extractors.exchange import EDGE_BYTES
from municipalities.site import CHECKOUT
from vendor_layouts.layout import Layout, load

EXAMPLES = CHECKOUT / "docs" / "exchange_examples"


def utf8_file() -> Path:
    return sorted(EXAMPLES.rglob("364991_resident_full_*.dat"))[0]


def rows(layout: Layout, data: bytes) -> list[dict[str, object]]:
    feed = layout.feeds["resident"]
    chunks = [data[at : at + 1001] for at in range(0, len(data), 1001)]
    tables = parse_delimited.parse(layout, feed, chunks, "f.dat", "full")
    return [row for table in tables for row in table.to_pylist()]


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize(("charset", "mark"), [("utf-16", "\ufeff"), ("utf-16be", ""), ("utf-16le", "\ufeff")])
def test_a_file_in_sixteen_bits_gives_the_same_rows(charset: str, mark: str) -> None:
    layout = load("sudachi_csv/1")
    text = utf8_file().read_bytes().decode("utf-8")
    codec = "utf-16-be" if charset == "utf-16be" else "utf-16-le"
    assert rows(replace(layout, charset=charset), (mark + text).encode(codec)) == rows(layout, text.encode())


def test_broken_sixteen_bits_stay_in_their_row() -> None:
    layout = replace(load("sudachi_csv/1"), charset="utf-16be")
    text = utf8_file().read_bytes().decode("utf-8")
    first_name = rows(load("sudachi_csv/1"), text.encode())[0]["name#1"]
    assert isinstance(first_name, str)
    broken = text.encode("utf-16-be").replace(
        first_name.encode("utf-16-be"), b"\xd8\x00" + first_name.encode("utf-16-be")[2:], 1
    )
    found = rows(layout, broken)
    assert "broken_encoding:name" in str(found[0]["problem"])
    assert all(row["problem"] is None for row in found[1:])


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize("charset", ["keis78", "jef", "ibm-930"])
def test_fixed_records_are_read_in_the_charset_of_their_layout(charset: str) -> None:
    layout = replace(load("naruto_fixed/1"), charset=charset, characters=((0xFEFE, 0x20B9F),))
    feed = layout.feeds["resident"]
    vendor = host.charset(charset, layout.characters)
    record = bytearray(b"\xc4" + b"\x40" * (feed.record_bytes - 1))
    texts = {"name": "葛城　\ue000𠮟", "@operation": "1"}
    texts["@row_number"] = "1".zfill(next(one.bytes for one in feed.columns if one.field == "@row_number"))
    start = 0
    for column in feed.columns:
        if column.field in texts:
            data = vendor.encode(texts[column.field])
            data = data[len(vendor.to_two[0]) : -len(vendor.to_one)] if column.kind == "N" else data
            record[start : start + len(data)] = data
        start += column.bytes
    edge = b"\x40" * EDGE_BYTES
    table = next(parse_fixed.parse(layout, feed, [edge + bytes(record) + edge], "f.dat", "full"))
    assert table.column("name").to_pylist() == [texts["name"]]


@pytest.mark.parametrize(("form", "charset"), [("delimited", "jef"), ("fixed", "utf-16"), ("fixed", "ebcdic")])
def test_a_charset_that_does_not_fit_the_form_is_an_error_of_the_layout(form: str, charset: str) -> None:
    from vendor_layouts.layout import _audit

    problems = list(_audit(replace(load("sudachi_csv/1"), form=form, charset=charset)))
    assert any("charset" in one for one in problems)
    assert charset not in charsets.NAMES or any("of this form" in one for one in problems)
