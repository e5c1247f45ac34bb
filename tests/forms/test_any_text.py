"""Whatever a vendor sends as a name: exactly the demanded glyphs are printed, or nothing is and somebody is told.

Both gates are tried: the one before storing (with a correspondence table), and the one before drawing alone, as if the
register held the text already. What is demanded is told by the fonts' own cmaps, what is printed by the PDF's glyphs.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from fictional_people import CODE, FATHER, ISSUE, application
from glyphs_on_paper import SELECTORS, drawn_glyphs, split, standard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gaiji_maps.drawable import undrawable
from gaiji_maps.font_coverage import coverage
from issuance_api.checking import check
from issuance_api.forms import PageData, Subject, page_data
from issuance_api.model import Kind
from issuance_api.rendering import Renderer
from municipalities.registry import get
from records.errors import CheckFailed, IssueRefused
from transforms.characters import make_table, map_text

TOWN, RENDERER = get(CODE), Renderer()
MAPPING = {
    "\ue000": "\u845b\U000e0102",
    "\ue001": "\u9ad9",
    "\u8fbb\U000e0100": "\u8fbb\U000e0102",
    "\u6e21": "\u9089\U000e0110",  # a vendor whose font draws another shape there
}
TABLE = make_table("utf-8", MAPPING, coverage())
REASONS = ("unmapped_character", "missing_sequence", "forbidden_character")
LENGTH = 14

CHARACTERS = st.one_of(
    st.sampled_from(sorted(coverage().characters)).map(chr),
    st.sampled_from(sorted(coverage().sequences)).map(lambda pair: chr(pair[0]) + chr(pair[1])),
    st.tuples(st.sampled_from("葛辻邉神1あア"), st.sampled_from(sorted(SELECTORS)).map(chr)).map("".join),
    st.sampled_from([*MAPPING, "\ue002", "\U000f0000", "\U00100000", "\uf860", "\uf87f"]),
    st.sampled_from("かカウホㇷæɑ˥").flatmap(
        lambda base: st.sampled_from("\u3099\u309a゛゜ﾞ\u0300\u0301`´˩").map(lambda mark: base + mark)
    ),
    st.sampled_from("\x00\t\n\r\x1b\x7f\x85\xa0\xad\u061c\u200b\u200d\u200f\u2028\u202e\u2066\ufeff\ufffc\ufffd\uffff"),
    st.sampled_from("\U000e0001\U000e0020\u034f\u180b\u3164\uffa0\u115f\u05d0\u0627\u0e01\ud7a3\ud83d\udc00"),
    st.sampled_from("\ufa10\ufa11\ufa19\uf91d\U0002f804\ufb01ﬁ①㈱㌔〳〵⼈　 "),
    st.characters(),
)
TEXTS = st.lists(CHARACTERS, min_size=1, max_size=LENGTH).map(lambda some: "".join(some)[: 2 * LENGTH])


def demanded(text: str) -> list[bytes] | None:
    """The outlines of a text by the font's cmap alone; ``None`` when some of it has none, or is no character."""
    parts = split(text)
    drawable = all(ord(one[0]) not in undrawable() and not 0xE000 <= ord(one[0]) <= 0xF8FF for one in parts)
    return standard().outlines(text) if drawable and all(map(standard().glyph, parts)) else None


def page_of(name: str) -> PageData:
    person = replace(FATHER, name=name, householder_name="見本")
    return page_data(TOWN, application(Kind.RESIDENT_RECORD), Subject(person, (person,)), ISSUE)


def printed(name: str) -> list[bytes] | IssueRefused:
    """Outlines on the checked certificate of a person of this name, or why there is none."""
    page = page_of(name)
    try:
        pdf = RENDERER.render(TOWN, page)
    except IssueRefused as refusal:
        return refusal
    check(TOWN, page, pdf)
    return [one.outline for one in drawn_glyphs(pdf)[0]]


def contains(found: list[bytes], wanted: list[bytes]) -> bool:
    return any(found[at : at + len(wanted)] == wanted for at in range(len(found) - len(wanted) + 1))


def meant(text: str) -> str:
    """What the correspondence table makes of a text, one character after the other."""
    return "".join(MAPPING.get(one, one) for one in split(text))


@pytest.mark.clause("3(1)⑩")
@settings(max_examples=400)
@given(TEXTS)
@example("\u30ab\u3099")
@example("æ`")
@example("葛\U000e0100")
@example("\u8fbb\U000e0100\u6e21\ue000")
@example("山\ud83d")
def test_from_the_vendor_to_paper(text: str) -> None:
    """Stored and printed as the table means it, or quarantined with the code."""
    column = pa.array([text.encode("utf-8", "surrogatepass")]).view(pa.string())
    mapped, found = map_text(column, TABLE)
    (stored,) = mapped.to_pylist()
    if stored is None:
        assert all(one.reason in REASONS and one.detail for one in found)
        assert found or not text.strip(" \u3000")
        return
    assert stored == meant(text)
    wanted, drawn = demanded(stored), printed(stored)
    assert wanted is not None
    assert isinstance(drawn, list)
    assert contains(drawn, wanted)


@pytest.mark.clause("3(1)⑩")
@settings(max_examples=300)
@given(TEXTS.filter(lambda text: not any(0xD800 <= ord(one) <= 0xDFFF for one in text)))  # no database holds these
@example("\u30ab\u3099")
@example("æ`")
@example("カ\u309a")
@example("葛\U000e0100")
@example("\xad")
@example("　")
@example("ﾊｲﾂ ｶﾞｰﾃﾞﾝ")
@example("葛\U000e0102ﾞ")
def test_from_the_register_to_paper(text: str) -> None:
    """The gate before drawing does not trust the one before storing."""
    drawn, wanted = printed(text), demanded(text)
    if isinstance(drawn, IssueRefused):
        assert wanted is None
        assert (drawn.code, str(drawn.place.field)[:2]) == ("unmapped_character", "U+")
    else:
        assert wanted is not None
        assert contains(drawn, wanted)


@pytest.mark.fault(117)
def test_the_property_can_fail() -> None:
    """Without the gate a missing sequence is drawn as its base, which is what all of this is about."""
    page = page_of("葛\U000e0100")
    pdf = RENDERER.compile(TOWN, page)
    found = [one.outline for one in drawn_glyphs(pdf)[0]]
    assert contains(found, standard().outlines("葛"))
    with pytest.raises(CheckFailed):
        check(TOWN, page, pdf)
