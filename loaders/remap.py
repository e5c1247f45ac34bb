"""Applying rows that waited for a character (再同定の反映): the rest of a batch that was applied long ago.

Only a record's newest row in quarantine is applied, only if nothing newer is there, in one transaction under the feed's
lock with the register, the ledger and the withheld persons. What is written is compared before it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa

from loaders import ledger, merge, staging
from loaders.staging import DELETE, sql_record_key
from loaders.waiting import CHARACTER_REASONS
from records.batch import Manifest
from records.errors import Place, VerificationFailed
from replica.connections import connect
from replica.content import sql_hash
from replica.driver_errors import reduced
from replica.tables import key_columns

# A record's newest open row counts: an older one would show what the register no longer says.
NEWEST = """
select distinct on (feed, record_key) id, batch_id, row_number, reasons
from replica.quarantine where feed = %(feed)s and resolved_at is null
order by feed, record_key, sequence desc, row_number desc
"""
A_CHARACTER = f"(^|;)({'|'.join(CHARACTER_REASONS)}):"
# What only the whole file, or the register as it was then, could tell: a row alone would look good now.
OF_THE_FILE = "(^|;)(duplicate_unique|delete_absent|unknown_code:@operation)"
OPEN = f"""
select b.sequence, b.sha256, array_agg(q.row_number order by q.row_number)
from ({NEWEST}) q join replica.batch b on b.id = q.batch_id
where q.reasons ~ %(characters)s and q.reasons !~ %(of_the_file)s group by 1, 2 order by 1
"""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows of one applied batch that may go in now; ``rows`` are row numbers of its file."""

    sequence: int
    sha256: str
    rows: tuple[int, ...]


def candidates(code: str, feed: str) -> list[Candidates]:
    """What waits for a character, by batch, oldest first; whether it is good now, mapping and validating say."""
    with reduced("quarantine"), connect(code, "loader") as connection:
        found = connection.execute(OPEN.encode(), _values(feed)).fetchall()
    return [Candidates(sequence, sha256, tuple(rows)) for sequence, sha256, rows in found]


def apply(batches: Sequence[Path]) -> dict[str, int]:
    """Apply re-made batches of one feed (each ``validated.parquet`` with the good ones of its candidates), oldest first.

    Returns rows ``applied`` and persons ``released``. Raises ``LockBusy``, ``VerificationFailed`` or
    ``DatabaseError``; nothing has changed then.
    """
    manifests = [Manifest.read(batch) for batch in batches]
    first = manifests[0]
    with reduced(first.feed), connect(first.municipality, "loader") as connection, connection.transaction():
        ledger.lock(connection, first.feed)
        pairs = zip(manifests, batches, strict=True)
        applied = sum(_apply(connection, manifest, batch) for manifest, batch in pairs)
        released = connection.execute(RELEASE, _values(first.feed)).rowcount
        connection.execute(RENEW, _values(first.feed))
    return {"applied": applied, "released": released}


def _apply(connection: psycopg.Connection, manifest: Manifest, batch: Path) -> int:
    everything = staging.Latest(_numbers(batch), pa.array([], pa.int64()))
    staging.stage_register(connection, manifest, batch, everything)
    values = {**_values(manifest.feed), "sequence": manifest.sequence, "sha256": manifest.sha256}
    connection.execute(_keep_newest(manifest.feed).encode(), values)
    merge.analyse_stage(connection)
    merge.delete_listed(connection, manifest)
    merge.upsert(connection, manifest)
    _compare(connection, manifest)
    applied = connection.execute(_resolve(manifest.feed).encode(), values).rowcount
    connection.execute(NOTE, {**values, "applied": applied})
    connection.execute("drop table stage")
    return applied


def _numbers(batch: Path) -> pa.Array:
    return pa.concat_arrays([block.column("row_number") for block in staging.blocks(batch, ["row_number"])])


def _keep_newest(record: str) -> str:
    """Under the lock once more: a sync may have brought something newer since the rows were made."""
    return (
        f"delete from stage s where not exists (select 1 from ({NEWEST}) q join replica.batch b on b.id = q.batch_id"
        " where b.sequence = %(sequence)s and b.sha256 = %(sha256)s and q.row_number = s.applied_row)"
        f" or exists (select 1 from replica.{record} r where r.applied_sequence > %(sequence)s"
        f" and {sql_record_key(record, 'r')} = {sql_record_key(record, 's')})"
    )


def _compare(connection: psycopg.Connection, manifest: Manifest) -> None:
    """照合: every record is there with the content that was read, or gone if that was asked."""
    record = manifest.feed
    same = " and ".join(f"r.{name} = s.{name}" for name in key_columns(record))
    row = connection.execute(
        f"select count(*) from stage s left join replica.{record} r on {same} where"
        f" (s.operation <> '{DELETE}' and (r.content_hash is distinct from s.content_hash"
        f" or {sql_hash(record, 'r')} is distinct from s.content_hash))"
        f" or (s.operation = '{DELETE}' and r.content_hash is not null)".encode()
    ).fetchone()
    if row is None or row[0]:
        raise VerificationFailed(f"{row and row[0]} records are not what was read", Place(manifest.file))


def _resolve(record: str) -> str:
    """The applied row settles itself and everything older that is open for its record; counted are the applied ones."""
    key = f"q.addressee_number = s.addressee_number and q.record_key = {sql_record_key(record, 's')}"
    return (
        "with done as (update replica.quarantine q set resolved_at = now() from stage s where q.feed = %(feed)s"
        f" and q.resolved_at is null and {key}"
        " and (q.sequence, q.row_number) <= (%(sequence)s, s.applied_row) returning 1)"
        " select s.applied_row from stage s"
    )


NOTE = (
    "update replica.batch set rows_written = rows_written + %(applied)s"
    " where feed = %(feed)s and sequence = %(sequence)s and sha256 = %(sha256)s"
)
RELEASE = (
    "delete from replica.withheld w where w.feed = %(feed)s and not exists (select 1 from replica.quarantine q"
    " where q.feed = w.feed and q.addressee_number = w.addressee_number and q.resolved_at is null)"
)
# Whoever is withheld still, is so for what is still open.
RENEW = """
update replica.withheld w set sequence = q.sequence, reason = q.reasons
from (select distinct on (addressee_number) addressee_number, sequence, reasons from replica.quarantine
    where feed = %(feed)s and resolved_at is null order by addressee_number, sequence desc, row_number desc) q
where w.feed = %(feed)s and w.addressee_number = q.addressee_number and (w.sequence, w.reason) <> (q.sequence, q.reasons)
"""


def _values(feed: str) -> dict[str, object]:
    return {"feed": feed, "characters": A_CHARACTER, "of_the_file": OF_THE_FILE}
