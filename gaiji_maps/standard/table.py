"""Look-ups in the standard table (MJ文字情報一覧表): by name, text, other systems' numbers, strokes, radical, reading.

Rows stay text until they are asked for, so that loading takes 0.3 s. Nothing here decides that two characters are
the same: 縮退 and shared bases are offered for search and for people.
"""

from __future__ import annotations

import lzma
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

from gaiji_maps.standard.rows import (
    CHARACTER_COLUMNS,
    CHARACTERS_FILE,
    DATA,
    FOLDING_FILE,
    FOREIGN_FILE,
    HENTAIGANA_FILE,
    Hentaigana,
    StandardCharacter,
    character,
    hentaigana,
    radical,
    text,
)
from records.errors import ConfigurationError, Place

Key = TypeVar("Key")
_COLUMN = {name: number for number, name in enumerate(CHARACTER_COLUMNS)}
_HIRAGANA = {point: point - 0x60 for point in range(0x30A1, 0x30F7)}


class StandardTable:
    """All rows of the list. ``len`` is 58,862 for 006.02; iterating gives the MJ names in order."""

    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        self._rows = {row[0]: row for row in rows}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __contains__(self, mj_name: object) -> bool:
        return mj_name in self._rows

    def __getitem__(self, mj_name: str) -> StandardCharacter:
        """The row of MJ文字図形名 ``MJ022335``; ``KeyError`` when the list has none."""
        return character(self._rows[mj_name])

    def get(self, mj_name: str) -> StandardCharacter | None:
        """The row, or ``None``."""
        row = self._rows.get(mj_name)
        return character(row) if row else None

    def by_text(self, characters: str) -> str | None:
        """MJ文字図形名 that the list gives for a character, or a base and selector (Moji_Joho or standardised)."""
        return self._texts.get(characters)

    def by_resident_network_code(self, code: str) -> str | None:
        """MJ文字図形名 of a 住基ネット統一文字コード, ``845B`` or ``J+845B``: the only lawful way to read that code."""
        return self._index("resident_network_code").get(code.removeprefix("J+").upper())

    def by_family_register_number(self, number: str) -> str | None:
        """MJ文字図形名 of a 戸籍統一文字番号 (six digits)."""
        return self._index("family_register_number").get(number)

    def by_registry_number(self, number: str) -> str | None:
        """MJ文字図形名 of a 登記統一文字番号 (eight digits)."""
        return self._index("registry_number").get(number)

    def of_base(self, base: str) -> tuple[str, ...]:
        """All MJ文字図形名 whose 対応するUCS is ``base``: 邉 has 16."""
        return tuple(self._bases.get(base, ()))

    def variants(self, mj_name: str) -> tuple[str, ...]:
        """異体字: names that share its base, those of its 縮退 targets, then what shrinks to the same; no doubles."""
        row = self[mj_name]
        targets = [one.character for one in row.shrinks]
        bases = dict.fromkeys([row.ucs, *targets])
        found = [name for base in bases for name in self.of_base(base)]
        found += [name for base in bases for name in self._shrunk.get(base, ())]
        return tuple(name for name in dict.fromkeys(found) if name != mj_name)

    def find(
        self,
        *,
        strokes: int | tuple[int, int] | None = None,
        radical_number: int | None = None,
        reading: str | None = None,
    ) -> frozenset[str]:
        """MJ names that fit every filter: 総画数 (one, or from-to), 部首 (康熙 1-214), a reading in either kana."""
        chosen: set[str] | None = None
        for names in self._filters(strokes, radical_number, reading):
            chosen = set(names) if chosen is None else chosen & names
        return frozenset(self._rows if chosen is None else chosen)

    def _filters(
        self, strokes: int | tuple[int, int] | None, radical_number: int | None, reading: str | None
    ) -> Iterator[set[str]]:
        if strokes is not None:
            low, high = (strokes, strokes) if isinstance(strokes, int) else strokes
            yield {name for count in range(low, high + 1) for name in self._strokes.get(count, ())}
        if radical_number is not None:
            yield set(self._radicals.get(radical_number, ()))
        if reading is not None:
            yield set(self._readings.get(reading.translate(_HIRAGANA), ()))

    @cache  # noqa: B019 (one table per process)
    def _index(self, column: str) -> dict[str, str]:
        at = _COLUMN[column]
        return {row[at]: name for name, row in self._rows.items() if row[at]}

    @cached_property
    def _texts(self) -> dict[str, str]:
        fields = [_COLUMN[one] for one in ("implemented_ucs", "sequences", "standard_sequence")]
        return {text(one): name for name, row in self._rows.items() for at in fields for one in row[at].split()}

    @cached_property
    def _bases(self) -> Mapping[str, list[str]]:
        return self._grouped((text(row[1]), name) for name, row in self._rows.items() if row[1])

    @cached_property
    def _shrunk(self) -> Mapping[str, list[str]]:
        at = _COLUMN["shrinks"]
        pairs = ((one.split(":")[1], name) for name, row in self._rows.items() for one in row[at].split())
        return self._grouped((text(ucs), name) for ucs, name in dict.fromkeys(pairs))

    @cached_property
    def _strokes(self) -> Mapping[int, list[str]]:
        at = _COLUMN["strokes"]
        return self._grouped((int(row[at]), name) for name, row in self._rows.items() if row[at])

    @cached_property
    def _radicals(self) -> Mapping[int, list[str]]:
        at = _COLUMN["radicals"]
        return self._grouped((radical(one)[0], name) for name, row in self._rows.items() for one in row[at].split())

    @cached_property
    def _readings(self) -> Mapping[str, list[str]]:
        at = _COLUMN["readings"]
        rows = self._rows.items()
        return self._grouped((one.translate(_HIRAGANA), name) for name, row in rows for one in row[at].split())

    @staticmethod
    def _grouped(pairs: Iterable[tuple[Key, str]]) -> Mapping[Key, list[str]]:
        groups: defaultdict[Key, list[str]] = defaultdict(list)
        for key, name in pairs:
            groups[key].append(name)
        return groups


