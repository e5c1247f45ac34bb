"""Which characters the fonts really reach (文字の収録), and the way between MJ文字図形名 and text.

A variation sequence that a font lacks falls back silently to the base glyph in every engine; so what is stored and
what is drawn must be looked up here first, in the cmap's formats 4/12 (characters) and 14 (sequences). No vendor
codes here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

from gaiji_maps.drawable import undrawable
from gaiji_maps.fonts import FormFont, form_fonts
from records.errors import ConfigurationError, Place

MJ_NAME = re.compile(r"MJ[0-9]{6}\Z")
GJ_NAME = re.compile(r"GJ[0-9]{6}\Z", re.IGNORECASE)
SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
SELECTOR_SET = frozenset(SELECTORS)

Sequence = tuple[int, int]


@dataclass(frozen=True)
class FontCoverage:
    """What one or more fonts reach: ``characters`` (code point → glyph), ``sequences`` ((base, selector) → glyph)."""

    characters: Mapping[int, str]
    sequences: Mapping[Sequence, str]

    def covers(self, text: str) -> bool:
        """Whether every character and every sequence of ``text`` has a glyph of its own in the fonts."""
        return next(self.missing(text), None) is None

    def missing(self, text: str) -> Iterator[tuple[str, bool]]:
        """Each character without a glyph: its code points as ``U+845B`` or ``U+845B U+E0100``, whether a sequence."""
        for base, selector in characters(text):
            if selector is None and base not in self.characters:
                yield code_point_name(base), False
            elif selector is not None and (base, selector) not in self.sequences:
                yield f"{code_point_name(base)} {code_point_name(selector)}", True

    def text_of(self, mj_name: str) -> str | None:
        """Text (base, or base and selector) that draws MJ文字図形名 ``MJ022335``; ``None`` when no text reaches it.

        GJ names (行政事務標準文字) are found where the second font calls its glyphs so.
        """
        return self._texts.get(mj_name.lower()) or self._texts.get(mj_name)

    def mj_name_of(self, character: str) -> str | None:
        """MJ文字図形名 that a base, or a base and selector, draws; ``None`` for other glyphs and more characters."""
        found = list(characters(character))
        if len(found) != 1:
            return None
        base, selector = found[0]
        glyph = self.characters.get(base) if selector is None else self.sequences.get((base, selector))
        name = (glyph or "").upper()
        return name if MJ_NAME.match(name) else None

    @cached_property
    def _texts(self) -> dict[str, str]:
        """Glyph → text. Compatibility ideographs come last: software may take them for their twins."""
        texts: dict[str, str] = {}
        for base, glyph in sorted(self.characters.items()):
            if not _compatibility(base):
                texts.setdefault(glyph, chr(base))
        for (base, selector), glyph in sorted(self.sequences.items(), key=_ideographic_first):
            texts.setdefault(glyph, chr(base) + chr(selector))
        for base, glyph in sorted(self.characters.items()):
            texts.setdefault(glyph, chr(base))
        return texts


def coverage(folder: Path | None = None) -> FontCoverage:
    """What the fonts of a municipality's forms reach, together (0.2 s, then kept until a font changes)."""
    return _coverage(form_fonts(folder))


@lru_cache(maxsize=8)
def _coverage(fonts: tuple[FormFont, ...]) -> FontCoverage:
    merged_characters: dict[int, str] = {}
    merged_sequences: dict[Sequence, str] = {}
    for number, own in enumerate(own_coverages(fonts)):
        merged_characters |= {base: _named(glyph, number) for base, glyph in own.characters.items()}
        merged_sequences |= {pair: _named(glyph, number) for pair, glyph in own.sequences.items()}
    return FontCoverage(merged_characters, merged_sequences)


def own_coverages(fonts: Iterable[FormFont]) -> Iterator[FontCoverage]:
    """For each font what it alone draws. The first that has a base has all its sequences too, as in every engine."""
    taken: set[int] = set()
    for font in fonts:
        read = _read_font(font)
        never = undrawable()
        wanted = {base: glyph for base, glyph in read.characters.items() if font.may_draw(base) and base not in never}
        if doubled := next((base for base in sorted(wanted.keys() & taken) if is_private(base)), None):
            raise ConfigurationError(f"two fonts draw {code_point_name(doubled)}", Place(font.path.name))
        mine = {base: glyph for base, glyph in wanted.items() if base not in taken}
        pairs = {pair: glyph for pair, glyph in read.sequences.items() if pair[0] in mine}
        taken |= mine.keys()
        yield FontCoverage(mine, pairs)


@lru_cache(maxsize=8)
def _read_font(font: FormFont) -> FontCoverage:
    try:
        return read_font(font.path)
    except (TTLibError, OSError) as error:
        raise ConfigurationError(f"the font {font.name} can't be read", Place(font.path.name)) from error


def _named(glyph: str, number: int) -> str:
    """Only the standard font's glyphs are called by MJ names; in other fonts such a name may be anything."""
    return glyph if number == 0 or GJ_NAME.match(glyph) else f"{number}:{glyph}"


def read_font(path: Path) -> FontCoverage:
    """Coverage of one font file, private use included."""
    with TTFont(path, lazy=True) as font:
        best: dict[int, str] = font.getBestCmap() or {}
        pairs = {
            pair: glyph for table in font["cmap"].tables if table.format == 14 for pair, glyph in _uvs(table.uvsDict)
        }
    resolved = {pair: glyph or best[pair[0]] for pair, glyph in pairs.items() if glyph or pair[0] in best}
    return FontCoverage(best, resolved)


def characters(text: str) -> Iterator[tuple[int, int | None]]:
    """The characters of a text as (base, selector or None). A selector without a base is a base of its own."""
    points = [ord(one) for one in text]
    at = 0
    while at < len(points):
        following = points[at + 1] if at + 1 < len(points) else None
        selector = following if following in SELECTOR_SET and points[at] not in SELECTOR_SET else None
        yield points[at], selector
        at += 1 if selector is None else 2


def length(text: str) -> int:
    """文字数: a base with its selector counts as one."""
    return len(text) - sum(ord(one) in SELECTOR_SET for one in text)


def is_private(code_point: int) -> bool:
    """Whether a code point is of a private use area (BMP, plane 15, plane 16)."""
    return 0xE000 <= code_point <= 0xF8FF or code_point >= 0xF0000


def code_point_name(code_point: int) -> str:
    """``U+845B``."""
    return f"U+{code_point:04X}"


def _ideographic_first(entry: tuple[Sequence, str]) -> tuple[bool, Sequence]:
    """Moji_Joho's selectors (U+E0100 …) before the standardised ones (U+FE00 …)."""
    return entry[0][1] < 0xE0100, entry[0]


def _uvs(by_selector: Mapping[int, Iterable[tuple[int, str | None]]]) -> Iterator[tuple[Sequence, str | None]]:
    for selector, entries in by_selector.items():
        for base, glyph in entries:
            yield (base, selector), glyph


# The twelve characters of the compatibility block that are ordinary ideographs (Unicode 17, section 18.1).
_UNIFIED = frozenset((0xFA0E, 0xFA0F, 0xFA11, 0xFA13, 0xFA14, 0xFA1F, 0xFA21, 0xFA23, 0xFA24, 0xFA27, 0xFA28, 0xFA29))


def _compatibility(code_point: int) -> bool:
    in_block = 0xF900 <= code_point <= 0xFAFF or 0x2F800 <= code_point <= 0x2FA1F
    return in_block and code_point not in _UNIFIED
