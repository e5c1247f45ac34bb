"""The ledger (連携台帳): what has been applied, verified and rejected per feed, and what a batch's number means now.

Functions with a ``connection`` take part in the caller's transaction; the others open their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg

from records.batch import FEEDS, Manifest
from records.errors import LockBusy, NotInitialised, Place, SequenceConflict, SequenceGap
from replica.connections import connect
from replica.driver_errors import reduced

LOCK_CLASS = 3  # advisory locks of loading; the second number is the feed's place in FEEDS
KNOWN = 5_000  # numbers whose hashes are compared with files that lie at the vendor

Position = Literal["next", "applied", "superseded"]


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """What ``status`` and the monitor need to know of a feed; counts, never a person."""

    last_applied: int | None
    last_sha256: str | None
    last_applied_at: datetime | None
    last_verified_at: datetime | None
    withheld: int
    quarantined: int
    unverified: int


def overview(code: str, feed: str) -> FeedFacts:
    """Facts of a feed; ``quarantined`` counts rows that are not resolved, ``unverified`` batches loaded only."""
    with reduced("feed_state"), connect(code, "loader") as connection:
        state = connection.execute(
            "select last_applied, last_sha256, last_applied_at, last_verified_at from replica.feed_state where feed = %s",
            [feed],
        ).fetchone()
        counts = connection.execute(
            "select (select count(*) from replica.withheld where feed = %(feed)s),"
            " (select count(*) from replica.quarantine where feed = %(feed)s and resolved_at is null),"
            " (select count(*) from replica.batch where feed = %(feed)s and state = 'loaded')",
            {"feed": feed},
        ).fetchone()
    return FeedFacts(*(state or (None, None, None, None)), *(counts or (0, 0, 0)))


def last_applied(code: str, feed: str) -> int | None:
    """Number of the last applied file; ``None`` before the first full set."""
    with reduced("feed_state"), connect(code, "loader") as connection:
        return _last_applied(connection, feed)


def known_hashes(code: str, feed: str) -> dict[int, str]:
    """SHA-256 by number of the newest applied files (rejected ones may come again with other content)."""
    with reduced("batch"), connect(code, "loader") as connection:
        rows = connection.execute(
            "select sequence, sha256 from replica.batch where feed = %s and state <> 'rejected'"
            " order by sequence desc limit %s",
            [feed, KNOWN],
        ).fetchall()
    return dict(rows)


def record_rejection(manifest: Manifest) -> None:
    """Put a refused file into the ledger with its reason; what was applied before is never overwritten."""
    rejection = manifest.rejection or {"code": "batch_rejected", "text": ""}
    with reduced("batch"), connect(manifest.municipality, "loader") as connection:
        connection.execute(
            f"insert into replica.batch ({_FACTS}, state, rejection_code, rejection_text, rejected_at)"
            f" values ({_VALUES}, 'rejected', %(code)s, %(text)s, now())"
            " on conflict (feed, sequence, sha256) do update set rejection_code = excluded.rejection_code,"
            " rejection_text = excluded.rejection_text, rejected_at = now() where batch.state = 'rejected'",
            {**_facts(manifest), "code": rejection["code"], "text": rejection["text"]},
        )


def lock(connection: psycopg.Connection, feed: str) -> None:
    """Hold the feed until the transaction ends; ``LockBusy`` when another run has it."""
    row = connection.execute("select pg_try_advisory_xact_lock(%s, %s)", [LOCK_CLASS, FEEDS.index(feed)]).fetchone()
    if row != (True,):
        raise LockBusy("another run is loading this feed", Place(field=feed))


def position(connection: psycopg.Connection, manifest: Manifest) -> Position:
    """What this batch is to the replica: the next one, applied already, or overtaken by a later full set.

    Raises ``SequenceConflict``, ``SequenceGap`` or ``NotInitialised``.
    """
    last = _last_applied(connection, manifest.feed)
    place = Place(manifest.file)
    if last is None or manifest.sequence > last:
        if manifest.kind == "full":
            return "next"
        if last is None:
            raise NotInitialised("the first file must be a full set", place)
        if manifest.sequence != last + 1:
            raise SequenceGap(f"number {last + 1} is expected, this is {manifest.sequence}", place)
        return "next"
    known = connection.execute(
        "select sha256 from replica.batch where feed = %s and sequence = %s and state <> 'rejected'",
        [manifest.feed, manifest.sequence],
    ).fetchone()
    if known is None:
        return "superseded"
    if known[0] != manifest.sha256:
        raise SequenceConflict(f"number {manifest.sequence} has been applied with other content", place)
    return "applied"


def open_batch(connection: psycopg.Connection, manifest: Manifest) -> int:
    """A row in the ledger for a batch that is being applied; returns its id."""
    row = connection.execute(
        f"insert into replica.batch ({_FACTS}, state, loaded_at) values ({_VALUES}, 'loaded', now())"
        " on conflict (feed, sequence, sha256) do update set state = 'loaded', loaded_at = now(),"
        " rejection_code = null, rejection_text = null, rejected_at = null returning id",
        _facts(manifest),
    ).fetchone()
    return int(row[0]) if row else 0


def close_batch(connection: psycopg.Connection, manifest: Manifest, batch_id: int, counts: dict[str, int]) -> None:
    """Counts into the ledger, and the number and hash of what is applied now, in the transaction of the rows."""
    connection.execute(
        "update replica.batch set rows_written = %(written)s, rows_deleted = %(deleted)s,"
        " rows_quarantined = %(quarantined)s where id = %(id)s",
        {**counts, "id": batch_id},
    )
    connection.execute(
        "insert into replica.feed_state (feed, last_applied, last_sha256) values (%(feed)s, %(sequence)s, %(sha256)s)"
        " on conflict (feed) do update set last_applied = excluded.last_applied,"
        " last_sha256 = excluded.last_sha256, last_applied_at = now()",
        _facts(manifest),
    )


def mark_verified(connection: psycopg.Connection, manifest: Manifest) -> None:
    """The batch has been compared; removals that no unverified batch needs any more are forgotten."""
    facts = _facts(manifest)
    connection.execute(
        "update replica.batch set state = 'verified', verified_at = now()"
        " where feed = %(feed)s and sequence = %(sequence)s and sha256 = %(sha256)s",
        facts,
    )
    connection.execute("update replica.feed_state set last_verified_at = now() where feed = %(feed)s", facts)
    connection.execute(
        "delete from replica.removed where feed = %(feed)s and sequence < coalesce("
        "(select min(sequence) from replica.batch where feed = %(feed)s and state = 'loaded'), %(sequence)s + 1)",
        facts,
    )


def applied_batch(connection: psycopg.Connection, manifest: Manifest) -> tuple[int, int] | None:
    """Id and quarantined rows of an applied batch in the ledger; ``None`` when it never was applied."""
    row = connection.execute(
        "select id, rows_quarantined from replica.batch where feed = %(feed)s and sequence = %(sequence)s and sha256 = %(sha256)s"
        " and state <> 'rejected'",
        _facts(manifest),
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def applied_number(connection: psycopg.Connection, feed: str) -> int:
    """Number of the last applied file; 0 before the first."""
    return _last_applied(connection, feed) or 0


_FACTS = "feed, kind, sequence, sha256, file, rows, bytes, created_at, pulled_at"
_VALUES = ", ".join(f"%({name})s" for name in _FACTS.split(", "))


def _facts(manifest: Manifest) -> dict[str, object]:
    return {name: getattr(manifest, name) for name in _FACTS.split(", ")}


def _last_applied(connection: psycopg.Connection, feed: str) -> int | None:
    row = connection.execute("select last_applied from replica.feed_state where feed = %s", [feed]).fetchone()
    return int(row[0]) if row else None
