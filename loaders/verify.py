"""The step ``verify`` (照合): what the database holds, recomputed by the database, against what was read.

A full set is compared as a whole, a difference record by record, so that its cost does not depend on the town's size.
A batch that later ones have changed again is compared in what is left of it.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from loaders import ledger, merge, staging
from records.batch import Manifest
from records.errors import Place, VerificationFailed
from replica.connections import connect
from replica.content import fingerprint, sql_fingerprint, sql_hash
from replica.driver_errors import reduced
from replica.tables import key_columns

# Parquet files of a batch; source.enc stays, so that every row can be mapped again.
WORKING_FILES = ("decoded.parquet", "mapped.parquet", staging.VALIDATED, staging.QUARANTINE)


def verify(batch: Path) -> None:
    """Compare, mark the batch as verified, and remove its working files.

    Raises ``VerificationFailed`` with counts of what differs (never a key), ``LockBusy``, ``DatabaseError`` or
    ``DatabaseUnavailable``.
    """
    manifest = Manifest.read(batch)
    if manifest.state != "verified":
        with reduced(manifest.feed), connect(manifest.municipality, "loader") as connection, connection.transaction():
            # A batch loaded between two of the questions below would look like rows that are wrong.
            ledger.lock(connection, manifest.feed)
            _verify(connection, manifest, batch)
        manifest.state = "verified"
        manifest.write(batch)
    for name in WORKING_FILES:
        (batch / name).unlink(missing_ok=True)


def _verify(connection: psycopg.Connection, manifest: Manifest, batch: Path) -> None:
    applied = ledger.applied_batch(connection, manifest)
    if applied is None:
        if manifest.sequence <= ledger.applied_number(connection, manifest.feed):
            return  # overtaken by a full set that holds a later state: there is nothing of it to compare
        raise VerificationFailed("the batch is not in the ledger: it has not been loaded", Place(manifest.file))
    if not manifest.heartbeat:
        newest = manifest.sequence == ledger.applied_number(connection, manifest.feed)
        if newest and manifest.kind == "full":
            _compare_whole(connection, manifest, batch, *applied)
        else:
            _compare_records(connection, manifest, batch)
    ledger.mark_verified(connection, manifest)


def _compare_whole(
    connection: psycopg.Connection, manifest: Manifest, batch: Path, batch_id: int, quarantined: int
) -> None:
    """The register is the file: as many rows, the same content, and every stored hash is that of its row."""
    record = manifest.feed
    kept = (
        " where not exists (select 1 from replica.quarantine q where q.batch_id = %(batch_id)s"
        f" and q.record_key = {staging.sql_record_key(record, 'r')})"
        if quarantined
        else ""
    )
    row = connection.execute(
        f"select count(*), count(*) filter (where r.content_hash is distinct from {sql_hash(record, 'r')}),"
        f" {sql_fingerprint('r.content_hash')} from replica.{record} r{kept}".encode(),
        {"batch_id": batch_id},
    ).fetchone()
    stored, different, total = row or (0, 0, 0)
    expected, expected_total = 0, 0
    for block in staging.blocks(batch, ["content_hash"]):
        expected += block.num_rows
        expected_total += fingerprint(block.column("content_hash"))
    if stored != expected or different or int(total) % 2**64 != expected_total % 2**64:
        raise VerificationFailed(
            f"{expected} rows were read, {stored} are stored, {different} of them with other content",
            Place(manifest.file),
        )
    _count_orphans(connection, manifest, f"replica.{record}")


def _compare_records(connection: psycopg.Connection, manifest: Manifest, batch: Path) -> None:
    """Each record of the file: there with its content, or gone, unless a later batch has changed it since."""
    record = manifest.feed
    latest = staging.latest_rows(batch, record) if manifest.kind == "diff" else None
    staging.stage_keys(connection, manifest, batch, latest)
    merge.analyse_stage(connection)
    keys = key_columns(record)
    same = " and ".join(f"r.{name} = s.{name}" for name in keys)
    row = connection.execute(
        "select count(*) filter (where s.operation <> '3' and r.content_hash is null and d.sequence is null),"
        " count(*) filter (where s.operation <> '3' and r.applied_sequence <= %(sequence)s"
        f" and (r.content_hash <> s.content_hash or r.content_hash is distinct from {sql_hash(record, 'r')})),"
        " count(*) filter (where s.operation = '3' and r.applied_sequence <= %(sequence)s)"
        f" from stage s left join replica.{record} r on {same}"
        " left join replica.removed d on d.feed = %(feed)s and d.sequence > %(sequence)s"
        f" and d.record_key = {staging.sql_record_key(record, 's')}",
        {"feed": record, "sequence": manifest.sequence},
    ).fetchone()
    missing, different, undeleted = row or (0, 0, 0)
    if missing or different or undeleted:
        raise VerificationFailed(
            f"{missing} records are missing, {different} have other content, {undeleted} were not deleted",
            Place(manifest.file),
        )
    _count_orphans(connection, manifest, "(select * from stage where operation <> '3')")


def _count_orphans(connection: psycopg.Connection, manifest: Manifest, rows: str) -> None:
    """Seals and taxes of people whom the resident register does not know: a warning, as feeds come independently."""
    if manifest.feed == "resident":
        return
    row = connection.execute(
        f"select count(*) from {rows} s where not exists"
        " (select 1 from replica.resident r where r.addressee_number = s.addressee_number)".encode()
    ).fetchone()
    if row and row[0]:
        manifest.counts["orphans"] = int(row[0])
        manifest.warnings.append(f"{row[0]} records belong to nobody in the resident register")
