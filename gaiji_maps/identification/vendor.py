"""A vendor's private characters (外字) as pictures, from what vendors hand over, and their rankings.

An outline font (``EUDC.TTE``, TrueType or OpenType), a BDF bitmap font, or a folder of images, one a character, named
by code (``F040.png``); 24 to 64 dots are usual. Which code means what is the correspondence table's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from gaiji_maps.font_coverage import code_point_name, is_private
from gaiji_maps.identification.index import standard_index
from gaiji_maps.identification.ranking import Ranking, rank
from gaiji_maps.identification.raster import GlyphPictures, Picture
from gaiji_maps.standard.table import table
from records.errors import ConfigurationError, Place

IMAGES = (".png", ".bmp", ".pbm", ".pgm", ".tif", ".tiff", ".gif")
# A set in Unicode says so; any other registry, or none, carries the vendor's own two-byte codes: F040 is also U+F040.
UNICODE_BDF = re.compile(r"^CHARSET_REGISTRY\s+\"?ISO10646", re.MULTILINE | re.IGNORECASE)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class VendorGlyph:
    """``code`` as the file names it: ``U+E000`` of a font, ``F040`` of an image's name. ``picture`` 255 = ink."""

    code: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person reads off the paper: 総画数 (from, to), 部首 (康熙 number), 読み. All given must fit."""

    strokes: tuple[int, int] | None = None
    radical: int | None = None
    reading: str | None = None

    def names(self) -> frozenset[str] | None:
        """MJ names that fit; ``None`` without any filter (then 変体仮名 take part as well)."""
        if self == Filters():
            return None
        return table().find(strokes=self.strokes, radical_number=self.radical, reading=self.reading)


def vendor_glyphs(path: Path) -> list[VendorGlyph]:
    """Every private character of a file or folder, in order of code. ``ConfigurationError`` when there is none."""
    if not path.exists():
        raise ConfigurationError("no such file or folder of glyphs", Place(path.name))
    read = _of_images if path.is_dir() else _of_bdf if path.suffix.lower() == ".bdf" else _of_font
    found = list(read(path))
    if not found:
        raise ConfigurationError("no glyph of a private code in there", Place(path.name))
    return found


def identify(
    path: Path, *, filters: Filters | None = None, limit: int = 10, progress: Progress | None = None
) -> Iterator[Ranking]:
    """Rank the standard glyphs for every character of ``path``; labels are its codes.

    ``progress(done, all)`` counts glyphs: first of the index, if it must be built, then of the vendor's file.
    """
    glyphs = vendor_glyphs(path)
    index = standard_index(progress)
    within = (filters or Filters()).names()
    pairs = ((glyph.code, glyph.picture) for glyph in glyphs)
    for done, ranking in enumerate(rank(pairs, limit=limit, within=within, index=index), 1):
        yield ranking
        if progress:
            progress(done, len(glyphs))


def _of_font(path: Path) -> Iterator[VendorGlyph]:
    pictures = GlyphPictures(path)
    for code_point in filter(is_private, pictures.code_points()):
        picture = pictures.of_character(code_point)
        if picture is not None:
            yield VendorGlyph(code_point_name(code_point), picture)


def _of_images(folder: Path) -> Iterator[VendorGlyph]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in IMAGES:
            yield VendorGlyph(path.stem.upper(), _picture(path))


def _picture(path: Path) -> Picture:
    """Dark on light as on paper, or the other way: the corners and edges say which side is paper."""
    try:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError) as error:
        raise ConfigurationError("not an image", Place(path.name)) from error
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return grey.copy() if np.median(edge) < 128 else 255 - grey


def _of_bdf(path: Path) -> Iterator[VendorGlyph]:
    code: int | None = None
    box: list[int] = []
    content = path.read_text("latin-1")
    unicode = UNICODE_BDF.search(content) is not None
    lines = iter(content.splitlines())
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "ENCODING":
            code = int(rest.split()[-1])
        elif word == "BBX":
            box = [int(one) for one in rest.split()]
        elif word == "BITMAP":
            if code is None or len(box) != 4:
                raise ConfigurationError("a bitmap without ENCODING or BBX", Place(path.name))
            dots = [next(lines, "") for _ in range(box[1])]
            yield VendorGlyph(code_point_name(code) if unicode else f"{code:04X}", _dots(dots, box[0], path))
            code, box = None, []


def _dots(lines: list[str], width: int, path: Path) -> Picture:
    try:
        rows = [np.frombuffer(bytes.fromhex(line.strip()), np.uint8) for line in lines]
        picture = np.unpackbits(np.stack(rows), axis=1)[:, :width]
    except ValueError as error:
        raise ConfigurationError("a bitmap that is not hexadecimal rows of one width", Place(path.name)) from error
    return picture * np.uint8(255)
