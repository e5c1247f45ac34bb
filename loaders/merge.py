"""One set-based merge of staged rows into a register, and what follows from it for quarantine and withheld persons.

Every statement works from the staged rows, so the cost of a difference does not depend on the size of the town.
"""

from __future__ import annotations

import psycopg

from loaders.staging import DELETE, sql_record_key
from records.batch import Manifest
from records.dictionary import columns
from replica.content import sql_hash
from replica.tables import key_columns


def is_empty(connection: psycopg.Connection, record: str) -> bool:
    """Whether a register has no rows."""
    return connection.execute(f"select 1 from replica.{record} limit 1".encode()).fetchone() is None


def analyse_stage(connection: psycopg.Connection) -> None:
    """Without statistics the planner may join a hundred staged rows by scanning the whole register."""
    connection.execute("analyze stage")


def delete_listed(connection: psycopg.Connection, manifest: Manifest) -> int:
    """Delete the records of delete rows, remembering their keys until the batch is verified."""
    record = manifest.feed
    return _run(
        connection,
        f"with gone as (delete from replica.{record} r using stage s"
        f" where s.operation = '{DELETE}' and {_same_key(record, 'r', 's')}"
        f" returning {sql_record_key(record, 'r')} as record_key) {_REMEMBER}",
        manifest,
    )


def delete_missing(connection: psycopg.Connection, manifest: Manifest, batch_id: int) -> int:
    """Delete what a full set no longer has. A record whose row is in quarantine is there: it stays, withheld."""
    record = manifest.feed
    return _run(
        connection,
        f"with gone as (delete from replica.{record} r"
        f" where not exists (select 1 from stage s where {_same_key(record, 'r', 's')})"
        " and not exists (select 1 from replica.quarantine q where q.batch_id = %(batch_id)s"
        f" and q.record_key = {sql_record_key(record, 'r')})"
        f" returning {sql_record_key(record, 'r')} as record_key) {_REMEMBER}",
        manifest,
        batch_id,
    )


def upsert(connection: psycopg.Connection, manifest: Manifest) -> int:
    """Insert or replace; a full set touches only rows whose stored content differs (recomputed, so it also repairs)."""
    record = manifest.feed
    names = (*columns(record), "applied_row", "content_hash")
    keys = key_columns(record)
    updates = ", ".join(f"{name} = excluded.{name}" for name in (*names, "applied_sequence") if name not in keys)
    only = ""
    if manifest.kind == "full":
        only = (
            " where r.content_hash is distinct from excluded.content_hash"
            f" or {sql_hash(record, 'r')} is distinct from excluded.content_hash"
        )
    return _run(
        connection,
        f"insert into replica.{record} as r ({', '.join(names)}, applied_sequence)"
        f" select {', '.join(names)}, %(sequence)s from stage where operation <> '{DELETE}'"
        f" on conflict ({', '.join(keys)}) do update set {updates}, updated_at = now(){only}",
        manifest,
    )


def quarantine_absent(connection: psycopg.Connection, manifest: Manifest, batch_id: int) -> int:
    """A delete for a record that is not there means that a change was lost: quarantine it (``delete_absent``).

    Not so where the file itself made the record before, or where its last change is in quarantine: then its absence
    is explained. Must run before the deletes.
    """
    record = manifest.feed
    key = sql_record_key(record, "s")
    return _run(
        connection,
        "insert into replica.quarantine (batch_id, feed, sequence, row_number, addressee_number, record_key, reasons)"
        f" select %(batch_id)s, %(feed)s, %(sequence)s, s.applied_row, s.addressee_number, {key}, 'delete_absent'"
        f" from stage s where s.operation = '{DELETE}' and not s.repeated"
        f" and not exists (select 1 from replica.{record} r where {_same_key(record, 'r', 's')})"
        " and not exists (select 1 from replica.quarantine q where q.feed = %(feed)s and q.resolved_at is null"
        f" and q.addressee_number = s.addressee_number and q.record_key = {key})",
        manifest,
        batch_id,
    )


def resolve_by_rows(connection: psycopg.Connection, manifest: Manifest) -> None:
    """A good newer row of a record settles what is in quarantine for it."""
    record = manifest.feed
    _run(
        connection,
        "update replica.quarantine q set resolved_at = now() from stage s"
        " where q.feed = %(feed)s and q.resolved_at is null and q.addressee_number = s.addressee_number"
        f" and q.record_key = {sql_record_key(record, 's')}"
        " and (q.sequence < %(sequence)s or q.row_number < s.applied_row)",
        manifest,
    )


def resolve_by_full_set(connection: psycopg.Connection, manifest: Manifest) -> None:
    """A full set replaces all that was known: everything older in quarantine is settled."""
    _run(
        connection,
        "update replica.quarantine set resolved_at = now()"
        " where feed = %(feed)s and resolved_at is null and sequence < %(sequence)s",
        manifest,
    )


def renew_withheld(connection: psycopg.Connection, manifest: Manifest) -> None:
    """Withheld (取置) is whoever has an open row in quarantine: no more and no fewer."""
    _run(
        connection,
        "delete from replica.withheld w where w.feed = %(feed)s and not exists (select 1 from replica.quarantine q"
        " where q.feed = w.feed and q.addressee_number = w.addressee_number and q.resolved_at is null)",
        manifest,
    )
    _run(
        connection,
        "insert into replica.withheld (feed, addressee_number, sequence, reason)"
        " select distinct on (addressee_number) feed, addressee_number, sequence, reasons from replica.quarantine"
        " where feed = %(feed)s and sequence = %(sequence)s and resolved_at is null"
        " order by addressee_number, row_number desc"
        " on conflict (feed, addressee_number) do update set sequence = excluded.sequence, reason = excluded.reason",
        manifest,
    )


_REMEMBER = (
    "insert into replica.removed (feed, record_key, sequence) select %(feed)s, record_key, %(sequence)s from gone"
    " on conflict (feed, record_key) do update set sequence = excluded.sequence"
)


def _same_key(record: str, one: str, other: str) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in key_columns(record))


def _run(connection: psycopg.Connection, statement: str, manifest: Manifest, batch_id: int = 0) -> int:
    """Run one statement; returns the rows that it touched."""
    facts = {"feed": manifest.feed, "sequence": manifest.sequence, "batch_id": batch_id}
    return connection.execute(statement.encode(), facts).rowcount
