"""Arrow text columns as flat arrays of code points and back, so that a column is looked at in one step of numpy.

What the code points mean is decided in ``characters`` and ``kana``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.uint32]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Lone surrogates are let through to be found and named; strict decoding would only stop the whole file.
ERRORS = "surrogatepass"


class CodePoints(NamedTuple):
    """A text column: all code points in a row, where each row begins (rows + 1), and which are not null."""

    codes: Codes
    offsets: Indices
    valid: Mask | None

    @property
    def rows(self) -> int:
        """Number of rows, nulls included."""
        return len(self.offsets) - 1

    def row_of(self, positions: Indices) -> Indices:
        """The rows in which these code points stand."""
        return np.searchsorted(self.offsets, positions, side="right") - 1


def split(array: pa.Array) -> CodePoints:
    """Take a string column apart."""
    valid = None
    if array.null_count:
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        array = pc.fill_null(array, "")
    data, _ = text_bytes(array)
    codes = np.frombuffer(bytes(data).decode("utf-8", ERRORS).encode("utf-32-le", ERRORS), dtype="<u4")
    return CodePoints(codes, _offsets(pc.utf8_length(array).to_numpy(zero_copy_only=False)), valid)


def build(points: CodePoints) -> pa.Array:
    """Put a string column together again."""
    codes = points.codes
    data = codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", ERRORS).encode("utf-8", ERRORS)
    widths = np.ones(len(codes), dtype=np.int8)
    for limit in (0x80, 0x800, 0x10000):
        widths += codes >= limit
    byte_offsets = _offsets(widths)[points.offsets].astype(np.int32)
    array = pa.StringArray.from_buffers(points.rows, pa.py_buffer(byte_offsets), pa.py_buffer(data))
    return array if points.valid is None else with_nulls(array, ~points.valid)


def text_bytes(array: pa.Array) -> tuple[Any, Indices]:
    """The UTF-8 bytes of a string column without nulls, and the offset at which each row begins in them (rows + 1)."""
    _, offset_buffer, data = array.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32, count=len(array) + 1, offset=array.offset * 4).astype(
        np.int64
    )
    if data is None:
        return b"", offsets
    return memoryview(data)[offsets[0] : offsets[-1]], offsets - offsets[0]


def with_nulls(array: pa.Array, where: Mask) -> pa.Array:
    """The column with null at these rows."""
    return pc.if_else(pa.array(where), pa.scalar(None, array.type), array)


def _offsets(lengths: npt.NDArray[Any]) -> Indices:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
