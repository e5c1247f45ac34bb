"""Vendors' charsets, both ways, over every code that they have; and the bytes that only look like codes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import charsets
from extractors.charsets import cp932, keis, utf8
from simulators.vendors import charsets as vendors

TO_TWO, TO_ONE = b"\x0a\x42", b"\x0a\x41"
CP932_USER = [bytes((high, low)) for high in range(0xF0, 0xFA) for low in range(0x40, 0xFD) if low != 0x7F]
KEIS_USER = [bytes((high, low)) for high in range(0x81, 0xA1) for low in range(0xA1, 0xFF)]
KEIS_CODES = [code for code in range(0x10000) if keis.two_byte()[code] != keis.INVALID]
NOT_KEIS = [code for code in range(0x10000) if keis.two_byte()[code] == keis.INVALID]
# What the simulated vendors never write.
REST_OF_CODE_PAGE_290 = {"£": 0x4A, "¬": 0x5F, "¦": 0x6A, "`": 0x79, "‾": 0xA1, "$": 0xE0}
EBCDIK = {byte: chr(int(point)) for byte, point in enumerate(keis.one_byte()) if point != keis.INVALID}

keis_texts = st.text(st.sampled_from([chr(int(keis.two_byte()[code])) for code in KEIS_CODES] + list(EBCDIK.values())))
selectors = st.integers(0xE0100, 0xE01EF).map(chr)
private = st.one_of(st.integers(0xE000, 0xF8FF), st.integers(0xF0000, 0xFFFFD), st.integers(0x100000, 0x10FFFD))
unicode_texts = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), selectors, private.map(chr))
)


def test_every_user_code_of_cp932_is_one_private_character_in_order() -> None:
    assert len(CP932_USER) == 1_880
    assert charsets.decode("cp932-eudc", b"".join(CP932_USER)) == "".join(map(chr, range(0xE000, 0xE758)))
    assert charsets.encode("cp932-eudc", "".join(map(chr, range(0xE000, 0xE758)))) == b"".join(CP932_USER)


def test_every_two_byte_code_of_cp932_comes_back_or_is_counted_as_doubled() -> None:
    doubled = 0
    for high in (*range(0x81, 0xA0), *range(0xE0, 0xFD)):
        for low in range(0x40, 0xFD):
            code = bytes((high, low))
            try:
                text = charsets.decode("cp932-eudc", code)
            except charsets.Broken:
                continue
            back = charsets.encode("cp932-eudc", text)
            assert charsets.decode("cp932-eudc", back) == text
            assert (back != code) == bool(cp932.doubled(code))
            doubled += back != code
    assert doubled == 398


@given(st.lists(st.sampled_from([b"A", b"\xb1", b"\x83\x5c", b"\xed\x40", b"\x87\x90", b"\xfa\x4a", b"\xed\xed"])))
def test_doubled_codes_are_counted_by_character_not_by_byte(codes: list[bytes]) -> None:
    expected = sum(charsets.encode("cp932-eudc", charsets.decode("cp932-eudc", code)) != code for code in codes)
    assert cp932.doubled(b"".join(codes)) == expected


@pytest.mark.parametrize("byte", [0x80, 0xA0, 0xFD, 0xFE, 0xFF])
@pytest.mark.parametrize("before", [b"", b"A", "山田".encode("cp932"), b"\xf0\x40"])
def test_bytes_that_only_python_takes_for_cp932_are_broken(byte: int, before: bytes) -> None:
    with pytest.raises(charsets.Broken) as broken:
        charsets.decode("cp932-eudc", before + bytes((byte,)) + b"B")
    assert broken.value.offset == len(before)
    assert cp932.decode_leniently(before + bytes((byte,)) + b"B").endswith("\ufffdB")


@pytest.mark.parametrize("text", ["\x80", "\xa0", "\uf8f0", "\uf8f1", "\uf8f3", "\ue758", "é", "\U00020bb7"])
def test_what_cp932_does_not_have_is_never_written(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        charsets.encode("cp932-eudc", "山" + text)


def test_half_a_double_byte_never_swallows_what_ends_its_field() -> None:
    for lead in (0x81, 0x9F, 0xE0, 0xF0, 0xFC):
        for mark in b'",\r\n':
            assert cp932.decode_leniently(bytes((lead, mark))).endswith(chr(mark))
            with pytest.raises(charsets.Broken):
                charsets.decode("cp932-eudc", bytes((lead, mark)))


def test_every_two_byte_code_of_keis_comes_back() -> None:
    codes = [code.to_bytes(2, "big") for code in KEIS_CODES]
    texts = charsets.decode("keis83", TO_TWO + b"".join(codes) + TO_ONE)
    assert len(texts) == len(codes)
    for code, text in zip(codes, texts, strict=True):
        written = charsets.encode("keis83", text)
        if code == b"\xa1\xa1":
            assert written == TO_TWO + b"\x40\x40" + TO_ONE, "the full-width space has a code of its own"
        elif text not in EBCDIK.values():
            assert written == TO_TWO + code + TO_ONE
    assert len(KEIS_CODES) == 6_879 + 3_008 + 1


def test_every_other_two_byte_code_is_broken() -> None:
    column = keis.decode_column(_fields([TO_TWO + code.to_bytes(2, "big") + TO_ONE for code in NOT_KEIS]), "M")
    shifts = {0x0A41, 0x0A42}
    taken = [code for code, broken in zip(NOT_KEIS, column.broken, strict=True) if not broken]
    assert set(taken) <= shifts


def test_every_user_code_of_keis_is_one_private_character_in_order() -> None:
    private_use = "".join(map(chr, range(0xE000, 0xEBC0)))
    assert charsets.decode("keis83", TO_TWO + b"".join(KEIS_USER) + TO_ONE) == private_use
    assert charsets.encode("keis83", private_use) == TO_TWO + b"".join(KEIS_USER) + TO_ONE


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("a1bd", "\u2014"),
        ("a1c1", "\u301c"),
        ("a1dd", "\u2212"),
        ("4040", "\u3000"),
        ("a1a1", "\u3000"),
        ("b0a1", "亜"),
    ],
)
def test_keis_codes_by_hand(code: str, text: str) -> None:
    assert charsets.decode("keis83", TO_TWO + bytes.fromhex(code) + TO_ONE) == text


def test_single_bytes_are_ebcdik_as_the_vendors_have_it() -> None:
    table = {character: byte for byte, character in EBCDIK.items()}
    assert table == {**vendors.EBCDIK, **REST_OF_CODE_PAGE_290}
    for byte in range(256):
        if byte == 0x0A:
            continue
        if byte in EBCDIK:
            assert charsets.decode("keis83", bytes((byte,))) == EBCDIK[byte]
            assert charsets.encode("keis83", EBCDIK[byte]) == bytes((byte,))
        else:
            with pytest.raises(charsets.Broken):
                charsets.decode("keis83", bytes((byte,)))


@settings(max_examples=200, deadline=None)
@given(keis_texts)
def test_mixed_texts_come_back(text: str) -> None:
    written = charsets.encode("keis83", text)
    assert charsets.decode("keis83", written) == text
    if not set(text) & set(REST_OF_CODE_PAGE_290):
        assert vendors.keis(text) == written


@settings(max_examples=100, deadline=None)
@given(st.lists(keis_texts, min_size=1, max_size=8), st.integers(0, 5))
def test_a_column_is_decoded_as_its_fields_are(texts: list[str], more: int) -> None:
    fields = [charsets.encode("keis83", text) for text in texts]
    column = keis.decode_column(_fields(fields, more), "M")
    assert column.texts.tolist() == [text.rstrip(" ") for text in texts]
    assert not column.broken.any()


@pytest.mark.parametrize(
    "half",
    [
        "0a42b0",  # half a code
        "0a42b0a1",  # never shifted back
        "0a42",
        "0a",
        "0a43",
        "0a42b0a10a",
        "b0a1",  # two-byte codes without a shift
        "0a42b00a41",  # the shift back in the middle of a code
        "0a42b0a10a41b0",
    ],
)
def test_half_shifts_are_broken_and_stay_in_their_field(half: str) -> None:
    good = charsets.encode("keis83", "山田 A")
    column = keis.decode_column(_fields([good, bytes.fromhex(half), good]), "M")
    assert column.broken.tolist() == [False, True, False]
    assert column.texts.tolist()[0::2] == ["山田 A", "山田 A"]
    assert "\ufffd" in column.texts.tolist()[1]
    with pytest.raises(charsets.Broken):
        charsets.decode("keis83", bytes.fromhex(half))


def test_two_byte_fields_have_no_shifts() -> None:
    column = keis.decode_column(_fields([b"\xb0\xa1\x40\x40", b"\xb0\xa1\x0a\x41"]), "N")
    assert (column.texts.tolist()[0], column.broken.tolist()) == ("亜", [False, True])


@settings(max_examples=200, deadline=None)
@given(unicode_texts)
def test_utf8_keeps_selectors_and_private_characters(text: str) -> None:
    assert charsets.decode("utf-8", charsets.encode("utf-8", text)) == text


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        ("c080", 0),  # overlong NUL
        ("41e0809f", 1),  # overlong
        ("41eda080", 1),  # a surrogate
        ("41f4908080", 1),  # above U+10FFFF
        ("41e5b1", 1),  # cut
        ("41ff", 1),
        ("41efbbbf42", 1),  # a byte order mark inside
        ("efbbbf42", 0),
    ],
)
def test_broken_utf8_is_named_by_its_byte(data: str, offset: int) -> None:
    with pytest.raises(charsets.Broken) as broken:
        charsets.decode("utf-8", bytes.fromhex(data))
    assert broken.value.offset == offset
    assert "\ufffd" in utf8.decode_leniently(bytes.fromhex(data))


@pytest.mark.parametrize("text", ["\ud800", "a\ufeffb"])
def test_utf8_is_never_written_with_surrogates_or_marks(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        charsets.encode("utf-8", text)


@given(st.binary(max_size=40), st.sampled_from(["cp932-eudc", "utf-8", "keis83"]))
def test_whatever_bytes_come_they_are_read_or_refused(data: bytes, charset: str) -> None:
    try:
        text = charsets.decode(charset, data)
    except charsets.Broken as broken:
        offset = broken.offset
    else:
        offset = 0
        assert "\ufffd" not in text or b"\xef\xbf\xbd" in data
    assert 0 <= offset < max(1, len(data))


def _fields(fields: list[bytes], more: int = 0) -> keis.Bytes:
    import numpy as np

    width = max(map(len, fields)) + more
    data = b"".join(field.ljust(width, b"\x40") for field in fields)
    return np.frombuffer(data, np.uint8).reshape(len(fields), width)
