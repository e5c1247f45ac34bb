"""The standard table: counts of the list, look-ups both ways, and what the installed font reaches of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaiji_maps.font_coverage import coverage
from gaiji_maps.standard import build, rows
from gaiji_maps.standard.reach import Way, reach, unreachable
from gaiji_maps.standard.table import foreign_sequences, hentaigana_table, table
from records.errors import ConfigurationError

NAMES = tuple(table())
WITHOUT_TEXT = [
    "MJ003719", "MJ006065", "MJ014004", "MJ029825", "MJ029893", "MJ033216", "MJ035887",
    "MJ037229", "MJ037904", "MJ037910", "MJ040282", "MJ040579", "MJ041326", "MJ041470",
    "MJ042077", "MJ043219", "MJ053026", "MJ055353", "MJ057449", "MJ059043", "MJ060040",
]  # fmt: skip


@pytest.mark.clause("3(1)⑩")
def test_the_table_holds_the_whole_list() -> None:
    found = [table()[name] for name in NAMES]
    assert len(found) == 58_862
    assert sum(bool(one.ucs) for one in found) == 58_859
    assert sum(bool(one.implemented_ucs) for one in found) == 52_607
    assert sum(len(one.sequences) for one in found) == 11_384
    assert sum(bool(one.family_register_number) for one in found) == 55_270
    assert sum(bool(one.resident_network_code) for one in found) == 19_563
    assert sum(bool(one.registry_number) for one in found) == 56_380
    assert sum(len(one.readings) for one in found) == 122_148
    assert sum(len(one.radicals) for one in found) == 59_665
    assert sum(len(one.shrinks) for one in found) == 62_682
    assert Counter(len(table().of_base(base)) > 1 for base in {one.ucs for one in found if one.ucs})[True] == 5_072
    assert len(hentaigana_table()) == 299


@given(st.sampled_from(NAMES))
def test_every_number_leads_back_to_its_name(name: str) -> None:
    row = table()[name]
    assert all(table().by_text(text) == name for text in row.texts)
    for number, look_up in (
        (row.resident_network_code, table().by_resident_network_code),
        (row.family_register_number, table().by_family_register_number),
        (row.registry_number, table().by_registry_number),
    ):
        assert not number or look_up(number) == name
    assert not row.ucs or name in table().of_base(row.ucs)


@given(st.sampled_from(NAMES))
def test_filters_find_a_character_by_what_the_list_says_of_it(name: str) -> None:
    row = table()[name]
    for number, _ in row.radicals:
        assert name in table().find(strokes=row.strokes, radical_number=number)
    for reading in row.readings:
        assert name in table().find(reading=reading)
    assert name not in table().find(strokes=(row.strokes or 0) + 1)


def test_known_characters() -> None:
    assert table().by_text("\u845b\U000e0102") == "MJ022335"
    assert table().by_resident_network_code("J+845B") == "MJ022335"
    assert table().by_resident_network_code("J+B9D5") == "MJ022336"
    assert table().by_text("\u845b\U000e0100") is None, "a sequence of another collection is no twin of its base"
    assert len(table().of_base("邉")) == 16
    assert {"MJ026191", "MJ026197"} <= set(table().variants("MJ026190"))
    assert table().find(reading="ナベ") == table().find(reading="なべ") != frozenset()
    assert table().get("MJ999999") is None


@pytest.mark.clause("3(1)⑩")
def test_list_and_font_have_not_drifted_apart() -> None:
    """Each text of the list draws in the installed font the glyph of its name; where it can't, the name is known."""
    found = coverage()
    assert [name for name in NAMES if found.text_of(name) is None] == WITHOUT_TEXT
    wrong = [name for name in NAMES for text in table()[name].texts if found.mj_name_of(text) not in (name, None)]
    lacking = [name for name in NAMES for text in table()[name].texts if not found.covers(text)]
    assert wrong == []
    assert lacking == ["MJ057449", "MJ060040"], "U+9FEE and U+9FEF are newer than the font"
    written = [one for one in hentaigana_table().values() if one.ucs]
    assert len(written) == 286
    assert all(found.mj_name_of(one.ucs) == one.mj_name for one in written)


@pytest.mark.clause("3(1)⑩")
def test_what_text_does_not_reach_is_handled_by_name() -> None:
    ways = unreachable()
    assert Counter(one.way for name, one in ways.items() if name in table()) == {
        Way.SAME_OUTLINE: 7,
        Way.NOTED_TWIN: 9,
        Way.OWN_GLYPH: 5,
    }
    assert {one.way for name, one in ways.items() if name in hentaigana_table()} == {Way.SAME_OUTLINE}
    assert len(ways) == 21 + 13
    assert {name for name, one in ways.items() if one.way is Way.OWN_GLYPH} == {
        "MJ037229", "MJ040579", "MJ042077", "MJ057449", "MJ060040",
    }  # fmt: skip
    assert reach("MJ059043").twin == "MJ059042"
    assert reach("MJ003719").twin == "MJ003718"
    assert reach("MJ022335").text == "\u845b\U000e0102"
    with pytest.raises(KeyError):
        reach("MJ999999")


def test_foreign_sequences_stay_outside_moji_joho() -> None:
    found = foreign_sequences()
    assert len(found) == 416
    assert all(table().by_text(sequence) is None and name in table() for sequence, name in found.items())
    assert all(table()[name].ucs == sequence[0] for sequence, name in found.items())


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=3))
def test_hexadecimal_goes_both_ways(text: str) -> None:
    assert rows.text(rows.hexadecimal(text)) == text


def test_the_build_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="mojidata"):
        build.build(tmp_path / "moji.db", tmp_path)
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(sqlite3.OperationalError):
        build.build(tmp_path / "empty.db", tmp_path)
