"""Which characters a font really reaches (文字の収録), and the way between MJ文字図形名 and text.

A variation sequence that a font lacks falls back silently to the base glyph in every engine; so what is stored and
what is drawn must be looked up here first, in the cmap's formats 4/12 (characters) and 14 (sequences). No vendor
codes here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from records.errors import ConfigurationError, Place

FONT_FILE = "ipamjm.ttf"
FONT_DIR_VARIABLE = "UTSUSHI_FONT_DIR"
SYSTEM_FONT_DIR = Path("/usr/share/fonts/truetype/ipamj")
MUNICIPAL_FONT_FILE = "municipal.ttf"
MJ_NAME = re.compile(r"MJ[0-9]{6}\Z")
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
        """Text (base, or base and selector) that draws MJ文字図形名 ``MJ022335``; ``None`` when no text reaches it."""
        return self._texts.get(mj_name.lower())

    def mj_name_of(self, character: str) -> str | None:
        """MJ文字図形名 that a base, or a base and selector, draws; ``None`` for other glyphs and more characters."""
        found = list(characters(character))
        if len(found) != 1:
            return None
        base, selector = found[0]
        glyph = self.characters.get(base) if selector is None else self.sequences.get((base, selector))
        name = (glyph or "").upper()
        return name if MJ_NAME.match(name) else None

    def canonical(self, text: str) -> str:
        """``text`` with one spelling for each glyph: for comparing what two texts draw, never for storing.

        U+845B and U+845B U+E0101 are one glyph in IPAmj明朝, and a PDF knows only one text for it.
        """
        return "".join(
            self._spellings.get((base, selector)) or chr(base) + (chr(selector) if selector else "")
            for base, selector in characters(text)
        )

    @cached_property
    def _spellings(self) -> dict[tuple[int, int | None], str]:
        """(base, selector or None) → the preferred text of the glyph that it draws."""
        single = {(base, None): self._texts[glyph] for base, glyph in self.characters.items()}
        return single | {pair: self._texts[glyph] for pair, glyph in self.sequences.items()}

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


def standard_font_path() -> Path:
    """Where IPAmj明朝 lies: the folder ``UTSUSHI_FONT_DIR``, or Debian's; ``ConfigurationError`` says what to do."""
    folder = os.environ.get(FONT_DIR_VARIABLE)
    path = (Path(folder) if folder else SYSTEM_FONT_DIR) / FONT_FILE
    if not path.is_file():
        raise ConfigurationError(
            f"IPAmj Mincho is not there: install Debian's fonts-ipamj-mincho, or set {FONT_DIR_VARIABLE} to its folder",
            Place(FONT_FILE),
        )
    return path


def municipal_font_path(folder: Path) -> Path | None:
    """The municipality's own font (``municipal.ttf`` in its folder), if it has one."""
    path = folder / MUNICIPAL_FONT_FILE
    return path if path.is_file() else None


def coverage(folder: Path | None = None) -> FontCoverage:
    """Coverage of the standard font, and of the municipality's own where ``folder`` has one (0.2 s, then kept)."""
    own = municipal_font_path(folder) if folder else None
    return _coverage(tuple((path, path.stat().st_mtime_ns) for path in (standard_font_path(), own) if path))


@lru_cache(maxsize=8)
def _coverage(fonts: tuple[tuple[Path, int], ...]) -> FontCoverage:
    """The first font wins, except that standard fonts give way in private use: those glyphs are the municipality's."""
    merged_characters: dict[int, str] = {}
    merged_sequences: dict[Sequence, str] = {}
    for number, (path, _) in enumerate(fonts):
        read = read_font(path)
        for base, glyph in read.characters.items():
            if number or not is_private(base):
                merged_characters.setdefault(base, glyph)
        for pair, glyph in read.sequences.items():
            merged_sequences.setdefault(pair, glyph)
    return FontCoverage(merged_characters, merged_sequences)


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
