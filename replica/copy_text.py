"""Rows as lines of PostgreSQL's COPY text format (delimiter U+001F, empty = NULL), made from Arrow columns at once.

A line is the canonical text of ``content`` itself wherever no image and no backslash is in it, so what is hashed is
what is copied. No driver is used here.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from records.dictionary import columns
from replica.content import SEPARATOR, as_text, canonical_text, digests, join

COPY_OPTIONS = f"format text, delimiter E'\\x{ord(SEPARATOR):02x}', null ''"
# What would break a line apart, or what PostgreSQL can't store: earlier steps refuse it, and so does this one.
BACKSLASH = ord("\\")
CONTROL = "[\\x00-\\x1e]"
_HEX = np.frombuffer(b"".join(b"%02x" % value for value in range(256)), dtype="<u2")


def lines_and_hashes(rows: pa.RecordBatch, record: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """COPY lines (without line end), content hashes, and which rows hold a control character (their line is unusable)."""
    text = canonical_text(rows, record)
    separators = len(columns(record)) - 1
    data = np.frombuffer(_data(text), dtype=np.uint8)
    broken = pa.array(np.zeros(len(text), dtype=bool))
    # The separators account for every control byte, or some row has one of its own: then look at each.
    if np.count_nonzero(data < ord(" ")) != separators * len(text):
        odd = pc.not_equal(pc.count_substring(text, SEPARATOR), separators)
        broken = pc.or_(pc.match_substring_regex(text, CONTROL), odd)
    has_image = any(pa.types.is_binary(rows.column(name).type) for name in columns(record))
    lines = _escaped(rows, record) if has_image or BACKSLASH in data else text
    return lines, digests(text), broken


def finished(*parts: pa.Array | pa.Scalar) -> memoryview:
    """Complete lines of which ``parts`` are the fields in order; the last part must end in a line end."""
    joined = pc.binary_join_element_wise(*parts, SEPARATOR, null_handling="replace", null_replacement="")
    return _data(joined)


def hash_field(hashes: pa.Array, end: str = "") -> pa.Array:
    """Hashes as bytea in COPY text, each followed by ``end``."""
    raw = np.frombuffer(hashes.buffers()[1], dtype=np.uint8)[hashes.offset * 32 : (hashes.offset + len(hashes)) * 32]
    field = np.empty((len(hashes), 67 + len(end)), dtype=np.uint8)
    field[:, :3] = np.frombuffer(b"\\\\x", dtype=np.uint8)
    field[:, 3:67] = _HEX[raw].view(np.uint8).reshape(len(hashes), 64)
    field[:, 67:] = np.frombuffer(end.encode(), dtype=np.uint8)
    fixed = pa.Array.from_buffers(pa.binary(field.shape[1]), len(hashes), [None, pa.py_buffer(field.tobytes())])
    return fixed.cast(pa.binary()).cast(pa.string())


def escaped(column: pa.Array) -> pa.Array:
    """Backslashes doubled, as COPY wants them."""
    return pc.replace_substring(column, "\\", "\\\\")


def _escaped(rows: pa.RecordBatch, record: str) -> pa.Array:
    return join([_field(rows.column(name)) for name in columns(record)])


def _field(column: pa.Array) -> pa.Array:
    if pa.types.is_binary(column.type):
        return pa.array([None if one is None else f"\\\\x{one.hex()}" for one in column.to_pylist()], pa.string())
    return escaped(as_text(column))


def _data(texts: pa.Array) -> memoryview:
    if len(texts) == 0:
        return memoryview(b"")
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)
    return memoryview(data)[int(bounds[texts.offset]) : int(bounds[texts.offset + len(texts)])]
