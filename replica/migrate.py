"""Bringing a replica database to a revision, up or down. Migrations are SQL files beside the revisions.

Run as the owner of the database; all steps of one call are one transaction, so half a migration can't stay behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from records.errors import ConfigurationError
from replica.connections import connect
from replica.driver_errors import reduced

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_SCHEMA = "public"  # alembic's own table must be there before our schemas are


def migrate(code: str, revision: str = "head") -> None:
    """Bring a municipality's database up or down to ``revision`` (``head``, ``base`` or a name)."""
    with owner(code) as connection:
        config = _config(connection)
        script = ScriptDirectory.from_config(config)
        if revision == "base" or _is_below(script, revision, current(connection)):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


def up_to_date(code: str) -> bool:
    """Whether the database is at the newest revision."""
    with owner(code) as connection:
        return current(connection) == ScriptDirectory.from_config(_config(connection)).get_current_head()


def current(connection: Connection) -> str | None:
    """The revision that a database is at."""
    return MigrationContext.configure(connection, opts={"version_table_schema": VERSION_SCHEMA}).get_current_revision()


@contextmanager
def owner(code: str) -> Iterator[Connection]:
    """A SQLAlchemy connection as the owner, in one transaction."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(code, "owner"), poolclass=NullPool)
    with reduced("migration"):
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.Error):
                raise error.orig from None
            raise


def run_sql(name: str) -> None:
    """Run a SQL file of the folder ``versions`` (called by the revisions)."""
    text = (MIGRATIONS / "versions" / name).read_text("utf-8")
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(text)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _is_below(script: ScriptDirectory, revision: str, now: str | None) -> bool:
    if now is None or revision == "head":
        return False
    target = script.get_revision(revision)
    if target is None:
        raise ConfigurationError("there is no such revision")
    below = {one.revision for one in script.iterate_revisions(now, "base")}
    return target.revision in below and target.revision != now
