"""Identification on fonts that are not IPAmj明朝: how often the exact MJ glyph comes first, among 5, among 10.

500 random kanji a set with fixed seeds, from Debian's fonts: by code point, by variation sequence alone (glyphs that no
code point draws), as dots, and disturbed. The bar for variants is on all 6,286 of them: 500 would judge by luck, ± 1 %.
Ranked among all 58,862 MJ glyphs and 299 変体仮名. Nothing is learned from these fonts.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageFilter

from benchmarks.figures import Figure
from gaiji_maps.font_coverage import coverage
from gaiji_maps.fonts import standard_font_path
from gaiji_maps.identification.index import build, standard_index
from gaiji_maps.identification.ranking import rank
from gaiji_maps.identification.raster import GlyphPictures, Picture
from gaiji_maps.standard.table import hentaigana_table, table
from records.errors import ConfigurationError, Place

FONTS = Path("/usr/share/fonts")
QUERIES = 500
SEED = 364894
SINGLE_QUERIES = 40
VARIANT_BARS = {1: ">= 95", 5: ">= 99", 10: ">= 99.5"}
OUTLINE_BARS = {1: ">= 95"}
DOT_BARS = {10: ">= 99.5"}

Say = Callable[[str], None]
Query = tuple[str, Picture]


@dataclass(frozen=True, slots=True)
class StandIn:
    """A font in a vendor's place: its Debian package, its file and face."""

    package: str
    file: str
    number: int = 0

    @property
    def path(self) -> Path:
        """Where it lies; ``ConfigurationError`` names the package to install."""
        path = FONTS / self.file
        if not path.is_file():
            raise ConfigurationError(f"a font is missing: apt-get install {self.package}", Place(path.name))
        return path


BIZ = StandIn("fonts-morisawa-bizud-mincho", "truetype/bizud-mincho/BIZUDMincho-Regular.ttf")
IPAEX = StandIn("fonts-ipaexfont-mincho", "opentype/ipaexfont-mincho/ipaexm.ttf")
HANA_A = StandIn("fonts-hanazono", "truetype/hanazono/HanaMinA.ttf")
HANA_B = StandIn("fonts-hanazono", "truetype/hanazono/HanaMinB.ttf")
SERIF = StandIn("fonts-noto-cjk", "opentype/noto/NotoSerifCJK-Regular.ttc")
SANS = StandIn("fonts-noto-cjk", "opentype/noto/NotoSansCJK-Regular.ttc")
BY_CODE_POINT = {
    "BIZ UDMincho": BIZ, "IPAexMincho": IPAEX, "HanaMinA": HANA_A, "HanaMinB": HANA_B, "Noto Serif CJK JP": SERIF,
    "Noto Sans CJK JP": SANS,
}  # fmt: skip


def run(say: Say, *, quick: bool = False) -> list[Figure]:
    """Measure; ``quick`` takes a tenth of the queries and the index that is there already."""
    count = QUERIES // 10 if quick else QUERIES
    sets = _sets(count)
    figures = [] if quick else [_build_time(say)]
    standard_index()
    seconds = 0.0
    for name, (bars, queries) in sets.items():
        start = time.perf_counter()
        ranks = list(_ranks(queries))
        seconds += time.perf_counter() - start
        say(f"{name}: first {100 * sum(one == 1 for one in ranks) / len(ranks):.1f} %")
        figures += [_hits(name, ranks, top, bars.get(top, "")) for top in (1, 5, 10)]
    batched = 1000 * seconds / sum(len(queries) for _, queries in sets.values())
    return [
        *figures,
        Figure("a query among many", batched, "ms", "<= 5"),
        Figure("a query alone, median", _single_time(), "ms", "<= 50"),
    ]


def _sets(count: int) -> dict[str, tuple[dict[int, str], list[Query]]]:
    """Name of a set → bars by rank, and (MJ name, picture) pairs."""
    sets: dict[str, tuple[dict[int, str], list[Query]]] = {}
    for name, font in BY_CODE_POINT.items():
        sets[name] = (OUTLINE_BARS, _drawn(font, _by_code_point(font, count)))
    every = _variants(HANA_A)
    variants = random.Random(SEED).sample(every, count)
    sets["HanaMinA variants"] = ({}, _drawn(HANA_A, variants))
    if count == QUERIES:
        sets[f"HanaMinA, all {len(every):,} variants"] = (VARIANT_BARS, _drawn(HANA_A, every))
    for dots in (32, 24):
        bars = DOT_BARS if dots == 32 else {}
        sets[f"BIZ UDMincho, {dots} dots"] = (bars, _drawn(BIZ, _by_code_point(BIZ, count), dots))
        sets[f"HanaMinA variants, {dots} dots"] = (bars, _drawn(HANA_A, variants, dots))
    sets["BIZ UDMincho, disturbed"] = ({}, _disturbed(sets["BIZ UDMincho"][1]))
    sets["HanaMinA variants, disturbed"] = ({}, _disturbed(sets["HanaMinA variants"][1]))
    return sets


