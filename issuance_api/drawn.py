"""What a finished PDF draws (描かれた字): the outlines of each page's glyphs in the order of drawing.

Not by text extraction: that reads other characters for compatibility ideographs, one spelling for a glyph that the
register writes in two, and one glyph for a letter with its mark. Our renderer writes a page in one plain way only, which
``PIECE`` says; a page that is written in another (invisible, coloured, clipped, filled over, off the sheet) is refused.
What the glyphs should be is ``checking``'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf

from issuance_api.outlines import EmbeddedFont
from records.errors import CheckFailed

# Everything that shows text or chooses its font. Each text object of our renderer names its font anew.
OPERATORS = "BT Tf Tj TJ ' \""
Fonts = Mapping[Any, EmbeddedFont]

_NUMBER = rb"-?\d+(?:\.\d+)?"
_INSIDE = rb"(?:\\.|[^\\()])"  # of a text: glyph numbers, in which brackets may stand if they are balanced
for _ in range(6):
    _INSIDE = rb"(?:\\.|[^\\()]|\(%s*+\))" % _INSIDE
_STRING = rb"(?:\(%s*+\)|<[0-9A-F]*>)" % _INSIDE
_SHOWN = rb"(?:%s|\s|-|\d|\.)*+" % _STRING
# A piece of a page: a mark of its structure; or, each by itself between q and Q, black text, a black rule, an image.
PIECE = re.compile(
    rb"(?:/\w+<<[^>]*(?:<[0-9A-F]*>)?[^>]*>>BDC|EMC|\n|"
    rb"q 1 0 0 -1 (?P<x>%(n)s) (?P<y>%(n)s) cm/c0 cs 0 scn\n"
    rb"BT(?:(?:/Span<</ActualText<[0-9A-F]*>>>BDC)? 0 Tr/f\d+ (?P<size>%(n)s) Tf 1 0 0 -1 (?P<on>%(n)s) 0 Tm"
    rb"(?:\[%(shown)s\]TJ|%(string)sTj)(?:\nEMC)?)+\nET\nQ|"
    rb"q %(n)s %(n)s %(n)s %(n)s %(n)s %(n)s cm/c0 CS 0 SCN %(n)s w %(n)s M[\d. \-mlh\n]*+S\nQ|"
    rb"q %(n)s %(n)s %(n)s %(n)s %(n)s %(n)s cm/x\d+ Do\nQ)" % {b"n": _NUMBER, b"shown": _SHOWN, b"string": _STRING},
    re.DOTALL,
)
EDGE_POINTS = 20.0  # no text begins nearer to the edge of the sheet
LEAST_POINTS = 4.0  # nor is any smaller


def embedded_fonts(document: pikepdf.Pdf) -> Fonts:
    """Each font of the document by its object number."""
    found = {font.objgen: font for page in document.pages for font in page.Resources.get("/Font", {}).values()}
    return {number: EmbeddedFont(font) for number, font in found.items()}


def page_outlines(document: pikepdf.Pdf, fonts: Fonts) -> list[list[bytes]]:
    """The outlines drawn on each page; ``CheckFailed`` for a way of drawing that we don't use."""
    for page in document.pages:
        _check_plain(page)
    return [list(_glyphs(page, fonts)) for page in document.pages]


def _check_plain(page: Any) -> None:
    """Every byte of the content belongs to a piece, and every text begins on the sheet and can be read."""
    right, top = (float(one) - EDGE_POINTS for one in list(page.mediabox)[2:])
    content = page.Contents.read_bytes()
    at = 0
    for piece in PIECE.finditer(content):
        if piece.start() != at:
            break
        at = piece.end()
        if piece["x"] is not None:
            on_sheet = (
                EDGE_POINTS <= float(piece["x"]) <= float(piece["x"]) + float(piece["on"]) <= right
                and EDGE_POINTS <= float(piece["y"]) <= top
            )
            if not on_sheet or float(piece["size"]) < LEAST_POINTS:
                raise CheckFailed("a text begins off the sheet, or is too small to be read")
    if at != len(content):
        raise CheckFailed("something is drawn in a way that the forms never use")


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
