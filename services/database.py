"""The installation's PostgreSQL with everything that must be in it: replica databases, and Airflow's own.

Starting the server is ``services.postgres``'s work, making databases ``replica.admin``'s; here both are put together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from municipalities.registry import all_codes
from municipalities.site import PostgresAddress, Site, ensure_secret, site, write_site
from records.errors import ConfigurationError, UtsushiError
from replica import admin
from services.airflow_environment import DATABASE
from services.postgres import PostgresServer, site_server


class Database:
    """The server while the supervisor, or one command, has it."""

    def __init__(self) -> None:
        self.server: PostgresServer = site_server()
        self.server.dies_with_us = True

    def start(self) -> None:
        """Start the server unless it runs, and record its address in ``site.toml``."""
        self.server.start()
        write_site(replace(_site(), postgres=PostgresAddress(self.server.host, self.server.port)))


@contextmanager
def database_ready(code: str) -> Iterator[None]:
    """The server with the replica database of one municipality, for a command that needs no other service.

    A server that was not running before ends with the block.
    """
    database = Database()
    was_running = database.server.running()
    database.start()
    try:
        admin.create_database(database.server.superuser_dsn, code)
        yield
    finally:
        if not was_running:
            database.server.stop()


def prepare_replicas(superuser_dsn: str) -> list[str]:
    """Make or migrate the replica database of every municipality; returns what failed.

    One town's failure does not stop the others: its own feeds turn red.
    """
    failures = []
    for code in all_codes():
        try:
            admin.create_database(superuser_dsn, code)
        except UtsushiError as error:
            failures.append(f"replica of {code}: {error}")
    return failures


def prepare_airflow(superuser_dsn: str, password: str | None = None) -> None:
    """Make the role and the database of Airflow's metadata where they are missing."""
    secret = password if password is not None else ensure_secret(f"{DATABASE}.password")
    admin.create_service_database(superuser_dsn, DATABASE, DATABASE, secret)


def _site() -> Site:
    try:
        return site()
    except ConfigurationError:
        return Site()
