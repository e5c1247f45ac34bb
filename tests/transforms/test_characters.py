"""Whole columns of characters against a slow reference, one character at a time."""

from __future__ import annotations

import sys
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaiji_maps.drawable import FORBIDDEN_RANGES
from gaiji_maps.font_coverage import SELECTOR_SET, coverage, length
from transforms import characters
from transforms.characters import lengths_above, make_table, map_text
from transforms.code_points import build, split
from transforms.findings import Finding

MAPPING = {
    "\ue000": "\u845b\U000e0102", "\ue001": "\u9ad9", "\u8fbb": "\u8fbb\U000e0102",
    # Sequences of collections that are not ours: longer, shorter, and of a base that no font has.
    "\u8fbb\U000e0100": "\u8fbb\U000e0102", "\u845b\U000e0100": "\u845b", "\u0e01\ufe00": "\u9ad9",
}  # fmt: skip
TABLE = make_table("cp932-eudc", MAPPING, coverage())
TRICKY = st.sampled_from(
    "山田Aア　 \ue000\ue001\ue002\u8fbb\u845b\U000e0102\U000e0100\ufe00\x00\u202e\u200b\U00020bb7\U000f0001\u0e01"
)
TEXTS = st.lists(st.none() | st.text(alphabet=TRICKY, max_size=6), max_size=8)


def reference(text: str | None) -> tuple[str | None, bool]:
    """One text by the rules, without numpy; and whether it is good."""
    if text is None or not text.strip(" \u3000"):
        return None, True
    result = ""
    for at, one in enumerate(text):
        selected = text[at + 1 : at + 2] in set(map(chr, SELECTOR_SET)) and at + 1 < len(text)
        if ord(one) in SELECTOR_SET and text[at - 1 : at + 1] in MAPPING and at:
            continue
        if selected and text[at : at + 2] in MAPPING:
            result += MAPPING[text[at : at + 2]]
            continue
        result += MAPPING[one] if one in MAPPING and not selected else one
        if selected and (ord(one), ord(text[at + 1])) not in coverage().sequences:
            return None, False
    forbidden = any(unicodedata.category(one) in ("Cc", "Cf") for one in result)
    good = not forbidden and coverage().covers(result)
    return (result, True) if good else (None, False)


@pytest.mark.clause("3(1)③", "3(1)⑩")
@given(TEXTS)
def test_columns_equal_the_reference(texts: list[str | None]) -> None:
    mapped, found = map_text(pa.array(texts, pa.string()), TABLE)
    expected = [reference(text) for text in texts]
    assert mapped.to_pylist() == [text for text, _ in expected]
    assert {one.row for one in found} == {row for row, (_, good) in enumerate(expected) if not good}


@given(TEXTS, st.integers(0, 4))
def test_a_slice_is_mapped_like_a_copy(texts: list[str | None], start: int) -> None:
    array = pa.array(texts, pa.string())
    copy = pa.array(texts[start:], pa.string())
    assert map_text(array.slice(start), TABLE)[0].to_pylist() == map_text(copy, TABLE)[0].to_pylist()


@given(TEXTS)
def test_what_is_stored_is_always_drawn_by_the_font(texts: list[str | None]) -> None:
    mapped, _ = map_text(pa.array(texts, pa.string()), TABLE)
    assert all(coverage().covers(text) for text in mapped.to_pylist() if text is not None)


@given(st.lists(st.none() | st.text(max_size=5), max_size=6))
def test_a_column_goes_apart_and_together(texts: list[str | None]) -> None:
    assert build(split(pa.array(texts, pa.string()))).to_pylist() == texts


