"""The installation's PostgreSQL with everything that must be in it: replica databases, and Airflow's own.

Starting the server is ``services.postgres``'s work and making replicas ``replica.admin``'s; here they are put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psycopg
from psycopg import sql

from municipalities.registry import all_codes
from municipalities.site import PostgresAddress, Site, ensure_secret, site, write_site
from records.errors import ConfigurationError
from services import airflow_environment
from services.postgres import PostgresServer, site_server


class Database:
    """The server while the supervisor has it."""

    def __init__(self) -> None:
        self.server: PostgresServer = site_server()
        self.server.dies_with_us = True

    @property
    def host(self) -> str:
        """Where it listens."""
        return self.server.host

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def start(self) -> None:
        """Start the server unless it runs, and record its address in ``site.toml``."""
        self.server.start()
        write_site(replace(_site(), postgres=PostgresAddress(self.server.host, self.server.port)))

    def running(self) -> bool:
        """Whether it takes connections."""
        return self.server.running()

    def prepare(self) -> None:
        """Make or migrate all databases."""
        prepare_replicas(self.server.superuser_dsn, all_codes())
        prepare_airflow(self.server.superuser_dsn, ensure_secret(f"{airflow_environment.DATABASE}.password"))

    def stop(self) -> None:
        """End the server."""
        self.server.stop()


@contextmanager
def database_ready(code: str) -> Iterator[None]:
    """The server with the replica database of one municipality, for a command that needs no other service.

    A server that was not running before ends with the block.
    """
    database = Database()
    was_running = database.running()
    database.start()
    try:
        prepare_replicas(database.server.superuser_dsn, [code])
        yield
    finally:
        if not was_running:
            database.stop()


def prepare_replicas(superuser_dsn: str, codes: Sequence[str]) -> None:
    """Make or migrate the replica databases of ``codes``."""
    from replica import admin

    for code in codes:
        admin.ensure_replica(superuser_dsn, code)


def prepare_airflow(superuser_dsn: str, role_password: str) -> None:
    """Make the role and the database of Airflow's metadata where they are missing; only that role may connect."""
    name = sql.Identifier(airflow_environment.DATABASE)
    password = sql.Literal(role_password)
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s"):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s"):
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
        connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))


def _exists(connection: psycopg.Connection, query: str) -> bool:
    return connection.execute(query.encode(), (airflow_environment.DATABASE,)).fetchone() is not None


def _site() -> Site:
    try:
        return site()
    except ConfigurationError:
        return Site()
