"""What a finished PDF really draws, read from its content streams and embedded fonts, and what IPAmj明朝 demands.

Nothing of the code under test is used here: fontTools reads the fonts, pikepdf the pages.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pikepdf
from fontTools.cffLib import CFFFontSet
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

STANDARD = Path("/usr/share/fonts/truetype/ipamj/ipamjm.ttf")
SELECTORS = frozenset((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
Matrix = tuple[float, float, float, float, float, float]
UNIT: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class DrawnGlyph:
    """One glyph on a page: its outline (glyf bytes), its origin and its em in points, from the lower left corner."""

    outline: bytes
    x: float
    y: float
    em: float


class Demand:
    """A font's own word on what a text must look like: cmap 4/12 and 14, and the bytes of ``glyf`` or a CFF path."""

    def __init__(self, path: Path = STANDARD) -> None:
        with TTFont(path, lazy=True) as font:
            self.characters: dict[int, str] = dict(font.getBestCmap())
            tables = [table for table in font["cmap"].tables if table.format == 14]
            self.sequences = {
                (base, selector): glyph or self.characters[base]
                for table in tables
                for selector, entries in table.uvsDict.items()
                for base, glyph in entries
            }
            self._data = dict(zip(font.getGlyphOrder(), _outlines(font), strict=True))

    def glyph(self, text: str) -> str | None:
        """Name of the glyph of a base, or of a base and selector; never that of the base alone for a sequence."""
        if len(text) == 2:
            return self.sequences.get((ord(text[0]), ord(text[1])))
        return self.characters.get(ord(text))

    @property
    def names(self) -> Iterable[str]:
        """All glyph names of the font."""
        return self._data.keys()

    def outline_of(self, glyph: str) -> bytes:
        """The outline of a glyph by its name."""
        return self._data[glyph]

    def outlines(self, text: str) -> list[bytes]:
        """The outlines of a whole text in order, blanks left out."""
        names = [self.glyph(one) for one in split(text)]
        assert None not in names
        return [self.outline_of(name) for name in names if name and self._data[name]]


@lru_cache(maxsize=1)
def standard() -> Demand:
    """IPAmj明朝."""
    return Demand()


def split(text: str) -> list[str]:
    """A base with its selector is one."""
    found: list[str] = []
    for one in text:
        if ord(one) in SELECTORS and found:
            found[-1] += one
        else:
            found.append(one)
    return found


def drawn_glyphs(pdf: bytes) -> list[list[DrawnGlyph]]:
    """Each page's glyphs in the order of drawing, blanks left out."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        fonts: dict[Any, _Embedded] = {}
        return [[one for one in _page(page, fonts) if one.outline] for page in document.pages]


def _outlines(font: TTFont) -> list[bytes]:
    """By glyph number: the bytes of a simple glyph, else the path (composites, CFF), empty without ink."""
    if "glyf" not in font:
        return [_path(font.getGlyphSet(), name) for name in font.getGlyphOrder()]
    simple = [getattr(font["glyf"].glyphs[name], "data", b"").rstrip(b"\0") for name in font.getGlyphOrder()]
    made_of_others = [number for number, data in enumerate(simple) if data[:2] == b"\xff\xff"]
    shapes = font.getGlyphSet() if made_of_others else {}
    for number in made_of_others:
        simple[number] = _path(shapes, font.getGlyphName(number))
    return simple


def _path(shapes: Any, name: str) -> bytes:
    pen = DecomposingRecordingPen(shapes)
    shapes[name].draw(pen)
    return repr(pen.value).encode() if pen.value else b""


def _of_cff(data: bytes) -> list[bytes]:
    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(data), None)
    return [_path(fonts[0].CharStrings, name) for name in fonts[0].charset]


class _Embedded:
    def __init__(self, font: Any) -> None:
        inner = font.DescendantFonts[0]
        assert font.Encoding == "/Identity-H"
        if "/FontFile3" in inner.FontDescriptor:
            self.outlines = _of_cff(inner.FontDescriptor.FontFile3.read_bytes())
        else:
            assert inner.CIDToGIDMap == "/Identity"
            with TTFont(io.BytesIO(inner.FontDescriptor.FontFile2.read_bytes()), lazy=True) as made:
                self.outlines = _outlines(made)
        self.widths = dict(_widths(list(inner.W)))
        self.other_width = float(inner.get("/DW", 1000))

    def width(self, glyph: int) -> float:
        return self.widths.get(glyph, self.other_width)


def _widths(entries: list[Any]) -> Iterator[tuple[int, float]]:
    while entries:
        first, second, *entries = entries
        if isinstance(second, pikepdf.Array):
            yield from ((int(first) + number, float(width)) for number, width in enumerate(second))
        else:
            width, *entries = entries
            yield from ((glyph, float(width)) for glyph in range(int(first), int(second) + 1))


def _page(page: Any, fonts: dict[Any, _Embedded]) -> Iterator[DrawnGlyph]:
    """Only the operators that our renderer writes; another one that shows text stops the test."""
    kept: list[Matrix] = []
    matrix, at, font, size = UNIT, UNIT, None, 0.0
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name == "q":
            kept.append(matrix)
        elif name == "Q":
            matrix = kept.pop()
        elif name == "cm":
            matrix = _times(_matrix(operands), matrix)
        elif name == "Tm":
            at = _matrix(operands)
        elif name == "Tf":
            one = page.Resources.Font[str(operands[0])]
            font = fonts[one.objgen] = fonts.get(one.objgen) or _Embedded(one)
            size = float(operands[1])
        elif name in ("Tj", "TJ"):
            assert font is not None
            yield from _shown(list(operands[0]) if name == "TJ" else [operands[0]], font, size, _times(at, matrix))
        else:
            assert name not in ("'", '"', "Td", "TD", "T*"), name


def _shown(parts: list[Any], font: _Embedded, size: float, matrix: Matrix) -> Iterator[DrawnGlyph]:
    x = 0.0
    for part in parts:
        if not isinstance(part, pikepdf.String):
            x -= float(part) / 1000 * size
            continue
        codes = bytes(part)
        for glyph in (int.from_bytes(codes[one : one + 2]) for one in range(0, len(codes), 2)):
            a, b, _, d, e, f = matrix
            yield DrawnGlyph(font.outlines[glyph], a * x + e, b * x + f, abs(d) * size)
            x += font.width(glyph) / 1000 * size


def _matrix(operands: Any) -> Matrix:
    a, b, c, d, e, f = map(float, operands)
    return a, b, c, d, e, f


def _times(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m