def _by_code_point(font: StandIn, count: int) -> list[tuple[str, str]]:
    """Random (MJ name, glyph name): kanji that both fonts reach by the same single code point."""
    standard = coverage()
    with TTFont(font.path, fontNumber=font.number, lazy=True) as opened:
        drawn = [(standard.mj_name_of(chr(code)) or "", glyph) for code, glyph in sorted(opened.getBestCmap().items())]
    return random.Random(SEED).sample([(name, glyph) for name, glyph in drawn if name in table()], count)


def _variants(font: StandIn) -> list[tuple[str, str]]:
    """(MJ name, glyph name) of every Moji_Joho sequence whose glyph no code point draws: variants, all of them."""
    with TTFont(font.path, lazy=True) as opened:
        plain = set(opened.getBestCmap().values())
        sequences = next(one for one in opened["cmap"].tables if one.format == 14).uvsDict
    return [
        (name, glyph)
        for selector, entries in sorted(sequences.items())
        for base, glyph in sorted(entries, key=lambda entry: entry[0])
        if glyph and glyph not in plain and (name := table().by_text(chr(base) + chr(selector)))
    ]


def _drawn(font: StandIn, chosen: Sequence[tuple[str, str]], dots: int | None = None) -> list[Query]:
    pictures = GlyphPictures(font.path, font.number)
    with TTFont(font.path, fontNumber=font.number, lazy=True) as opened:
        numbers = opened.getReverseGlyphMap()
    drawn: list[Query] = []
    for name, glyph in chosen:
        number = numbers[glyph]
        picture = pictures.of_glyph(number, dots, mono=True) if dots else pictures.of_glyph(number)
        if picture is None:
            raise ConfigurationError(f"{font.file} draws nothing for {name}", Place(font.path.name))
        drawn.append((name, picture))
    return drawn


def _disturbed(queries: Sequence[Query]) -> list[Query]:
    """Each picture thicker or thinner by up to three pixels of 96, turned by up to 3°, out of centre, and blurred."""
    generator = random.Random(SEED)
    return [(name, _disturb(picture, generator)) for name, picture in queries]


def _disturb(picture: Picture, generator: random.Random) -> Picture:
    side = max(picture.shape) + 32
    sheet = Image.new("L", (side, side))
    sheet.paste(Image.fromarray(picture), (generator.randint(4, 28), generator.randint(4, 28)))
    weight = generator.choice((ImageFilter.MaxFilter(3), ImageFilter.MinFilter(3), None))
    thicker = sheet.filter(weight) if weight else sheet
    turned = thicker.rotate(generator.uniform(-3, 3), Image.Resampling.BICUBIC)
    return np.asarray(turned.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 1.5))))


def _ranks(queries: Sequence[Query]) -> Iterator[int]:
    """The place of the exact MJ glyph for each query; 11 for none of the first ten."""
    for ranking in rank(queries):
        yield next((one.rank for one in ranking.candidates if one.mj_name == ranking.label), 11)


def _hits(name: str, ranks: Sequence[int], top: int, bar: str) -> Figure:
    return Figure(f"{name}: top {top}", 100 * sum(one <= top for one in ranks) / len(ranks), "%", bar)


def _single_time() -> float:
    """From the outline in the font to the ranking, one character at a time."""
    pictures, seconds = GlyphPictures(BIZ.path), []
    for code_point in pictures.code_points()[-SINGLE_QUERIES:]:
        start = time.perf_counter()
        picture = pictures.of_character(code_point)
        found = list(rank([("one", picture)])) if picture is not None else []
        if found:
            seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def _build_time(say: Say) -> Figure:
    names = (*table(), *hentaigana_table())
    with TemporaryDirectory(prefix="utsushi-bench-") as folder:
        start = time.perf_counter()
        build(standard_font_path(), names, Path(folder) / "index")
        seconds = time.perf_counter() - start
    say(f"index of {len(names):,} glyphs built in {seconds:.0f} s")
    return Figure("building the index", seconds, "s", "<= 180")
