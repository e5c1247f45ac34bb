"""What both parsers give: one Arrow table per chunk in the shape of ``decoded.parquet``, and its problems per row.

Columns: row_number, operation, one per column of the layout that carries an item (``field`` or ``field#part``),
problem. Empty fields are NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from extractors import imprint
from records.dictionary import items
from records.errors import LayoutMismatch, Place
from vendor_layouts.layout import OPERATION, ROW_NUMBER, Column, FeedLayout, Layout

OPERATIONS = ("1", "2", "3")
BROKEN = "\ufffd"
# Offset in the file of the byte that broke a field, by row number and column; ``None`` where it is not known.
BrokenAt = Callable[[int, Column], int | None]


class Problems:
    """Problems of a chunk's rows, ``reason:field[:detail]`` joined by ``;`` in the order in which they were found."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._found: dict[int, list[str]] = {}

    def add(self, rows: Iterable[int], problem: str) -> None:
        """The same problem for several rows (positions in the chunk)."""
        for row in rows:
            self._found.setdefault(int(row), []).append(problem)

    def column(self) -> pa.Array:
        """One text per row, NULL for rows without problems."""
        texts = np.full(self._rows, None, object)
        for row, found in self._found.items():
            texts[row] = ";".join(found)
        return pa.array(texts, pa.string())


def schema(feed: FeedLayout) -> pa.Schema:
    """Schema of ``decoded.parquet`` for one feed."""
    images = {item.key for item in items(feed.record) if item.type == "image"}
    fields = [(column.name, pa.binary() if column.field in images else pa.string()) for column in _kept(feed)]
    return pa.schema([("row_number", pa.int64()), ("operation", pa.string()), *fields, ("problem", pa.string())])


def assemble(
    layout: Layout,
    feed: FeedLayout,
    cells: Mapping[int, pa.Array],
    rows: int,
    first: int,
    file: str,
    kind: str,
    *,
    broken: BrokenAt | None,
) -> pa.Table:
    """Check row numbers and operations, mark broken cells and bad pictures, and lay the columns in order.

    ``broken`` is ``None`` where no byte was broken; U+FFFD is then a character that the vendor sent.
    """
    problems = Problems(rows)
    _check_numbers(cells[feed.columns_of(ROW_NUMBER)[0].order], first, file)
    operations = _operations(layout, feed, cells, problems, kind)
    arrays = []
    for column in _kept(feed):
        values = _null_if_empty(cells[column.order])
        if pa.types.is_string(values.type):
            if broken is not None:
                _mark_broken(values, column, first, broken, problems)
            if column.format == "base64":
                values = _pictures(values, column, problems, imprint.decode_base64)
        else:
            values = _pictures(values, column, problems, None)
        arrays.append(values)
    numbers = pa.array(np.arange(first, first + rows))
    return pa.Table.from_arrays([numbers, operations, *arrays, problems.column()], schema=schema(feed))


def _kept(feed: FeedLayout) -> list[Column]:
    return [column for column in feed.used if column.part != "@length"]


def _check_numbers(written: pa.Array, first: int, file: str) -> None:
    """連番 must run from 1 without a break: a lost or doubled record shows here."""
    expected = np.arange(first, first + len(written))
    found = _integers(written)
    if not np.array_equal(found, expected):
        row = int(expected[int(np.argmax(found != expected))])
        raise LayoutMismatch(f"the row number must be {row}", Place(file, row=row, field="連番"))


def _integers(texts: pa.Array) -> npt.NDArray[np.int64]:
    good = pc.fill_null(pc.match_substring_regex(texts, r"^0*[0-9]{1,12}$"), False)
    numbers = pc.fill_null(pc.cast(pc.if_else(good, texts, None), pa.int64()), -1)
    return np.asarray(numbers.to_numpy(zero_copy_only=False))


def _operations(
    layout: Layout, feed: FeedLayout, cells: Mapping[int, pa.Array], problems: Problems, kind: str
) -> pa.Array:
    """更新区分 in our codes; what is none of them makes the row bad, and never counts as a deletion."""
    column = feed.columns_of(OPERATION)[0]
    table = layout.codes[column.codes] if column.codes else {code: code for code in OPERATIONS}
    allowed = {vendor: code for vendor, code in table.items() if kind == "diff" or code == "1"}
    encoded = cells[column.order].dictionary_encode()
    codes = pa.array([allowed.get(one) for one in encoded.dictionary.to_pylist()], pa.string())
    taken = codes.take(encoded.indices)
    problems.add(np.flatnonzero(pc.is_null(taken)), f"unknown_code:{OPERATION}")
    return pc.fill_null(taken, "2")


def _mark_broken(values: pa.Array, column: Column, first: int, broken: BrokenAt, problems: Problems) -> None:
    for row in np.flatnonzero(_contains_broken(values)).tolist():
        offset = broken(first + row, column)
        problems.add([row], f"broken_encoding:{column.field}" + ("" if offset is None else f":byte {offset}"))


def _null_if_empty(values: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(values), 0)
    # CSV gives NULLs by itself; a column without an empty text need not be copied.
    return pc.if_else(empty, None, values) if pc.any(empty, min_count=0).as_py() else values


def _contains_broken(values: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(pc.match_substring(values, BROKEN), False).to_numpy(zero_copy_only=False))


def _pictures(values: pa.Array, column: Column, problems: Problems, open_: Callable[[str], bytes] | None) -> pa.Array:
    checked: list[bytes | None] = []
    for row, value in enumerate(values.to_pylist()):
        try:
            checked.append(None if value is None else imprint.check(open_(value) if open_ else value))
        except imprint.BadImage as error:
            problems.add([row], f"bad_image:{column.field}:{error}")
            checked.append(None)
    return pa.array(checked, pa.binary())
