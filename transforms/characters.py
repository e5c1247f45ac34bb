"""Vendors' characters into standard ones (文字変換), whole columns at once, through the correspondence table.

Every character ends as one that the fonts draw, or the row gets a problem. Text is never normalised, and nothing is
replaced by something similar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gaiji_maps import correspondence, vendor_codes
from gaiji_maps.drawable import ALL_CODE_POINTS, FORBIDDEN_RANGES
from gaiji_maps.font_coverage import SELECTOR_SET, SELECTORS, FontCoverage, code_point_name, coverage, length
from transforms.code_points import CodePoints, Codes, Indices, Mask, build, split, with_nulls
from transforms.findings import Finding

OK, MAPPED, PRIVATE, SELECTOR, FORBIDDEN, ABSENT = range(6)
SPACES = (0x20, 0x3000)
FINDINGS_PER_COLUMN_AND_ROW = 8

PRIVATE_RANGES = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))


class Replacements(NamedTuple):
    """Sorted keys, and the one or two code points that take their place (``second`` 0 for none)."""

    keys: npt.NDArray[Any]
    first: Codes
    second: Codes

    @classmethod
    def of(cls, mapping: Mapping[int, str], kind: type[np.unsignedinteger[Any]]) -> Replacements:
        """From key → text of one or two code points."""
        keys = sorted(mapping)
        texts = [[ord(one) for one in mapping[key]] for key in keys]
        first = np.array([text[0] for text in texts], dtype=np.uint32)
        second = np.array([text[1] if len(text) > 1 else 0 for text in texts], dtype=np.uint32)
        return cls(np.array(keys, dtype=kind), first, second)

    def find(self, wanted: npt.NDArray[Any]) -> tuple[Indices, Indices]:
        """Which of ``wanted`` are keys, and where these stand among the keys."""
        if not len(self.keys):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        known = np.flatnonzero(self.keys[places] == wanted)
        return known, places[known]


@dataclass(frozen=True, eq=False)
class CharacterTable:
    """What each code point means for one municipality and charset.

    ``classes`` has one byte per code point; ``characters`` are the mapped ones; ``pairs`` the (base, selector) that the
    fonts draw.
    ``sequences`` are the mapped (base, selector), of collections that are not ours, in the same form: their keys are
    ``base << 32 | selector``.
    """

    charset: str
    classes: npt.NDArray[np.uint8]
    characters: Replacements
    sequences: Replacements
    pairs: frozenset[tuple[int, int]]

    def maps(self, base: int, selector: int) -> bool:
        """Whether the correspondence table says what this sequence means."""
        return bool(len(self.sequences.find(np.array([_pair_key(base, selector)], np.uint64))[0]))


def character_table(charset: str, folder: Path, system: str | None = None) -> CharacterTable:
    """The table of a municipality's folder (map, fonts); kept until its map changes."""
    path = folder / correspondence.MAP_FILE
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _character_table(charset, folder, system, changed)


@lru_cache(maxsize=4)
def _character_table(charset: str, folder: Path, system: str | None, _changed: int) -> CharacterTable:
    return make_table(charset, correspondence.lookup(charset, folder, system), coverage(folder))


def make_table(charset: str, mapping: dict[str, str], fonts: FontCoverage) -> CharacterTable:
    """The table for a mapping of decoded characters, or of sequences, to texts of one or two code points."""
    classes = np.full(ALL_CODE_POINTS, ABSENT, dtype=np.uint8)
    classes[np.fromiter(fonts.characters, dtype=np.int64)] = OK
    for ranges, kind in ((PRIVATE_RANGES, PRIVATE), (FORBIDDEN_RANGES, FORBIDDEN)):
        for start, end in ranges:
            classes[start : end + 1] = kind
    classes[list(SELECTORS)] = SELECTOR
    single = {ord(key): text for key, text in mapping.items() if len(key) == 1}
    pairs = {_pair_key(*map(ord, key)): text for key, text in mapping.items() if len(key) > 1}
    classes[list(single)] = MAPPED
    return CharacterTable(
        charset,
        classes,
        Replacements.of(single, np.uint32),
        Replacements.of(pairs, np.uint64),
        frozenset(fonts.sequences),
    )


def _pair_key(base: int, selector: int) -> int:
    return base << 32 | selector


def map_text(array: pa.Array, table: CharacterTable) -> tuple[pa.Array, list[Finding]]:
    """The column in standard characters, null where something is wrong or where there is nothing but spaces."""
    points = split(array)
    classes = table.classes[points.codes]
    empty = _blank_rows(points)
    if not classes.any():
        return (with_nulls(array, empty) if empty.any() else array), []
    found = list(_findings(points, classes, table))
    mapped = _substitute(points, classes, table)
    empty[[one.row for one in found]] = True
    array = array if mapped is None else build(mapped)
    return (with_nulls(array, empty) if empty.any() else array), found


