"""What a finished PDF draws (描かれた字): the outlines of each page's glyphs in the order of drawing.

Not by text extraction: that reads other characters for compatibility ideographs, one spelling for a glyph that the
register writes in two, and one glyph for a letter with its mark. Our renderer writes a page in one plain way only, which
``PIECE`` says; a page that is written in another (invisible, coloured, clipped, filled over, off the sheet) is refused.
What the glyphs should be is ``checking``'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pikepdf

from issuance_api.outlines import EmbeddedFont
from records.errors import CheckFailed

Fonts = Mapping[Any, EmbeddedFont]

_NUMBER = rb"-?\d+(?:\.\d+)?"
_INSIDE = rb"(?:\\.|[^\\()])"  # of a text: glyph numbers, in which brackets may stand if they are balanced
for _ in range(6):
    _INSIDE = rb"(?:\\.|[^\\()]|\(%s*+\))" % _INSIDE
_STRING = rb"(?:\(%s*+\)|<[0-9A-F]*>)" % _INSIDE
_SHOWN = rb"(?:%s|\s|-|\d|\.)*+" % _STRING
# A piece of a page: a mark of its structure; or, each by itself between q and Q, black text, a black rule, an image.
PIECE = re.compile(
    rb"(?:/Span<</MCID \d+(?:/Alt<FEFF(?:516C5370|53705F71)>)?>>BDC|EMC|\n|"  # read aloud as 公印, 印影
    rb"/Artifact<<(?:/Type/Layout|/Attached\[/Bottom\]/Subtype/Footer/Type/Pagination)>>BDC|"
    rb"q 1 0 0 -1 (?P<x>%(n)s) (?P<y>%(n)s) cm/c0 cs 0 scn\n"
    rb"BT(?:(?:/Span<</ActualText<[0-9A-F]*>>>BDC)? 0 Tr/f\d+ (?P<size>%(n)s) Tf 1 0 0 -1 (?P<on>%(n)s) 0 Tm"
    rb"(?:\[%(shown)s\]TJ|%(string)sTj)(?:\nEMC)?)+\nET\nQ|"
    rb"q %(n)s %(n)s %(n)s %(n)s %(n)s %(n)s cm/c0 CS 0 SCN %(n)s w %(n)s M[\d. \-mlh\n]*+S\nQ|"
    rb"q (?P<width>%(n)s) 0 0 (?P<height>%(n)s) %(n)s %(n)s cm/x\d+ Do\nQ)"
    % {b"n": _NUMBER, b"shown": _SHOWN, b"string": _STRING},
    re.DOTALL,
)
RUN = re.compile(rb"/(f\d+) [0-9.]+ Tf [^T]*Tm(\[%s\]TJ|%sTj)" % (_SHOWN, _STRING), re.DOTALL)
STRING = re.compile(_STRING, re.DOTALL)
BRACKET = re.compile(rb"\\([()])")
EDGE_POINTS = 20.0  # no text begins nearer to the edge of the sheet
LEAST_POINTS = 4.0  # nor is any smaller


def embedded_fonts(document: pikepdf.Pdf) -> Fonts:
    """Each font of the document by its object number."""
    found = {font.objgen: font for page in document.pages for font in page.Resources.get("/Font", {}).values()}
    return {number: EmbeddedFont(font) for number, font in found.items()}


@dataclass(slots=True)
class Drawn:
    """One page: the outlines in the order of drawing (blanks have none), at which height in points each stands, and
    width and height of its pictures."""

    outlines: list[bytes] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    pictures: list[tuple[float, float]] = field(default_factory=list)


def pages_drawn(document: pikepdf.Pdf, fonts: Fonts) -> list[Drawn]:
    """What each page draws; ``CheckFailed`` for a way of drawing that we don't use."""
    return [_read(page, fonts) for page in document.pages]


def _read(page: Any, fonts: Fonts) -> Drawn:
    """Every byte of the content belongs to a piece."""
    named = {name[1:].encode(): fonts[font.objgen] for name, font in page.Resources.get("/Font", {}).items()}
    right, top = (float(one) - EDGE_POINTS for one in list(page.mediabox)[2:])
    content = page.Contents.read_bytes()
    drawn, at = Drawn(), 0
    for piece in PIECE.finditer(content):
        if piece.start() != at:
            break
        at = piece.end()
        if piece["x"] is not None:
            _check_place(piece, right, top)
            glyphs = list(filter(None, _glyphs(piece[0], named)))
            drawn.outlines += glyphs
            drawn.heights += [float(piece["y"])] * len(glyphs)
        elif piece["width"] is not None:
            drawn.pictures.append((abs(float(piece["width"])), abs(float(piece["height"]))))
    if at != len(content):
        raise CheckFailed("something is drawn in a way that the forms never use")
    return drawn


def _check_place(piece: re.Match[bytes], right: float, top: float) -> None:
    """A text begins and goes on inside the sheet, and can be read."""
    x, y, on = float(piece["x"]), float(piece["y"]), float(piece["on"])
    if not (EDGE_POINTS <= x <= x + on <= right and EDGE_POINTS <= y <= top) or float(piece["size"]) < LEAST_POINTS:
        raise CheckFailed("a text begins off the sheet, or is too small to be read")


def _glyphs(text: bytes, named: Mapping[bytes, EmbeddedFont]) -> Iterator[bytes]:
    for name, shown in RUN.findall(text):
        font = named[name]
        for codes in map(_codes, STRING.findall(shown)):
            for at in range(0, len(codes), 2):
                yield font.outline(codes[at] << 8 | codes[at + 1])


def _codes(written: bytes) -> bytes:
    """The bytes of a string as PDF writes it: hexadecimal, or with the escapes that Python has too, and brackets."""
    inside = written[1:-1]
    if written.startswith(b"<"):
        return bytes.fromhex(inside.decode("ascii"))
    if b"\\" not in inside:
        return inside
    if b"\\(" in inside or b"\\)" in inside:
        inside = b"\\\\".join(BRACKET.sub(rb"\1", one) for one in inside.split(b"\\\\"))
    return inside.decode("unicode_escape").encode("latin-1")
