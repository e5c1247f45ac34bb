"""The municipality's own font: same bytes twice, drawn by FreeType and Typst, true to the vendor's glyph."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import typst
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gaiji_maps.font_coverage import coverage
from gaiji_maps.fonts import standard_font_path
from gaiji_maps.identification.raster import GlyphPictures, fitted
from gaiji_maps.making import municipal_font
from gaiji_maps.making.outline import Outline, from_font, from_svg, to_svg
from gaiji_maps.making.tracing import traced
from municipalities.fonts import MUNICIPAL_FONT_FILE
from records.errors import ConfigurationError, Place

CODE = "364894"
HERE = Place("test")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}"><path d="{1}"/></svg>'
CROSS = "M 90 20 H 110 V 90 H 180 V 110 H 110 V 180 H 90 V 110 H 20 V 90 H 90 Z"
RING = "M 20 100 C 20 10 180 10 180 100 C 180 190 20 190 20 100 Z M 60 100 C 60 150 140 150 140 100 C 140 50 60 50 60 100 Z"

STROKES = {
    ".notdef": [],
    "one": [(20, -10), (20, 200), (60, 200), (60, -10)],
    "two": [(10, 90), (10, 110), (240, 110), (240, 90)],
}


def _vendor_font(path: Path, cubic: bool = False) -> Path:
    """A made-up EUDC font of 256 units with two glyphs, TrueType or with cubic (CFF) curves."""
    builder = FontBuilder(256, isTTF=not cubic)
    builder.setupGlyphOrder([".notdef", "one", "two"])
    builder.setupCharacterMap({0xE000: "one", 0xE001: "two", 0x4E00: "two"})
    glyphs = {}
    for name, points in STROKES.items():
        pen = T2CharStringPen(256, None) if cubic else TTGlyphPen(None)
        if points:
            pen.moveTo(points[0])
            for point in points[1:]:
                pen.lineTo(point)
            pen.closePath()
        glyphs[name] = pen.getCharString() if cubic else pen.glyph()
    if cubic:
        builder.setupCFF("MadeUp", {}, glyphs, {})
    else:
        builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({".notdef": (256, 0), "one": (256, 20), "two": (256, 10)})
    builder.setupHorizontalHeader(ascent=220, descent=-36)
    builder.setupOS2(sTypoAscender=220, sTypoDescender=-36)
    builder.setupNameTable({"familyName": "Made-up EUDC", "styleName": "Regular"})
    builder.setupPost()
    builder.save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A municipality's folder with three own glyphs: from a vendor's font, from dots, from a drawing."""
    found = tmp_path / CODE
    found.mkdir()
    vendor = _vendor_font(tmp_path / "EUDC.TTE")
    dots = np.zeros((32, 32), np.uint8)
    dots[4:28, 14:18] = dots[14:18, 4:28] = 255
    municipal_font.add_glyph(found, from_font(vendor, 0xE000), "EUDC.TTE U+E000")
    municipal_font.add_glyph(found, traced(dots, HERE), "32 dots")
    municipal_font.add_glyph(found, from_svg(SVG.format(200, RING), HERE), "drawing")
    return found


def _difference(first: np.ndarray, second: np.ndarray) -> float:
    """Share of ink that is not in both of two fitted pictures."""
    one, two = fitted(first) >= 128, fitted(second) >= 128
    return float((one ^ two).sum() / (one | two).sum())


@pytest.mark.clause("7(1)③ gaiji")
def test_the_font_is_the_same_twice_and_reaches_its_characters(folder: Path) -> None:
    made = municipal_font.make(folder, "1.000").read_bytes()
    assert municipal_font.make(folder, "1.000").read_bytes() == made
    assert municipal_font.make(folder, "1.001").read_bytes() != made
    font = TTFont(BytesIO(made))
    assert sorted(font.getBestCmap()) == [0xF0000, 0xF0001, 0xF0002]
    assert (font["head"].unitsPerEm, font["hhea"].ascent, font["hhea"].descent) == (2048, 1802, -246)
    assert font["name"].getDebugName(1) == "Utsushi Gaiji 364894"
    assert font["OS/2"].fsType == 0
    assert {font["hmtx"][name][0] for name in font.getGlyphOrder()} == {2048}
    assert all(glyph.numberOfContours >= 0 for glyph in map(font["glyf"].__getitem__, font.getGlyphOrder()))
    assert coverage(folder).covers("\U000f0002\u4e00")


def test_metrics_are_those_of_the_standard_font(folder: Path) -> None:
    own, standard = TTFont(municipal_font.make(folder, "1.000")), TTFont(standard_font_path(), lazy=True)
    for table, field in [("hhea", "ascent"), ("hhea", "descent"), ("hhea", "lineGap"), ("OS/2", "sTypoAscender"),
                         ("OS/2", "sTypoDescender"), ("OS/2", "usWinAscent"), ("OS/2", "usWinDescent")]:  # fmt: skip
        assert getattr(own[table], field) == getattr(standard[table], field), field


@pytest.mark.parametrize("cubic", [False, True])
def test_a_vendors_outline_keeps_its_place_in_the_em_square(tmp_path: Path, cubic: bool) -> None:
    vendor = _vendor_font(tmp_path / "EUDC.otf", cubic)
    outline = from_font(vendor, 0xE000)
    assert outline.bounds == (160, -246 + 26 * 8, 480, -246 + 236 * 8)
    made = tmp_path / "made.ttf"
    made.write_bytes(municipal_font.build(CODE, {0xF0000: outline}, "1.000"))
    first, second = GlyphPictures(vendor).of_character(0xE000), GlyphPictures(made).of_character(0xF0000)
    assert first is not None
    assert second is not None
    assert _difference(first, second) < 0.02


