"""Glyph outlines (字形): those of a font file, and those that a finished PDF really embeds. TrueType and CFF.

A simple TrueType glyph is compared as its bytes in ``glyf``, which a subset keeps as they are; composites and CFF glyphs
as the path that they draw. What should be drawn is decided by ``gaiji_maps.font_coverage``; whether it was, by
``checking``.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from fontTools.cffLib import CFFFontSet
from fontTools.pens.recordingPen import DecomposingRecordingPen, RecordingPen
from fontTools.ttLib import TTFont

from gaiji_maps.font_coverage import FontCoverage, characters, own_coverages
from gaiji_maps.fonts import FormFont, form_fonts
from records.errors import CheckFailed

SECTION = re.compile(rb"begin(bfchar|bfrange)(.*?)endbf", re.DOTALL)
HEX = re.compile(rb"<([0-9A-Fa-f]+)>")
# One character: a base with its selector, if one follows; a selector without a base is one by itself.
SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
CHARACTER = re.compile(f"{SELECTOR.pattern}|.{SELECTOR.pattern}?", re.DOTALL)
COMPOSITE = -1  # numberOfContours of a glyph that is made of others
NO_GLYPH = "the font has no such glyph"


class Shapes(Protocol):
    """The outlines of one font by glyph number."""

    def outline(self, glyph: int) -> bytes:
        """What is compared; ``CheckFailed`` when the font has no such glyph."""


class TrueTypeShapes:
    """``glyf`` of one font file, or of its subset in a PDF."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        tables = _tables(data)
        self._glyf = tables[b"glyf"]
        loca, long = tables[b"loca"], struct.unpack(">h", tables[b"head"][50:52])[0]
        offsets = struct.unpack(f">{len(loca) // (4 if long else 2)}{'I' if long else 'H'}", loca)
        self._offsets = offsets if long else tuple(2 * one for one in offsets)

    def outline(self, glyph: int) -> bytes:
        """The glyph's bytes without padding, or the path of a composite, whose parts are numbered anew in a subset."""
        if glyph + 1 >= len(self._offsets):
            raise CheckFailed(NO_GLYPH)
        data = self._glyf[self._offsets[glyph] : self._offsets[glyph + 1]]
        if data and struct.unpack(">h", data[:2])[0] <= COMPOSITE:
            return self._path(glyph)
        return data.rstrip(b"\0")

    def _path(self, glyph: int) -> bytes:
        pen = DecomposingRecordingPen(self._glyphs)
        self._glyphs[self._font.getGlyphName(glyph)].draw(pen)
        return repr((self._font["head"].unitsPerEm, pen.value)).encode()

    @cached_property
    def _font(self) -> TTFont:
        return TTFont(io.BytesIO(self._data), lazy=True)

    @cached_property
    def _glyphs(self) -> Any:
        return self._font.getGlyphSet()


class CffShapes:
    """``CFF`` of one OpenType font, or of its subset in a PDF: there glyphs are called by their numbers (CID)."""

    def __init__(self, data: bytes) -> None:
        fonts = CFFFontSet()
        fonts.decompile(io.BytesIO(data), None)
        self._top = fonts[0]
        self._drawn: dict[int, bytes] = {}

    def outline(self, glyph: int) -> bytes:
        """The path in the font's units, with the matrix that says how large these are."""
        if glyph not in self._drawn:
            self._drawn[glyph] = self._path(glyph)
        return self._drawn[glyph]

    def _path(self, glyph: int) -> bytes:
        names = self._top.charset
        if glyph >= len(names):
            raise CheckFailed(NO_GLYPH)
        if hasattr(self._top, "ROS") and names[glyph] not in (".notdef", f"cid{glyph:05d}"):
            raise CheckFailed("the glyphs of a font are numbered in an unknown way")
        drawn = self._top.CharStrings[names[glyph]]
        pen = RecordingPen()
        drawn.draw(pen)
        return repr((self._scale(glyph), pen.value)).encode()

    def _scale(self, glyph: int) -> float:
        """Em per unit; the two matrices of a CID font are multiplied."""
        scale = float(self._top.FontMatrix[0])
        if hasattr(self._top, "FDArray"):
            selected = self._top.FDArray[self._top.FDSelect[glyph]]
            scale *= float(selected.FontMatrix[0]) if "FontMatrix" in selected.rawDict else 1.0
        return round(scale, 9)


