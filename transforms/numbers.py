"""Numbers and numbered names: 年度, 円, 人数 into integers; identifiers checked, never changed."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.code_points import text_bytes, with_nulls
from transforms.findings import Finding, at

SIGNED = re.compile(r"[+-]?[0-9]+\Z")
UNSIGNED = re.compile(r"[0-9]+\Z")
YEARS = range(1900, 2201)


def _allowed(characters: bytes) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[list(characters)] = True
    return table


DIGITS = _allowed(b"0123456789")
NUMBER = _allowed(b"0123456789-")
ALPHANUMERIC = _allowed(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-")


def map_numbers(column: pa.Array, item_type: str, length: int) -> tuple[pa.Array, list[Finding]]:
    """``yen`` (signed), ``count`` or ``year`` as int64; at most ``length`` digits beside sign and leading zeros."""
    column, _ = blank_to_null(column)
    array = _cast(column)
    bad = _out_of_range(array, item_type, length) if array is not None else None
    if array is None or bad:
        return _slowly(column, item_type, length)
    return array, []


def map_digits(column: pa.Array, length: int, *, alphanumeric: bool = False) -> tuple[pa.Array, list[Finding]]:
    """An identifier of ASCII digits (宛名番号; leading zeros are kept), or of letters, digits and hyphens."""
    column, filled = blank_to_null(column)
    reason, allowed = ("forbidden_character", ALPHANUMERIC) if alphanumeric else ("bad_number", DIGITS)
    data, offsets = text_bytes(filled)
    wrong = np.flatnonzero(~allowed[np.frombuffer(data, dtype=np.uint8)])
    wrong_rows = np.unique(np.searchsorted(offsets, wrong, side="right") - 1)
    long_rows = np.setdiff1d(np.flatnonzero(np.diff(offsets) > length), wrong_rows)
    found = [*at(wrong_rows, reason), *at(long_rows, "too_long")]
    return _without(column, found), found


def blank_to_null(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The column with null for empty and blank texts, and the same with empty texts for null."""
    filled = pc.fill_null(column, "") if column.null_count else column
    data, offsets = text_bytes(filled)
    empty = np.diff(offsets) == 0
    if b" " in bytes(data):
        filled = pc.if_else(pc.equal(pc.utf8_trim_whitespace(filled), ""), "", filled)
        empty = np.diff(text_bytes(filled)[1]) == 0
    return (with_nulls(filled, empty) if empty.any() else filled), filled


def _cast(column: pa.Array) -> pa.Array | None:
    """The fast way for a column of plain numbers. Arrow would read hexadecimal too, so bytes are looked at first."""
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.int64())
    if not NUMBER[np.frombuffer(text_bytes(pc.fill_null(column, ""))[0], dtype=np.uint8)].all():
        return None
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _out_of_range(array: pa.Array, item_type: str, length: int) -> bool:
    smallest, largest = pc.min_max(array).as_py().values()
    return smallest is not None and not (_fits(smallest, item_type, length) and _fits(largest, item_type, length))


def _fits(number: int, item_type: str, length: int) -> bool:
    if item_type == "year":
        return number in YEARS
    return abs(number) < 10**length and (number >= 0 or item_type == "yen")


def _slowly(column: pa.Array, item_type: str, length: int) -> tuple[pa.Array, list[Finding]]:
    """Row by row, to find out which rows are wrong."""
    pattern = SIGNED if item_type == "yen" else UNSIGNED
    numbers: list[int | None] = []
    found: list[Finding] = []
    for row, text in enumerate(column.to_pylist()):
        number = int(text) if text and len(text) < 40 and pattern.match(text) else None
        if text is not None and (number is None or not _fits(number, item_type, length)):
            found.append(Finding(row, "bad_number"))
            number = None
        numbers.append(number)
    return pa.array(numbers, pa.int64()), found


def _without(column: pa.Array, found: list[Finding]) -> pa.Array:
    if not found:
        return column
    where = np.zeros(len(column), dtype=np.bool_)
    where[[one.row for one in found]] = True
    return with_nulls(column, where)
