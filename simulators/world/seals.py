"""Seal registrations (印鑑登録) with imprints drawn as 1-bit PNG at 600 dpi in true size, different for each person."""

from __future__ import annotations

import io
import math
import random
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from gaiji_maps.font_coverage import characters
from gaiji_maps.fonts import standard_font_path
from simulators.world.rows import Row, day, row
from simulators.world.town import Town, days_before

DPI = 600
DIAMETERS = (12.0, 13.5, 15.0, 16.5, 18.0)
_RUN_LENGTHS = 3  # zlib's strategy for runs: half the time, and smaller, for pictures of two colours
SIZE_STEP = 24  # glyphs are drawn in steps of so many dots, so that common surnames are drawn once
MOST_CHARACTERS = 6
NAME, SURNAME, GIVEN, FORMER, COMMON = "1", "2", "3", "4", "5"


def dots(millimetres: float) -> int:
    """Dots at 600 dpi."""
    return round(millimetres / 25.4 * DPI)


def registration(town: Town, resident: Row) -> Row:
    """A registration of this resident's seal, in force."""
    rng = town.rng
    form = _name_form(rng, resident)
    since = min(9_000, (town.today - resident["address_settled_on"]).days)
    return row(
        "seal",
        **day("registered_on", days_before(rng, town.today, 0, max(0, since))),
        addressee_number=resident["addressee_number"],
        registration_number=f"{int(resident['addressee_number']):010d}",
        seal_status="1",
        name_form=form,
        impression=imprint(rng, _text(resident, form)),
    )


def ended(town: Town, seal: Row, *, reason: str, status: str = "3") -> Row:
    """The registration is cancelled (廃止, ``3``) or suspended (停止, ``2``) today."""
    return {**seal, "seal_status": status, **day("cancelled_on", town.today), "cancel_reason": reason}


def _name_form(rng: random.Random, resident: Row) -> str:
    if resident["common_name"]:
        return COMMON
    if resident["resident_kind"] == "2":
        return NAME
    if resident["former_surname"] and rng.random() < 0.4:
        return FORMER
    return rng.choices((SURNAME, NAME, GIVEN), (80, 12, 8))[0]


def _text(resident: Row, form: str) -> str:
    """The characters of the seal; a foreign name is cut in katakana."""
    if resident["resident_kind"] == "2" and form == NAME:
        return str(resident["name_kana"]).split("　")[0]
    name = str(resident["common_name" if form == COMMON else "former_surname" if form == FORMER else "name"])
    surname, _, given = name.partition("　")
    return {NAME: surname + given, GIVEN: given}.get(form, surname)


def imprint(rng: random.Random, text: str) -> bytes:
    """A round imprint of 12 to 18 mm, cut from top to bottom, with more than three characters in two columns."""
    diameter = dots(rng.choice(DIAMETERS))
    picture = Image.new("1", (diameter, diameter), 1)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((1, 1, diameter - 2, diameter - 2), outline=0, width=rng.randint(7, 16))
    angle = rng.choice((-2, 0, 2))
    for place, glyph in _cut(rng, _elements(text), diameter, angle):
        picture.paste(0, place, glyph)
    _wear(rng, draw, diameter)
    out = io.BytesIO()
    picture.save(out, "PNG", dpi=(DPI, DPI), compress_level=1, compress_type=_RUN_LENGTHS)
    return out.getvalue()


def _elements(text: str) -> list[str]:
    """One element a character, its selector kept with it."""
    found = [chr(base) + (chr(selector) if selector else "") for base, selector in characters(text)]
    return [one for one in found if one.strip()][:MOST_CHARACTERS] or ["印"]


def _cut(rng: random.Random, shown: list[str], diameter: int, angle: int) -> list[tuple[tuple[int, int], Image.Image]]:
    """Where each character goes (left upper corner in dots), and its mask."""
    long = (len(shown) + 1) // 2 if len(shown) > 3 else len(shown)
    columns = [shown[:long], shown[long:]] if len(shown) > long else [shown]
    room = diameter * rng.uniform(0.70, 0.80)
    size = int(min(room / long, diameter * (0.55 if len(columns) == 1 else 0.35))) // SIZE_STEP * SIZE_STEP
    found = []
    for number, column in enumerate(columns):
        centre = diameter / 2 + size * 1.02 * ((len(columns) - 1) / 2 - number)
        top = (diameter - size * len(column)) / 2 + rng.randint(-6, 6)
        for at, element in enumerate(column):
            glyph = _glyph(element, size, angle)
            found.append(((int(centre - glyph.width / 2), int(top + at * size)), glyph))
    return found


def _wear(rng: random.Random, draw: ImageDraw.ImageDraw, diameter: int) -> None:
    """A few chips in the rim, as wood gets them: no two seals are the same."""
    for _ in range(rng.randint(2, 4)):
        turn, inward, radius = rng.uniform(0, math.tau), rng.randint(3, 10), rng.randint(2, 6)
        x = diameter / 2 + (diameter / 2 - inward) * math.cos(turn)
        y = diameter / 2 + (diameter / 2 - inward) * math.sin(turn)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)


@lru_cache(maxsize=20_000)
def _glyph(element: str, size: int, angle: int) -> Image.Image:
    """The mask of one character in bold, ``size`` dots square and a little turned."""
    mask = Image.new("1", (size, size), 0)
    ImageDraw.Draw(mask).text((size // 2, size // 2), element, font=_font(size), fill=1, anchor="mm", stroke_width=2)
    return mask.rotate(angle)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(standard_font_path()), size)
