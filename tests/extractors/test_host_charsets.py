"""Mainframe charsets: every code both ways, shifts, user areas, columns of fixed records, and where bytes are broken."""

from __future__ import annotations

import subprocess
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import charsets
from extractors.charsets import host
from extractors.charsets.host_columns import decode_column
from gaiji_maps import vendor_codes
from simulators.vendors import charsets as vendors
from vendor_layouts.layout import CHARSETS, FIXED_CHARSETS

NAMES = sorted(host.names())
UNCERTAIN = [0xB6C6, 0xCBEA, 0xCDDA, 0xE0F6]  # 尭堯 槙槇 遥遙 瑶瑤 in KEIS78


@cache
def alphabet(name: str) -> list[str]:
    """Every character that a charset can write."""
    one = host.charset(name)
    return sorted({chr(int(point)) for point in (*one.two, *one.one) if point != host.INVALID})


def test_layouts_may_name_every_charset_and_no_other() -> None:
    assert set(CHARSETS) == set(charsets.NAMES) == set(vendor_codes.CHARSETS)
    assert set(FIXED_CHARSETS) == set(NAMES)


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize("name", NAMES)
def test_every_two_byte_code_comes_back(name: str) -> None:
    charset = host.charset(name)
    spaces = {0x4040, 0xA1A1}
    codes = [code for code in range(65536) if charset.two[code] != host.INVALID and code not in spaces]
    only_two = [code for code in codes if charset.two[code] not in charset.one]
    text = "".join(chr(int(charset.two[code])) for code in only_two)
    data = charset.encode(text)
    assert data == charset.to_two[0] + b"".join(code.to_bytes(2, "big") for code in only_two) + charset.to_one
    assert charset.decode(data) == text
    whole = b"".join(code.to_bytes(2, "big") for code in codes)  # also those that a single byte would be written for
    assert len(charset.decode(charset.to_two[-1] + whole + charset.to_one)) == len(codes)


@pytest.mark.parametrize("name", NAMES)
def test_every_single_byte_comes_back(name: str) -> None:
    charset = host.charset(name)
    known = bytes(code for code in range(256) if charset.one[code] != host.INVALID)
    assert charset.encode(charset.decode(known)) == known
    assert set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ -+_:/ｱﾝﾞ") <= set(charset.decode(known))


@pytest.mark.parametrize(
    ("name", "code", "character"),
    [
        ("keis78", "B0B3", "鰺"),  # swapped with 鯵 in 1983
        ("keis83", "B0B3", "鯵"),
        ("jef", "B6C6", "堯"),
        ("keis83", "F4A1", "堯"),
        ("keis78", "81A1", "\ue000"),
        ("keis78", "A0FE", "\uebbf"),
        ("keis78", "A1BD", "—"),
        ("jef", "80A1", "\ue000"),
        ("jef", "A0FE", "\uec1d"),
        ("jef", "41A1", "\U000f0000"),
        ("jef", "B0A1", "亜"),
        ("ibm-930", "6941", "\ue000"),
        ("ibm-930", "7FFE", "\uf111"),
        ("ibm-939", "48DF", "葛"),
    ],
)
def test_known_codes(name: str, code: str, character: str) -> None:
    charset = host.charset(name)
    found = charset.decode(charset.to_two[0] + bytes.fromhex(code) + charset.to_one)
    assert found == character


def test_1978_and_1983_differ_in_the_codes_of_the_standards_annex() -> None:
    """JIS X 0208:1983 swapped 22 pairs, changed four characters and moved their old forms to the end."""
    old, new = host.charset("keis78").two, host.charset("keis83").two
    differ = np.flatnonzero(old != new)
    assert len(differ) == 2 * 22 + 4 + 6
    gone = [int(code) for code in differ if old[code] == host.INVALID]
    assert gone == [*UNCERTAIN, *(0xF4A1 + at for at in range(6))]


@pytest.mark.parametrize("code", UNCERTAIN)
def test_a_code_on_which_sources_disagree_is_refused_until_the_layout_says(code: int) -> None:
    data = b"\x0a\x42" + code.to_bytes(2, "big") + b"\x0a\x41"
    with pytest.raises(charsets.Broken) as broken:
        charsets.decode("keis78", data)
    assert broken.value.offset == 2
    assert host.charset("keis78", ((code, ord("遥")),)).decode(data) == "遥"


