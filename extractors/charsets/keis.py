"""KEIS83 of Hitachi mainframes: two-byte codes between the shifts 0A42 and 0A41, EBCDIK single bytes outside.

Two-byte codes A1A1–FEFE are those of EUC-JP, but A1BD is the dash U+2014 and ￠￡￢ stay full-width; 4040 is the full-width
space; the user area 81A1–A0FE becomes U+E000 + (high − 81)·94 + (low − A1). EBCDIK (``ebcdik.csv``) has digits, capitals,
half-width katakana and punctuation at the places of IBM code page 290, and no lower-case letters. Columns of records of one
length are decoded together, because a town's file has millions of cells.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]

SHIFT, TO_TWO, TO_ONE = 0x0A, 0x42, 0x41
SHIFT_BYTES = 2
BLANK = 0x40
IDEOGRAPHIC_SPACE = 0x4040
DASH = 0xA1BD
# ￠ ￡ ￢: EUC-JP decodes them to the narrow signs, two of which EBCDIK has as single bytes.
FULL_WIDTH = {0xA1F1: 0xFFE0, 0xA1F2: 0xFFE1, 0xA2CC: 0xFFE2}
USER_FIRST, PRIVATE_FIRST = 0x81, 0xE000
INVALID = np.uint32(0xFFFFFFFF)
REPLACEMENT = np.uint32(0xFFFD)


class Decoded(NamedTuple):
    """A column of texts (numpy ``U``), right-trimmed, and where the bytes were broken (U+FFFD stands in the text)."""

    texts: npt.NDArray[np.str_]
    broken: npt.NDArray[np.bool_]


@cache
def one_byte() -> Codes:
    """EBCDIK: code point of each byte, ``INVALID`` where there is none."""
    table = np.full(256, INVALID, np.uint32)
    for row in csv.DictReader(files(__package__).joinpath("ebcdik.csv").read_text("ascii").splitlines()):
        table[int(row["byte"], 16)] = int(row["code_point"], 16)
    return table


@cache
def two_byte() -> Codes:
    """Code point of each two-byte code, ``INVALID`` where there is none."""
    table = np.full(65536, INVALID, np.uint32)
    for high in range(0xA1, 0xFF):
        for low in range(0xA1, 0xFF):
            text = bytes((high, low)).decode("euc_jp", "ignore")
            if len(text) == 1:
                table[high << 8 | low] = ord(text)
    for high in range(USER_FIRST, 0xA1):
        first = PRIVATE_FIRST + (high - USER_FIRST) * 94
        table[(high << 8) + 0xA1 : (high << 8) + 0xFF] = np.arange(first, first + 94, dtype=np.uint32)
    table[IDEOGRAPHIC_SPACE] = 0x3000
    table[DASH] = 0x2014
    for code, point in FULL_WIDTH.items():
        table[code] = point
    return table


@cache
def _back() -> tuple[dict[str, bytes], dict[str, bytes]]:
    ones = {chr(point): bytes((code,)) for code, point in enumerate(one_byte()) if point != INVALID}
    twos = {chr(point): code.to_bytes(2, "big") for code, point in enumerate(two_byte()) if point != INVALID}
    twos["\u3000"] = IDEOGRAPHIC_SPACE.to_bytes(2, "big")  # A1A1 is read too, but KEIS has this one of its own
    return ones, twos


def decode(data: bytes) -> str:
    """A mixed text (混在); ``UnicodeDecodeError`` with the offset of the first broken byte."""
    column = np.frombuffer(data, np.uint8).reshape(1, -1)
    if column.size == 0:
        return ""
    points, bad = _mixed(column)
    if bad.any():
        start = int(np.argmax(bad[0]))
        raise UnicodeDecodeError("keis83", data, start, start + 1, "no such code, or half a pair")
    return str(_texts(points)[0])


def encode(text: str) -> bytes:
    """A mixed text: characters of EBCDIK as one byte, all others between shifts."""
    ones, twos = _back()
    out, two = bytearray(), False
    for position, character in enumerate(text):
        wants_two = character not in ones
        if wants_two and character not in twos:
            raise UnicodeEncodeError("keis83", text, position, position + 1, "not in KEIS83")
        if wants_two != two:
            out += bytes((SHIFT, TO_TWO if wants_two else TO_ONE))
            two = wants_two
        out += (twos if two else ones)[character]
    return bytes(out) + (bytes((SHIFT, TO_ONE)) if two else b"")


def decode_column(column: Bytes, kind: str) -> Decoded:
    """Decode a column of fixed fields, shape (rows, bytes): ``X`` single-byte, ``N`` two-byte, ``M`` mixed."""
    column = _without_padding(column)
    if not column.shape[1]:
        return Decoded(np.full(len(column), "", "<U1"), np.zeros(len(column), np.bool_))
    if kind == "M":
        return _decode_mixed(column)
    if kind == "N":
        points, bad = _double(column)
        return Decoded(np.strings.rstrip(_strings(points), "\u3000"), np.asarray(bad.any(axis=1)))
    points, bad = _single(column)
    return Decoded(_trimmed(points), np.asarray(bad.any(axis=1)))


def _without_padding(column: Bytes) -> Bytes:
    """The column without the blanks that end every one of its fields: most fields are far wider than what they hold."""
    filled = np.flatnonzero((column != BLANK).any(axis=0))
    width = int(filled[-1]) + 1 if len(filled) else 0
    return np.ascontiguousarray(column[:, : min(width + width % 2, column.shape[1])])


def _decode_mixed(column: Bytes) -> Decoded:
    """Nearly every field is one run of two-byte codes, or blank: those go together; the rest walks byte by byte."""
    if column.shape[1] < 2 * SHIFT_BYTES:  # no room for a run between two shifts
        walked, bad = _mixed(column)
        return Decoded(np.strings.rstrip(_texts(walked), " "), np.asarray(bad.any(axis=1)))
    points, simple = _one_run(column)
    texts, broken = _trimmed(points), np.zeros(len(column), np.bool_)
    rest = np.flatnonzero(~simple)
    if len(rest):
        walked, bad = _mixed(column[rest])
        texts = texts.astype(f"<U{column.shape[1]}")  # single bytes can be more characters than pairs: never cut
        texts[rest] = np.strings.rstrip(_texts(walked), " ")
        broken[rest] = np.asarray(bad.any(axis=1))
    return Decoded(texts, broken)


def _one_run(column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Fields of the form ``0A42 … 0A41 blanks``, or all blank; the second result says which rows have it."""
    even = column[:, : column.shape[1] // 2 * 2]
    pairs = even[:, 0::2].astype(np.uint16) << 8 | even[:, 1::2]
    ends = pairs == (SHIFT << 8 | TO_ONE)
    place, end = np.arange(pairs.shape[1]), np.argmax(ends, axis=1)[:, None]
    inside = (place > 0) & (place < end)
    points = np.where(inside, two_byte()[pairs], 0)
    blank_after = np.all((place <= end) | (pairs == IDEOGRAPHIC_SPACE), axis=1)
    run = (pairs[:, 0] == (SHIFT << 8 | TO_TWO)) & ends.any(axis=1) & blank_after & np.all(points != INVALID, axis=1)
    blank = np.all(pairs == IDEOGRAPHIC_SPACE, axis=1)
    odd_is_blank = np.asarray(column[:, -1] == BLANK) if column.shape[1] % 2 else np.ones(len(column), np.bool_)
    simple: npt.NDArray[np.bool_] = (run | blank) & odd_is_blank
    return np.where(simple[:, None], points, 0)[:, 1:], simple


def _single(column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    points = one_byte()[column]
    bad = points == INVALID
    return np.where(bad, REPLACEMENT, points), bad


def _double(column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    points = two_byte()[column[:, 0::2].astype(np.uint16) << 8 | column[:, 1::2]]
    bad = points == INVALID
    return np.where(bad, REPLACEMENT, points), bad


def _mixed(column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Walk the byte positions once, all rows together; each row has its own shift state. 0 in the result is nothing."""
    rows, width = column.shape
    points, bad = np.zeros((rows, width), np.uint32), np.zeros((rows, width), np.bool_)
    two, skip = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
    nothing = np.zeros(rows, np.uint8)
    for at in range(width):
        here = column[:, at]
        after = column[:, at + 1] if at + 1 < width else nothing
        shift = ~skip & (here == SHIFT)
        pair = ~skip & ~shift & two
        single = ~skip & ~shift & ~two
        value = np.where(pair, two_byte()[here.astype(np.uint16) << 8 | after], np.where(single, one_byte()[here], 0))
        wrong_shift = shift & (after != TO_TWO) & (after != TO_ONE)
        bad[:, at] = (value == INVALID) | wrong_shift
        points[:, at] = np.where(bad[:, at], REPLACEMENT, value)
        two = np.where(shift, after == TO_TWO, two)
        skip = shift | pair
    bad[:, -1] |= two  # a field that never shifts back: U+FFFD stands at its end
    points[two, -1] = REPLACEMENT
    return points, bad


def _texts(points: Codes) -> npt.NDArray[np.str_]:
    """Rows of code points with holes (0 = nothing) → texts."""
    order = np.argsort(points == 0, axis=1, kind="stable")
    return _strings(np.take_along_axis(points, order, axis=1))


def _trimmed(points: Codes) -> npt.NDArray[np.str_]:
    """Rows of code points without holes → texts without the blanks that pad the field."""
    return np.strings.rstrip(_strings(points), " ")


def _strings(points: Codes) -> npt.NDArray[np.str_]:
    packed = np.ascontiguousarray(points, dtype="<u4")
    return packed.view(f"<U{packed.shape[1]}").reshape(-1)
