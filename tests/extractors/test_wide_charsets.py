"""UTF-16 and 住基ネット統一文字: both ways, in pieces of any size, and what is broken stays in its field or names its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import charsets
from extractors.charsets.wide import PRIVATE, juki_table, transcoded
from gaiji_maps import vendor_codes
from gaiji_maps.standard import table as standard
from records.errors import BrokenEncoding, LayoutMismatch

TEXT = st.lists(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff\ufffd"),
        st.sampled_from(["邉\U000e0101", "\ue000", "𠮟", "\r\n"]),
    ),
    max_size=40,
).map("".join)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` cut wherever ``sizes`` say."""
    out, at = [], 0
    for size in (*sizes, len(data)):
        out.append(data[at : at + size])
        at += size
    return out


@settings(max_examples=150)
@given(TEXT, st.sampled_from(["utf-16be", "utf-16le"]), st.booleans(), st.lists(st.integers(1, 7), max_size=20))
def test_utf_16_comes_back_however_it_is_cut(text: str, name: str, marked: bool, sizes: list[int]) -> None:
    data = ("\ufeff" if marked else "").encode("utf-16-le" if name == "utf-16le" else "utf-16-be")
    data += charsets.encode(name, text)
    charset = "utf-16" if marked else name
    assert b"".join(transcoded(charset, pieces(data, sizes), "file")).decode() == text
    if not marked:
        assert charsets.decode(name, data) == text


@settings(max_examples=150)
@given(st.binary(max_size=60).filter(lambda data: len(data) % 2 == 0), st.lists(st.integers(1, 5), max_size=20))
def test_any_units_give_text_and_what_is_broken_is_marked(data: bytes, sizes: list[int]) -> None:
    text = b"".join(transcoded("utf-16be", [b"\x00A", *pieces(data, sizes)], "file")).decode()
    exact, offset = strictly(data)
    if exact is None:
        assert "\ufffd" in text
        assert offset % 2 == 0
    else:
        assert text == "A" + exact.replace("\ufeff", "\ufffd")


def strictly(data: bytes) -> tuple[str | None, int]:
    """The text, or ``None`` and where it is broken."""
    try:
        return charsets.decode("utf-16be", data), 0
    except charsets.Broken as error:
        return None, error.offset


@pytest.mark.parametrize(
    ("data", "offset"),
    [("D8 00 00 41", 0), ("00 41 DC 00", 2), ("D8 42 DF B7 D8 42", 4), ("D8 42 D8 42 DF B7", 0), ("00 41 00", 2)],
)
def test_half_a_pair_and_half_a_unit_name_their_byte(data: str, offset: int) -> None:
    with pytest.raises(charsets.Broken) as caught:
        charsets.decode("utf-16be", bytes.fromhex(data))
    assert caught.value.offset == offset


def test_half_a_unit_at_the_end_of_a_file_names_the_byte() -> None:
    with pytest.raises(BrokenEncoding) as caught:
        list(transcoded("utf-16be", [b"\x00A\x00", b"B\x00"], "f.dat"))
    assert (caught.value.place.file, caught.value.place.offset) == ("f.dat", 4)


@pytest.mark.parametrize(
    ("charset", "data"), [("utf-16", b"\x00A"), ("utf-16be", b"\xff\xfeA\x00"), ("utf-16le", b"\xfe\xff")]
)
def test_a_missing_or_contradicting_byte_order_mark_is_refused(charset: str, data: bytes) -> None:
    with pytest.raises(LayoutMismatch, match="byte order mark"):
        list(transcoded(charset, [data], "f.dat"))


def test_a_mark_inside_a_file_is_broken() -> None:
    assert b"".join(transcoded("utf-16be", ["a\ufeffb".encode("utf-16-be")], "f")).decode() == "a\ufffdb"


@pytest.mark.clause("3(1)⑨")
def test_the_resident_networks_codes_are_read_through_the_table_only() -> None:
    """葛 is J+845B or J+B9D5, by shape; read as Unicode both would be somebody else's character."""
    table = standard.table()
    one, two = charsets.decode("juki-unified", b"\x84\x5b"), charsets.decode("juki-unified", b"\xb9\xd5")
    assert table.by_text(one) == table.by_resident_network_code("845B")
    assert table.by_text(two) == table.by_resident_network_code("B9D5")
    assert one != two
    assert {one[0], two[0]} == {"葛"}


def test_every_code_of_the_resident_network_comes_back_or_keeps_its_name() -> None:
    """A code whose glyph has the same text as another's comes back as the first of them: text can't tell them apart."""
    table = standard.table()
    unknown = 0
    for code, text in juki_table().items():
        data = code.to_bytes(2, "big")
        assert charsets.decode("juki-unified", data) == text
        back = int.from_bytes(charsets.encode("juki-unified", text))
        assert juki_table()[back] == text
        if text == chr(PRIVATE + code):
            unknown += 1
            assert vendor_codes.code_of("juki-unified", text) == f"J+{code:04X}"
            assert vendor_codes.decoded("juki-unified", f"J+{code:04X}") == text
            found = table.by_resident_network_code(f"{code:04X}")
            assert found is None or not table[found].texts
    assert 10_000 < unknown < len(juki_table())
