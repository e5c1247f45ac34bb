"""Search folding: what is one character in other shapes is found, what is another character is not, nothing is changed."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gaiji_maps.folding import fold, pattern
from gaiji_maps.standard import shapes
from gaiji_maps.standard import table as standard
from gaiji_maps.standard.table import folding_table

NAMES = st.lists(
    st.one_of(
        st.sampled_from(
            ["髙", "邉\U000e0101", "邊", "辺", "﨑", "齋", "藪", "𠮷", "\ue000", "ｶﾞ", "が", "ヴ", "ッ", "　"]
        ),
        st.characters(min_codepoint=0x3041, max_codepoint=0x30FF, exclude_characters="ゟヿ"),  # ligatures
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.characters(min_codepoint=0x21, max_codepoint=0x7E),
    ),
    min_size=1,
    max_size=8,
).map("".join)
SHAPES = (
    "遥遙", "凛凜", "巌巖", "亘亙", "尭堯", "槙槇", "瑶瑤", "島嶋", "島嶌",
    "竜龍", "弁辨", "富冨", "桧檜", "恵惠", "塚\ufa10",
)  # fmt: skip
WORDS = (
    "曰日", "母毋", "于干", "戌戍", "戍戊", "人入", "壬任", "祇祗", "亨享",
    "藤籐", "采釆", "萩荻", "管菅", "崇祟", "嘉喜", "巌岩", "柿杮",
)  # fmt: skip


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
        ("ヴ", "ぅ゛"),
        ("がま", "か\u3099ま"),
        ("ﾊﾟｸ", "ハ゜ク"),
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


@settings(max_examples=400, deadline=None)
@given(st.one_of(NAMES, st.text()))
@example("ぅ゙")
@example("う゛")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@settings(max_examples=200, deadline=None)
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


@pytest.mark.clause("2(4)②")
def test_every_standard_glyph_folds_to_the_key_of_its_standard_form() -> None:
    """親字・正字 of the 戸籍統一文字: where the table names one, its key is the glyph's key, with and without selector."""
    table = standard.table()
    two_forms = set()
    for name in table:
        row = table[name]
        forms = {one.character for one in row.shrinks if one.rule == "family_register_parent"}
        for text in {*row.texts, row.ucs} - {""}:
            assert fold(text) == fold(text[0]), f"the selector of {name} counts"
            if len(forms) == 1 and fold(text) != fold(*forms):
                two_forms.add(text[0])
    # Bases that are two characters, or whose form has a form again by another rule; none of them is common in names.
    assert two_forms == set("㠯䉵䓗䧏叐师攵迬鼃𡿮𦱤𩱿")


def test_a_fold_is_the_end_of_the_way() -> None:
    table = folding_table()
    assert not set(table) & set(table.values())
    assert all(len(one) == len(other) == 1 for one, other in table.items())


def test_the_table_of_this_release_is_made_from_its_list() -> None:
    assert folding_table() == shapes.parents(standard.table())


@pytest.mark.parametrize("pair", SHAPES)
def test_two_shapes_of_a_name_have_one_key(pair: str) -> None:
    assert fold(pair[0]) == fold(pair[1])


@pytest.mark.parametrize("pair", WORDS)
def test_two_words_of_names_have_two_keys(pair: str) -> None:
    assert fold(pair[0]) != fold(pair[1])
