"""An outline (輪郭) in the em square of the forms, taken from a vendor's font or an SVG drawing, and back to SVG.

The em square is IPAmj明朝's: 2048 units, from 246 below to 1802 above the baseline. Dots become outlines in
``tracing``; the font is put together in ``municipal_font``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from fontTools.misc.transform import Transform
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.recordingPen import DecomposingRecordingPen, RecordingPen
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.svgLib.path import parse_path
from fontTools.ttLib import TTFont, TTLibError

from records.errors import ConfigurationError, Place

EM = 2048
ASCENT, DESCENT = 1802, -246
# A stroke may leave the em square a little; more than this is another scale or a broken file.
OVERHANG = 512
PATH = re.compile(r"<path\b[^>]*?\bd=\"([^\"]*)\"", re.DOTALL)
VIEW_BOX = re.compile(r"\bviewBox=\"([-0-9. ,]+)\"")
TRANSFORM = re.compile(r"\btransform=")


@dataclass(frozen=True, slots=True)
class Outline:
    """``commands`` are a fontTools recording (``moveTo``, ``lineTo``, ``qCurveTo``, ``curveTo``, ``closePath``)."""

    commands: tuple[tuple[str, tuple[Any, ...]], ...]

    def draw(self, pen: Any) -> None:
        """Replay into any fontTools pen."""
        recording = RecordingPen()
        recording.value = list(self.commands)
        recording.replay(pen)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """Left, bottom, right, top of the curves; ``None`` without ink."""
        pen = BoundsPen(None)
        self.draw(pen)
        found: tuple[float, float, float, float] | None = pen.bounds
        return found


def checked(outline: Outline, place: Place) -> Outline:
    """The outline, if it has ink and lies about in the em square; else ``ConfigurationError``."""
    bounds = outline.bounds
    if bounds is None or bounds[2] <= bounds[0] or bounds[3] <= bounds[1]:
        raise ConfigurationError("the outline has no ink", place)
    left, bottom, right, top = bounds
    if min(left, bottom - DESCENT) < -OVERHANG or max(right - EM, top - ASCENT) > OVERHANG:
        raise ConfigurationError("the outline lies outside the em square", place)
    return outline


def from_font(path: Path, code_point: int, number: int = 0) -> Outline:
    """The outline of a vendor's character (``EUDC.TTE``, U+E000 …), its em square laid on ours.

    ``ConfigurationError`` when the font has no such character, has no outlines, or is (made from) IPAmj明朝.
    """
    place = Place(path.name, field=f"U+{code_point:04X}")
    try:
        font = TTFont(path, fontNumber=number, lazy=True)
    except (TTLibError, OSError) as error:
        raise ConfigurationError("not a font that can be read", place) from error
    with font:
        _refuse_standard(font, place)
        name = (font.getBestCmap() or {}).get(code_point)
        if name is None:
            raise ConfigurationError("the font has no such character", place)
        glyphs = font.getGlyphSet()
        recording = DecomposingRecordingPen(glyphs)
        glyphs[name].draw(TransformPen(recording, _onto_our_square(font, glyphs[name].width)))
    return checked(Outline(tuple(recording.value)), place)


def from_svg(text: str, place: Place) -> Outline:
    """The outline of an SVG with a square ``viewBox`` and plain ``<path>`` elements (filled, non-zero rule)."""
    view, paths = VIEW_BOX.search(text), PATH.findall(text)
    if view is None or not paths or TRANSFORM.search(text):
        raise ConfigurationError("an SVG needs a viewBox and paths without transform", place)
    left, top, width, height = map(float, view[1].replace(",", " ").split())
    if width != height or width <= 0:
        raise ConfigurationError("the viewBox must be square: it is the em square", place)
    recording = RecordingPen()
    scale = EM / width
    pen = TransformPen(recording, Transform(scale, 0, 0, -scale, -left * scale, ASCENT + top * scale))
    for path in paths:
        parse_path(path, pen)
    return checked(Outline(tuple(recording.value)), place)


def to_svg(outline: Outline, origin: str) -> str:
    """The outline as an SVG that anybody can look at; ``origin`` (which file, which code) goes into its description."""
    pen = SVGPathPen(None, ntos=lambda value: f"{value:.2f}".rstrip("0").rstrip("."))
    outline.draw(TransformPen(pen, (1, 0, 0, -1, 0, ASCENT)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {EM} {EM}">\n'
        f"<desc>{escape(origin)}</desc>\n"
        f'<path d="{pen.getCommands()}"/>\n</svg>\n'
    )


def _refuse_standard(font: TTFont, place: Place) -> None:
    records = font["name"].names if "name" in font else ()
    names = {str(record) for record in records if record.nameID in (1, 4, 6, 16)}
    if any("ipamj" in name.casefold().replace(" ", "") for name in names):
        raise ConfigurationError("IPAmj Mincho is no source: the municipal font must not derive from it", place)


def _onto_our_square(font: TTFont, advance: float) -> Transform:
    """Scale by the em, lay the bottom of the vendor's em square on ours, centre a width that differs from the em."""
    em = font["head"].unitsPerEm
    scale = EM / em
    return Transform(scale, 0, 0, scale, (EM - advance * scale) / 2, DESCENT - _descent(font, em) * scale)


def _descent(font: TTFont, em: int) -> float:
    """The bottom of the em square: of the two places that state it, the one whose height is the em; else 12 % below."""
    metrics, header = font.get("OS/2"), font["hhea"]
    stated = [(metrics.sTypoAscender, metrics.sTypoDescender)] if metrics is not None else []
    stated.append((header.ascent, header.descent))
    return next((float(low) for high, low in stated if high - low == em), -0.12 * em)
