"""A site of its own for the steps: state folder, real PostgreSQL, replica databases, a vendor that writes into a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from municipalities.registry import get
from municipalities.site import PostgresAddress, Site, write_site
from records.batch import FEEDS
from simulators.vendors.vendor import Vendor
from simulators.world import town

CODES = ("364894", "362999", "364991")


@pytest.fixture(scope="module")
def site_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One state folder for a module's tests."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UTSUSHI_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def replicas(site_home: Path, postgres: Any) -> Path:
    """Replica databases of all three municipalities."""
    from replica import admin

    write_site(Site(PostgresAddress(postgres.host, postgres.port)))
    for code in CODES:
        admin.create_database(postgres.superuser_dsn, code)
    return site_home


@pytest.fixture
def new_vendor(replicas: Path, tmp_path: Path) -> Callable[..., Vendor]:
    """A vendor with a small town, after emptying that municipality's replica and batches."""

    def make(code: str, size: int = 30, seed: int = 1) -> Vendor:
        empty(code, replicas)
        return Vendor(town.build(get(code), seed, size), tmp_path / f"vendor-{code}-{seed}")

    return make


def empty(code: str, home: Path) -> None:
    """As after set-up."""
    import shutil

    from replica.connections import connect

    with connect(code, "owner") as connection:
        rows = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('replica', 'issuance', 'staff')"
        ).fetchall()
        names = ", ".join(name for (name,) in rows if "alembic" not in name)
        connection.execute(f"truncate {names} cascade".encode())
    shutil.rmtree(home / "batches" / code, ignore_errors=True)
    shutil.rmtree(home / "reports" / code, ignore_errors=True)


def stored(code: str, feed: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The replica's rows by key, with the dictionary's columns."""
    from psycopg.rows import dict_row

    from records.dictionary import columns
    from replica.connections import connect
    from simulators.world.town import key_of

    with connect(code, "console") as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"select {', '.join(columns(feed))} from replica.{feed}".encode())
        rows = [{key: bytes(one) if isinstance(one, memoryview) else one for key, one in row.items()} for row in cursor]
    return {key_of(feed, row): row for row in rows}


def last_applied(code: str, feed: str) -> int | None:
    from loaders import ledger

    return ledger.last_applied(code, feed)


ALL_FEEDS = FEEDS
