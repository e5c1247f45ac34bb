"""Shapes of glyphs for people to compare (字形): SVG paths of standard, own and vendors' glyphs in one em square.

The square is 2048 units wide, y downwards, as ``making.outline`` writes it. What stands beside what is the proof
sheet's matter; features for ranking are taken in ``identification``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from gaiji_maps import vendor_codes
from gaiji_maps.correspondence import text_of_target
from gaiji_maps.font_coverage import MJ_NAME, coverage, own_coverages
from gaiji_maps.fonts import form_fonts, standard_font_path
from gaiji_maps.identification.vendor import VendorGlyph, vendor_glyphs
from gaiji_maps.making.outline import ASCENT, Outline, from_font
from gaiji_maps.making.tracing import traced
from records.errors import ConfigurationError, Place

FONTS = (".ttf", ".otf", ".ttc", ".tte")
CODE_POINT = "U+"


def standard(mj_name: str) -> Outline | None:
    """The outline that the standard font draws for MJ文字図形名; ``None`` when it has no such glyph."""
    path = standard_font_path()
    return _glyph(path, path.stat().st_mtime_ns, mj_name.lower())


def of_target(folder: Path, target: str) -> Outline | None:
    """The outline of a row's target: an MJ name, or a GJ name or code point of a further font (``U+F0000``)."""
    if MJ_NAME.match(target):
        return standard(target)
    text = text_of_target(target, coverage(folder))
    fonts, point = form_fonts(folder), ord(text[0]) if text else -1
    reached = zip(fonts, own_coverages(fonts), strict=True)
    path = next((font.path for font, found in reached if point in found.characters), None)
    return from_font(path, point) if path else None


def of_vendor(path: Path, charset: str) -> dict[str, Outline]:
    """Vendor's code (as the table writes it: ``F040``) → outline, of every private character in a font or bitmap set."""
    return {_named(one, charset): _outline(path, one) for one in vendor_glyphs(path)}


def vendor_codes_of(path: Path, charset: str) -> list[str]:
    """The codes alone, in order."""
    return [_named(one, charset) for one in vendor_glyphs(path)]


def svg_path(outline: Outline) -> str:
    """The ``d`` of an SVG path in the square of 2048 units."""
    pen = SVGPathPen(None, ntos=lambda value: str(round(value)))
    outline.draw(TransformPen(pen, (1, 0, 0, -1, 0, ASCENT)))
    found: str = pen.getCommands()
    return found


def fitted(outline: Outline, onto: Outline) -> Outline:
    """``outline`` moved and scaled (both ways alike) so that its ink lies on that of ``onto``: for laying them over."""
    left, bottom, right, top = _bounds(outline)
    to_left, to_bottom, to_right, to_top = _bounds(onto)
    scale = max(to_right - to_left, to_top - to_bottom) / max(right - left, top - bottom)
    dx = (to_left + to_right - scale * (left + right)) / 2
    dy = (to_bottom + to_top - scale * (bottom + top)) / 2
    pen = DecomposingRecordingPen(None)
    outline.draw(TransformPen(pen, (scale, 0, 0, scale, dx, dy)))
    return Outline(tuple(pen.value))


def vendor_name(code: str, charset: str) -> str:
    """The table's name of a code that a font file calls ``U+E000``; others are the vendor's own already."""
    return vendor_codes.code_of(charset, chr(int(code[2:], 16))) if code.startswith(CODE_POINT) else code


def _named(glyph: VendorGlyph, charset: str) -> str:
    return vendor_name(glyph.code, charset)


def _outline(path: Path, glyph: VendorGlyph) -> Outline:
    if path.suffix.lower() in FONTS:
        return from_font(path, int(glyph.code.removeprefix(CODE_POINT), 16))
    return traced(glyph.picture, Place(path.name, field=glyph.code), smooth=False)


def _bounds(outline: Outline) -> tuple[float, float, float, float]:
    found = outline.bounds
    if found is None:
        raise ConfigurationError("a glyph without ink can't be compared")
    return found


@lru_cache(maxsize=4096)
def _glyph(path: Path, changed: int, name: str) -> Outline | None:
    glyphs = _glyph_set(path, changed)
    if name not in glyphs:
        return None
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    return Outline(tuple(pen.value))


@lru_cache(maxsize=4)
def _glyph_set(path: Path, _changed: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = TTFont(path, lazy=True).getGlyphSet()
    return found
