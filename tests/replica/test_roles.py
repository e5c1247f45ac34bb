"""Every role tried at every database and every table, for real (faults 43 and 154)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from municipalities.site import secret
from records.errors import ConfigurationError, DatabaseError, DatabaseUnavailable
from replica import admin, grants
from replica.connections import ROLES, connect, dsn, password_secret, role_name
from services.postgres import PostgresServer

CODES = ("364894", "362999")
PAIRS = [(code, role) for code in CODES for role in ROLES]


def _databases(server: PostgresServer) -> list[str]:
    with psycopg.connect(server.superuser_dsn) as connection:
        return [name for (name,) in connection.execute("select datname from pg_database").fetchall()]


@pytest.mark.fault(43, 154)
@pytest.mark.clause("7(1)② logical split")
@pytest.mark.parametrize(("code", "role"), PAIRS)
def test_a_role_reaches_its_own_database_and_no_other(replicas: PostgresServer, code: str, role: str) -> None:
    admin.create_service_database(replicas.superuser_dsn, "airflow", "airflow", "secret")
    name, password = role_name(code, role), secret(password_secret(code, role))
    reached = []
    for database in _databases(replicas):
        try:
            psycopg.connect(replicas.dsn(database, name, password)).close()
        except psycopg.OperationalError:
            continue
        reached.append(database)
    assert reached == [f"replica_{code}"]


@pytest.mark.fault(154)
@pytest.mark.clause("7(1)② logical split")
@pytest.mark.parametrize("code", CODES)
def test_a_role_may_do_what_is_granted_and_nothing_else(replicas: PostgresServer, code: str) -> None:
    attempts = {
        "select": "select count(*) from {}",
        "insert": "insert into {} select * from {} where false",
        "update": "update {} set {} = null where false",
        "delete": "delete from {} where false",
        "truncate": "truncate {}",
    }
    for role in ("loader", "issuer", "console"):
        for table, granted in grants.GRANTS.items():
            allowed = {one.strip() for one in granted.get(role, "").split(",")}
            for privilege in attempts if table != "replica.household" else ("select",):
                assert _may(code, role, table, privilege) == (privilege in allowed), (role, table, privilege)


def _may(code: str, role: str, table: str, privilege: str) -> bool:
    with connect(code, "owner") as owner:
        column = owner.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum = 1", [table]
        ).fetchone()[0]
    statement = {
        "select": f"select 1 from {table} limit 0",
        "insert": f"insert into {table} ({column}) select null where false",
        "update": f"update {table} set {column} = null where false",
        "delete": f"delete from {table} where false",
        "truncate": f"truncate {table}",
    }[privilege]
    with connect(code, role) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return False
        except psycopg.errors.GeneratedAlways:
            return True  # the right to insert is there; the first column is numbered by the database
        finally:
            connection.rollback()
    return True


@pytest.mark.parametrize("role", ["loader", "issuer", "console"])
def test_a_role_makes_no_tables_and_becomes_nobody_else(replicas: PostgresServer, role: str) -> None:
    for statement in (
        "create table replica.mine (x int)",
        "create table public.mine (x int)",
        "create schema mine",
        "set role owner_364894",
        "set role postgres",
        "alter table replica.resident add column x int",
        "copy (select 1) to program 'cat'",
    ):
        with connect("364894", role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_making_a_database_again_keeps_rows_and_takes_back_what_is_not_listed(replicas: PostgresServer) -> None:
    with connect("364894", "owner") as connection:
        connection.execute("insert into replica.feed_state values ('tax', 7, 'x')")
        connection.execute("grant delete on replica.batch to issuer_364894")
    admin.create_database(replicas.superuser_dsn, "364894")
    assert not _may("364894", "issuer", "replica.batch", "delete")
    with connect("364894", "loader") as connection:
        assert connection.execute("select last_applied from replica.feed_state").fetchone() == (7,)


def test_databases_may_be_made_by_several_at_once(replicas: PostgresServer) -> None:
    """Every command makes sure of its database; together they used to fail with "tuple concurrently updated"."""
    with ThreadPoolExecutor(6) as pool:
        making = [pool.submit(admin.create_database, replicas.superuser_dsn, code) for code in CODES * 3]
        assert [one.result() for one in making] == [None] * 6


def test_a_wrong_password_and_a_dead_port_give_our_error_without_the_drivers_text(
    replicas: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = dsn("364894", "loader").replace("port=", "port=1 hostaddr=127.0.0.1 sslmode=disable #").split("#")[0]
    monkeypatch.setattr("replica.connections.dsn", lambda code, role: wrong)
    with pytest.raises(DatabaseUnavailable) as caught:
        connect("364894", "loader")
    assert caught.value.__context__ is None
    assert caught.value.transient


def test_unknown_roles_and_codes_are_refused(replicas: PostgresServer) -> None:
    with pytest.raises(ConfigurationError):
        dsn("364894", "postgres")
    with pytest.raises(ConfigurationError):
        admin.create_database(replicas.superuser_dsn, "36489'")


@pytest.mark.fault(101)
def test_driver_errors_lose_their_values(replicas: PostgresServer) -> None:
    from replica.driver_errors import reduced

    with pytest.raises(DatabaseError) as caught, reduced("resident"), connect("364894", "loader") as connection:
        connection.execute("insert into replica.withheld values ('resident', '目印', null, 'x')")
    assert str(caught.value) == "database: SQLSTATE 23502 (field withheld)"
    assert caught.value.__context__ is None
