"""What a finished PDF draws (描かれた字): the texts of each page in the order of drawing, read glyph by glyph.

Not by text extraction: that reads other characters for compatibility ideographs, and one spelling for a glyph that the
register writes in two. What the glyphs look like is compared in ``checking`` with ``outlines``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf

from issuance_api.outlines import texts_of
from records.errors import CheckFailed

# Everything that shows text or chooses its font. Each text object of our renderer names its font anew.
OPERATORS = "BT Tf Tj TJ ' \""
Texts = Mapping[int, str]


def page_texts(document: pikepdf.Pdf) -> list[str]:
    """The drawn text of each page; ``CheckFailed`` for a glyph without a text or a way of drawing that we don't use."""
    known: dict[tuple[int, int], Texts] = {}
    return ["".join(_glyphs(page, _fonts(page, known))) for page in document.pages]


def _fonts(page: Any, known: dict[tuple[int, int], Texts]) -> dict[str, Texts]:
    """The texts of each font by its name on this page."""
    found: dict[str, Texts] = {}
    for name, font in page.Resources.get("/Font", {}).items():
        if font.objgen not in known:
            known[font.objgen] = _texts(font)
        found[name] = known[font.objgen]
    return found


def _texts(font: Any) -> Texts:
    numbering = font.DescendantFonts[0].get("/CIDToGIDMap", "/Identity")  # CFF fonts have none
    if font.Encoding != "/Identity-H" or numbering != "/Identity":
        raise CheckFailed("the numbers of a font's glyphs are in an unknown form")
    return dict(texts_of(font))


def _glyphs(page: Any, fonts: Mapping[str, Texts]) -> Iterator[str]:
    texts: Texts = {}
    for operands, operator in pikepdf.parse_content_stream(page, OPERATORS):
        name = str(operator)
        if name == "BT":
            texts = {}
        elif name == "Tf":
            texts = fonts[str(operands[0])]
        elif name in ("Tj", "TJ"):
            yield from _shown(operands[0] if name == "TJ" else operands, texts)
        else:
            raise CheckFailed("text is drawn in an unknown way")


def _shown(parts: Any, texts: Texts) -> Iterator[str]:
    for codes in (bytes(one) for one in parts if isinstance(one, pikepdf.String)):
        for at in range(0, len(codes), 2):
            text = texts.get(codes[at] << 8 | codes[at + 1])
            if not text:
                raise CheckFailed("a drawn glyph stands for no character")
            yield text