@pytest.mark.fault(17, 19)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("山\ue002", Finding(0, "unmapped_character", "F042")),
        ("\U000f0001", Finding(0, "unmapped_character", "U+F0001")),
        ("\u845b\U000e01e0", Finding(0, "missing_sequence", "U+845B U+E01E0")),
        ("\u0e01\U000e0100", Finding(0, "missing_sequence", "U+0E01 U+E0100")),
        ("\ue002\U000e0100", Finding(0, "missing_sequence", "U+E002 U+E0100")),
        ("\U000e0102", Finding(0, "missing_sequence", "U+E0102")),
        ("\ue000\U000e0102", Finding(0, "missing_sequence", "U+E000 U+E0102")),
        ("a\x00", Finding(0, "forbidden_character", "U+0000")),
        ("a\u202eb", Finding(0, "forbidden_character", "U+202E")),
        ("a\u200bb", Finding(0, "forbidden_character", "U+200B")),
        ("a\ufffdb", Finding(0, "forbidden_character", "U+FFFD")),
        ("a\uffff", Finding(0, "forbidden_character", "U+FFFF")),
        ("\u0e01", Finding(0, "unmapped_character", "U+0E01")),
        ("\u30ab\u3099", Finding(0, "unmapped_character", "U+3099")),
    ],
)
def test_every_wrong_character_is_named(text: str, expected: Finding) -> None:
    mapped, found = map_text(pa.array([text]), TABLE)
    assert found == [expected]
    assert mapped.to_pylist() == [None]


def test_nothing_is_normalised() -> None:
    texts = ["\ufa19社", "ｶﾞ", "Å", "\u30ab\u309b", "①", "㈱"]
    assert map_text(pa.array(texts), TABLE)[0].to_pylist() == texts


def test_a_selector_never_joins_the_row_before() -> None:
    _, found = map_text(pa.array(["\u845b", "\U000e0102城"]), TABLE)
    assert found == [Finding(1, "missing_sequence", "U+E0102")]


def test_an_ordinary_character_that_carries_a_selector_is_not_mapped() -> None:
    mapped, found = map_text(pa.array(["\u8fbb", "\u8fbb\U000e0103"]), TABLE)
    assert (mapped.to_pylist(), found) == (["\u8fbb\U000e0102", "\u8fbb\U000e0103"], [])


@pytest.mark.clause("3(1)⑩")
def test_a_foreign_sequence_means_what_the_table_says_or_is_named() -> None:
    texts = ["山\u8fbb\U000e0100\ue000", "\u845b\U000e0100\U000e0100", "\u0e01\ufe00", "\u8fbb\U000e0101"]
    mapped, found = map_text(pa.array(texts), TABLE)
    assert mapped.to_pylist() == ["山\u8fbb\U000e0102\u845b\U000e0102", None, "\u9ad9", None]
    assert [(one.row, one.detail) for one in found] == [(1, "U+E0100 U+E0100"), (3, "U+8FBB U+E0101")]


def test_one_cell_has_each_problem_once_and_not_without_end() -> None:
    text = "\ue100" * 50 + "".join(map(chr, range(0xE200, 0xE300)))
    _, found = map_text(pa.array([text]), TABLE)
    assert len(found) == len(set(found)) == characters.FINDINGS_PER_COLUMN_AND_ROW


def test_forbidden_ranges_are_the_categories_they_claim() -> None:
    listed = {point for start, end in FORBIDDEN_RANGES for point in range(start, end + 1)}
    categories = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
    wanted = {point for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)) in categories}
    assert wanted - listed == set(characters.SPACES)
    assert {point for point in range(sys.maxunicode + 1) if point & 0xFFFE == 0xFFFE} <= listed
    letters = [point for point in listed if unicodedata.category(chr(point))[0] in "LN"]
    assert {unicodedata.name(chr(point)).split()[0] for point in letters} <= {"HANGUL", "HALFWIDTH"}, "fillers only"


@given(st.lists(st.text(alphabet="山\u845b\U000e0102", max_size=6), max_size=6), st.integers(0, 4))
def test_lengths_count_a_base_with_its_selector_once(texts: list[str], limit: int) -> None:
    assert list(lengths_above(pa.array(texts, pa.string()), limit)) == [
        row for row, text in enumerate(texts) if length(text) > limit
    ]
