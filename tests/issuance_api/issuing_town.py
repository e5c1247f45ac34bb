"""A small town in a real replica: the fictional family, their cards, seal and tax, entered as the owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pypdfium2
from fictional_people import CODE, FAMILY, FATHER, MOTHER, SEAL, income_tax
from psycopg import sql

from issuance_api.service_hours import JST
from records.records import IncomeTax, Resident, SealRegistration
from replica.connections import connect

NOW = datetime(2026, 11, 24, 10, 15, tzinfo=JST)
CARD, MOTHERS_CARD = "CARD0000000000000001", "CARD0000000000000002"
TABLES = (
    "replica.resident", "replica.seal", "replica.tax", "replica.feed_state", "replica.withheld", "issuance.issue_log",
    "issuance.request", "staff.card", "staff.issuance_hold",
)  # fmt: skip


@contextmanager
def owner(code: str = CODE) -> Iterator[psycopg.Connection]:
    """A connection that may change everything."""
    with connect(code, "owner") as connection:
        connection.execute("set search_path to pg_catalog")
        yield connection


def fill(now: datetime, code: str = CODE) -> None:
    """Empty the town and enter the family anew; all feeds were verified a minute before ``now``."""
    with owner(code) as connection:
        connection.execute("truncate " + ", ".join(TABLES) + " cascade")
        for person in FAMILY:
            put(connection, "resident", person)
        put(connection, "seal", SEAL)
        put(connection, "tax", income_tax())
        for feed in ("resident", "seal", "tax"):
            connection.execute(
                "insert into replica.feed_state (feed, last_applied, last_sha256, last_verified_at)"
                " values (%s, 1, 'x', %s)",
                (feed, now - timedelta(minutes=1)),
            )
        for serial, person in ((CARD, FATHER), (MOTHERS_CARD, MOTHER)):
            connection.execute(
                "insert into staff.card (serial, addressee_number, status, valid_from) values (%s, %s, 'active', %s)",
                (serial, person.addressee_number, datetime(2020, 1, 1, tzinfo=UTC)),
            )


def put(connection: psycopg.Connection, table: str, one: Resident | SealRegistration | IncomeTax) -> None:
    """Insert or replace one record of a register."""
    row = one.to_row() | {"applied_sequence": 1, "applied_row": 1, "content_hash": b"test"}
    keys = ("addressee_number", "fiscal_year") if table == "tax" else ("addressee_number",)
    names = [sql.Identifier(name) for name in row]
    updates = [sql.SQL("{0} = excluded.{0}").format(name) for name in names]
    statement = sql.SQL("insert into replica.{} ({}) values ({}) on conflict ({}) do update set {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(names),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
        sql.SQL(", ").join(map(sql.Identifier, keys)),
        sql.SQL(", ").join(updates),
    )
    connection.execute(statement, list(row.values()))


def change(statement: str, *values: Any, code: str = CODE) -> None:
    """One statement as the owner, committed."""
    with owner(code) as connection:
        connection.execute(statement.encode(), values)


def states(request_id: str, code: str = CODE) -> list[str]:
    """The states that a request went through, as the log has them."""
    with owner(code) as connection:
        rows = connection.execute(
            "select state from issuance.issue_log where request_id = %s order by id", (request_id,)
        )
        return [row[0] for row in rows]


def text_of(pdf: bytes) -> str:
    """All text of a certificate without blanks."""
    document = pypdfium2.PdfDocument(pdf)
    return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
