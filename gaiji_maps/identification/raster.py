"""Pictures of glyphs (字形の画像): from a font through FreeType, or from dots; cropped and fitted into one square.

A picture is a two-dimensional ``uint8`` array, 0 paper and 255 ink, row 0 on top. Features are taken in ``gradient``.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import freetype
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from records.errors import ConfigurationError, Place

Picture = NDArray[np.uint8]
SIDE = 64
INNER = 56
RENDER_PIXELS = 96
INK = 64
_FLAGS = freetype.FT_LOAD_RENDER | freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP


class GlyphPictures:
    """One font file opened for drawing; ``number`` chooses a face of a collection. Not for use by several threads."""

    def __init__(self, path: Path, number: int = 0) -> None:
        try:
            self._face = freetype.Face(str(path), number)
        except freetype.FT_Exception as error:
            raise ConfigurationError("not a font that FreeType reads", Place(path.name)) from error
        self.path = path

    def of_character(self, code_point: int) -> Picture | None:
        """The picture of a code point, 96 pixels to the em; ``None`` when the font has no ink for it."""
        glyph = self._face.get_char_index(code_point)
        return self.of_glyph(glyph) if glyph else None

    def of_name(self, name: str) -> Picture | None:
        """The picture of a glyph by its name (``mj022335``)."""
        glyph = self._face.get_name_index(name.encode("ascii"))
        return self.of_glyph(glyph) if glyph else None

    def of_glyph(self, glyph: int, pixels: int = RENDER_PIXELS, mono: bool = False) -> Picture | None:
        """The picture of a glyph by its number; ``mono`` draws dots without grey."""
        self._face.set_pixel_sizes(0, pixels)
        self._face.load_glyph(glyph, _FLAGS | (freetype.FT_LOAD_TARGET_MONO if mono else 0))
        return _copied(self._face.glyph.bitmap)

    def code_points(self) -> list[int]:
        """Every code point of the font, in order."""
        return sorted(code for code, _ in self._face.get_chars())


def _copied(bitmap: freetype.Bitmap) -> Picture | None:
    if not bitmap.rows or not bitmap.width:
        return None
    raw = ctypes.string_at(bitmap._FT_Bitmap.buffer, bitmap.rows * bitmap.pitch)
    rows = np.frombuffer(raw, np.uint8).reshape(bitmap.rows, bitmap.pitch)
    if bitmap.pixel_mode == freetype.FT_PIXEL_MODE_MONO:
        return np.unpackbits(rows, axis=1)[:, : bitmap.width] * np.uint8(255)
    return rows[:, : bitmap.width].copy()


def fitted(picture: Picture) -> Picture:
    """The ink of a picture in a square of 64 × 64 pixels, its longer side 56 long.

    The shorter side is stretched in part (Liu's aspect-ratio adaptive normalisation, sqrt(sin(π/2 · ratio))): 一 and 丨
    stay flat and thin, while a narrow and a wide drawing of one character come close. A picture without ink stays empty.
    """
    square = np.zeros((SIDE, SIDE), np.uint8)
    ink = _cropped(picture)
    if ink is None:
        return square
    long, short = max(ink.shape), min(ink.shape)
    fit = max(1, round(INNER * float(np.sqrt(np.sin(np.pi / 2 * short / long)))))
    height, width = (INNER, fit) if ink.shape[0] >= ink.shape[1] else (fit, INNER)
    resized = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[top : top + height, left : left + width] = np.asarray(resized)
    return square


def _cropped(picture: Picture) -> Picture | None:
    inked = picture >= INK
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else None
