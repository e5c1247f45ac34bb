"""What a finished PDF draws (描かれた字): the outlines of each page's glyphs in the order of drawing.

Not by text extraction: that reads other characters for compatibility ideographs, one spelling for a glyph that the
register writes in two, and one glyph for a letter with its mark. What the glyphs should be is ``checking``'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf

from issuance_api.outlines import EmbeddedFont
from records.errors import CheckFailed

# Everything that shows text or chooses its font. Each text object of our renderer names its font anew.
OPERATORS = "BT Tf Tj TJ ' \""
Fonts = Mapping[Any, EmbeddedFont]


def embedded_fonts(document: pikepdf.Pdf) -> Fonts:
    """Each font of the document by its object number."""
    found = {font.objgen: font for page in document.pages for font in page.Resources.get("/Font", {}).values()}
    return {number: EmbeddedFont(font) for number, font in found.items()}


def page_outlines(document: pikepdf.Pdf, fonts: Fonts) -> list[list[bytes]]:
    """The outlines drawn on each page; ``CheckFailed`` for a way of drawing that we don't use."""
    return [list(_glyphs(page, fonts)) for page in document.pages]


def _glyphs(page: Any, fonts: Fonts) -> Iterator[bytes]:
    named = {name: fonts[font.objgen] for name, font in page.Resources.get("/Font", {}).items()}
    font: EmbeddedFont | None = None
    for operands, operator in pikepdf.parse_content_stream(page, OPERATORS):
        name = str(operator)
        if name == "BT":
            font = None
        elif name == "Tf":
            font = named[str(operands[0])]
        elif font is not None and name in ("Tj", "TJ"):
            yield from _shown(operands[0] if name == "TJ" else operands, font)
        else:
            raise CheckFailed("text is drawn in an unknown way")


def _shown(parts: Any, font: EmbeddedFont) -> Iterator[bytes]:
    for codes in (bytes(one) for one in parts if isinstance(one, pikepdf.String)):
        for at in range(0, len(codes), 2):
            yield font.outline(codes[at] << 8 | codes[at + 1])
