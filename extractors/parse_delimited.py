"""Delimited files (CSV): one record a line, so that a broken record never swallows its neighbours.

Bytes are cut at line ends, decoded to UTF-8 in large pieces and parsed by Arrow. A field may hold the delimiter and
doubled quotes when it is quoted, but no line end. Error texts name rows and columns, never what stands in them.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv

from extractors.charsets import WIDE, cp932, utf8
from extractors.charsets.wide import transcoded
from extractors.decoded import BrokenAt, assemble
from records.ahead import ahead
from records.errors import BrokenEncoding, LayoutMismatch, Place
from vendor_layouts.layout import FeedLayout, Layout

PIECE = 4 << 20
MAX_LINE = 1 << 18
BLOCK = 1 << 20  # small blocks stay in the cache: half the time of one large block
_EMPTY_IS_NULL = {"strings_can_be_null": True, "quoted_strings_can_be_null": True, "null_values": [""]}
CP932 = "cp932-eudc"
FIRST_SECOND_BYTE = 0x40  # of CP932's two-byte codes
NON_ROUND_TRIP = "non_round_trip"
# A quoted field with doubled quotes inside, or a field without any; the comma stands for the delimiter.
_FIELD = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",]*+)'
_LINE = rf"{_FIELD}(?:,{_FIELD})*+"
_CODECS = {CP932: cp932, "utf-8": utf8} | dict.fromkeys(WIDE, utf8)  # the wide ones come as UTF-8


def parse(
    layout: Layout, feed: FeedLayout, chunks: Iterable[bytes], file: str, kind: str, noticed: Counter[str] | None = None
) -> Iterator[pa.Table]:
    """Tables of the file's records in order; ``LayoutMismatch`` and ``BrokenEncoding`` name the row.

    ``noticed`` counts what is worth a warning and no error.
    """
    noticed = Counter() if noticed is None else noticed
    chunks = transcoded(layout.charset, chunks, file) if layout.charset in WIDE else chunks
    found = False
    for table, doubled in ahead(
        lambda piece: _parsed(layout, feed, piece, file, kind), _numbered(layout, chunks, file)
    ):
        found = True
        noticed[NON_ROUND_TRIP] += doubled
        if table is not None:
            yield table
    if layout.header and not found:
        raise LayoutMismatch("there is no header line", Place(file, row=0))


class _Piece(NamedTuple):
    """Whole lines: the number of the first record in them (a header line counts as 0), and the offset of the first byte."""

    data: bytes
    first: int
    offset: int


def _numbered(layout: Layout, chunks: Iterable[bytes], file: str) -> Iterator[_Piece]:
    """A record is a line, so every piece knows its place before it is parsed, and two can be parsed at once."""
    newline = layout.newline.encode()
    first, offset = 0 if layout.header else 1, 0
    for data in _pieces(chunks, file, newline):
        yield _Piece(data, first, offset)
        first += data.count(newline)
        offset += len(data)


def _parsed(layout: Layout, feed: FeedLayout, piece: _Piece, file: str, kind: str) -> tuple[pa.Table | None, int]:
    """One piece as a table (none for a header alone), and how many doubled codes it has."""
    data, first, offset = piece
    _check_lines(layout, data, file, first)
    if plain := _plain_cells(layout, feed, piece):
        cells, doubled = plain
        rows = len(cells[feed.columns[0].order])
        return assemble(layout, feed, cells, rows, first, file, kind, broken=None), doubled
    doubled = cp932.doubled(data) if layout.charset == CP932 else 0
    text, broken = _decoded(layout, data, feed, file, first, offset)
    if first == 0:
        head, _, text = text.partition(layout.newline)
        _check_header(layout, feed, head, file)
        first = 1
    if not text:
        return None, doubled
    table = _table(layout, text, [f"{column.order}" for column in feed.columns], file, first)
    _check_quotes(layout, text, table.num_columns, table.num_rows, Place(file, row=first))
    columns = {column.order: table.column(at).combine_chunks() for at, column in enumerate(feed.columns)}
    if layout.charset in WIDE:  # U+FFFD stands where sixteen bits were broken
        broken = {}
    at = None if broken is None else _once(broken)
    return assemble(layout, feed, columns, table.num_rows, first, file, kind, broken=at), doubled


def _plain_cells(layout: Layout, feed: FeedLayout, piece: _Piece) -> tuple[dict[int, pa.Array], int] | None:
    """The cells of a piece of CP932 that is plain from end to end, by the order of their columns, and its doubled codes.

    No second byte of CP932 is a quote, a line end or a delimiter below 40, so the bytes are parsed as they are and only
    columns with other characters than ASCII are decoded. ``None`` for all else: the slow way can name what is wrong.
    """
    if layout.charset != CP932 or piece.first == 0 or ord(layout.delimiter) >= FIRST_SECOND_BYTE:
        return None
    try:
        table = _read(layout, piece.data, [f"{column.order}" for column in feed.columns])
        if not _plainly_quoted(layout, piece.data, table.num_columns, table.num_rows):
            return None
        decoded, doubled = zip(*(cp932.decode_column(one.combine_chunks()) for one in table.columns), strict=True)
        return {column.order: cells for column, cells in zip(feed.columns, decoded, strict=True)}, sum(doubled)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None


def _once(offsets: dict[int, int]) -> BrokenAt:
    """Where a row breaks first is told with its first broken field; what follows in the line may only follow from it."""
    return lambda row, _: offsets.pop(row, None)


def _pieces(chunks: Iterable[bytes], file: str, newline: bytes) -> Iterator[bytes]:
    """Whole lines, some megabytes at a time. The last line must end too: a missing end is a cut file."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        if len(pending) >= PIECE:
            end = pending.rfind(newline) + len(newline)
            if end < len(newline) or len(pending) - end > MAX_LINE:
                raise LayoutMismatch(f"a line is longer than {MAX_LINE} bytes", Place(file))
            yield bytes(pending[:end])
            del pending[:end]
    if pending and not pending.endswith(newline):
        raise LayoutMismatch("the last line has no end", Place(file))
    if pending:
        yield bytes(pending)


