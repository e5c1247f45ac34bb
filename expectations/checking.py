"""Which rows of a mapped batch fail which expectation: one pass over only those columns that checks need.

Rows that have a problem already are not looked at again; of a delete row only the key is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.derived import derive, needed
from expectations.engine import failures
from expectations.suite import Check, Suite
from records.dictionary import columns, items, key_items

BLOCK_ROWS = 200_000
DELETE = "3"
PRESENT = "x"


@dataclass(slots=True)
class Findings:
    """Reasons by row number, and warnings counted by name."""

    reasons: dict[int, list[str]] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)

    def add(self, check: Check, row_numbers: list[int]) -> None:
        """Note a failed check."""
        if check.severity == "warning":
            self.warnings[check.name] += len(row_numbers)
            return
        for number in row_numbers:
            self.note(number, f"expectation:{check.column}:{check.name}")

    def note(self, row_number: int, reason: str) -> None:
        """One more reason against a row."""
        self.reasons.setdefault(row_number, []).append(reason)


def block_rows(feed: str, most: int) -> int:
    """Rows a block: fewer where each row has an image, so that memory stays flat."""
    return most // 10 if any(item.type == "image" for item in items(feed)) else most


def check_rows(mapped: Path, suite: Suite, findings: Findings) -> None:
    """Run all expectations of ``suite`` over the file."""
    keys = {item.key for item in key_items(suite.feed)}
    for block in _blocks(mapped, suite):
        rows = block.filter(pc.is_null(block.column("problem")))
        live = rows.filter(pc.not_equal(rows.column("operation"), DELETE))
        dead = rows.filter(pc.equal(rows.column("operation"), DELETE))
        _check_each(live, suite.of("row"), findings)
        _check_each(dead, tuple(one for one in suite.of("row") if one.column in keys), findings)
        _check_combinations(live, suite, findings)


def _blocks(mapped: Path, suite: Suite) -> Iterator[pa.RecordBatch]:
    wanted = {check.column for check in suite.checks}
    for spec in suite.derived:
        wanted |= set(needed(spec))
    names = [name for name in columns(suite.feed) if name in wanted]
    with pq.ParquetFile(mapped) as file:
        columns_read = ["row_number", "operation", "problem", *names]
        yield from file.iter_batches(batch_size=block_rows(suite.feed, BLOCK_ROWS), columns=columns_read)


def _check_each(rows: pa.RecordBatch, checks: tuple[Check, ...], findings: Findings) -> None:
    if not checks:
        return
    names = list(dict.fromkeys(check.column for check in checks))
    for place, positions in failures(pa.Table.from_batches([rows.select(names)]), checks).items():
        findings.add(checks[place], rows.column("row_number").take(positions).to_pylist())


def _check_combinations(rows: pa.RecordBatch, suite: Suite, findings: Findings) -> None:
    """Check the different combinations once; only where one fails are its rows looked for."""
    checks = suite.of("combination")
    marks = _marks(rows, suite)
    names = marks.column_names
    combinations = marks.group_by(names).aggregate([])
    for place, positions in failures(combinations, checks).items():
        failing = combinations.take(positions)
        findings.add(checks[place], _rows_of(marks, failing, rows.column("row_number")))


def _marks(rows: pa.RecordBatch, suite: Suite) -> pa.Table:
    """Codes as they are, derived columns, and of everything else only whether it is there."""
    derived = {spec["name"]: derive(spec, rows) for spec in suite.derived}
    result = {}
    for check in suite.of("combination"):
        name = check.column
        if name not in derived:
            column = rows.column(name)
            result[name] = column if suite.coded(name) else _presence(column)
        else:
            result[name] = derived[name]
    return pa.table(result)


def _presence(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_valid(column), pa.scalar(PRESENT), pa.scalar(None, pa.string()))


def _rows_of(marks: pa.Table, failing: pa.Table, row_numbers: pa.Array) -> list[int]:
    """Row numbers whose combination is one of ``failing`` (NULLs count as equal to each other)."""
    wanted = set(zip(*(column.to_pylist() for column in failing.columns), strict=True))
    found = zip(row_numbers.to_pylist(), *(column.to_pylist() for column in marks.columns), strict=True)
    return [number for number, *combination in found if tuple(combination) in wanted]
