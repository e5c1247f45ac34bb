"""What a difference costs does not depend on the size of the town: no register is ever read as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from records.batch import FEEDS
from replica.connections import connect
from replica.content import sql_hash
from replica.tables import REGISTERS
from services.postgres import PostgresServer
from tests.loaders.batches import CODE, delete, row

ROWS = 60_000


def _fill(feed: str) -> None:
    """A big register without going through files: one good row, multiplied by the database."""
    names = REGISTERS[feed].c.keys()
    copied = ", ".join("lpad(n::text, 15, '0')" if name == "addressee_number" else f"r.{name}" for name in names)
    with connect(CODE, "owner") as connection:
        connection.execute(
            f"insert into replica.{feed} select {copied} from replica.{feed} r, generate_series(1000, {ROWS}) n"
        )
        connection.execute(f"update replica.{feed} r set content_hash = {sql_hash(feed, 'r')}")
        connection.execute(f"analyze replica.{feed}")


def _rows_read_by_scanning(server: PostgresServer) -> dict[str, int]:
    with connect(CODE, "owner") as connection:
        connection.execute("select pg_stat_force_next_flush()")
        rows = connection.execute(
            "select relname, seq_tup_read from pg_stat_user_tables where schemaname = 'replica' and relname = any(%s)",
            [list(FEEDS)],
        ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_difference_reads_only_its_own_records(
    replica: PostgresServer, apply: Callable[..., Path], feed: str
) -> None:
    apply(feed, "full", 1, [row(feed, 1)])
    _fill(feed)
    before = _rows_read_by_scanning(replica)
    changes: list[dict[str, Any]] = [row(feed, number, operation="2") for number in range(1000, 1090)]
    apply(feed, "diff", 2, [*changes, *(delete(feed, number) for number in range(2000, 2010))])
    assert _rows_read_by_scanning(replica) == before
