"""Batch directories with made-up rows, as the earlier steps would leave them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from records.batch import Manifest, directory_name
from records.dictionary import Item, items

CODE = "364894"
PNG = bytes.fromhex("89504e470d0a1a0a")
VALUES = {"year": 2026, "yen": 1_000_000, "count": 0, "flag": "0"}
CODES = {
    "resident_kind": "1",
    "resident_status": "1",
    "sex": "1",
    "relationship": "02",
    "change_reason": "10",
    "seal_status": "1",
    "seal_name_form": "1",
    "tax_filing_kind": "1",
}
EMPTY = {"removed_on", "move_out_planned_on", "cancelled_on", "cancel_reason", "spouse_kind"}


def arrow_type(column: str, record: str) -> pa.DataType:
    """Type of a dictionary column in Parquet."""
    for item in items(record):
        if column == item.key:
            kinds = {"date": pa.date32(), "image": pa.binary()}
            return pa.int64() if item.type in ("year", "yen", "count") else kinds.get(item.type, pa.string())
    return pa.string()


def schema(record: str) -> pa.Schema:
    """Schema of ``mapped.parquet``."""
    names = [column for item in items(record) for column in item.columns]
    fields = [pa.field(name, arrow_type(name, record)) for name in names]
    head = [pa.field("row_number", pa.int64()), pa.field("operation", pa.string())]
    return pa.schema([*head, *fields, pa.field("problem", pa.string())])


def row(record: str, number: int, *, operation: str = "1", row_number: int = 0, **changes: Any) -> dict[str, Any]:
    """One good row; ``changes`` replaces values."""
    values: dict[str, Any] = {"row_number": row_number, "operation": operation, "problem": None}
    for item in items(record):
        values.update(_value(item, number))
    return {**values, **changes}


def delete(record: str, number: int) -> dict[str, Any]:
    """A delete row: only the key is filled."""
    full = row(record, number)
    keys = {item.key for item in items(record) if item.is_key}
    return {name: full[name] if name in keys else None for name in full} | {"operation": "3"}


def _value(item: Item, number: int) -> dict[str, Any]:
    if item.key in EMPTY or not item.mandatory:
        return dict.fromkeys(item.columns)
    if item.type == "date":
        return dict(zip(item.columns, (date(1975, 2, 1), "0", "昭和50年2月1日"), strict=True))
    if item.key in ("addressee_number", "household_number"):
        return {item.key: f"{number:015d}"}
    made = {**VALUES, "image": PNG + bytes([number % 256]), "text": f"見本{number}"}
    return {item.key: CODES[item.code_list] if item.code_list else made.get(item.type, f"{number}")}


def write_batch(
    folder: Path, feed: str, kind: str, sequence: int, rows: Sequence[dict[str, Any]], *, salt: str = ""
) -> Path:
    """A batch directory at the state ``mapped``; ``salt`` makes other content with the same rows."""
    rows = [{**one, "row_number": index} for index, one in enumerate(rows, 1)]
    sha256 = hashlib.sha256(f"{feed}{kind}{sequence}{salt}{rows}".encode()).hexdigest()
    batch = folder / CODE / feed / directory_name(sequence, sha256)
    batch.mkdir(parents=True)
    file = f"{CODE}_{feed}_{kind}_{sequence:08d}.dat"
    at = "2026-04-01T09:00:00+09:00"
    state = "mapped" if rows or kind == "full" else "received"
    manifest = Manifest(CODE, feed, kind, sequence, "awa_csv/1", file, len(rows), 1, sha256, at, at, state)  # type: ignore[arg-type]
    manifest.write(batch)
    (batch / "source.enc").write_bytes(b"sealed")
    if state == "mapped":
        pq.write_table(pa.Table.from_pylist(rows, schema(feed)), batch / "mapped.parquet")
    return batch
