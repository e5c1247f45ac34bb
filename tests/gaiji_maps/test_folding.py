"""Search folding: what is one character in other shapes is found, what is another character is not, nothing is changed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaiji_maps.folding import fold, pattern
from gaiji_maps.standard import table as standard

NAMES = st.lists(
    st.one_of(
        st.sampled_from(
            ["髙", "邉\U000e0101", "邊", "辺", "﨑", "齋", "藪", "𠮷", "\ue000", "ｶﾞ", "が", "ヴ", "ッ", "　"]
        ),
        st.characters(min_codepoint=0x3041, max_codepoint=0x30FF),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.characters(min_codepoint=0x21, max_codepoint=0x7E),
    ),
    min_size=1,
    max_size=8,
).map("".join)


@pytest.mark.clause("2(4)②")
@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("高", "髙"),
        ("髙", "高"),
        ("辺", "邊"),
        ("辺", "邉"),
        ("邊", "邉\U000e0101"),
        ("渡辺", "渡邉\U000e0110　一郎"),
        ("斎藤", "齋藤　花子"),
        ("斉藤", "齊藤"),
        ("山崎", "山﨑"),
        ("吉田", "𠮷田"),
        ("浜", "濵"),
        ("沢", "澤"),
        ("薮", "藪"),
        ("かとう", "ｶﾄｳ ﾊﾅｺ"),
        ("がっき", "ガツキ"),
        ("バード", "ﾊﾞｰﾄﾞ"),
        ("smith", "ＳＭＩＴＨ　JOHN"),
        ("山田太郎", "山田　太郎"),
    ],
)
def test_another_shape_is_found(asked: str, stored: str) -> None:
    assert re.search(pattern(asked), stored, re.IGNORECASE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("土", "士"),
        ("己", "已"),
        ("已", "巳"),
        ("己", "巳"),
        ("未", "末"),
        ("千", "干"),
        ("斉", "斎"),
        ("日", "曰"),
        ("は", "ば"),
    ],
)
def test_other_characters_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)
    assert not re.search(pattern(one), other)


@settings(max_examples=400)
@given(NAMES)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@settings(max_examples=200)
@given(NAMES, NAMES, NAMES)
def test_a_text_is_found_in_whatever_contains_it(before: str, text: str, after: str) -> None:
    if fold(text):
        assert re.search(pattern(text), text, re.IGNORECASE)
        assert re.search(pattern(fold(text)), before + text + after, re.IGNORECASE)


def test_every_standard_glyph_is_found_by_its_search_key() -> None:
    table = standard.table()
    lost = [
        name
        for name in table
        for text in table[name].texts[:1]
        if not re.fullmatch(pattern(fold(text)) + "[\ufe00-\ufe0f\U000e0100-\U000e01ef]*", text)
    ]
    assert not lost


@pytest.mark.parametrize("text", ["", " ", "　", "\U000e0101"])
def test_nothing_to_search_for_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nothing"):
        pattern(text)
