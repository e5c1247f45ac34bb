"""How charsets agree with other systems (Windows, glibc, JIS), and where exactly broken bytes are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import charsets
from extractors.charsets import cp932, keis

LEADS = (*range(0x81, 0xA0), *range(0xE0, 0xFD))
TO_TWO, TO_ONE = b"\x0a\x42", b"\x0a\x41"


def cp932_pairs() -> list[tuple[bytes, str]]:
    """All two-byte codes that Python knows, user area included."""
    found = []
    for high in LEADS:
        for low in (*range(0x40, 0x7F), *range(0x80, 0xFD)):
            try:
                found.append((bytes((high, low)), bytes((high, low)).decode("cp932")))
            except UnicodeDecodeError:
                continue
    return found


CP932 = cp932_pairs()
CP932_TEXT = [character for _, character in CP932] + [chr(one) for one in (*range(0x20, 0x7F), *range(0xFF61, 0xFFA0))]
KEIS_TEXT = [chr(int(point)) for point in (*keis.two_byte(), *keis.one_byte()) if point != keis.INVALID]


def test_every_code_of_cp932_comes_back_but_for_the_doubled_ones_which_are_counted() -> None:
    doubled = [code for code, character in CP932 if charsets.encode("cp932-eudc", character) != code]
    assert (len(CP932), len(doubled)) == (9604, 398)
    for code, _ in CP932:
        assert cp932.doubled(code) == (code in doubled)
        assert cp932.doubled(b"\x88\xed" + code + b"\xed\xe0\x41") == 1 + (code in doubled)


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("髙", "FBFC"),
        ("ⅰ", "FA40"),
        ("Ⅰ", "8754"),
        ("№", "8782"),
        ("∵", "81E6"),
        ("￢", "81CA"),
        ("﨑", "FAB1"),
        ("～", "8160"),
    ],
)
def test_cp932_is_written_as_windows_and_glibc_write_it(character: str, code: str) -> None:
    assert charsets.encode("cp932-eudc", character).hex().upper() == code


def test_every_single_byte_of_ebcdik_comes_back_and_there_are_no_lower_case_letters() -> None:
    known = [byte for byte in range(256) if keis.one_byte()[byte] != keis.INVALID]
    text = charsets.decode("keis83", bytes(known))
    assert charsets.encode("keis83", text) == bytes(known)
    assert not any(one.islower() for one in text)
    assert set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ -+_:/") <= set(text)
    assert {chr(one) for one in range(0xFF61, 0xFFA0)} <= set(text)


@pytest.mark.parametrize(
    ("code", "character"),
    [
        ("A1BD", 0x2014),
        ("4040", 0x3000),
        ("B0A1", 0x4E9C),
        ("F4A6", 0x7199),
        ("A1C1", 0x301C),
        ("A1DD", 0x2212),
        ("A1F2", 0xFFE1),
        ("A2CC", 0xFFE2),
    ],
)
def test_known_codes_of_keis(code: str, character: int) -> None:
    assert charsets.decode("keis83", TO_TWO + bytes.fromhex(code) + TO_ONE) == chr(character)


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from(CP932_TEXT), max_size=60))
def test_cp932_texts_come_back(text: str) -> None:
    assert charsets.decode("cp932-eudc", charsets.encode("cp932-eudc", text)) == text


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from(KEIS_TEXT), max_size=60))
def test_keis_texts_come_back(text: str) -> None:
    assert charsets.decode("keis83", charsets.encode("keis83", text)) == text


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(min_size=12, max_size=12), min_size=1, max_size=12))
def test_a_field_of_junk_is_broken_or_its_text_has_no_replacement_mark(fields: list[bytes]) -> None:
    """Whatever stands in a field, other fields of the column are not touched by it."""
    good = charsets.encode("keis83", "亜A").ljust(12, b"\x40")
    column = np.frombuffer(b"".join((*fields, good)), np.uint8).reshape(-1, 12)
    decoded = keis.decode_column(column, "M")
    assert decoded.texts[-1] == "亜A"
    assert not decoded.broken[-1]
    for text, broken in zip(decoded.texts, decoded.broken, strict=True):
        assert ("\ufffd" in text) == broken


BROKEN = {
    "half a pair of CP932": ("cp932-eudc", b"A\x83", 1),
    "a first byte before a quote": ("cp932-eudc", b'A\x83"', 1),
    "a byte order mark at the start": ("utf-8", b"\xef\xbb\xbfA", 0),
    "a byte order mark inside": ("utf-8", b"AB\xef\xbb\xbf", 2),
    "a surrogate": ("utf-8", b"A\xed\xa0\x80", 1),
    "an overlong form": ("utf-8", b"\xc0\xaf", 0),
    "half a character of UTF-8": ("utf-8", b"A\xe5\xb1", 1),
    "no shift back": ("keis83", TO_TWO + b"\xb0\xa1", 3),
    "half a pair of KEIS": ("keis83", TO_TWO + b"\xb0", 2),
    "half a shift": ("keis83", b"\xc1\x0a", 1),
    "another shift": ("keis83", b"\xc1\x0a\x43", 1),
    "no such pair": ("keis83", TO_TWO + b"\xa9\xa1" + TO_ONE, 2),
    "a lower-case letter": ("keis83", b"\xc1\x62", 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_bytes_are_refused_with_their_place(name: str) -> None:
    charset, data, offset = BROKEN[name]
    with pytest.raises(charsets.Broken) as caught:
        charsets.decode(charset, data)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp932-eudc", "\ue758"),
        ("cp932-eudc", "葛\U000e0100"),
        ("cp932-eudc", "\x80"),
        ("keis83", "a"),
        ("keis83", "\uebc0"),
        ("utf-8", "\ufeff"),
    ],
)
def test_what_a_charset_does_not_have_is_not_written(charset: str, text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        charsets.encode(charset, text)
