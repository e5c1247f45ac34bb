"""Every glyph of the MJ list and every written 変体仮名, through the real form, renderer and check, proved by outline.

The glyph that is demanded is found from the list's text by the font's own cmap (fontTools), and must bear the MJ name;
what was drawn is read from the pages' content streams and the font embedded in the PDF.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import pytest
from fictional_people import CODE, FATHER, ISSUE, application
from glyphs_on_paper import drawn_glyphs, split, standard

from issuance_api.checking import check
from issuance_api.forms import PageData, Subject, page_data
from issuance_api.model import Kind, OptionalItem
from issuance_api.rendering import Renderer
from municipalities.registry import get
from municipalities.site import CHECKOUT

DATA = CHECKOUT / "gaiji_maps" / "standard" / "data"
# Characters of one person: cells in the order of the form, none longer than what the dictionary allows.
CELLS = {
    "name_kana": 18, "name": 12, "former_surname": 18, "address_before_move_in": 38, "previous_address": 38,
    "registered_domicile": 76, "family_register_head": 38,
}  # fmt: skip
PEOPLE_PER_CERTIFICATE = 40
TOWN = get(CODE)
RENDERER = Renderer()


def listed() -> dict[str, list[str]]:
    """MJ name → every text that the list gives for it, read from the data files alone; 変体仮名 with a code, too."""
    lines = lzma.decompress((DATA / "mj_characters.tsv.xz").read_bytes()).decode().splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    found = {row[0]: [_text(one) for one in (row[2], *row[3].split(), row[4]) if one] for row in rows}
    kana = [line.split("\t") for line in (DATA / "mj_hentaigana.tsv").read_text("utf-8").splitlines()[1:]]
    return found | {row[0]: [_text(row[1])] for row in kana if row[1]}


def _text(hexadecimal: str) -> str:
    return "".join(chr(int(one, 16)) for one in hexadecimal.split("_"))


def certificates(texts: Iterator[str]) -> Iterator[PageData]:
    """住民票 of made-up households whose cells are filled with the texts, one after the other."""
    while people := tuple(islice(_people(texts), PEOPLE_PER_CERTIFICATE)):
        asked = application(Kind.RESIDENT_RECORD, items=frozenset({OptionalItem.REGISTERED_DOMICILE}))
        yield page_data(TOWN, asked, Subject(FATHER, people), ISSUE)


def _people(texts: Iterator[str]) -> Iterator[object]:
    while True:
        cells = {name: "".join(islice(texts, count)) for name, count in CELLS.items()}
        if not cells["name_kana"]:
            return
        yield replace(FATHER, **{name: text or None for name, text in cells.items()})


class Outlines:
    """Outlines as single characters, so that a page's drawing is a text that can be searched."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def written(self, outlines: Iterable[bytes]) -> str:
        return "".join(self._known.setdefault(one, chr(0x10000 + len(self._known))) for one in outlines)


def wrongly_drawn(page: PageData, pdf: bytes, demanded: Callable[[str], list[bytes]]) -> list[str]:
    """Keys of the cells whose glyphs do not stand, all of them and in order, on the page where the cell belongs."""
    outlines = Outlines()
    pages = [outlines.written(one.outline for one in drawn) for drawn in drawn_glyphs(pdf)]
    people = page.values["people"]
    return [
        name
        for number, person in enumerate(people)
        for name, text in person.items()
        if isinstance(text, str) and outlines.written(demanded(text)) not in pages[number * len(pages) // len(people)]
    ]


def draw(page: PageData) -> tuple[list[str], PageData]:
    """Render, check as issuing does, and compare with what is demanded."""
    pdf = RENDERER.render(TOWN, page)
    check(TOWN, page, pdf)
    return wrongly_drawn(page, pdf, standard().outlines), page


def printed(page: PageData) -> set[str]:
    """Every character, base with selector, in the cells that were filled."""
    return {
        one
        for person in page.values["people"]
        for text in person.values()
        if isinstance(text, str)
        for one in split(text)
    }


@pytest.mark.clause("3(1)⑩")
def test_every_glyph_of_the_list_is_drawn_and_is_the_one_demanded() -> None:
    names, demand = listed(), standard()
    texts = {text: name for name, some in names.items() for text in some if demand.glyph(text) is not None}
    assert [text for text, name in texts.items() if demand.glyph(text) != name.lower()] == []
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(draw, certificates(iter(texts))))
    assert [wrong for wrong, _ in results if wrong] == []
    drawn = set().union(*(printed(page) for _, page in results))
    assert texts.keys() <= drawn
    reached = {texts[text] for text in texts.keys() & drawn}
    assert len([name for name in reached if name < "MJ09"]) == 58_841
    assert len([name for name in reached if name >= "MJ09"]) == 286
