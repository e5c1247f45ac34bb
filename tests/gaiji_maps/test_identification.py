"""Identification: pictures, features and rankings, on a small index of real glyphs; the whole is `bench identify`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageFilter

from gaiji_maps.fonts import standard_font_path
from gaiji_maps.identification import gradient, index, vendor
from gaiji_maps.identification.index import GlyphIndex
from gaiji_maps.identification.ranking import NOTICE, Ranking, cell_distances, rank
from gaiji_maps.identification.raster import INNER, SIDE, GlyphPictures, Picture, fitted
from gaiji_maps.standard.table import table
from records.errors import ConfigurationError

NAMES = tuple(
    sorted({*table().of_base("邉"), *table().of_base("邊"), *table().of_base("辻"), *list(table())[6000:6300]})
)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> GlyphIndex:
    """The index of some 330 glyphs, all variants of 邉, 邊 and 辻 among them."""
    folder = tmp_path_factory.mktemp("index") / "small"
    calls: list[tuple[int, int]] = []
    index.build(standard_font_path(), NAMES, folder, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(NAMES), len(NAMES))
    return index._opened(folder)


@pytest.fixture(scope="session")
def pictures() -> GlyphPictures:
    """The standard font, opened for drawing."""
    return GlyphPictures(standard_font_path())


def _picture(pictures: GlyphPictures, name: str) -> Picture:
    found = pictures.of_name(name.lower())
    assert found is not None
    return found


@pytest.mark.clause("7(1)③ gaiji")
def test_every_glyph_ranks_itself_first(small: GlyphIndex, pictures: GlyphPictures) -> None:
    rankings = list(rank(((name, _picture(pictures, name)) for name in NAMES), index=small))
    assert [one.label for one in rankings] == list(NAMES)
    assert [one.candidates[0].mj_name for one in rankings] == list(NAMES)
    assert all([one.rank for one in ranking.candidates] == list(range(1, 11)) for ranking in rankings)


def test_scores_fall_and_lie_between_none_and_one(small: GlyphIndex, pictures: GlyphPictures) -> None:
    ranking = next(rank([("x", _picture(pictures, NAMES[0]))], index=small, limit=50))
    scores = [one.score for one in ranking.candidates]
    assert len(scores) == 50
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert scores[0] == pytest.approx(1, abs=1e-3), "the glyph itself"
    noise = np.random.default_rng(1).integers(0, 2, (32, 32), np.uint8) * np.uint8(255)
    assert next(rank([("noise", noise)], index=small)).candidates[0].score < 0.4, "no character, and far from all"


def test_a_ranking_is_no_decision() -> None:
    """Nothing in its type answers whether a standard character is, or is not, the one meant."""
    assert {field.name for field in dataclasses.fields(Ranking)} == {"label", "candidates", "notice"}
    assert "人が見比べて" in NOTICE
    assert "無いことを" in NOTICE


def test_disturbed_variants_are_still_told_apart(small: GlyphIndex, pictures: GlyphPictures) -> None:
    names = table().of_base("邉")
    turned = [
        Image.fromarray(np.pad(_picture(pictures, name), 12)).rotate(2).filter(ImageFilter.GaussianBlur(1))
        for name in names
    ]
    rankings = rank(((name, np.asarray(one)) for name, one in zip(names, turned, strict=True)), index=small)
    places = [next(one.rank for one in found.candidates if one.mj_name == found.label) for found in rankings]
    assert max(places) <= 3
    assert places.count(1) >= 14


def test_filters_keep_to_what_the_list_says(small: GlyphIndex, pictures: GlyphPictures) -> None:
    within = vendor.Filters(strokes=(5, 6), radical=162).names()
    assert within is not None
    ranking = next(rank([("x", _picture(pictures, "MJ026190"))], index=small, within=within))
    assert ranking.candidates
    assert {one.mj_name for one in ranking.candidates} <= within
    assert vendor.Filters().names() is None
    assert next(rank([("x", _picture(pictures, "MJ026190"))], index=small, within=frozenset())).candidates == ()


def test_a_picture_without_ink_has_no_candidates(small: GlyphIndex) -> None:
    assert next(rank([("x", np.zeros((24, 24), np.uint8))], index=small)).candidates == ()


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 255])))
@settings(max_examples=50)
def test_any_dots_fit_into_the_square(dots: np.ndarray) -> None:
    square = fitted(dots)
    assert square.shape == (SIDE, SIDE)
    margin = (SIDE - INNER) // 2
    assert not square[:margin].any()
    assert not square[:, -margin:].any()
    assert square.any() == dots.any()
    features = gradient.coarse(gradient.direction_maps(square[None]))
    assert np.isfinite(features).all()
    assert np.linalg.norm(features) == pytest.approx(1 if dots.any() else 0, abs=1e-5)


@given(st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=20)
def test_where_the_ink_lies_on_the_sheet_does_not_matter(down: int, across: int) -> None:
    dots = np.zeros((60, 60), np.uint8)
    dots[down : down + 25, across + 10 : across + 14] = 255
    dots[down + 10 : down + 14, across : across + 25] = 255
    expected = np.zeros((25, 25), np.uint8)
    expected[:, 10:14] = expected[10:14, :] = 255
    assert (fitted(dots) == fitted(expected)).all()


def test_moved_cells_contain_the_resting_ones(pictures: GlyphPictures) -> None:
    maps = gradient.direction_maps(fitted(_picture(pictures, "MJ026190"))[None])
    moved, resting = gradient.fine_moved(maps[0]), gradient.fine(maps)
    middle = moved.shape[1] // 2
    assert np.abs(moved[:, middle] - resting[0] / gradient.QUANTUM).max() <= 0.5 / gradient.QUANTUM + 1e-3
    assert cell_distances(moved, resting).sum() < 0.05


def _eudc(path: Path, names: dict[int, str]) -> Path:
    """A vendor's font: some standard glyphs, a little narrower, at private code points, for the test only."""
    standard = TTFont(standard_font_path(), lazy=True)
    glyphs = standard.getGlyphSet()
    builder = FontBuilder(2048, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    drawn = {".notdef": TTGlyphPen(None).glyph()}
    for name in names.values():
        pen = TTGlyphPen(None)
        glyphs[name].draw(TransformPen(pen, (0.95, 0, 0.02, 1, 40, 0)))
        drawn[name] = pen.glyph()
    builder.setupGlyf(drawn)
    builder.setupHorizontalMetrics({name: (2048, getattr(glyph, "xMin", 0)) for name, glyph in drawn.items()})
    builder.setupHorizontalHeader(ascent=1802, descent=-246)
    builder.setupNameTable({"familyName": "EUDC", "styleName": "Regular"})
    builder.setupPost()
    builder.save(path)
    return path


@pytest.mark.clause("7(1)③ gaiji")
def test_a_vendors_font_is_ranked_by_code(tmp_path: Path, small: GlyphIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _eudc(tmp_path / "EUDC.TTE", {0xE000: "mj026190", 0xE001: "mj026195", 0x4E00: "mj006300"})
    monkeypatch.setattr(vendor, "standard_index", lambda _: small)
    calls: list[tuple[int, int]] = []
    rankings = list(vendor.identify(path, limit=3, progress=lambda done, total: calls.append((done, total))))
    assert [one.label for one in rankings] == ["U+E000", "U+E001"], "only private characters"
    assert [one.candidates[0].mj_name for one in rankings] == ["MJ026190", "MJ026195"]
    assert [len(one.candidates) for one in rankings] == [3, 3]
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize("dots", [24, 32, 48, 64])
def test_bitmaps_are_read_from_images_and_bdf(
    dots: int, tmp_path: Path, pictures: GlyphPictures, small: GlyphIndex
) -> None:
    drawn = pictures.of_glyph(pictures._face.get_name_index(b"mj026190"), dots, mono=True)
    assert drawn is not None
    images = tmp_path / "images"
    images.mkdir()
    cell = np.pad(drawn, 1)
    Image.fromarray(255 - cell).save(images / "f040.png")
    Image.fromarray(cell).save(images / "f041.bmp")
    (tmp_path / "set.bdf").write_text(_bdf({0xF040: drawn, 0xF041: drawn}))
    (tmp_path / "unicode.bdf").write_text('CHARSET_REGISTRY "ISO10646"\n' + _bdf({0xF040: drawn}))
    from_images, from_bdf = vendor.vendor_glyphs(images), vendor.vendor_glyphs(tmp_path / "set.bdf")
    assert [one.code for one in from_images] == ["F040", "F041"]
    assert [one.code for one in from_bdf] == ["F040", "F041"]
    assert vendor.vendor_glyphs(tmp_path / "unicode.bdf")[0].code == "U+F040"
    assert all((one.picture == cell).all() for one in from_images)
    assert all((one.picture == drawn).all() for one in from_bdf)
    found = next(rank([("F040", from_bdf[0].picture)], index=small))
    assert "MJ026190" in [one.mj_name for one in found.candidates[:3]]


def _bdf(glyphs: dict[int, Picture]) -> str:
    lines = ["STARTFONT 2.1", f"CHARS {len(glyphs)}"]
    for code, dots in glyphs.items():
        rows = [np.packbits(row > 0).tobytes().hex().upper() for row in dots]
        box = f"BBX {dots.shape[1]} {dots.shape[0]} 0 0"
        lines += [f"STARTCHAR c{code:X}", f"ENCODING {code}", box, "BITMAP", *rows, "ENDCHAR"]
    return "\n".join([*lines, "ENDFONT", ""])


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "F040.png").write_bytes(b"nothing")
    (tmp_path / "EUDC.TTE").write_bytes(b"nothing")
    (tmp_path / "odd.bdf").write_text("STARTCHAR a\nENCODING 61504\nBBX 8 2 0 0\nBITMAP\nFF\nXX\n")
    for name, text in [
        ("absent", "no such file"), ("empty", "no glyph of a private code"), ("bad", r"F040\.png"),
        ("EUDC.TTE", "not a font"), ("odd.bdf", "hexadecimal"),
    ]:  # fmt: skip
        with pytest.raises(ConfigurationError, match=text):
            vendor.vendor_glyphs(tmp_path / name)
    with pytest.raises(ConfigurationError, match="MJ999999"):
        index.build(standard_font_path(), ["MJ999999"], tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_the_cache_is_built_once_and_kept_by_the_fonts_content(
    utsushi_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "table", lambda: NAMES[:20])
    monkeypatch.setattr(index, "hentaigana_table", lambda: ())
    first = index.standard_index()
    folders = list((utsushi_home / "cache").iterdir())
    assert len(folders) == 1
    monkeypatch.setattr(index, "build", lambda *_: pytest.fail("built again"))
    assert index.standard_index() is first
    assert isinstance(first.points, np.memmap)
