"""The content of a row (記録の内容) as one canonical text and its SHA-256, computed by us and by PostgreSQL alike.

Text: all dictionary columns of the record in order, joined by U+001F, empty for NULL (an empty text is never stored);
a date as ``YYYY-MM-DD``, a number in decimal, an image as the hexadecimal SHA-256 of its bytes. No driver is used here.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import groupby, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from records.dictionary import Item, columns, items

SEPARATOR = "\x1f"
HASH_TYPE = pa.binary(32)


def canonical_text(rows: pa.RecordBatch, record: str) -> pa.Array:
    """Canonical texts of ``rows``, which have all dictionary columns of ``record`` with their Arrow types."""
    return join([_text(rows.column(name)) for name in columns(record)])


def join(texts: list[pa.Array]) -> pa.Array:
    """Columns of texts to one text a row, U+001F between them, nothing for NULL.

    Most columns of most towns are empty: neighbouring ones cost as much as one here.
    """
    parts: list[pa.Array | pa.Scalar] = []
    for empty, group in groupby(texts, key=lambda one: len(one) > 0 and one.null_count == len(one)):
        columns_ = list(group)
        parts += [pa.scalar(SEPARATOR * (len(columns_) - 1))] if empty else columns_
    if not any(isinstance(one, pa.Array) for one in parts):
        return pa.array([SEPARATOR * (len(texts) - 1)] * len(texts[0]), pa.string())
    return pc.binary_join_element_wise(*parts, SEPARATOR, null_handling="replace", null_replacement="")


def content_hashes(rows: pa.RecordBatch, record: str) -> pa.Array:
    """SHA-256 of each row's canonical text in UTF-8 (32 bytes)."""
    return digests(canonical_text(rows, record))


def sql_hash(record: str, alias: str) -> str:
    """SQL expression for the content hash of a stored row; needs the session's ``DateStyle`` to be ISO."""
    # concat_ws leaves NULLs out, so they become empty texts first; array_to_string takes a quarter longer.
    fields = ", ".join(
        f"coalesce({_sql_text(item, name, alias)}, '')" for item in items(record) for name in item.columns
    )
    return f"sha256(convert_to(concat_ws(E'\\x1f', {fields}), 'UTF8'))"


def fingerprint(hashes: pa.Array) -> int:
    """A set of rows in one number: the sum of the hashes' first 64 bits, modulo 2^64."""
    if len(hashes) == 0:
        return 0
    data = np.frombuffer(hashes.buffers()[1], dtype=np.uint8)[hashes.offset * 32 : (hashes.offset + len(hashes)) * 32]
    return int(data.view(">u8")[::4].astype(np.uint64).sum(dtype=np.uint64))


def sql_fingerprint(column: str) -> str:
    """The same sum as SQL over a column of hashes; to be taken modulo 2^64, as PostgreSQL's 64 bits are signed."""
    return f"coalesce(sum(substr({column}, 1, 8)::bigint), 0)"


def as_text(column: pa.Array) -> pa.Array:
    """A column of texts, dates or numbers as text."""
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def digests(column: pa.Array) -> pa.Array:
    """SHA-256 of each value (text as UTF-8); NULL stays NULL."""
    if column.null_count:
        values = column.cast(pa.binary()).to_pylist()
        return pa.array([None if one is None else sha256(one).digest() for one in values], HASH_TYPE)
    joined = b"".join([sha256(value).digest() for value in _slices(column)])
    return pa.Array.from_buffers(HASH_TYPE, len(column), [None, pa.py_buffer(joined)])


def _slices(column: pa.Array) -> list[memoryview]:
    """The bytes of each value, without copying any."""
    if len(column) == 0:
        return []
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1].tolist()
    view = memoryview(data) if data is not None else memoryview(b"")
    return [view[start:end] for start, end in pairwise(bounds)]


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_binary(column.type):
        return pa.array([None if one is None else one.hex() for one in digests(column).to_pylist()], pa.string())
    return as_text(column)


def _sql_text(item: Item, name: str, alias: str) -> str:
    return f"encode(sha256({alias}.{name}), 'hex')" if item.type == "image" else f"{alias}.{name}::text"
