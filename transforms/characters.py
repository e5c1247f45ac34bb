"""Vendors' characters into standard ones (文字変換), whole columns at once, through the correspondence table.

Every character ends as one that the fonts draw, or the row gets a problem. Text is never normalised, and nothing is
replaced by something similar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gaiji_maps import correspondence, vendor_codes
from gaiji_maps.font_coverage import SELECTORS, FontCoverage, code_point_name, coverage, length
from transforms.code_points import CodePoints, Codes, Indices, Mask, build, split, with_nulls
from transforms.findings import Finding

OK, MAPPED, PRIVATE, SELECTOR, FORBIDDEN, ABSENT = range(6)
ALL_CODE_POINTS = 0x110000
SPACES = (0x20, 0x3000)
FINDINGS_PER_COLUMN_AND_ROW = 8

# Controls, invisible, bidirectional and separating characters, lone surrogates, tags, interlinear marks, the
# replacement character. A test compares this with the Unicode categories Cc, Cf, Cs, Zl, Zp, Zs and with noncharacters.
FORBIDDEN_RANGES = (
    (0x0000, 0x001F), (0x007F, 0x00A0), (0x00AD, 0x00AD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C),
    (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160), (0x1680, 0x1680),
    (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3164, 0x3164),
    (0xD800, 0xDFFF), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFF), (0x110BD, 0x110BD),
    (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE00FF), (0xE01F0,
    0xE0FFF), *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, ALL_CODE_POINTS, 0x10000)),
)  # fmt: skip
PRIVATE_RANGES = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))


@dataclass(frozen=True, eq=False)
class CharacterTable:
    """What each code point means for one municipality and charset.

    ``classes`` has one byte per code point; ``keys`` are the mapped ones, sorted, ``first`` and ``second`` what takes
    their place (``second`` 0 when it is one code point); ``pairs`` the (base, selector) that the fonts draw.
    """

    charset: str
    classes: npt.NDArray[np.uint8]
    keys: Codes
    first: Codes
    second: Codes
    pairs: frozenset[tuple[int, int]]


def character_table(charset: str, folder: Path, system: str | None = None) -> CharacterTable:
    """The table of a municipality's folder (map, fonts); kept until its map changes."""
    path = folder / correspondence.MAP_FILE
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _character_table(charset, folder, system, changed)


@lru_cache(maxsize=4)
def _character_table(charset: str, folder: Path, system: str | None, _changed: int) -> CharacterTable:
    return make_table(charset, correspondence.lookup(charset, folder, system), coverage(folder))


def make_table(charset: str, mapping: dict[str, str], fonts: FontCoverage) -> CharacterTable:
    """The table for a mapping of decoded characters to texts of one or two code points."""
    classes = np.full(ALL_CODE_POINTS, ABSENT, dtype=np.uint8)
    classes[np.fromiter(fonts.characters, dtype=np.int64)] = OK
    for ranges, kind in ((PRIVATE_RANGES, PRIVATE), (FORBIDDEN_RANGES, FORBIDDEN)):
        for start, end in ranges:
            classes[start : end + 1] = kind
    classes[list(SELECTORS)] = SELECTOR
    keys = sorted(mapping)
    classes[[ord(key) for key in keys]] = MAPPED
    texts = [[ord(one) for one in mapping[key]] for key in keys]
    return CharacterTable(
        charset,
        classes,
        np.array([ord(key) for key in keys], dtype=np.uint32),
        np.array([text[0] for text in texts], dtype=np.uint32),
        np.array([text[1] if len(text) > 1 else 0 for text in texts], dtype=np.uint32),
        frozenset(fonts.sequences),
    )


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
    """Each mapped character replaced, in one step for the whole column; ``None`` when there is none."""
    where = _to_substitute(points, classes)
    if not len(where):
        return None
    index = np.searchsorted(table.keys, points.codes[where])
    codes = points.codes.copy()
    codes[where] = table.first[index]
    second = table.second[index]
    longer = where[second > 0] + 1
    codes = np.insert(codes, longer, second[second > 0])
    offsets = points.offsets + np.searchsorted(longer, points.offsets, side="right")
    return CodePoints(codes, offsets, points.valid)


def _to_substitute(points: CodePoints, classes: npt.NDArray[np.uint8]) -> Indices:
    """Positions of mapped characters. An ordinary one that carries a selector already names its glyph and stays."""
    where = np.flatnonzero(classes == MAPPED)
    selectors = np.flatnonzero(classes == SELECTOR)
    if not len(selectors):
        return where
    selected = np.isin(where, _with_base(points, selectors) - 1)
    return where[~selected]


def _with_base(points: CodePoints, selectors: Indices) -> Indices:
    """Those selectors that do not begin their row."""
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
    return Finding(row, "unmapped_character", vendor_codes.code_of(table.charset, chr(code)))


def _sequence_finding(points: CodePoints, position: int, row: int, table: CharacterTable) -> Finding | None:
    selector = int(points.codes[position])
    if position == points.offsets[row]:
        return Finding(row, "missing_sequence", code_point_name(selector))
    base = int(points.codes[position - 1])
    if (base, selector) in table.pairs:
        return None
    return Finding(row, "missing_sequence", f"{code_point_name(base)} {code_point_name(selector)}")


def lengths_above(array: pa.Array, limit: int) -> Iterable[int]:
    """Rows with more than ``limit`` characters (文字数), a base with its selector counted as one."""
    longest = pc.max(pc.binary_length(array)).as_py()
    if longest is None or longest <= limit:
        return ()
    rows = pc.indices_nonzero(pc.greater(pc.utf8_length(array), limit)).to_pylist()
    return [row for row in rows if length(array[row].as_py()) > limit]
