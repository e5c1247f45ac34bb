"""Columns of fixed records in a mainframe's charset (固定長項目の復号): all rows together, because a town has millions of cells.

A broken byte stays in its own field: U+FFFD stands there, and the other fields are not touched.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from extractors.charsets.host import INVALID, Codes, HostCharset

Bytes = npt.NDArray[np.uint8]

PAIR = 2
BLANK, BLANKS = 0x40, 0x4040
REPLACEMENT = np.uint32(0xFFFD)


class Decoded(NamedTuple):
    """A column of texts (numpy ``U``), right-trimmed, and where the bytes were broken (U+FFFD stands in the text)."""

    texts: npt.NDArray[np.str_]
    broken: npt.NDArray[np.bool_]


def decode_column(charset: HostCharset, column: Bytes, kind: str) -> Decoded:
    """Decode a column of fixed fields, shape (rows, bytes): ``X`` single-byte, ``N`` two-byte, ``M`` mixed."""
    column = _without_padding(column)
    if not column.shape[1]:
        return Decoded(np.full(len(column), "", "<U1"), np.zeros(len(column), np.bool_))
    if kind == "M":
        return _decode_mixed(charset, column)
    if kind == "N":
        points, bad = _double(charset, column)
        return Decoded(np.strings.rstrip(_strings(points), "\u3000"), np.asarray(bad.any(axis=1)))
    points, bad = _single(charset, column)
    return Decoded(_trimmed(points), np.asarray(bad.any(axis=1)))


def _without_padding(column: Bytes) -> Bytes:
    """The column without the blanks that end every one of its fields: most fields are far wider than what they hold."""
    filled = np.flatnonzero((column != BLANK).any(axis=0))
    width = int(filled[-1]) + 1 if len(filled) else 0
    return np.ascontiguousarray(column[:, : min(width + width % 2, column.shape[1])])


def _decode_mixed(charset: HostCharset, column: Bytes) -> Decoded:
    """Nearly every field is one run of two-byte codes, or blank: those go together; the rest walks byte by byte."""
    if len(charset.to_one) != PAIR or column.shape[1] < 2 * PAIR:  # the pairs of a run would not lie in step
        walked, bad = _mixed(charset, column)
        return Decoded(np.strings.rstrip(_texts(walked), " "), np.asarray(bad.any(axis=1)))
    points, simple = _one_run(charset, column)
    texts, broken = _trimmed(points), np.zeros(len(column), np.bool_)
    rest = np.flatnonzero(~simple)
    if len(rest):
        walked, bad = _mixed(charset, column[rest])
        texts = texts.astype(f"<U{column.shape[1]}")  # single bytes can be more characters than pairs: never cut
        texts[rest] = np.strings.rstrip(_texts(walked), " ")
        broken[rest] = np.asarray(bad.any(axis=1))
    return Decoded(texts, broken)


def _one_run(charset: HostCharset, column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Fields of the form shift, pairs, shift, blanks, or all blank; the second result says which rows have it."""
    even = column[:, : column.shape[1] // 2 * 2]
    pairs = even[:, 0::2].astype(np.uint16) << 8 | even[:, 1::2]
    ends = pairs == int.from_bytes(charset.to_one)
    place, end = np.arange(pairs.shape[1]), np.argmax(ends, axis=1)[:, None]
    inside = (place > 0) & (place < end)
    points = np.where(inside, charset.two[pairs], 0)
    blank_after = np.all((place <= end) | (pairs == BLANKS), axis=1)
    run = (
        (pairs[:, 0] == int.from_bytes(charset.to_two[0]))
        & ends.any(axis=1)
        & blank_after
        & np.all(points != INVALID, axis=1)
    )
    blank = np.all(pairs == BLANKS, axis=1)
    odd_is_blank = np.asarray(column[:, -1] == BLANK) if column.shape[1] % 2 else np.ones(len(column), np.bool_)
    simple: npt.NDArray[np.bool_] = (run | blank) & odd_is_blank
    return np.where(simple[:, None], points, 0)[:, 1:], simple


def _single(charset: HostCharset, column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    points = charset.one[column]
    bad = points == INVALID
    return np.where(bad, REPLACEMENT, points), bad


def _double(charset: HostCharset, column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    points = charset.two[column[:, 0::2].astype(np.uint16) << 8 | column[:, 1::2]]
    bad = points == INVALID
    return np.where(bad, REPLACEMENT, points), bad


def _mixed(charset: HostCharset, column: Bytes) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Walk the byte positions once, all rows together; each row has its own shift state. 0 in the result is nothing."""
    rows, width = column.shape
    points, bad = np.zeros((rows, width), np.uint32), np.zeros((rows, width), np.bool_)
    two, skip = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
    nothing = np.zeros(rows, np.uint8)
    long = len(charset.to_one) == PAIR
    for at in range(width):
        here = column[:, at]
        after = column[:, at + 1] if at + 1 < width else nothing
        enters, leaves = _shifts(charset, here, after)
        shift = ~skip & (enters | leaves)
        pair = ~skip & ~shift & two
        single = ~skip & ~shift & ~two
        value = np.where(pair, charset.two[here.astype(np.uint16) << 8 | after], np.where(single, charset.one[here], 0))
        bad[:, at] = value == INVALID
        points[:, at] = np.where(bad[:, at], REPLACEMENT, value)
        two = np.where(shift, enters, two)
        skip = pair | (shift if long else False)
    bad[:, -1] |= two  # a field that never shifts back: U+FFFD stands at its end
    points[two, -1] = REPLACEMENT
    return points, bad


def _shifts(charset: HostCharset, here: Bytes, after: Bytes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where a shift to two bytes, and where one to single bytes begins."""
    code = here.astype(np.uint16) << 8 | after if len(charset.to_one) == PAIR else here
    enters = np.isin(code, [int.from_bytes(one) for one in charset.to_two])
    return enters, np.asarray(code == int.from_bytes(charset.to_one))


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
