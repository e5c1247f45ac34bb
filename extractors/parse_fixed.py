"""Fixed records (固定長): header record, data records of one length without separators, trailer record.

Whole columns are decoded together; a record's borders are certain by its position, so broken bytes stay in their field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from extractors.charsets import host
from extractors.charsets.host import HostCharset
from extractors.charsets.host_columns import decode_column
from extractors.decoded import BrokenAt, assemble
from extractors.exchange import EDGE_BYTES
from records.errors import LayoutMismatch, Place
from vendor_layouts.layout import Column, FeedLayout, Layout

PIECE = 8 << 20
DATA_MARK = 0xC4  # D in EBCDIK

Cells = npt.NDArray[np.uint8]


def parse(
    layout: Layout, feed: FeedLayout, chunks: Iterable[bytes], file: str, kind: str, noticed: Counter[str] | None = None
) -> Iterator[pa.Table]:
    """Tables of the file's data records in order; they have no code that would be worth a notice (``noticed``)."""
    charset = host.charset(layout.charset, layout.characters)
    length, first = feed.record_bytes, 1
    for piece in _records(chunks, length, file):
        rows = np.frombuffer(piece, np.uint8).reshape(-1, length)
        if not np.all(rows[:, 0] == DATA_MARK):
            row = first + int(np.argmax(rows[:, 0] != DATA_MARK))
            raise LayoutMismatch(
                "a data record does not begin with D", Place(file, row=row, offset=_offset(row, length))
            )
        columns = _columns(charset, feed, rows)
        broken = _broken_at(charset, feed, rows, first)
        yield assemble(layout, feed, columns, len(rows), first, file, kind, broken=broken)
        first += len(rows)


def _offset(row: int, length: int) -> int:
    return EDGE_BYTES + (row - 1) * length


def _broken_at(charset: HostCharset, feed: FeedLayout, rows: Cells, first: int) -> BrokenAt:
    """Looked for only where a field is broken: its bytes are read once more, one after the other."""
    ends = accumulate(column.bytes for column in feed.columns)
    starts = {column.order: end - column.bytes for column, end in zip(feed.columns, ends, strict=True)}

    def at(row: int, column: Column) -> int | None:
        start = starts[column.order]
        field = rows[row - first, start : start + column.bytes].tobytes()
        broken = charset.broken_at(field, column.kind)
        return None if broken is None else _offset(row, feed.record_bytes) + start + broken

    return at


def _records(chunks: Iterable[bytes], length: int, file: str) -> Iterator[bytes]:
    """Whole data records, some megabytes at a time, without header and trailer."""
    pending, skipped = bytearray(), 0
    for chunk in chunks:
        pending += chunk
        if skipped < EDGE_BYTES:
            cut = min(EDGE_BYTES - skipped, len(pending))
            del pending[:cut]
            skipped += cut
        if len(pending) > PIECE + EDGE_BYTES:
            whole = (len(pending) - EDGE_BYTES) // length * length
            yield bytes(memoryview(pending)[:whole])
            del pending[:whole]
    if (len(pending) - EDGE_BYTES) % length:
        raise LayoutMismatch(f"the data is not a whole number of records of {length} bytes", Place(file))
    if rest := bytes(pending[:-EDGE_BYTES]):
        yield rest


def _columns(charset: HostCharset, feed: FeedLayout, rows: Cells) -> dict[int, pa.Array]:
    found: dict[int, pa.Array] = {}
    start = 0
    for column in feed.columns:
        field = rows[:, start : start + column.bytes]
        if column.kind == "B":
            found[column.order] = _binary(field, found[feed.columns_of(column.field)[0].order])
        elif column.field:
            found[column.order] = _text(charset, field, column)
        start += column.bytes
    return found


def _text(charset: HostCharset, field: Cells, column: Column) -> pa.Array:
    decoded = decode_column(charset, field, column.kind)
    return pa.array(decoded.texts, pa.string())


def _binary(field: Cells, lengths: pa.Array) -> pa.Array:
    """Raw bytes cut to the length that stands in the field before; an impossible length gives no picture but junk,
    which the picture's own check then refuses."""
    values = []
    for raw, text in zip(field, lengths.to_pylist(), strict=True):
        length = int(text) if text and text.isdigit() else 0
        values.append(raw[:length].tobytes() if length <= len(raw) else raw.tobytes())
    return pa.array(values, pa.binary())
