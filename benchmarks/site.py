"""A site of its own for a benchmark: state folder, PostgreSQL, one municipality, and files of any number of residents.

A town of some thousand residents is invented once; larger files repeat its people under new numbers, because what is
measured is the way of a row, not the invention of names.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import Engine, create_engine

from extractors.exchange import FileName
from municipalities.registry import get
from municipalities.site import PostgresAddress, Site, write_site
from records import dictionary
from replica import admin
from replica.connections import connect, dsn
from services.postgres import PostgresServer, temporary_postgres
from simulators.vendors.files import Change, VendorFormat, head, seal
from simulators.vendors.vendor import place
from simulators.world import town

CODE = "364894"
PEOPLE = 2_000


class BenchmarkSite:
    """State folder ``home`` with a running database; files are made below ``home/in``."""

    def __init__(self, home: Path, server: PostgresServer) -> None:
        self.home = home
        self._server = server
        self._format = VendorFormat(get(CODE))
        self._records = [_Template(record) for record in self._people()]

    def full_set(self, rows: int) -> Path:
        """A folder that holds a full set of ``rows`` residents, number 1."""
        return self._folder(f"full-{rows}", "full", 1, (self._line(n, n, "1") for n in range(1, rows + 1)), rows)

    def difference(self, rows: int, sequence: int, changes: int) -> Path:
        """A folder that holds a difference of ``changes`` spread over a town of ``rows`` residents."""
        step = rows // changes
        lines = (self._line(n, (n * step + sequence) % rows + 1, "2") for n in range(1, changes + 1))
        return self._folder(f"diff-{rows}-{sequence}", "diff", sequence, lines, changes)

    def data_file(self, rows: int) -> Path:
        """The data file of ``full_set(rows)``."""
        return self.full_set(rows) / str(FileName(CODE, "resident", "full", 1))

    def empty_replica(self) -> None:
        """As after set-up: no rows, no ledger."""
        with connect(CODE, "owner") as connection:
            tables = connection.execute(
                "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'replica'"
            ).fetchall()
            names = ", ".join(name for (name,) in tables if not name.endswith("alembic_version"))
            connection.execute(f"truncate {names}".encode())
        self._checkpoint()

    def bare_copy(self) -> float:
        """Seconds for COPY of the loaded rows, as ready text, into an empty table just like theirs, until it is durable.

        Just like theirs: the same columns, primary key, index and constraints, logged and committed.
        """
        columns = ", ".join((*dictionary.columns("resident"), "applied_sequence", "applied_row", "content_hash"))
        text = self.home / "rows.copy"
        with connect(CODE, "owner") as connection:
            with (
                text.open("wb") as file,
                connection.cursor().copy(f"copy replica.resident ({columns}) to stdout".encode()) as out,
            ):
                for block in out:
                    file.write(block)
            connection.execute(b"drop table if exists replica.bare")
            connection.execute(b"create table replica.bare (like replica.resident including all)")
            connection.commit()
            self._checkpoint()
            seconds = _copy(connection, text, f"copy replica.bare ({columns}) from stdin")
            connection.execute(b"drop table replica.bare")
        return seconds

    def engine(self) -> Engine:
        """An SQLAlchemy engine for the peers."""
        return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn(CODE, "owner")))

    def analyse(self) -> None:
        """What autovacuum would have done by now after a large load."""
        with psycopg.connect(dsn(CODE, "owner"), autocommit=True) as connection:
            connection.execute(b"vacuum analyze replica.resident")
        self._checkpoint()

    def _checkpoint(self) -> None:
        with psycopg.connect(self._server.superuser_dsn, autocommit=True) as connection:
            connection.execute(b"checkpoint")

    def _people(self) -> list[bytes]:
        rows = town.build(get(CODE), 7, PEOPLE, belongings=False).records["resident"].values()
        return self._format.records("resident", (Change("1", row) for row in rows))

    def _line(self, row_number: int, person: int, operation: str) -> bytes:
        return self._records[person % len(self._records)].line(row_number, person, operation)

    def _folder(self, name: str, kind: str, sequence: int, lines: Iterable[bytes], count: int) -> Path:
        folder = self.home / "in" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            file_name = FileName(CODE, "resident", "full" if kind == "full" else "diff", sequence)
            layout = self._format.layout
            file = seal(layout, file_name, list(lines), head(layout, layout.feeds["resident"]), None)
            assert len(file.data) > count
            assert file.control is not None
            place(folder, str(file_name), file.data)
            place(folder, file_name.control, file.control)
        return folder


class _Template:
    """One invented person's CSV line, into which other numbers are put: operation, row, 宛名番号, 世帯番号."""

    def __init__(self, line: bytes) -> None:
        self._rest = line.split(b",", 4)[4]

    def line(self, row_number: int, person: int, operation: str) -> bytes:
        return b'"%s","%08d","%015d","%015d",' % (operation.encode(), row_number, person, person // 3 + 1) + self._rest


@contextmanager
def benchmark_site(folder: Path) -> Iterator[BenchmarkSite]:
    """A fresh site in ``folder``; the database ends with the block.

    It has the settings of a real installation: without fsync a COPY, and all that is measured beside it, would be
    cheaper than any municipality may have it.
    """
    home = folder / "home"
    home.mkdir(mode=0o700)
    before = os.environ.get("UTSUSHI_HOME")
    os.environ["UTSUSHI_HOME"] = str(home)
    try:
        with temporary_postgres(folder / "postgres", durable=True) as server:
            write_site(Site(PostgresAddress(server.host, server.port)))
            admin.create_database(server.superuser_dsn, CODE)
            yield BenchmarkSite(home, server)
    finally:
        if before is None:
            del os.environ["UTSUSHI_HOME"]
        else:
            os.environ["UTSUSHI_HOME"] = before


def _copy(connection: psycopg.Connection, text: Path, statement: str) -> float:
    """Seconds from the first byte to the commit."""
    start = time.perf_counter()
    with text.open("rb") as file, connection.cursor().copy(statement.encode()) as copy:
        while block := file.read(1 << 18):
            copy.write(block)
    connection.commit()
    return time.perf_counter() - start
