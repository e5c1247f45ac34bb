"""The MJ names that no text reaches, by their ways to paper; and what must never be drawn, by the code that stops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fictional_people import FATHER, ISSUE, application
from glyphs_on_paper import SELECTORS, Demand, drawn_glyphs, standard
from hypothesis import given
from hypothesis import strategies as st
from made_up_fonts import town_of_its_own

from command_line.__main__ import main
from gaiji_maps import correspondence
from gaiji_maps.font_coverage import coverage
from gaiji_maps.fonts import standard_font_path
from gaiji_maps.making.outline import from_font
from gaiji_maps.standard.reach import Way, unreachable
from gaiji_maps.standard.table import foreign_sequences, hentaigana_table, table
from issuance_api.checking import check
from issuance_api.forms import PageData, Subject, page_data
from issuance_api.model import Kind
from issuance_api.rendering import Renderer
from municipalities.registry import Municipality
from records.errors import ConfigurationError, IssueRefused

RENDERER = Renderer()
BY_NAME = {name: way for name, way in unreachable().items() if name in table()}
SAME = [name for name, way in unreachable().items() if way.way is Way.SAME_OUTLINE]
OTHERS = [name for name, way in BY_NAME.items() if way.way is not Way.SAME_OUTLINE]
FIRST, SECOND = ("--by", "架空　一郎"), ("--by", "架空　二子")
Gaiji = Callable[..., tuple[int, str]]


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Municipality:
    return town_of_its_own(tmp_path, monkeypatch)


@pytest.fixture
def gaiji(town: Municipality, capsys: pytest.CaptureFixture[str]) -> Gaiji:
    """A ``gaiji`` command on this town: exit code and everything that was said."""

    def run(action: str, *arguments: str) -> tuple[int, str]:
        code = main(["gaiji", action, town.code, *arguments, "--json"])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def page_of(town: Municipality, name: str) -> PageData:
    person = replace(FATHER, name=name, householder_name="見本")
    return page_data(town, application(Kind.RESIDENT_RECORD), Subject(person, (person,)), ISSUE)


def drawn(town: Municipality, name: str) -> list[bytes]:
    """Outlines of the glyphs on the finished and checked page."""
    page = page_of(town, name)
    pdf = RENDERER.render(town, page)
    check(town, page, pdf)
    return [one.outline for one in drawn_glyphs(pdf)[0]]


def contains(found: list[bytes], wanted: list[bytes]) -> bool:
    return any(found[at : at + len(wanted)] == wanted for at in range(len(found)))


def svg(number: int) -> str:
    """A drawing that a town supplies: as many bars as the number says."""
    bars = "".join(f"M {20 + 12 * one} 20 V {100 + 5 * number} H {26 + 12 * one} V 20 Z " for one in range(number))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200"><path d="{bars}"/></svg>'


@pytest.mark.clause("3(1)⑩")
def test_names_whose_outline_another_text_draws_are_drawn_by_it(town: Municipality) -> None:
    """7 names of the list and 13 変体仮名: the demanded glyph is the one that the font calls by the name itself."""
    assert len([name for name in SAME if name in BY_NAME]) == 7
    assert len([name for name in SAME if name in hentaigana_table()]) == 13
    texts = [correspondence.text_of_target(name, coverage(town.folder)) for name in SAME]
    wanted = [standard().outline_of(name.lower()) for name in SAME]
    assert all(wanted)
    assert contains(drawn(town, "".join(map(str, texts))), wanted)


@pytest.mark.clause("3(1)⑨", "7(1)③ gaiji")
def test_names_that_no_text_draws_are_refused_and_then_made_from_a_drawing(
    town: Municipality, gaiji: Gaiji, tmp_path: Path
) -> None:
    """14 names: 9 with a twin of another outline, 5 without any code (two are newer than the font, three withdrawn)."""
    assert len(OTHERS) == 14
    assert {name for name in OTHERS if BY_NAME[name].twin is None} == {
        "MJ037229", "MJ040579", "MJ042077", "MJ057449", "MJ060040",
    }  # fmt: skip
    codes = [f"F9{0xC0 + number:02X}" for number in range(len(OTHERS))]
    for number, (code, name) in enumerate(zip(codes, OTHERS, strict=True), 1):
        exit_code, said = gaiji("propose", code, name, *FIRST)
        assert exit_code == 1
        assert f"no font of this municipality draws {name}" in said
        assert (BY_NAME[name].twin or "have a glyph made") in said
        drawing = tmp_path / f"{name}.svg"
        drawing.write_text(svg(number), "utf-8")
        made = ("make", code, "--svg", str(drawing), "--font-version", f"1.{number:03}", *FIRST)
        assert gaiji("propose", code, "make", "--how", f"{name} has no code", *FIRST)[0] == 0
        assert gaiji(*made)[0] == 0
        assert gaiji("confirm", code, *FIRST)[0] == 1
        assert gaiji("confirm", code, *SECOND)[0] == 0
        if number in (1, 2):  # the renderer and the check, warm already, see the font that was just made
            text = chr(0xEFFFF + number)
            assert contains(drawn(town, text), Demand(town.folder / "municipal.ttf").outlines(text))
    characters = correspondence.lookup("cp932-eudc", town.folder)
    text = "".join(characters[correspondence.vendor_codes.decoded("cp932-eudc", code)] for code in codes)
    assert [ord(one) for one in text] == list(range(0xF0000, 0xF000E))
    own = Demand(town.folder / "municipal.ttf")
    wanted = own.outlines(text)
    assert len(set(wanted)) == len(OTHERS)
    assert not set(wanted) & {standard().outline_of(glyph) for glyph in standard().names}
    assert contains(drawn(town, text), wanted)


def test_no_glyph_is_made_from_the_standard_font() -> None:
    with pytest.raises(ConfigurationError, match="must not derive"):
        from_font(standard_font_path(), 0xF860)


NEVER_DRAWN = {
    "Adobe-Japan1": ("葛\U000e0100", "U+845B U+E0100"),
    "Adobe-Japan1, of a character whose glyph it would change": ("辻\U000e0100", "U+8FBB U+E0100"),
    "a sequence of nobody": ("山\U000e01ef", "U+5C71 U+E01EF"),
    "a standardised sequence of another character": ("山\ufe00", "U+5C71 U+FE00"),
    "a selector alone": ("\U000e0101", "U+E0101"),
    "a selector twice": ("葛\U000e0102\U000e0102", "U+E0102"),
    "a selector after a private code": ("\ue000\U000e0100", "U+E000 U+E0100"),
    "a vendor's private code": ("\ue000", "U+E000"),
    "a private code of the standard font itself": ("\uf860", "U+F860"),
    "an own glyph of a town without a font": ("\U000f0000", "U+F0000"),
    "a GJ character without the second font": ("\U00100000", "U+100000"),
    "newer than the font": ("\u9fee", "U+9FEE"),
    "no character": ("\U000e0fff", "U+E0FFF"),
}


@pytest.mark.clause("3(1)⑩")
@pytest.mark.parametrize("what", NEVER_DRAWN)
def test_what_no_font_has_is_not_drawn_and_the_code_is_named(what: str, town: Municipality) -> None:
    text, code = NEVER_DRAWN[what]
    with pytest.raises(IssueRefused) as refusal:
        RENDERER.render(town, page_of(town, f"{text}本"))
    assert (refusal.value.code, refusal.value.place.field) == ("unmapped_character", code)


def test_hanyo_denshi_outside_moji_joho_is_not_drawn(town: Municipality) -> None:
    for sequence in foreign_sequences():
        assert [code for code, _ in coverage(town.folder).missing(sequence)] == [
            f"U+{ord(sequence[0]):04X} U+{ord(sequence[1]):04X}"
        ]
    sequence = next(iter(foreign_sequences()))
    with pytest.raises(IssueRefused):
        RENDERER.render(town, page_of(town, sequence))


def test_the_gate_knows_the_sequences_of_the_font_and_no_other() -> None:
    assert coverage().sequences == standard().sequences


@pytest.mark.fault(18)
@given(st.sampled_from(sorted(standard().characters)), st.sampled_from(sorted(SELECTORS)))
def test_the_gate_names_every_missing_sequence(base: int, selector: int) -> None:
    missing = [code for code, _ in coverage().missing(f"山{chr(base)}{chr(selector)}山")]
    if (base, selector) in standard().sequences:
        assert missing == []
    else:
        assert missing == [f"U+{base:04X} U+{selector:04X}"]
