"""Making and removing databases and roles: the only place that uses the superuser.

Everything can be repeated: what is there already is brought to the newest state (passwords, migrations, grants).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from municipalities.site import ensure_secret
from records.errors import ConfigurationError
from replica.connections import ROLES, connect, database_name, password_secret, role_name
from replica.driver_errors import reduced
from replica.grants import statements
from replica.migrate import migrate

CODE = re.compile(r"[0-9]{6}\Z")
OPEN_TO_ALL = ("postgres", "template1")
# Two that make or change databases and roles at once fail with "tuple concurrently updated": one after the other.
MAKING = 0x7574_7375  # advisory lock in the server's own database, where every superuser's DSN of ours leads
# Time zones and date styles of a session must not change what a row's content hash is made of.
ROLE_SETTINGS = {"timezone": "UTC", "datestyle": "ISO, YMD", "search_path": "pg_catalog"}


def create_database(server_dsn: str, code: str) -> None:
    """Make (or bring up to date) the database ``replica_<code>`` with its four roles, tables and grants.

    ``server_dsn`` is a superuser's. The roles' passwords are made as secrets where there are none yet.
    """
    if not CODE.match(code):
        raise ConfigurationError("a municipality's code has six digits")
    with _making(server_dsn, "create database") as server:
        for role in ROLES:
            ensure_role(server, role_name(code, role), ensure_secret(password_secret(code, role)))
        ensure_database(server, database_name(code), role_name(code, "owner"))
        for role in ROLES:
            _allow(server, database_name(code), role_name(code, role))
        migrate(code)
        apply_grants(code)


def apply_grants(code: str) -> None:
    """Set the privileges inside the database to what ``replica.grants`` lists, in one transaction."""
    names: dict[str, str] = {role: role_name(code, role) for role in ROLES}
    with reduced("grants"), connect(code, "owner") as connection:
        for statement in statements(names):
            connection.execute(statement.encode())


def create_service_database(server_dsn: str, name: str, role: str, password: str) -> None:
    """Make a database that is no replica (``airflow``, ``platform``), owned by ``role`` and closed to all others."""
    with _making(server_dsn, "create database") as server:
        ensure_role(server, role, password)
        ensure_database(server, name, role)
        server.execute(sql.SQL("alter role {} reset all").format(sql.Identifier(role)))


def drop_database(server_dsn: str, code: str) -> None:
    """Remove a municipality's database and roles, with everything in them; secrets stay."""
    with _making(server_dsn, "drop database") as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database_name(code))))
        for role in ROLES:
            server.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role_name(code, role))))


@contextmanager
def _making(server_dsn: str, what: str) -> Iterator[psycopg.Connection]:
    """A superuser's connection that nobody else has for this purpose meanwhile."""
    with reduced(what), psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute("select pg_advisory_lock(%s)", [MAKING])
        yield server


def ensure_role(server: psycopg.Connection, name: str, password: str) -> None:
    """A role that can log in and nothing else. The password leaves this process as a SCRAM verifier only."""
    verifier = server.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    there = server.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone()
    verb = sql.SQL("alter" if there else "create")
    statement = sql.SQL(
        "{} role {} login nosuperuser nocreatedb nocreaterole noinherit noreplication nobypassrls password {}"
    )
    server.execute(statement.format(verb, sql.Identifier(name), sql.Literal(verifier)))
    for setting, value in ROLE_SETTINGS.items():
        statement = sql.SQL("alter role {} set {} = {}")
        server.execute(statement.format(sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)))


def ensure_database(server: psycopg.Connection, name: str, owner: str) -> None:
    """A database of ``owner`` that nobody else may connect to; the server's own ones are closed to all as well."""
    if not server.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
        statement = sql.SQL("create database {} owner {} template template0 encoding 'UTF8'")
        server.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))
    for database in (name, *OPEN_TO_ALL):
        server.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))


def _allow(server: psycopg.Connection, database: str, role: str) -> None:
    """Connect, and temporary tables (the loader stages rows in one)."""
    server.execute(
        sql.SQL("grant connect, temporary on database {} to {}").format(sql.Identifier(database), sql.Identifier(role))
    )
