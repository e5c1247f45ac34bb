"""The step ``load``: a validated batch into the replica, everything of it in one transaction or nothing.

Rows, quarantine, withheld persons, ledger and last applied number change together. Loading again what is applied does
nothing.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from loaders import ledger, merge, staging
from records.batch import Manifest
from replica.connections import connect
from replica.driver_errors import reduced


def load(batch: Path) -> None:
    """Apply the batch.

    Raises ``LockBusy``, ``SequenceGap``, ``SequenceConflict``, ``NotInitialised``, ``DatabaseError`` or
    ``DatabaseUnavailable``; nothing has changed then.
    """
    manifest = Manifest.read(batch)
    with reduced(manifest.feed), connect(manifest.municipality, "loader") as connection, connection.transaction():
        ledger.lock(connection, manifest.feed)
        position = ledger.position(connection, manifest)
        counts = _apply(connection, manifest, batch) if position == "next" else {}
    if position == "superseded":
        manifest.warnings.append("a later full set had been applied already; nothing was changed")
    manifest.counts.update(counts)
    manifest.state = "loaded"
    manifest.write(batch)


def _apply(connection: psycopg.Connection, manifest: Manifest, batch: Path) -> dict[str, int]:
    batch_id = ledger.open_batch(connection, manifest)
    counts = {"written": 0, "deleted": 0, "quarantined": 0}
    if not manifest.heartbeat:
        counts["quarantined"] = staging.copy_quarantine(connection, manifest, batch, batch_id)
        apply = _apply_full if manifest.kind == "full" else _apply_difference
        apply(connection, manifest, batch, batch_id, counts)
        merge.renew_withheld(connection, manifest)
    ledger.close_batch(connection, manifest, batch_id, counts)
    return counts


def _apply_full(
    connection: psycopg.Connection, manifest: Manifest, batch: Path, batch_id: int, counts: dict[str, int]
) -> None:
    merge.resolve_by_full_set(connection, manifest)
    if merge.is_empty(connection, manifest.feed):
        counts["written"] = staging.copy_register(connection, manifest, batch)
        return
    staging.stage_register(connection, manifest, batch, None)
    merge.analyse_stage(connection)
    counts["deleted"] = merge.delete_missing(connection, manifest, batch_id)
    counts["written"] = merge.upsert(connection, manifest)


def _apply_difference(
    connection: psycopg.Connection, manifest: Manifest, batch: Path, batch_id: int, counts: dict[str, int]
) -> None:
    staging.stage_register(connection, manifest, batch, staging.latest_rows(batch, manifest.feed))
    merge.analyse_stage(connection)
    counts["quarantined"] += merge.quarantine_absent(connection, manifest, batch_id)
    counts["deleted"] = merge.delete_listed(connection, manifest)
    counts["written"] = merge.upsert(connection, manifest)
    merge.resolve_by_rows(connection, manifest)
