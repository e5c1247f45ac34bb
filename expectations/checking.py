"""Which rows of a mapped batch fail which expectation, found on the different combinations of what checks look at.

A hundred thousand rows have a few hundred combinations of codes, shapes of identifiers (digits as 0, letters as A) and
presence marks. Great Expectations sees each once: it costs the same for any number of rows, and no name, address,
amount or number of a person ever reaches it. Rows with a problem are not looked at again; of a delete row only the key is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.derived import derive, needed
from expectations.engine import failures
from expectations.suite import Check, Suite, View, views
from records.dictionary import columns, items, key_items

BLOCK_ROWS = 100_000
DELETE = "3"
PRESENT = "x"
ROWS = "@rows"
_SHAPES = np.array(
    [48 if 48 <= one <= 57 else 65 if one < 128 and chr(one).isalpha() else one for one in range(256)], "u1"
)


@dataclass(slots=True)
class Findings:
    """Reasons by row number, and warnings counted by name."""

    reasons: dict[int, list[str]] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)

    def note(self, row_number: int, reason: str) -> None:
        """One more reason against a row."""
        self.reasons.setdefault(row_number, []).append(reason)


def check_rows(mapped: Path, suite: Suite, findings: Findings) -> None:
    """Run all expectations of ``suite`` over the file."""
    keys = {item.key for item in key_items(suite.feed)}
    of_keys = tuple(check for check in suite.checks if check.column in keys)
    for block in _blocks(mapped, suite):
        rows = block.filter(pc.is_null(block.column("problem"))) if block.column("problem").null_count else block[:0]
        deletes = pc.equal(rows.column("operation"), DELETE)
        if pc.any(deletes, min_count=0).as_py():
            _check(rows.filter(deletes), suite, of_keys, findings)
            rows = rows.filter(pc.invert(deletes))
        _check(rows, suite, suite.checks, findings)


def block_rows(feed: str, most: int) -> int:
    """Rows a block: fewer where each row has an image, so that memory stays flat."""
    return most // 10 if any(item.type == "image" for item in items(feed)) else most


def _blocks(mapped: Path, suite: Suite) -> Iterator[pa.RecordBatch]:
    wanted = {check.column for check in suite.checks}
    for spec in suite.derived:
        wanted |= set(needed(spec))
    names = ["row_number", "operation", "problem", *(name for name in columns(suite.feed) if name in wanted)]
    with pq.ParquetFile(mapped, pre_buffer=False) as file:
        yield from file.iter_batches(batch_size=block_rows(suite.feed, BLOCK_ROWS), columns=names)


def _check(rows: pa.RecordBatch, suite: Suite, checks: tuple[Check, ...], findings: Findings) -> None:
    """Check each different combination once; only where one fails for an error are its rows looked for."""
    if rows.num_rows == 0:
        return
    marks = _marks(rows, suite, checks)
    combinations = marks.append_column(ROWS, rows.column("row_number")).group_by(marks.column_names)
    counted = combinations.aggregate([(ROWS, "count")])
    for place, positions in failures(counted, checks).items():
        check, failing = checks[place], counted.take(positions)
        if check.severity == "warning":
            findings.warnings[check.name] += pc.sum(failing.column(f"{ROWS}_count")).as_py()
            continue
        for number in _rows_of(marks, failing, rows.column("row_number")):
            findings.note(number, f"expectation:{check.field}:{check.name}")


def _marks(rows: pa.RecordBatch, suite: Suite, checks: tuple[Check, ...]) -> pa.Table:
    """What the checks look at, column by column."""
    derived = {spec["name"]: spec for spec in suite.derived}
    marks = {}
    for name in dict.fromkeys(check.column for check in checks):
        if name in derived:
            marks[name] = derive(derived[name], rows)
        else:
            marks[name] = _seen(rows.column(name), views(suite.feed)[name])
    return pa.table(marks)


def _seen(column: pa.Array, view: View) -> pa.Array:
    if view == "value":
        return column
    if view == "shape":
        return _shape(column)
    return pc.if_else(pc.is_valid(column), pa.scalar(PRESENT), pa.scalar(None, pa.string()))


def _shape(column: pa.Array) -> pa.Array:
    """Digits as 0, ASCII letters as A, everything else as it is; byte by byte, so of UTF-8 nothing else changes."""
    validity, offsets, data = column.buffers()
    if data is None:
        return column
    shape = pa.py_buffer(_SHAPES[np.frombuffer(data, dtype=np.uint8)].tobytes())
    return pa.Array.from_buffers(pa.string(), len(column), [validity, offsets, shape], offset=column.offset)


def _rows_of(marks: pa.Table, failing: pa.Table, row_numbers: pa.Array) -> list[int]:
    """Row numbers whose combination is one of ``failing`` (NULLs count as equal to each other)."""
    names = marks.column_names
    wanted = set(zip(*(failing.column(name).to_pylist() for name in names), strict=True))
    found = zip(row_numbers.to_pylist(), *(marks.column(name).to_pylist() for name in names), strict=True)
    return [number for number, *combination in found if tuple(combination) in wanted]