@pytest.mark.clause("7(1)③ gaiji")
def test_typst_draws_own_characters_beside_standard_ones(folder: Path, tmp_path: Path) -> None:
    municipal_font.make(folder, "1.000")
    source = tmp_path / "page.typ"
    source.write_text(
        f'#set text(font: ("IPAmjMincho", "{municipal_font.family(CODE)}"), fallback: false, size: 40pt)\n'
        "辻\U000f0000\U000f0001\U000f0002"
    )
    folders = [str(standard_font_path().parent), str(folder)]
    compiled = typst.Compiler(str(source), root=str(tmp_path), font_paths=folders, ignore_system_fonts=True)
    document = pikepdf.open(BytesIO(compiled.compile(format="pdf", pdf_standards=["a-2b"])))
    fonts = document.pages[0].Resources.Font
    embedded = {str(fonts[key].BaseFont)[8:]: fonts[key] for key in fonts.keys()}  # noqa: SIM118 (pikepdf)
    assert set(embedded) == {"IPAmjMincho", "UtsushiGaiji364894"}
    own = TTFont(
        BytesIO(bytes(embedded["UtsushiGaiji364894"].DescendantFonts[0].FontDescriptor.FontFile2.read_bytes()))
    )
    assert len(own.getGlyphOrder()) == 4
    text = embedded["UtsushiGaiji364894"].ToUnicode.read_bytes().decode()
    assert len(re.findall("<DB80DC0[0-2]>", text)) == 3


def test_svg_goes_both_ways() -> None:
    for path in (CROSS, RING):
        outline = from_svg(SVG.format(200, path), HERE)
        again = from_svg(to_svg(outline, 'from "a" <b>'), HERE)
        assert again.bounds == pytest.approx(outline.bounds, abs=0.02)
        assert municipal_font.build(CODE, {0xF0000: again}, "1.000")[:4] == b"\0\1\0\0"


@pytest.mark.parametrize("dots", [24, 32, 48, 64])
def test_traced_dots_look_like_the_dots(dots: int, tmp_path: Path) -> None:
    picture = GlyphPictures(standard_font_path())
    glyph = picture._face.get_name_index(b"mj026190")
    drawn = picture.of_glyph(glyph, dots, mono=True)
    assert drawn is not None
    big = np.kron(drawn, np.ones((8, 8), np.uint8))
    for smooth, most in ((False, 0.05), (True, 0.2)):
        path = tmp_path / f"{smooth}.ttf"
        path.write_bytes(municipal_font.build(CODE, {0xF0000: traced(drawn, HERE, smooth=smooth)}, "1.000"))
        made = GlyphPictures(path).of_glyph(1, 8 * max(drawn.shape))
        assert made is not None
        assert _difference(made, big) < most


@given(arrays(np.uint8, (6, 6), elements=st.sampled_from([0, 255])).filter(lambda dots: dots.any()))
def test_tracing_keeps_area_with_holes_and_corners(dots: np.ndarray) -> None:
    """Unsmoothed, the polygons enclose exactly the dots: signed areas sum to the ink."""
    outline = traced(dots, HERE, smooth=False)
    area, points = 0.0, []
    for name, arguments in outline.commands:
        if name == "closePath":
            pairs = zip(points, points[1:] + points[:1], strict=True)
            area += sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) / 2
            points = []
        else:
            points.append(arguments[0])
    unit = 2048 / 6
    assert -area == pytest.approx((dots > 0).sum() * unit**2, rel=0.01)


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must not derive"):
        from_font(standard_font_path(), ord("辻"))
    with pytest.raises(ConfigurationError, match=r"U\+E123"):
        from_font(_vendor_font(tmp_path / "v.ttf"), 0xE123)
    (tmp_path / "no.ttf").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match="not a font"):
        from_font(tmp_path / "no.ttf", 0xE000)
    with pytest.raises(ConfigurationError, match="no ink"):
        municipal_font.build(CODE, {0xF0000: Outline(())}, "1.000")
    with pytest.raises(ConfigurationError, match="plane 15"):
        municipal_font.build(CODE, {0xE000: from_svg(SVG.format(200, CROSS), HERE)}, "1.000")
    with pytest.raises(ConfigurationError, match="version"):
        municipal_font.build(CODE, {0xF0000: from_svg(SVG.format(200, CROSS), HERE)}, "v1")
    with pytest.raises(ConfigurationError, match="outside"):
        from_svg(SVG.format(200, CROSS.replace("180", "900")), HERE)
    with pytest.raises(ConfigurationError, match="free code point"):
        municipal_font.add_glyph(folder, from_svg(SVG.format(200, CROSS), HERE), "again", 0xF0000)
    municipal_font.make(folder, "1.000")
    before = (folder / MUNICIPAL_FONT_FILE).read_bytes()
    (folder / "own_glyphs" / "U+F0003.svg").write_text("<svg/>")
    with pytest.raises(ConfigurationError, match=r"U\+F0003"):
        municipal_font.make(folder, "1.001")
    assert (folder / MUNICIPAL_FONT_FILE).read_bytes() == before
