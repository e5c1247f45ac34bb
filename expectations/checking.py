"""Which rows of a mapped batch fail which expectation, found on the different combinations of what checks look at.

A hundred thousand rows have a few hundred combinations of codes, shapes of identifiers (digits as 0, letters as A) and
presence marks. Great Expectations sees each once: it costs the same for any number of rows, and no name, address,
amount or number of a person ever reaches it. Rows with a problem are not looked at again; of a delete row only the key is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.derived import derive, needed
from expectations.engine import failures
from expectations.suite import Check, Suite, View, views
from records.ahead import ahead
from records.dictionary import columns, items, key_items

BLOCK_ROWS = 50_000
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
    """Run all expectations of ``suite`` over the file.

    The blocks are reduced to their combinations first, and Great Expectations judges those of the whole file at once:
    one run of it costs as much as reading a hundred thousand rows. Only when an error is found are rows read again.
    """
    keys = {item.key for item in key_items(suite.feed)}
    of_keys = tuple(check for check in suite.checks if check.column in keys)
    groups = (_Group(suite, of_keys, deletes=True), _Group(suite, suite.checks, deletes=False))
    counted = list(ahead(lambda block: [group.count(block) for group in groups], _blocks(mapped, suite)))
    failing = [group.judge(tables, findings) for group, tables in zip(groups, zip(*counted, strict=True), strict=False)]
    for block in _blocks(mapped, suite) if any(failing) else ():
        for group, found in zip(groups, failing, strict=True):
            group.note(block, found, findings)


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


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows that the same checks look at: deletes (keys only), or all others."""

    suite: Suite
    checks: tuple[Check, ...]
    deletes: bool

    def count(self, block: pa.RecordBatch) -> pa.Table:
        """The different combinations of a block, and how many rows have each."""
        marks = _marks(self._rows(block), self.suite, self.checks)
        ones = marks.append_column(ROWS, pa.array(np.ones(marks.num_rows, np.int64)))
        return _summed(ones, marks.column_names)

    def judge(self, counted: Iterable[pa.Table], findings: Findings) -> list[tuple[Check, pa.Table]]:
        """Check each combination of the file once: warnings are counted here, errors come back with theirs."""
        whole = pa.concat_tables(counted)
        names = [name for name in whole.column_names if name != ROWS]
        whole = _summed(whole, names)
        errors = []
        for place, positions in failures(whole, self.checks).items():
            check, failing = self.checks[place], whole.take(positions)
            if check.severity == "warning":
                findings.warnings[check.name] += pc.sum(failing.column(ROWS)).as_py()
            else:
                errors.append((check, failing.select(names)))
        return errors

    def note(self, block: pa.RecordBatch, errors: Iterable[tuple[Check, pa.Table]], findings: Findings) -> None:
        """Note each error against the rows of a block that have one of its combinations."""
        rows = self._rows(block)
        marks = _marks(rows, self.suite, self.checks)
        for check, failing in errors:
            for number in _rows_of(marks, failing, rows.column("row_number")):
                findings.note(number, f"expectation:{check.field}:{check.name}")

    def _rows(self, block: pa.RecordBatch) -> pa.RecordBatch:
        deletes = pc.equal(block.column("operation"), DELETE)
        wanted = pc.and_(pc.is_null(block.column("problem")), deletes if self.deletes else pc.invert(deletes))
        # Nearly always all rows or none are wanted; copying them would cost more than looking at them.
        return block if pc.all(wanted, min_count=0).as_py() else block.filter(wanted)


def _summed(counted: pa.Table, names: list[str]) -> pa.Table:
    """One row for each combination of ``names``, with the sum of their counts."""
    summed = counted.group_by(names).aggregate([(ROWS, "sum")])
    return summed.rename_columns([ROWS if name == f"{ROWS}_sum" else name for name in summed.column_names])


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
