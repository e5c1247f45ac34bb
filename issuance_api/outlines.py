"""Glyph outlines (字形): those of a font file, and those that a finished PDF really embeds. TrueType only.

Outlines are compared as the bytes of the ``glyf`` table, which a subset keeps as they are. What should be drawn is
decided by ``gaiji_maps.font_coverage``; whether it was, by ``checking``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont

from gaiji_maps.font_coverage import characters, is_private, municipal_font_path, read_font, standard_font_path
from records.errors import CheckFailed

SECTION = re.compile(rb"begin(bfchar|bfrange)(.*?)endbf", re.DOTALL)
HEX = re.compile(rb"<([0-9A-Fa-f]+)>")
COMPOSITE = -1  # numberOfContours of a glyph that is made of others


class GlyphTable:
    """``glyf`` and ``loca`` of one TrueType font: glyph id → bytes without padding."""

    def __init__(self, head: bytes, loca: bytes, glyf: bytes) -> None:
        long = struct.unpack(">h", head[50:52])[0]
        count = len(loca) // (4 if long else 2)
        offsets = struct.unpack(f">{count}{'I' if long else 'H'}", loca)
        self._offsets = offsets if long else tuple(2 * one for one in offsets)
        self._glyf = glyf

    def outline(self, glyph: int) -> bytes:
        """The glyph's bytes; ``CheckFailed`` for a composite, whose parts are numbered anew in a subset."""
        if glyph + 1 >= len(self._offsets):
            raise CheckFailed("the font has no such glyph")
        data = self._glyf[self._offsets[glyph] : self._offsets[glyph + 1]]
        if data and struct.unpack(">h", data[:2])[0] <= COMPOSITE:
            raise CheckFailed("a composite glyph can't be compared")
        return data.rstrip(b"\0")


class Outlines:
    """What each character of text must look like, by the fonts of one municipality."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._fonts = [_Font(path, number > 0) for number, path in enumerate(paths)]

    def demanded(self, text: str) -> bytes:
        """The outline for one character (base, or base and selector); ``CheckFailed`` when no font has it."""
        for font in self._fonts:
            outline = font.outline(text)
            if outline is not None:
                return outline
        raise CheckFailed("an embedded character is in none of the form's fonts")


class _Font:
    def __init__(self, path: Path, municipal: bool) -> None:
        self._municipal = municipal
        self._coverage = read_font(path)
        with TTFont(path, lazy=True) as font:
            reader = font.reader
            self._table = GlyphTable(reader["head"], reader["loca"], reader["glyf"])
            self._glyphs = font.getReverseGlyphMap()

    @lru_cache(maxsize=20_000)  # noqa: B019 - the font lives as long as the process
    def outline(self, text: str) -> bytes | None:
        found = list(characters(text))
        if len(found) != 1:
            raise CheckFailed("one glyph stands for several characters")
        base, selector = found[0]
        if is_private(base) and not self._municipal:
            return None
        coverage = self._coverage
        name = coverage.characters.get(base) if selector is None else coverage.sequences.get((base, selector))
        return self._table.outline(self._glyphs[name]) if name else None


@lru_cache(maxsize=64)
def outlines_of(folder: Path) -> Outlines:
    """Outlines by the standard font and the municipality's own (read once, 0.5 s)."""
    own = municipal_font_path(folder)
    return _shared((standard_font_path(), *((own,) if own else ())))


@lru_cache(maxsize=64)
def _shared(paths: tuple[Path, ...]) -> Outlines:
    return Outlines(paths)


def embedded(font: Any) -> Iterator[tuple[str, bytes]]:
    """The (text, outline) pairs of one font dictionary of a PDF: every glyph that its ToUnicode names."""
    descriptor = font.DescendantFonts[0].FontDescriptor
    if "/FontFile2" not in descriptor:
        raise CheckFailed("a font is not embedded as TrueType")
    table = _subset(descriptor.FontFile2.read_bytes())
    for glyph, text in texts_of(font):
        yield text, table.outline(glyph)


def texts_of(font: Any) -> Iterator[tuple[int, str]]:
    """The (glyph, text) pairs that the ToUnicode of one font dictionary names."""
    if "/ToUnicode" not in font:
        raise CheckFailed("a font is embedded without its characters")
    return _to_unicode(font.ToUnicode.read_bytes())


def _subset(data: bytes) -> GlyphTable:
    count = struct.unpack(">H", data[4:6])[0]
    records = (struct.unpack(">4sIII", data[12 + 16 * one : 28 + 16 * one]) for one in range(count))
    tables = {tag: data[offset : offset + length] for tag, _, offset, length in records}
    return GlyphTable(tables[b"head"], tables[b"loca"], tables[b"glyf"])


def _to_unicode(cmap: bytes) -> Iterator[tuple[int, str]]:
    """Glyph → text. Our renderer writes no ranges, so one is refused rather than guessed at."""
    for section, body in SECTION.findall(cmap):
        if section != b"bfchar":
            raise CheckFailed("the character map of a font is in an unknown form")
        numbers = [one.decode() for one in HEX.findall(body)]
        for glyph, text in zip(numbers[::2], numbers[1::2], strict=True):
            yield int(glyph, 16), bytes.fromhex(text).decode("utf-16-be")
