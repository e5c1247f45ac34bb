"""A replica on the real server per test module, emptied before each test, and short ways to run the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from municipalities.site import PostgresAddress, Site, write_site
from replica import admin
from replica.connections import connect
from services.postgres import PostgresServer
from tests.loaders.batches import CODE, write_batch

TABLES = ("resident", "seal", "tax", "feed_state", "quarantine", "withheld", "removed", "batch")


@pytest.fixture(scope="module")
def server(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The replica of one municipality in an installation of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UTSUSHI_HOME", str(tmp_path_factory.mktemp("home")))
        write_site(Site(PostgresAddress(postgres.host, postgres.port)))
        admin.create_database(postgres.superuser_dsn, CODE)
        yield postgres
        admin.drop_database(postgres.superuser_dsn, CODE)


@pytest.fixture
def replica(server: PostgresServer) -> PostgresServer:
    """The same, empty."""
    with connect(CODE, "owner") as connection:
        connection.execute("truncate " + ", ".join(f"replica.{name}" for name in TABLES))
    return server


@pytest.fixture
def validated(tmp_path: Path) -> Callable[..., Path]:
    """Make a batch of rows and take it through ``validate``."""
    from expectations.validate import validate

    def make(feed: str, kind: str, sequence: int, rows: Sequence[dict[str, Any]], **options: Any) -> Path:
        batch = write_batch(tmp_path, feed, kind, sequence, rows, **options)
        if rows or kind == "full":
            validate(batch)
        return batch

    return make


@pytest.fixture
def apply(replica: PostgresServer, validated: Callable[..., Path]) -> Callable[..., Path]:
    """Make a batch and take it through ``validate``, ``load`` and ``verify``."""
    from loaders.load import load
    from loaders.verify import verify

    def run(*arguments: Any, **options: Any) -> Path:
        batch = validated(*arguments, **options)
        load(batch)
        verify(batch)
        return batch

    return run


@pytest.fixture
def query(server: PostgresServer) -> Callable[..., list[Any]]:
    """Rows of a query; single columns as plain values."""

    def run(statement: str, *parameters: Any) -> list[Any]:
        with connect(CODE, "owner") as connection:
            rows = connection.execute(statement.encode(), parameters or None).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    return run