def _decoded(
    layout: Layout, piece: bytes, feed: FeedLayout, file: str, first: int, offset: int
) -> tuple[str, dict[int, int] | None]:
    """The piece as text; where bytes are broken, U+FFFD stands if that record's borders are certain.

    The second result says at which byte of the file each broken row breaks; ``None`` when none does.
    """
    codec = _CODECS[layout.charset]
    try:
        return str(codec.decode(piece)), None
    except UnicodeDecodeError:
        broken = _check_borders(layout, piece, len(feed.columns), Place(file, row=first, offset=offset))
    return codec.decode_leniently(piece), broken


def _check_borders(layout: Layout, piece: bytes, columns: int, begin: Place) -> dict[int, int]:
    """Broken bytes are one row's problem as long as that row still has its columns; ``begin`` is the piece's place."""
    codec, newline = _CODECS[layout.charset], layout.newline.encode()
    row, offset = begin.row or 0, begin.offset or 0
    broken: dict[int, int] = {}
    for number, line in enumerate(piece.split(newline)):
        try:
            codec.decode(line)
        except UnicodeDecodeError as error:
            broken[row + number] = offset + error.start
            if _count(codec.decode_leniently(line), layout.delimiter) != columns:
                place = Place(begin.file, row=row + number, offset=offset + error.start)
                raise BrokenEncoding("broken bytes hide the borders of a record", place) from None
        offset += len(line) + len(newline)
    return broken


def _check_lines(layout: Layout, piece: bytes, file: str, first: int) -> None:
    """A lone CR or LF, 0x1A or NUL would end a line or the file to some and be a character to others.

    Both charsets keep these bytes for themselves, so bytes can be counted before they are decoded.
    """
    pairs = piece.count(b"\r\n") if layout.newline == "\r\n" else 0
    _check_length(piece, layout.newline.encode(), file, first)
    lone = piece.count(b"\r") != pairs or (pairs and piece.count(b"\n") != pairs)
    if lone or b"\x1a" in piece or b"\x00" in piece:
        for number, line in enumerate(piece.split(layout.newline.encode())):
            if any(mark in line for mark in b"\r\n\x1a\x00"):
                place = Place(file, row=first + number)
                raise LayoutMismatch("a control character (CR, LF, 1A or NUL) inside a record", place)