@pytest.mark.parametrize(("name", "other"), [("ibm-930", "IBM930"), ("ibm-939", "IBM939")])
def test_ibm_agrees_with_another_implementation(name: str, other: str) -> None:
    """glibc's tables were made by other people; codes that they leave out are not compared."""
    charset = host.charset(name)
    kanji = [
        code for code in range(0x4541, 0x6900) if charset.two[code] != host.INVALID and charset.two[code] >= 0x4E00
    ]
    data = b"\x0e" + b"".join(code.to_bytes(2, "big") for code in kanji) + b"\x0f"
    found = subprocess.run(["iconv", "-f", other, "-t", "utf-8"], input=data, capture_output=True, check=True).stdout
    same = sum(a == b for a, b in zip(charset.decode(data), found.decode(), strict=True))
    assert same == len(kanji) > 6000


@settings(max_examples=120)
@given(
    st.sampled_from(NAMES).flatmap(
        lambda name: st.tuples(st.just(name), st.text(st.sampled_from(alphabet(name)), max_size=40))
    )
)
def test_texts_come_back(given_: tuple[str, str]) -> None:
    name, text = given_
    assert charsets.decode(name, charsets.encode(name, text)) == text


@settings(max_examples=120)
@given(st.data(), st.sampled_from(NAMES))
def test_columns_read_what_texts_do(data: st.DataObject, name: str) -> None:
    """The column reader and the text reader are two programs; they agree on every field."""
    texts = data.draw(st.lists(st.text(st.sampled_from(alphabet(name)), max_size=8), min_size=1, max_size=6))
    fields = [charsets.encode(name, text).ljust(60, b"\x40") for text in texts]
    column = np.frombuffer(b"".join(fields), np.uint8).reshape(-1, 60)
    decoded = decode_column(host.charset(name), column, "M")
    assert not decoded.broken.any()
    assert [str(one) for one in decoded.texts] == [text.rstrip(" ") for text in texts]


@settings(max_examples=150)
@given(st.sampled_from(NAMES), st.lists(st.binary(min_size=12, max_size=12), min_size=1, max_size=8))
def test_junk_is_broken_in_both_readers_or_in_none_and_touches_nobody_else(name: str, fields: list[bytes]) -> None:
    good = charsets.encode(name, "亜A").ljust(12, b"\x40")
    column = np.frombuffer(b"".join((*fields, good)), np.uint8).reshape(-1, 12)
    decoded = decode_column(host.charset(name), column, "M")
    assert decoded.texts[-1] == "亜A"
    for field, broken in zip(fields, decoded.broken[:-1], strict=True):
        assert (broken_at(name, field) in range(len(field))) == bool(broken)


def broken_at(name: str, field: bytes) -> int | None:
    """Where the text reader finds a broken byte."""
    try:
        charsets.decode(name, field)
    except charsets.Broken as error:
        return error.offset
    return None


@pytest.mark.parametrize("name", NAMES)
def test_a_vendors_own_codes_are_data(name: str) -> None:
    charset = host.charset(name, ((0xFEFE, 0x20B9F),))
    assert charset.decode(charset.to_two[0] + b"\xfe\xfe" + charset.to_one) == "𠮟"
    assert host.charset(name).two[0xFEFE] == host.INVALID


@pytest.mark.parametrize("name", NAMES)
def test_user_codes_have_the_vendors_names(name: str) -> None:
    charset = host.charset(name)
    for code in range(65536):
        point = int(charset.two[code])
        if 0xE000 <= point <= 0xF8FF or 0xF0000 <= point < 0x110000:
            assert vendor_codes.code_of(name, chr(point)) == f"{code:04X}"
            assert vendor_codes.decoded(name, f"{code:04X}") == chr(point)


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize("name", ["keis78", "jef"])
def test_every_kanji_of_1978_is_read_as_a_vendor_writes_it(name: str) -> None:
    """The vendor's side is another program; a character that it can't write has no code here either."""
    charset = host.charset(name)
    known = {chr(int(point)) for point in charset.two[0xB0A1:0xF4FF] if point != host.INVALID}
    kanji = [chr(int(point)) for point in host.charset("keis83").two[0xB0A1:0xF4FF] if point != host.INVALID]
    assert len(kanji) == 6_355
    for character in kanji:
        if character in known:
            code = vendors.kanji_of_1978(character, name)
            assert charset.decode(charset.to_two[0] + code + charset.to_one) == character
        else:
            with pytest.raises(UnicodeEncodeError):
                vendors.kanji_of_1978(character, name)