class Outlines:
    """What each character of text must look like, by the fonts of one municipality."""

    def __init__(self, fonts: tuple[FormFont, ...]) -> None:
        self._fonts = [_Font(font.path, own) for font, own in zip(fonts, own_coverages(fonts), strict=True)]
        self._known = _Known(self._find)

    def demanded(self, text: str) -> bytes:
        """The outline for one character (base, or base and selector); ``CheckFailed`` when no font has it."""
        return self._known[text]

    def of_text(self, text: str) -> list[bytes]:
        """The outlines of a whole text in order, blanks left out."""
        known = self._known
        parts = text if SELECTOR.search(text) is None else CHARACTER.findall(text)
        return list(filter(None, [known[one] for one in parts]))

    def _find(self, text: str) -> bytes:
        for font in self._fonts:
            outline = font.outline(text)
            if outline is not None:
                return outline
        raise CheckFailed("a character is in none of the form's fonts")


class _Known(dict[Any, bytes]):
    """Outlines that were looked up before; only found ones are kept, so there are never more than the fonts have."""

    def __init__(self, find: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, key: Any) -> bytes:
        found = self[key] = self._find(key)
        return found


class _Font:
    def __init__(self, path: Path, own: FontCoverage) -> None:
        self._own = own
        with TTFont(path, lazy=True) as font:
            self._shapes = _shapes_of(path.read_bytes(), font)
            self._glyphs = font.getReverseGlyphMap()

    def outline(self, text: str) -> bytes | None:
        found = list(characters(text))
        if len(found) != 1:
            raise CheckFailed("one glyph stands for several characters")
        base, selector = found[0]
        own = self._own
        name = own.characters.get(base) if selector is None else own.sequences.get((base, selector))
        return self._shapes.outline(self._glyphs[name]) if name else None


def _shapes_of(data: bytes, font: TTFont) -> Shapes:
    if "glyf" in font:
        return TrueTypeShapes(data)
    if "CFF " in font:
        return CffShapes(_tables(data)[b"CFF "])
    raise CheckFailed("a font has neither TrueType nor CFF outlines")


def outlines_of(folder: Path) -> Outlines:
    """Outlines by the fonts of a municipality's forms as they are now (read once, 0.5 s; again when a font changes)."""
    return _outlines(form_fonts(folder))


@lru_cache(maxsize=8)
def _outlines(fonts: tuple[FormFont, ...]) -> Outlines:
    return Outlines(fonts)


class EmbeddedFont:
    """One font dictionary of a PDF: the outlines of its glyphs, and the characters that its ToUnicode names."""

    def __init__(self, font: Any) -> None:
        inner = font.DescendantFonts[0]
        numbering = inner.get("/CIDToGIDMap", "/Identity")  # CFF fonts have none
        if font.Encoding != "/Identity-H" or numbering != "/Identity":
            raise CheckFailed("the numbers of a font's glyphs are in an unknown form")
        if "/ToUnicode" not in font:
            raise CheckFailed("a font is embedded without its characters")
        self._shapes = _embedded_shapes(inner.FontDescriptor)
        self.outlines = _Known(self._shapes.outline)  # by the number with which a glyph is drawn
        self._characters = dict(_to_unicode(font.ToUnicode.read_bytes()))

    def named(self) -> Iterator[tuple[str, bytes]]:
        """Each named glyph's character (base, or base and selector) and outline.

        A letter with its mark (half-width ｶﾞ) is one text, given to the letter's glyph; the mark's has none then.
        """
        outlines = self.outlines
        for glyph, text in self._characters.items():
            yield text if len(text) == 1 else CHARACTER.findall(text)[0], outlines[glyph]


def _embedded_shapes(descriptor: Any) -> Shapes:
    if "/FontFile2" in descriptor:
        return TrueTypeShapes(descriptor.FontFile2.read_bytes())
    if "/FontFile3" in descriptor and descriptor.FontFile3.get("/Subtype") == "/CIDFontType0C":
        return CffShapes(descriptor.FontFile3.read_bytes())
    raise CheckFailed("a font is embedded neither as TrueType nor as CFF")


def _tables(data: bytes) -> dict[bytes, bytes]:
    count = struct.unpack(">H", data[4:6])[0]
    records = (struct.unpack(">4sIII", data[12 + 16 * one : 28 + 16 * one]) for one in range(count))
    return {tag: data[offset : offset + length] for tag, _, offset, length in records}


def _to_unicode(cmap: bytes) -> Iterator[tuple[int, str]]:
    """Glyph → text. Our renderer writes no ranges, so one is refused rather than guessed at."""
    for section, body in SECTION.findall(cmap):
        if section != b"bfchar":
            raise CheckFailed("the character map of a font is in an unknown form")
        numbers = [one.decode() for one in HEX.findall(body)]
        for glyph, text in zip(numbers[::2], numbers[1::2], strict=True):
            yield int(glyph, 16), bytes.fromhex(text).decode("utf-16-be")
