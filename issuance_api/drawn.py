"""What a finished PDF draws (描かれた字): the outlines of each page's glyphs in the order of drawing.

Not by text extraction: that reads other characters for compatibility ideographs, one spelling for a glyph that the
register writes in two, and one glyph for a letter with its mark. Our renderer writes a page in one plain way only, which
``PIECE`` says; a page that is written in another (invisible, coloured, clipped, filled over, off the sheet) is refused.
What the glyphs should be is ``checking``'s matter.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pikepdf

from issuance_api.outlines import EmbeddedFont
from records.errors import CheckFailed

Fonts = Mapping[Any, EmbeddedFont]

_NUMBER = rb"-?\d+(?:\.\d+)?"
_PLAIN = rb"\\[0-7]{3}|\\[nrtbf()\\]|[^\\()]"
_INSIDE = rb"(?:%s)" % _PLAIN  # of a text: glyph numbers, in which brackets may stand if they are balanced
for _ in range(6):
    _INSIDE = rb"(?:%s|\(%s*+\))" % (_PLAIN, _INSIDE)
_STRING = rb"(?:\(%s*+\)|<[0-9A-F]*>)" % _INSIDE
_SHOWN = rb"(?:%s|\s|-|\d|\.)*+" % _STRING
# Marks of the structure: which text of the tree it is, what is no part of it, and what the seals are called when read aloud.
_MARKS = (
    rb"(?:/Span<</MCID \d+(?:/Alt<FEFF(?:516C5370|53705F71)>)?>>BDC|EMC|\n|"  # 公印, 印影
    rb"/Artifact<<(?:/Type/Layout|/Attached\[/Bottom\]/Subtype/Footer/Type/Pagination)>>BDC)*+"
)
# A piece of a page: marks, and then, each by itself between q and Q, black text, a black rule or an image, or the end.
PIECE = re.compile(
    rb"%(marks)s(?:q 1 0 0 -1 (?P<x>%(n)s) (?P<y>%(n)s) cm/c0 cs 0 scn\n"
    rb"BT(?P<runs>(?:(?:/Span<</ActualText<[0-9A-F]*>>>BDC)? 0 Tr/f\d+ %(n)s Tf 1 0 0 -1 %(n)s 0 Tm"
    rb"(?:\[%(shown)s\]TJ|%(string)sTj)(?:\nEMC)?)++)\nET\nQ|"
    rb"q %(n)s %(n)s %(n)s %(n)s %(n)s %(n)s cm/c0 CS 0 SCN %(n)s w %(n)s M[\d. \-mlh\n]*+S\nQ|"
    rb"q (?P<width>%(n)s) 0 0 (?P<height>%(n)s) %(n)s %(n)s cm/x\d+ Do\nQ|\Z)"
    % {b"marks": _MARKS, b"n": _NUMBER, b"shown": _SHOWN, b"string": _STRING},
    re.DOTALL,
)
RUN = re.compile(rb"/(f\d+) (%s) Tf 1 0 0 -1 (%s) 0 Tm(\[%s\]TJ|%sTj)" % (_NUMBER, _NUMBER, _SHOWN, _STRING), re.DOTALL)
STRING = re.compile(_STRING, re.DOTALL)
BRACKET = re.compile(rb"\\([()])")
EDGE_POINTS = 20.0  # no text begins nearer to the edge of the sheet
LEAST_POINTS = 4.0  # nor is any smaller
OFF_THE_SHEET = "a text begins off the sheet, or is too small to be read"


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
        x, y, runs, width, height = piece.groups()
        if runs is not None:
            place = float(y)
            if not EDGE_POINTS <= place <= top:
                raise CheckFailed(OFF_THE_SHEET)
            glyphs = _glyphs(float(x), right, runs, named)
            drawn.outlines += glyphs
            drawn.heights += [place] * len(glyphs)
        elif width is not None:
            drawn.pictures.append((abs(float(width)), abs(float(height))))
    if at != len(content):
        raise CheckFailed("something is drawn in a way that the forms never use")
    return drawn


def _glyphs(x: float, right: float, runs: bytes, named: Mapping[bytes, EmbeddedFont]) -> list[bytes]:
    """The outlines of one text that begins at ``x``; each of its runs begins inside the sheet, and can be read."""
    found: list[bytes] = []
    for name, size, on, shown in RUN.findall(runs):
        if not EDGE_POINTS <= x <= x + float(on) <= right or float(size) < LEAST_POINTS:
            raise CheckFailed(OFF_THE_SHEET)
        outlines, codes = named[name].outlines, _codes(shown)
        if len(codes) % 2:
            raise CheckFailed("the numbers of a text's glyphs are cut")
        found += filter(None, [outlines[glyph] for glyph in struct.unpack(f">{len(codes) // 2}H", codes)])
    return found


def _codes(shown: bytes) -> bytes:
    """The bytes of strings as PDF writes them: hexadecimal, or with the escapes that Python has too, and brackets."""
    strings = STRING.findall(shown)
    if b"<" in shown:
        return b"".join(bytes.fromhex(one[1:-1].decode()) if one[:1] == b"<" else _unescaped(one) for one in strings)
    return _unescaped(b"(%s)" % b"".join([one[1:-1] for one in strings]))


def _unescaped(string: bytes) -> bytes:
    inside = string[1:-1]
    if b"\\" not in inside:
        return inside
    if b"\\(" in inside or b"\\)" in inside:
        inside = b"\\\\".join(BRACKET.sub(rb"\1", one) for one in inside.split(b"\\\\"))
    return inside.decode("unicode_escape").encode("latin-1")
