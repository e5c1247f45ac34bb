"""Seal registrations (印鑑登録) with imprints drawn as 1-bit PNG at 600 dpi in true size, different for each person."""

from __future__ import annotations

import io
import random
import unicodedata
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from gaiji_maps.font_coverage import standard_font_path
from simulators.world.rows import Row, day, row
from simulators.world.town import Town, days_before

DPI = 600


def dots(millimetres: float) -> int:
    """Dots at 600 dpi."""
    return round(millimetres / 25.4 * DPI)


def registration(town: Town, resident: Row) -> Row:
    """A registration of this resident's seal."""
    rng = town.rng
    text = (resident["common_name"] or resident["name"]).split("　")[0]
    return row(
        "seal",
        **day("registered_on", days_before(rng, town.today, 100, 9_000)),
        addressee_number=resident["addressee_number"],
        registration_number=f"{int(resident['addressee_number']):010d}",
        seal_status="1",
        name_form="5" if resident["common_name"] else "2",
        impression=imprint(rng, text),
    )


def imprint(rng: random.Random, text: str) -> bytes:
    """A round imprint of 12 to 18 mm with the surname from top to bottom."""
    diameter = dots(rng.choice((12.0, 13.5, 15.0, 16.5, 18.0)))
    picture = Image.new("1", (diameter, diameter), 1)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((1, 1, diameter - 2, diameter - 2), outline=0, width=rng.randint(8, 16))
    shown = _drawable(text)[:4] or "印"
    height = int(diameter * rng.uniform(0.70, 0.80))
    size = min(height // len(shown), int(diameter * 0.55))
    top = (diameter - size * len(shown)) // 2 + rng.randint(-6, 6)
    for number, character in enumerate(shown):
        draw.text(
            (diameter // 2, top + number * size), character, font=_font(size), fill=0, anchor="mt", stroke_width=3
        )
    out = io.BytesIO()
    picture.rotate(rng.uniform(-4, 4), fillcolor=1).save(out, "PNG", dpi=(DPI, DPI), optimize=False)
    return out.getvalue()


def _drawable(text: str) -> list[str]:
    """One element a character, its selector kept with it."""
    found: list[str] = []
    for character in text:
        if found and unicodedata.category(character) == "Mn":
            found[-1] += character
        else:
            found.append(character)
    return found


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(standard_font_path()), size)
