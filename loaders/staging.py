"""From the files of a validated batch into PostgreSQL by COPY, streamed: never more than a few blocks in memory.

``validated.parquet`` holds good rows as ready COPY lines with their keys and content hashes, ``quarantine.parquet`` the
others with their reasons. What is done with staged rows is in ``merge``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from records.batch import Manifest
from records.dictionary import columns
from replica.content import as_text
from replica.copy_text import COPY_OPTIONS, escaped, finished, hash_field
from replica.tables import key_columns

VALIDATED = "validated.parquet"
QUARANTINE = "quarantine.parquet"
BLOCK_ROWS = 20_000
SEND_BYTES = 1 << 18
DELETE = "3"
KEY_SEPARATOR = "/"


@dataclass(frozen=True, slots=True)
class Latest:
    """Row numbers of the last row of each key in a difference, and those of keys that have several rows."""

    rows: pa.Array
    repeated: pa.Array


def latest_rows(batch: Path, record: str) -> Latest:
    """In a difference with several changes of one record, the last one counts."""
    keys = list(key_columns(record))
    table = pq.read_table(batch / VALIDATED, columns=["row_number", *keys])
    grouped = table.group_by(keys).aggregate([("row_number", "max"), ("row_number", "count")])
    newest = grouped.column("row_number_max").combine_chunks()
    repeated = newest.filter(pc.greater(grouped.column("row_number_count").combine_chunks(), 1))
    return Latest(newest, repeated)


def blocks(batch: Path, names: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The good rows, block by block."""
    # Without pre-buffering: it would keep what has been read until the file is closed.
    with pq.ParquetFile(batch / VALIDATED, pre_buffer=False) as file:
        yield from file.iter_batches(batch_size=BLOCK_ROWS, columns=names)


def copy_register(connection: psycopg.Connection, manifest: Manifest, batch: Path) -> int:
    """Straight into an empty register: no staging, no conflicts, the cost of a bare COPY. Returns the rows."""
    names = (*columns(manifest.feed), "applied_sequence", "applied_row", "content_hash")
    sequence = pa.scalar(str(manifest.sequence))
    count = 0

    def lines() -> Iterator[memoryview]:
        nonlocal count
        for block in blocks(batch, ["row_number", "line", "content_hash"]):
            count += block.num_rows
            numbers = as_text(block.column("row_number"))
            yield finished(block.column("line"), sequence, numbers, hash_field(block.column("content_hash"), "\n"))

    copy(connection, f"replica.{manifest.feed}", names, lines())
    return count


def stage_register(connection: psycopg.Connection, manifest: Manifest, batch: Path, latest: Latest | None) -> None:
    """All rows (the last of each key, where ``latest`` is given) into the temporary table ``stage``."""
    names = ", ".join(columns(manifest.feed))
    connection.execute(
        f"create temporary table stage on commit drop as select {names}, applied_row, content_hash,"
        f" null::text as operation, null::boolean as repeated from replica.{manifest.feed} with no data"
    )

    def lines() -> Iterator[memoryview]:
        for block in blocks(batch, ["row_number", "operation", "line", "content_hash"]):
            rows = block if latest is None else block.filter(pc.is_in(block.column("row_number"), latest.rows))
            numbers = rows.column("row_number")
            repeated = pc.is_in(numbers, latest.repeated) if latest is not None else pa.scalar(False)
            ends = pc.if_else(repeated, "t\n", "f\n")
            hashes = hash_field(rows.column("content_hash"))
            yield finished(rows.column("line"), as_text(numbers), hashes, rows.column("operation"), ends)

    staged = (*columns(manifest.feed), "applied_row", "content_hash", "operation", "repeated")
    copy(connection, "stage", staged, lines())


def copy_quarantine(connection: psycopg.Connection, manifest: Manifest, batch: Path, batch_id: int) -> int:
    """Bad rows with their reasons; returns how many."""
    table = pq.read_table(batch / QUARANTINE).combine_chunks()
    if table.num_rows == 0:
        return 0
    names = ("row_number", "addressee_number", "record_key", "reasons", "batch_id", "feed", "sequence")
    ends = pa.scalar(f"{manifest.sequence}\n")
    for rows in table.to_batches():
        line = finished(
            as_text(rows.column("row_number")),
            rows.column("addressee_number"),
            record_keys(rows, manifest.feed),
            escaped(rows.column("reasons")),
            pa.scalar(str(batch_id)),
            pa.scalar(manifest.feed),
            ends,
        )
        copy(connection, "replica.quarantine", names, iter([line]))
    return int(table.num_rows)


def stage_keys(connection: psycopg.Connection, manifest: Manifest, batch: Path, latest: Latest | None) -> None:
    """Keys, hashes and whether the row deletes, into the temporary table ``stage``: what verifying needs."""
    keys = key_columns(manifest.feed)
    connection.execute(
        f"create temporary table stage on commit drop as select {', '.join(keys)}, content_hash,"
        f" null::text as operation from replica.{manifest.feed} with no data"
    )

    def lines() -> Iterator[memoryview]:
        for block in blocks(batch, ["row_number", "operation", "content_hash", *keys]):
            rows = block if latest is None else block.filter(pc.is_in(block.column("row_number"), latest.rows))
            texts = [as_text(rows.column(name)) for name in keys]
            yield finished(*texts, rows.column("operation"), hash_field(rows.column("content_hash"), "\n"))

    copy(connection, "stage", (*keys, "operation", "content_hash"), lines())


def record_keys(rows: pa.RecordBatch, record: str) -> pa.Array:
    """One text per record: its key columns joined by a slash."""
    texts = [as_text(rows.column(name)) for name in key_columns(record)]
    return pc.binary_join_element_wise(*texts, KEY_SEPARATOR)


def sql_record_key(record: str, alias: str) -> str:
    """The same in SQL."""
    return f" || '{KEY_SEPARATOR}' || ".join(f"{alias}.{name}::text" for name in key_columns(record))


def copy(connection: psycopg.Connection, table: str, names: tuple[str, ...], lines: Iterator[memoryview]) -> None:
    """COPY finished lines into a table, in pieces that let client and server work at the same time."""
    statement = f"copy {table} ({', '.join(names)}) from stdin ({COPY_OPTIONS})"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as stream:
        for data in lines:
            for start in range(0, len(data), SEND_BYTES):
                stream.write(data[start : start + SEND_BYTES])
