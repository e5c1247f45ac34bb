"""The installation's PostgreSQL with everything that must be in it: replica databases, and Airflow's own.

Starting the server is ``services.postgres``'s work, making databases ``replica.admin``'s; here both are put together.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

from municipalities.registry import all_codes
from municipalities.site import CHECKOUT, PostgresAddress, Site, change_site, ensure_secret, home, site
from records.errors import ConfigurationError, UtsushiError
from replica import admin
from services.airflow_environment import DATABASE
from services.postgres import HOST, PostgresServer, site_server

USERS = "users"  # locked, shared, by everybody who needs the server; by one alone to stop it
FOR_COMMANDS = "for_commands"  # there while the server runs for commands only


class Database:
    """The server while the supervisor has it: commands that use it meanwhile leave it running."""

    def __init__(self) -> None:
        self.server: PostgresServer = site_server()
        self.server.dies_with_us = True
        self._use: IO[str] | None = None

    def start(self) -> None:
        """Start the server unless it runs, and record its address in ``site.toml``."""
        if self._use is None:
            self._use = _use(self.server)
        (self.server.folder / FOR_COMMANDS).unlink(missing_ok=True)
        _start(self.server)


@contextmanager
def database_ready(code: str) -> Iterator[None]:
    """The server with the replica database of one municipality, for a command that needs no other service.

    A server that runs for commands only is stopped by the last of them to end. One on another host (a site in
    containers) is taken as it is: ``services.prepare`` has made its databases.
    """
    if _site().postgres.host != HOST:
        yield
        return
    server = site_server()
    use = _use(server)
    try:
        if not server.running():
            (server.folder / FOR_COMMANDS).touch()
        _start(server)
        admin.create_database(server.superuser_dsn, code)
        yield
    finally:
        _leave(server, use)


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


def publish_release() -> str:
    """Make what is installed here current for every municipality; what failed, or an empty text.

    A process of its own: only the issuing knows its versions, and it is not imported here.
    """
    command = [sys.executable, "-m", "issuance_api.release"]
    environment = {**os.environ, "UTSUSHI_HOME": str(home()), "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def prepare_airflow(superuser_dsn: str, password: str | None = None) -> None:
    """Make the role and the database of Airflow's metadata where they are missing."""
    secret = password if password is not None else ensure_secret(f"{DATABASE}.password")
    admin.create_service_database(superuser_dsn, DATABASE, DATABASE, secret)


def _site() -> Site:
    try:
        return site()
    except ConfigurationError:
        return Site()


def _start(server: PostgresServer) -> None:
    """Start it unless it runs, and record its address."""
    server.start()
    change_site(lambda old: replace(old, postgres=PostgresAddress(server.host, server.port)))


def _use(server: PostgresServer) -> IO[str]:
    """Tell others that the server is needed, until the file is closed or the process ends, however it ends."""
    server.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (server.folder / USERS).open("w")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _leave(server: PostgresServer, use: IO[str]) -> None:
    """Stop a server of commands if nobody else needs it; whoever comes now waits, and starts it again."""
    with use:
        try:
            fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        mark = server.folder / FOR_COMMANDS
        if mark.exists():
            server.stop()
            mark.unlink()
