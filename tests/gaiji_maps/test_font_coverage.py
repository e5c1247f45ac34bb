"""MJ名 ↔ text in the standard font, and that a missing sequence never passes for its base."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given
from hypothesis import strategies as st

from gaiji_maps import font_coverage
from gaiji_maps.drawable import undrawable
from gaiji_maps.font_coverage import coverage, is_private, read_font
from gaiji_maps.fonts import FONT_DIR_VARIABLE, standard_font_path
from municipalities.fonts import MUNICIPAL_FONT_FILE
from records.errors import ConfigurationError

MJ_NAMES = sorted(glyph.upper() for glyph in set(coverage().characters.values()) if glyph.startswith("mj"))


@pytest.mark.clause("3(1)⑩")
def test_the_standard_font_reaches_what_was_measured() -> None:
    found = coverage()
    whole = read_font(standard_font_path()).characters
    assert len([one for one in whole if not font_coverage.is_private(one)]) == 54_573
    assert len(found.characters) == 54_573 - 43, "without what is invisible or only a mark on another"
    assert found.characters.keys() == {one for one in whole if one not in undrawable() and not is_private(one)}
    assert len(found.sequences) == 11_474


@given(st.sampled_from(MJ_NAMES))
def test_an_mj_name_goes_to_text_and_back(name: str) -> None:
    text = coverage().text_of(name)
    assert text is not None
    assert coverage().mj_name_of(text) == name
    assert coverage().covers(text)


def test_known_names() -> None:
    found = coverage()
    assert found.text_of("MJ022335") == "\u845b\U000e0102"
    assert found.text_of("MJ022336") == "\u845b"
    assert found.text_of("MJ030211") == "\u795e\U000e0103", "not the compatibility ideograph U+FA19"
    assert found.text_of("MJ037229") is None, "withdrawn, no code"
    assert found.mj_name_of("\u845b\U000e0102") == "MJ022335"
    assert found.mj_name_of("A") is None
    assert found.mj_name_of("\u845b\u845b") is None


def test_a_sequence_that_the_font_lacks_is_missing_although_its_base_is_there() -> None:
    found = coverage()
    assert found.covers("\u845b")
    assert not found.covers("\u845b\U000e0100")
    assert list(found.missing("山\u845b\U000e0100\ue000")) == [("U+845B U+E0100", True), ("U+E000", False)]
    assert not found.covers("\U000e0102"), "a selector without a base"


@given(st.sampled_from(sorted(coverage().characters)), st.sampled_from(font_coverage.SELECTORS))
def test_every_pair_is_covered_exactly_when_the_font_has_it(base: int, selector: int) -> None:
    assert coverage().covers(chr(base) + chr(selector)) == ((base, selector) in coverage().sequences)


@given(st.text(alphabet=st.sampled_from("山葛A\u845b\U000e0102\U000e0100\ufe00"), max_size=8))
def test_characters_take_the_text_apart_without_loss(text: str) -> None:
    parts = list(font_coverage.characters(text))
    assert "".join(chr(base) + (chr(selector) if selector else "") for base, selector in parts) == text
    assert all(selector is None or selector in font_coverage.SELECTOR_SET for _, selector in parts)


def test_a_base_with_its_selector_counts_as_one() -> None:
    assert font_coverage.length("\u845b\U000e0102城") == 2


def test_no_font_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FONT_DIR_VARIABLE, str(tmp_path))
    with pytest.raises(ConfigurationError, match="fonts-ipamj-mincho"):
        standard_font_path()


@pytest.mark.clause("3(1)⑨")
def test_a_municipal_font_adds_glyphs_and_takes_over_private_use(tmp_path: Path) -> None:
    make_font(tmp_path / MUNICIPAL_FONT_FILE, {0xF0001: "own1", 0x845B: "own2"})
    own = coverage(tmp_path)
    assert own.covers("\U000f0001")
    assert own.mj_name_of("\u845b") == "MJ022336", "standard characters stay the standard font's"
    assert not coverage().covers("\U000f0001")
    assert not coverage().covers("\uf860"), "the standard font's own private glyphs are nobody's"


def make_font(path: Path, characters: dict[int, str]) -> None:
    """A font with one square per glyph."""
    names = [".notdef", *characters.values()]
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 500))
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(characters)
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Test", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