def _blank_rows(points: CodePoints) -> Mask:
    """Rows without any character, or with spaces only; text that merely begins with a space stays as it is."""
    starts, ends = points.offsets[:-1], points.offsets[1:]
    blank: Mask = starts == ends
    if points.valid is not None:
        blank &= points.valid
    filled = np.flatnonzero(starts < ends)
    for row in filled[np.isin(points.codes[starts[filled]], SPACES)]:
        blank[row] = bool(np.isin(points.codes[starts[row] : ends[row]], SPACES).all())
    return blank


def _substitute(points: CodePoints, classes: npt.NDArray[np.uint8], table: CharacterTable) -> CodePoints | None:
    """Each mapped character or sequence replaced, in one step for the whole column; ``None`` when there is none."""
    selectors = _with_base(points, np.flatnonzero(classes == SELECTOR))
    where = _to_substitute(classes, selectors)
    known, at = table.sequences.find(_pair_keys(points, selectors))
    pairs = selectors[known]
    if not len(where) and not len(pairs):
        return None
    codes = points.codes.copy()
    codes[pairs - 1], codes[pairs] = table.sequences.first[at], table.sequences.second[at]
    index = np.searchsorted(table.characters.keys, points.codes[where])
    codes[where], second = table.characters.first[index], table.characters.second[index]
    longer = where[second > 0] + 1
    codes = np.insert(codes, longer, second[second > 0])
    offsets = points.offsets + np.searchsorted(longer, points.offsets, side="right")
    gone = pairs[table.sequences.second[at] == 0]
    gone += np.searchsorted(longer, gone, side="right")
    return CodePoints(np.delete(codes, gone), offsets - np.searchsorted(gone, offsets), points.valid)


def _to_substitute(classes: npt.NDArray[np.uint8], selectors: Indices) -> Indices:
    """Positions of mapped characters. An ordinary one that carries a selector already names its glyph and stays."""
    where = np.flatnonzero(classes == MAPPED)
    return where[~np.isin(where, selectors - 1)] if len(selectors) else where


def _pair_keys(points: CodePoints, selectors: Indices) -> npt.NDArray[np.uint64]:
    """The keys of the sequences that end at these selectors."""
    bases, ends = points.codes[selectors - 1].astype(np.uint64), points.codes[selectors].astype(np.uint64)
    return bases << np.uint64(32) | ends


def _with_base(points: CodePoints, selectors: Indices) -> Indices:
    """Those selectors that do not begin their row."""
    if not len(selectors):
        return selectors
    return selectors[~np.isin(selectors, points.offsets[:-1])]


def _findings(points: CodePoints, classes: npt.NDArray[np.uint8], table: CharacterTable) -> Iterator[Finding]:
    """Problems in the order of their positions, each once per row and not without end."""
    bad = np.flatnonzero(classes >= PRIVATE)
    rows = points.row_of(bad)
    seen: dict[int, set[Finding]] = {}
    for position, row in zip(bad.tolist(), rows.tolist(), strict=True):
        known = seen.setdefault(row, set())
        found = _finding(points, int(classes[position]), position, row, table)
        if found is not None and found not in known and len(known) < FINDINGS_PER_COLUMN_AND_ROW:
            known.add(found)
            yield found


def _finding(points: CodePoints, kind: int, position: int, row: int, table: CharacterTable) -> Finding | None:
    code = int(points.codes[position])
    if kind == SELECTOR:
        return _sequence_finding(points, position, row, table)
    if kind == FORBIDDEN:
        return Finding(row, "forbidden_character", code_point_name(code))
    if _selector_follows(points, position, row):
        return None  # the sequence is looked at as a whole, and named as one
    return Finding(row, "unmapped_character", vendor_codes.code_of(table.charset, chr(code)))


def _selector_follows(points: CodePoints, position: int, row: int) -> bool:
    following = position + 1
    return following < points.offsets[row + 1] and int(points.codes[following]) in SELECTOR_SET


def _sequence_finding(points: CodePoints, position: int, row: int, table: CharacterTable) -> Finding | None:
    selector = int(points.codes[position])
    if position == points.offsets[row]:
        return Finding(row, "missing_sequence", code_point_name(selector))
    base = int(points.codes[position - 1])
    if (base, selector) in table.pairs or table.maps(base, selector):
        return None
    return Finding(row, "missing_sequence", f"{code_point_name(base)} {code_point_name(selector)}")


def lengths_above(array: pa.Array, limit: int) -> Iterable[int]:
    """Rows with more than ``limit`` characters (文字数), a base with its selector counted as one."""
    longest = pc.max(pc.binary_length(array)).as_py()
    if longest is None or longest <= limit:
        return ()
    rows = pc.indices_nonzero(pc.greater(pc.utf8_length(array), limit)).to_pylist()
    return [row for row in rows if length(array[row].as_py()) > limit]