@lru_cache(maxsize=1)
def table() -> StandardTable:
    """The table of this release, read once per process."""
    return read(DATA)


def read(folder: Path) -> StandardTable:
    """The table of a folder of data files."""
    path = folder / CHARACTERS_FILE
    return StandardTable(_lines(path, lzma.decompress(path.read_bytes()).decode()))


@lru_cache(maxsize=1)
def hentaigana_table() -> Mapping[str, Hentaigana]:
    """MJ文字図形名 → 変体仮名 (299; MJ090001 …)."""
    path = DATA / HENTAIGANA_FILE
    return {row[0]: hentaigana(row) for row in _lines(path, path.read_text("utf-8"))}


@lru_cache(maxsize=1)
def foreign_sequences() -> Mapping[str, str]:
    """汎用電子 (Hanyo-Denshi) sequence outside Moji_Joho → MJ文字図形名, through the number in its identifier (416).

    Material for a proposal in the correspondence table, never a mapping of its own: among sequences that both
    collections hold, 9 of 2,446 such numbers point to another glyph.
    """
    path = DATA / FOREIGN_FILE
    return {text(row[0]): row[2] for row in _lines(path, path.read_text("utf-8"))}


@lru_cache(maxsize=1)
def folding_table() -> Mapping[str, str]:
    """Kanji → the one that stands for all its shapes in a search (検索の代表字); a kanji that stands itself is left out."""
    path = DATA / FOLDING_FILE
    return {text(row[0]): text(row[1]) for row in _lines(path, path.read_text("utf-8"))}


def _lines(path: Path, content: str) -> Iterator[list[str]]:
    header, *lines = content.split("\n")
    width = header.count("\t")
    for number, line in enumerate(lines[:-1], 1):
        if line.count("\t") != width:
            raise ConfigurationError("too many or too few fields", Place(path.name, row=number))
        yield line.split("\t")
