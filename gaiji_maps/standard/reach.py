"""How each character of the list can be drawn with the installed standard font (文字の到達): by text, or what else.

With IPAmj明朝 005.01, 58,841 of 58,862 names and 286 of 299 変体仮名 have a text of their own. For the rest it is said
here, from the font's outlines and the list's 備考, what stands open; making a glyph is ``gaiji_maps.making``'s work.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from fontTools.ttLib import TTFont

from gaiji_maps.font_coverage import FontCoverage, coverage
from gaiji_maps.fonts import standard_font_path
from gaiji_maps.standard.table import StandardTable, hentaigana_table, table

SAME_CHARACTER = re.compile(r"(MJ[0-9]{6})・(MJ[0-9]{6})は、戸籍統一文字において、同一字形であり、字義も同一")


class Way(StrEnum):
    """``TEXT`` a text of its own; ``SAME_OUTLINE`` another name's text draws the very same outline, point for point.

    ``NOTED_TWIN`` the list calls another name 同一字形・同一字義, but the outlines differ: a person confirms the
    twin in the correspondence table; ``OWN_GLYPH`` no text at all: the municipality's own font needs a glyph.
    """

    TEXT = "text"
    SAME_OUTLINE = "same_outline"
    NOTED_TWIN = "noted_twin"
    OWN_GLYPH = "own_glyph"


@dataclass(frozen=True, slots=True)
class Reach:
    """The way to one glyph. ``text`` draws it, except for ``NOTED_TWIN``, where it draws ``twin``'s glyph instead."""

    way: Way
    text: str | None
    twin: str | None = None


def reach(mj_name: str) -> Reach:
    """The way to MJ文字図形名, 変体仮名 included; ``KeyError`` for a name that the lists don't have."""
    if mj_name not in table() and mj_name not in hentaigana_table():
        raise KeyError(mj_name)
    text = coverage().text_of(mj_name)
    return Reach(Way.TEXT, text) if text else unreachable()[mj_name]


def of_unreachable(mj_name: str) -> Reach | None:
    """What stands open for a name without a text of its own; ``None`` for all others, of the lists or not."""
    return unreachable().get(mj_name)


@lru_cache(maxsize=1)
def unreachable() -> Mapping[str, Reach]:
    """Every name without a text of its own (21 and 13 変体仮名 with IPAmj明朝 005.01) and what to do about it."""
    fonts, names = coverage(), (*table(), *hentaigana_table())
    missing = [name for name in names if fonts.text_of(name) is None]
    return dict(zip(missing, _ways(missing, fonts), strict=True)) if missing else {}


def _ways(missing: Iterable[str], fonts: FontCoverage) -> Iterator[Reach]:
    twins = _same_outlines(missing)
    for name in missing:
        same = next((twin for twin in twins[name] if fonts.text_of(twin)), None)
        noted = _noted_twin(name, table())
        if same:
            yield Reach(Way.SAME_OUTLINE, fonts.text_of(same), same)
        elif noted and fonts.text_of(noted):
            yield Reach(Way.NOTED_TWIN, fonts.text_of(noted), noted)
        else:
            yield Reach(Way.OWN_GLYPH, None)


def _same_outlines(names: Iterable[str]) -> Mapping[str, list[str]]:
    """Name → the other MJ names whose outline in the font is the same, byte for byte."""
    with TTFont(standard_font_path(), lazy=True) as font:
        glyphs = font["glyf"].glyphs
        wanted = {glyphs[name.lower()].data: name for name in names}
        groups: defaultdict[bytes, list[str]] = defaultdict(list)
        for glyph in font.getGlyphOrder():
            if glyph.startswith("mj") and glyphs[glyph].data in wanted:
                groups[glyphs[glyph].data].append(glyph.upper())
        return {name: [one for one in groups[glyphs[name.lower()].data] if one != name] for name in names}


def _noted_twin(name: str, characters: StandardTable) -> str | None:
    row = characters.get(name)
    found = SAME_CHARACTER.match(row.note) if row else None
    return next((twin for twin in found.groups() if twin != name), None) if found else None
