"""Replica databases on the real server: made once per test process, emptied or remade by who needs that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from municipalities.site import PostgresAddress, Site, write_site
from replica import admin
from services.postgres import PostgresServer

CODE, OTHER = "364894", "362999"


@pytest.fixture(scope="module")
def replicas(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Two municipalities' databases, in an installation of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UTSUSHI_HOME", str(tmp_path_factory.mktemp("home")))
        write_site(Site(PostgresAddress(postgres.host, postgres.port)))
        for code in (CODE, OTHER):
            admin.create_database(postgres.superuser_dsn, code)
        yield postgres
        for code in (CODE, OTHER):
            admin.drop_database(postgres.superuser_dsn, code)


@pytest.fixture
def pg_dump() -> Path:
    """The program that writes a schema down."""
    from services.postgres import binaries

    return binaries() / "pg_dump"
