"""Columns computed for checks that look at several columns: each is true, false, or NULL where there is nothing to say.

Pure functions on Arrow columns; which there are per feed is data (``suites/<feed>.json``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def needed(spec: dict[str, Any]) -> list[str]:
    """The columns that a derived column is computed from."""
    named = [spec[key] for key in ("column", "earlier", "code") if key in spec]
    return [*named, *spec.get("parts", ()), *spec.get("columns", ()), *spec.get("codes", ())]


def derive(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    """The derived column ``spec`` of ``rows``."""
    return KINDS[spec["kind"]](spec, rows)


def _sum(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    parts = [pc.fill_null(rows.column(name), 0) for name in spec["parts"]]
    return pc.equal(rows.column(spec["column"]), reduce(pc.add, parts))


def _not_negative(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    return pc.greater_equal(pc.min_element_wise(*[rows.column(name) for name in spec["columns"]]), 0)


def _not_before(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    return pc.greater_equal(rows.column(spec["column"]), rows.column(spec["earlier"]))


def _present_iff_code(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    agreeing = [
        pc.equal(pc.is_valid(rows.column(name)), pc.fill_null(pc.equal(rows.column(code), spec["value"]), False))
        for name, code in zip(spec["columns"], spec["codes"], strict=True)
    ]
    return reduce(pc.and_, agreeing)


def _absent_when(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    return pc.invert(pc.and_(_applies(spec, rows), pc.is_valid(rows.column(spec["column"]))))


def _present_when(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    return pc.invert(pc.and_(_applies(spec, rows), pc.is_null(rows.column(spec["column"]))))


def _applies(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    return pc.is_in(rows.column(spec["code"]), pa.array(spec["values"], pa.string()))


def _starts_with(spec: dict[str, Any], rows: pa.RecordBatch) -> pa.Array:
    start = bytes.fromhex(spec["hex"])
    column = rows.column(spec["column"]).cast(pa.binary())
    return pc.equal(pc.binary_slice(column, 0, len(start)), start)


KINDS: dict[str, Callable[[dict[str, Any], pa.RecordBatch], pa.Array]] = {
    "sum": _sum,
    "not_negative": _not_negative,
    "not_before": _not_before,
    "present_iff_code": _present_iff_code,
    "absent_when": _absent_when,
    "present_when": _present_when,
    "starts_with": _starts_with,
}