def _check_length(piece: bytes, newline: bytes, file: str, first: int) -> None:
    """No line is longer than ``MAX_LINE``: certain when each half of that length holds a line end."""
    half = MAX_LINE // 2
    if all(piece.find(newline, at, at + half) >= 0 for at in range(0, len(piece) - half, half)):
        return
    for number, line in enumerate(piece.split(newline)):
        if len(line) > MAX_LINE:
            raise LayoutMismatch(f"a line is longer than {MAX_LINE} bytes", Place(file, row=first + number))


def _check_header(layout: Layout, feed: FeedLayout, line: str, file: str) -> None:
    found = next(csv.reader([line], delimiter=layout.delimiter), [])
    expected = [column.vendor_column for column in feed.columns]
    for position, (left, right) in enumerate(zip(expected, found, strict=False), 1):
        if left != right:
            raise LayoutMismatch(f"column {position} must be named {left}", Place(file, row=0))
    if len(found) != len(expected):
        raise LayoutMismatch(f"the header has {len(found)} columns, the layout has {len(expected)}", Place(file, row=0))


def _table(layout: Layout, text: str, names: list[str], file: str, first: int) -> pa.Table:
    try:
        return _read(layout, text.encode("utf-8", "surrogatepass"), names)
    except pa.ArrowInvalid:
        # Arrow's text quotes the record, so we look for the row ourselves.
        raise _wrong_row(layout, text, len(names), file, first) from None


def _read(layout: Layout, data: bytes, names: list[str]) -> pa.Table:
    return pyarrow.csv.read_csv(
        pa.BufferReader(data),
        read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=layout.delimiter, newlines_in_values=False, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), **_EMPTY_IS_NULL, check_utf8=False
        ),
    )


def _check_quotes(layout: Layout, text: str, columns: int, rows: int, begin: Place) -> None:
    """Arrow reads ``"a"b`` as some text of its own choice; a quote must enclose its field or be doubled inside one."""
    if _plainly_quoted(layout, text.encode("utf-8", "surrogatepass"), columns, rows):
        return
    line_form = re.compile(_LINE.replace(",", re.escape(layout.delimiter)))
    for number, line in enumerate(text.removesuffix(layout.newline).split(layout.newline)):
        if line_form.fullmatch(line) is None:
            place = Place(begin.file, row=(begin.row or 0) + number)
            raise LayoutMismatch("a quote neither encloses its field nor is doubled inside one", place)


def _plainly_quoted(layout: Layout, data: bytes, columns: int, rows: int) -> bool:
    """Whether there is no quote at all, or each field has its two and no other."""
    delimiter, newline = layout.delimiter.encode(), layout.newline.encode()
    quotes = data.count(b'"')
    return not quotes or (
        quotes == 2 * columns * rows
        and data.count(b'"%s"' % delimiter) == (columns - 1) * rows
        and data.count(b'"%s"' % newline) == rows - 1
        and data.startswith(b'"')
        and data.endswith(b'"%s' % newline)
    )


def _wrong_row(layout: Layout, text: str, columns: int, file: str, first: int) -> LayoutMismatch:
    for number, line in enumerate(io.StringIO(text, newline="")):
        place = Place(file, row=first + number)
        count = _count(line.rstrip("\r\n"), layout.delimiter)
        if count < 0:
            return LayoutMismatch("a quote does not close within its line", place)
        if count != columns:
            return LayoutMismatch(f"{count} columns, the layout has {columns}", place)
    return LayoutMismatch("a record can't be read as CSV", Place(file, row=first))


def _count(line: str, delimiter: str) -> int:
    """Columns of one line; -1 when its quotes do not close."""
    try:
        return len(next(csv.reader([line], delimiter=delimiter, strict=True), []))
    except csv.Error:
        return -1
