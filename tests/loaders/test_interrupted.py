"""Loading that is disturbed: other runs, killed workers and backends, a database that is down (37, 38, 47, 48)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loaders import ledger
from loaders.load import load
from loaders.verify import verify
from records.batch import Manifest
from records.errors import DatabaseUnavailable, LockBusy
from replica.connections import connect
from services.postgres import PostgresServer
from tests.loaders.batches import CODE, row

Apply = Callable[..., Path]
Query = Callable[..., list[Any]]


def _residents(*numbers: int) -> list[dict[str, Any]]:
    return [row("resident", number) for number in numbers]


@pytest.mark.fault(48)
def test_two_runs_at_once(replica: PostgresServer, validated: Apply) -> None:
    """Fault 48: the second run of the same feed is turned away; another feed is not."""
    batch = validated("resident", "full", 1, _residents(1))
    seal = validated("seal", "full", 1, [row("seal", 1)])
    with connect(CODE, "loader") as other:
        ledger.lock(other, "resident")
        with pytest.raises(LockBusy):
            load(batch)
        load(seal)
    load(batch)
    verify(batch)


@pytest.mark.fault(48)
def test_a_load_during_verifying_waits_its_turn(
    replica: PostgresServer, validated: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 48: what another run would load meanwhile must not look like a register that is wrong."""
    load(full := validated("resident", "full", 1, _residents(1)))
    following = validated("resident", "diff", 2, _residents(2))
    original = ledger.applied_number

    def while_another_run_loads(connection: psycopg.Connection, feed: str) -> int:
        number = original(connection, feed)
        with pytest.raises(LockBusy):
            load(following)
        return number

    monkeypatch.setattr(ledger, "applied_number", while_another_run_loads)
    verify(full)
    monkeypatch.undo()
    load(following)
    verify(following)
    assert ledger.overview(CODE, "resident").unverified == 0


@pytest.mark.fault(38)
def test_killed_between_rows_and_ledger(
    replica: PostgresServer, validated: Apply, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 38: the backend dies after the rows and before the ledger; nothing is there, and a retry does it all."""
    batch = validated("resident", "full", 1, _residents(1, 2))
    original = ledger.close_batch

    def dying(connection: psycopg.Connection, *arguments: Any) -> None:
        assert connection.execute("select count(*) from replica.resident").fetchone() == (2,)
        with psycopg.connect(replica.superuser_dsn) as killer:
            killer.execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        original(connection, *arguments)

    monkeypatch.setattr(ledger, "close_batch", dying)
    with pytest.raises(DatabaseUnavailable):
        load(batch)
    monkeypatch.undo()
    assert query("select (select count(*) from replica.resident) + (select count(*) from replica.batch)") == [0]
    load(batch)
    verify(batch)


@pytest.mark.fault(38, 47)
@pytest.mark.parametrize("moment", ["copy_register", "close_batch", "committed"])
def test_a_worker_killed_at_any_moment(replica: PostgresServer, validated: Apply, query: Query, moment: str) -> None:
    """Faults 38 and 47: the process that loads is killed (-9); the lock goes with it, a retry finishes the batch."""
    batch = validated("resident", "full", 1, _residents(1, 2))
    child = os.fork()
    if child == 0:
        _load_and_die(batch, moment)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert Manifest.read(batch).state == "mapped"
    for _ in range(50):
        try:
            load(batch)
            break
        except LockBusy:
            continue
    verify(batch)
    assert query("select count(*) from replica.resident") == [2]
    assert query("select count(*) from replica.batch") == [1]


def _load_and_die(batch: Path, moment: str) -> None:
    from loaders import load as module

    def die(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "committed":
        Manifest.write = die  # type: ignore[method-assign]
    elif moment == "copy_register":
        module.staging.copy_register = die  # type: ignore[assignment]
    else:
        module.ledger.close_batch = die
    try:
        load(batch)
    finally:
        os._exit(1)


@pytest.mark.fault(37)
def test_a_database_that_is_down_is_told_and_passes(
    replica: PostgresServer, validated: Apply, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 37: down at start, and down in the middle of COPY; afterwards everything is applied once."""
    from loaders import staging
    from municipalities.site import PostgresAddress, Site, site, write_site

    batch = validated("resident", "full", 1, _residents(*range(1, 50)))
    right = site()
    write_site(Site(PostgresAddress("127.0.0.1", 1)))
    with pytest.raises(DatabaseUnavailable):
        load(batch)
    with pytest.raises(DatabaseUnavailable):
        ledger.overview(CODE, "resident")
    write_site(right)

    def failing(*arguments: Any) -> Any:
        yield from original(*arguments)
        replica.kill()

    original = staging.blocks
    monkeypatch.setattr(staging, "blocks", failing)
    with pytest.raises(DatabaseUnavailable):
        load(batch)
    monkeypatch.undo()
    replica.start()
    load(batch)
    verify(batch)
    assert query("select count(*) from replica.resident") == [49]
