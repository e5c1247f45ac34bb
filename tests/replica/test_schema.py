"""Schema, migrations, dictionary and grants say the same, compared both ways on real databases."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from records.batch import FEEDS
from records.dictionary import columns, items, record_names
from records.errors import DatabaseError
from replica import grants
from replica.connections import connect, dsn
from replica.migrate import VERSION_SCHEMA, migrate, owner, up_to_date
from replica.routines import HOUSEHOLD_COLUMNS
from replica.schema import metadata
from replica.tables import REGISTERS, SYSTEM_COLUMNS
from services.postgres import PostgresServer

CODE = "364894"


def _dump(pg_dump: Path, dsn: str) -> str:
    """The schema as pg_dump writes it, without alembic's own table, owners and the file's random key."""
    command = [pg_dump, "--schema-only", "--no-owner", "--no-acl", "--exclude-table=public.alembic_version", "-d", dsn]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return "\n".join(line for line in text.splitlines() if not line.startswith("\\"))


@pytest.fixture(scope="module")
def from_metadata(replicas: PostgresServer) -> str:
    """Connection string of a database that ``create_all`` made."""
    with psycopg.connect(replicas.superuser_dsn, autocommit=True) as server:
        server.execute("create database from_metadata template template0")
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn_), poolclass=NullPool)
    dsn_ = replicas.dsn("from_metadata")
    metadata.create_all(engine)
    return dsn_


def test_migrated_and_declared_schema_are_the_same_text(
    replicas: PostgresServer, from_metadata: str, pg_dump: Path
) -> None:
    declared, migrated = (_dump(pg_dump, one) for one in (from_metadata, dsn(CODE, "owner")))
    assert "CREATE TABLE replica.resident" in declared
    assert "COMMENT ON COLUMN replica.resident.name IS '氏名'" in declared
    assert migrated == declared


def test_alembic_sees_no_difference(replicas: PostgresServer) -> None:
    with owner(CODE) as connection:
        options = {
            "include_schemas": True,
            "compare_type": True,
            "compare_server_default": True,
            "version_table_schema": VERSION_SCHEMA,
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


@pytest.mark.clause("7(2)②")
def test_migrations_go_down_and_up_again(replicas: PostgresServer, from_metadata: str, pg_dump: Path) -> None:
    code = "362999"
    migrate(code, "base")
    with connect(code, "owner") as connection:
        left = connection.execute(
            "select n.nspname from pg_namespace n where n.nspname in ('replica', 'issuance', 'staff')"
        ).fetchall()
        assert left == []
    assert not up_to_date(code)
    there = [f"{number:04d}" for number in range(1, 10)]
    for revision in (*there, *reversed(there[:-1]), "head"):
        migrate(code, revision)
    assert up_to_date(code)
    assert _dump(pg_dump, dsn(code, "owner")) == _dump(pg_dump, from_metadata)


@pytest.mark.fault(44)
def test_a_migration_that_fails_leaves_nothing_behind(
    replicas: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 44: the second of three revisions breaks; the database stays where it was."""
    from replica import migrate as module

    code = "362999"
    migrate(code, "base")
    original = module.run_sql

    def breaking(name: str) -> None:
        original(name)
        if name.startswith("0002"):
            module.op.get_bind().exec_driver_sql("select 1/0")

    monkeypatch.setattr("replica.migrate.run_sql", breaking)
    with pytest.raises(DatabaseError, match="22012"):
        migrate(code)
    monkeypatch.undo()
    with connect(code, "owner") as connection:
        assert connection.execute("select to_regnamespace('replica')").fetchone() == (None,)
    migrate(code)


def test_dictionary_and_registers_are_the_same_columns() -> None:
    assert set(REGISTERS) == set(record_names()) == set(FEEDS)
    for record, table in REGISTERS.items():
        assert tuple(table.c.keys()) == columns(record) + SYSTEM_COLUMNS
        assert {column.name for column in table.primary_key} == {one.key for one in items(record) if one.is_key}
        mandatory = {one.key if one.type != "date" else one.text_column for one in items(record) if one.mandatory}
        not_null = {column.name for column in table.c if not column.nullable} - set(SYSTEM_COLUMNS)
        assert mandatory <= not_null
        assert not_null - mandatory == {
            one.certainty_column for one in items(record) if one.mandatory and one.type == "date"
        }


@pytest.mark.parametrize("code", ["364894", "362999"])
def test_every_column_carries_its_japanese_name(replicas: PostgresServer, code: str) -> None:
    with connect(code, "owner") as connection:
        rows = connection.execute(
            "select c.relname, a.attname, col_description(c.oid, a.attnum) from pg_class c"
            " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
            " where c.relnamespace::regnamespace::text in ('replica', 'issuance', 'staff') and c.relkind in ('r', 'v')"
        ).fetchall()
    comments = {(table, column): comment for table, column, comment in rows}
    assert len(comments) > 200
    assert {where for where, comment in comments.items() if not comment or comment.isascii()} == set()
    for record in FEEDS:
        for item in items(record):
            assert comments[record, item.columns[0]] == item.japanese_name
    assert {name for table, name in comments if table == "household"} == set(HOUSEHOLD_COLUMNS)


def test_every_table_is_in_the_grants_and_every_grant_has_a_table() -> None:
    tables = {f"{table.schema}.{table.name}" for table in metadata.tables.values()}
    assert set(grants.GRANTS) == tables | {"replica.household"}
