"""Draws a fictional official seal (公印) for a municipality: red, square, 24 mm at 600 dpi, transparent ground.

A real municipality supplies its own PNG; this one says 見本 (sample) in the seal itself.
Run ``python -m forms.official_seal 364894 東みよ し町長 見本印``: columns from right to left.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from municipalities.registry import get

SIDE_MM = 24
DOTS_PER_INCH = 600
SIDE = round(SIDE_MM / 25.4 * DOTS_PER_INCH)
RED = (200, 30, 38)
INK, GROUND = 1, 0
FRAME = SIDE // 22
FONT = "/usr/share/fonts/truetype/ipamj/ipamjm.ttf"


def draw(columns: list[str]) -> Image.Image:
    """The seal with one text per column, the first at the right."""
    seal = Image.new("L", (SIDE, SIDE), 0)
    pen = ImageDraw.Draw(seal)
    pen.rounded_rectangle((2, 2, SIDE - 3, SIDE - 3), radius=FRAME, outline=255, width=FRAME)
    inner = SIDE - 3 * FRAME
    width = inner / len(columns)
    for number, text in enumerate(columns):
        left = SIDE - 1.5 * FRAME - (number + 1) * width
        for line, letter in enumerate(text):
            height = inner / len(text)
            _place(seal, letter, (left, 1.5 * FRAME + line * height), (width, height))
    return _inked(seal)


def _inked(coverage: Image.Image) -> Image.Image:
    """Two colours, ink and transparent ground: at 600 dpi no softening is needed, and the file stays small."""
    seal = coverage.point(lambda value: INK if value > 127 else GROUND).convert("P")
    seal.putpalette([255, 255, 255, *RED])
    seal.info["transparency"] = GROUND
    return seal


def _place(seal: Image.Image, letter: str, corner: tuple[float, float], size: tuple[float, float]) -> None:
    """One letter stretched over its cell, as seal script fills its square."""
    font = ImageFont.truetype(FONT, 300)
    stamp = Image.new("L", (420, 420), 0)
    ImageDraw.Draw(stamp).text((60, 40), letter, font=font, fill=255, stroke_width=7)
    box = stamp.getbbox()
    if box is None:
        raise ValueError("the font has no outline for this letter")
    gap = SIDE // 60
    target = (round(size[0]) - 2 * gap, round(size[1]) - 2 * gap)
    mask = stamp.crop(box).resize(target, Image.Resampling.LANCZOS)
    seal.paste(255, (round(corner[0]) + gap, round(corner[1]) + gap), mask)


def main(code: str, *columns: str) -> Path:
    """Write ``municipalities/<code>/official_seal.png``."""
    path = get(code).folder / "official_seal.png"
    draw(list(columns)).save(path, dpi=(DOTS_PER_INCH, DOTS_PER_INCH), optimize=True, bits=1)
    return path


if __name__ == "__main__":
    main(*sys.argv[1:])
