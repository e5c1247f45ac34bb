"""The municipality's own font (自治体外字フォント): ``municipal.ttf`` from the SVG files in ``own_glyphs/``.

One TrueType font at plane-15 code points with the forms' metrics. The same outlines and version give the same bytes,
so any certificate can be made again. Outlines come from ``outline`` and ``tracing``; who confirmed them is in the
correspondence table.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from gaiji_maps.making.outline import ASCENT, DESCENT, EM, Outline, checked, from_svg, to_svg
from municipalities.fonts import MUNICIPAL_FONT_FILE
from records.errors import ConfigurationError, Place

GLYPHS_FOLDER = "own_glyphs"
GLYPH_FILE = re.compile(r"U\+(F[0-9A-F]{4})\.svg\Z")
PLANE_15 = range(0xF0000, 0xFFFFE)
VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{3}\Z")
# IPAmj's vertical extent for line spacing; the same in both fonts keeps lines where they are.
WIN_ASCENT, WIN_DESCENT = 1876, 571
# 2026-01-01T00:00:00Z in seconds since 1904: a font that depends on nothing but its glyphs and version.
FIXED_TIME = 3_850_070_400
CUBIC_ERROR = 0.5


def family(municipality: str) -> str:
    """The font's family name: ``Utsushi Gaiji 364894``."""
    return f"Utsushi Gaiji {municipality}"


def make(folder: Path, version: str) -> Path:
    """Build ``folder/municipal.ttf`` from ``folder/own_glyphs/U+Fxxxx.svg``; ``folder`` is named by the municipality.

    ``version`` is ``1.000``. ``ConfigurationError`` names the file that is wrong; an existing font stays then.
    """
    made = build(folder.name, own_glyphs(folder), version)
    path = folder / MUNICIPAL_FONT_FILE
    part = path.with_suffix(".ttf.part")
    part.write_bytes(made)
    os.replace(part, path)
    return path


def own_glyphs(folder: Path) -> dict[int, Outline]:
    """Code point → outline of every file in ``own_glyphs``; a file of another name is an error."""
    found: dict[int, Outline] = {}
    for path in sorted((folder / GLYPHS_FOLDER).glob("*")):
        name = GLYPH_FILE.match(path.name)
        if name is None:
            raise ConfigurationError("glyph files are named U+F0000.svg", Place(f"{GLYPHS_FOLDER}/{path.name}"))
        found[int(name[1], 16)] = from_svg(path.read_text("utf-8"), Place(f"{GLYPHS_FOLDER}/{path.name}"))
    return found


def add_glyph(folder: Path, outline: Outline, origin: str, code_point: int | None = None) -> int:
    """Put an outline among the municipality's glyphs, at the next free code point of plane 15, and say which.

    A code point in use is never drawn anew under stored text: ``ConfigurationError``; take a new one.
    """
    used = own_glyphs(folder)
    chosen = code_point if code_point is not None else max(used, default=PLANE_15.start - 1) + 1
    path = folder / GLYPHS_FOLDER / f"U+{chosen:X}.svg"
    if chosen not in PLANE_15 or chosen in used:
        raise ConfigurationError("not a free code point of plane 15", Place(f"{GLYPHS_FOLDER}/{path.name}"))
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_svg(outline, origin), "utf-8")
    return chosen


def build(municipality: str, glyphs: Mapping[int, Outline], version: str) -> bytes:
    """The font's bytes; ``ConfigurationError`` for no glyph, a code point outside plane 15, or a wrong version."""
    if not VERSION.match(version):
        raise ConfigurationError("a font's version is written 1.000", Place(MUNICIPAL_FONT_FILE))
    if not glyphs or not all(code_point in PLANE_15 for code_point in glyphs):
        raise ConfigurationError("own glyphs are needed, at code points of plane 15 only", Place(MUNICIPAL_FONT_FILE))
    names = {code_point: f"u{code_point:X}" for code_point in sorted(glyphs)}
    drawn = {names[code_point]: _glyph(glyphs[code_point], code_point) for code_point in names}
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", *drawn])
    builder.setupCharacterMap(names)
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **drawn})
    _set_metrics(builder, drawn)
    _set_names(builder, municipality, version, glyphs)
    builder.setupPost(isFixedPitch=1)
    return _bytes(builder.font, version)


def _glyph(outline: Outline, code_point: int) -> object:
    pen = TTGlyphPen(None)
    checked(outline, Place(MUNICIPAL_FONT_FILE, field=f"U+{code_point:X}")).draw(Cu2QuPen(pen, CUBIC_ERROR))
    return pen.glyph()


def _set_metrics(builder: FontBuilder, drawn: Mapping[str, object]) -> None:
    """Every character is as wide and as high as the em, like IPAmj's kanji."""
    table = builder.font["glyf"]
    builder.setupHorizontalMetrics({".notdef": (EM, 0), **{name: (EM, table[name].xMin) for name in drawn}})
    builder.setupVerticalMetrics({".notdef": (EM, 0), **{name: (EM, ASCENT - table[name].yMax) for name in drawn}})
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT, lineGap=0)
    builder.setupVerticalHeader(ascent=ASCENT, descent=-DESCENT, lineGap=0)
    builder.setupOS2(
        sTypoAscender=ASCENT,
        sTypoDescender=DESCENT,
        sTypoLineGap=0,
        usWinAscent=WIN_ASCENT,
        usWinDescent=WIN_DESCENT,
        fsType=0,
        achVendID="UTSU",
    )


def _set_names(builder: FontBuilder, municipality: str, version: str, glyphs: Mapping[int, Outline]) -> None:
    content = hashlib.sha256(repr(sorted(glyphs.items())).encode()).hexdigest()[:16]
    name = family(municipality)
    builder.setupNameTable(
        {
            "copyright": f"Glyphs of the municipality {municipality}",
            "familyName": name,
            "styleName": "Regular",
            "uniqueFontIdentifier": f"{name}; {version}; {content}",
            "fullName": name,
            "version": f"Version {version}",
            "psName": name.replace(" ", ""),
        },
        mac=False,
    )


def _bytes(font: TTFont, version: str) -> bytes:
    head = font["head"]
    head.created = head.modified = FIXED_TIME
    head.fontRevision = float(version)
    font.recalcTimestamp = False
    file = BytesIO()
    font.save(file, reorderTables=True)
    return file.getvalue()
