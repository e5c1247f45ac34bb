"""Persistence (永続化): reads the register and keeps the life of a request, for one municipality.

Everything runs as the role ``issuer_<code>`` on a pool of its own, on the primary. Driver errors are reduced, because
PostgreSQL's texts quote rows. The statements stand in ``statements``.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from issuance_api import statements as sql
from issuance_api.concern import Concern
from issuance_api.facts import Card, Registration
from issuance_api.installed import installed
from issuance_api.model import Application, Certificate, State, Versions
from issuance_api.refusals import NodeOutdated
from issuance_api.service_hours import JST
from municipalities.registry import Municipality
from records.errors import UtsushiError
from records.records import IncomeTax, Resident, SealRegistration
from replica.connections import dsn
from replica.driver_errors import reduced

Row = dict[str, Any]
Connection = AsyncConnection[Row]
Raw = tuple[tuple[Row, ...], ...]

MOST_CONNECTIONS = 8
POOL_TIMEOUT_SECONDS = 5.0
SESSION = "-c statement_timeout=5s -c lock_timeout=3s -c idle_in_transaction_session_timeout=15s"


@dataclass(frozen=True, slots=True)
class RequestRow:
    """申請: one row of issuance.request, as far as the operations need it."""

    request_id: str
    content_sha256: str
    state: State
    result_code: str | None
    serial: str
    accepted_at: datetime
    pdf_sha256: str | None
    pages: int | None
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One consistent reading of the register for an application; ``raw`` tells later whether anything changed."""

    card: Card | None
    person: Resident | None
    household: tuple[Resident, ...]
    withheld: frozenset[tuple[str, str]]
    held: frozenset[str]
    seal: SealRegistration | None
    tax: IncomeTax | None
    registration: Registration | None
    register_held: bool
    verified_at: dict[str, datetime | None]
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate with what the row keeps about it."""

    certificate: Certificate
    digest: str
    versions: Versions
    rendered_at: datetime
    cipher: bytes | None = field(default=None, repr=False)

    def values(self) -> Row:
        """Parameters of the statements."""
        certificate, versions = self.certificate, self.versions
        return {
            "sha256": certificate.sha256,
            "pages": certificate.pages,
            "digest": self.digest,
            "form": versions.form,
            "font": versions.font,
            "rendered_at": self.rendered_at,
            "cipher": self.cipher,
        }


class Repository:
    """Requests and register of one municipality."""

    def __init__(
        self, pool: AsyncConnectionPool[Connection], node: str, installed: dict[str, str], unnamed: bool
    ) -> None:
        self._pool = pool
        self._unnamed = unnamed
        self.node = node
        self._installed = installed

    async def answers(self) -> bool:
        """Whether the database can be asked."""
        try:
            async with self.connection("answers") as connection:
                await connection.execute("select 1")
        except UtsushiError:
            return False
        return True

    async def accept(self, application: Application, at: datetime) -> tuple[RequestRow, bool]:
        """The request's row and whether it is new. The serial and the date of issue are fixed here."""
        values = {
            "request_id": application.request_id,
            "content_sha256": application.content_sha256(),
            "kind": application.kind.value,
            "options": Jsonb(_options(application)),
            "copies": application.copies,
            "card_serial": application.card_serial,
            "card_issuer": application.card_issuer_sha256,
            "store_code": application.store_code,
            "prefecture_code": application.prefecture_code,
            "node": self.node,
            "correlation_id": secrets.token_hex(16),
            "at": at,
            "on": at.astimezone(JST).date(),
        }
        async with self.connection("issuance.request") as connection:
            made = await (await connection.execute(sql.ACCEPT, values)).fetchone()
            found = made or await (await connection.execute(sql.REQUEST, values)).fetchone()
        if found is None:
            raise AssertionError("a row that could not be inserted must be there")
        return _request_row(found), made is not None

    async def take_over(self, request_id: str, *, idle: bool) -> bool:
        """Whether an unfinished request is ours now, because the node that had it lives no more.

        ``idle``: nobody else here works on it, so it is ours too if this node had it.
        """
        values = {"request_id": request_id, "node": self.node, "idle": idle}
        async with self.connection("issuance.request") as connection:
            return await (await connection.execute(sql.TAKE_OVER, values)).fetchone() is not None

    async def request(self, request_id: str) -> RequestRow | None:
        """One request, if there is such."""
        async with self.connection("issuance.request") as connection:
            found = await (await connection.execute(sql.REQUEST, {"request_id": request_id})).fetchone()
        return _request_row(found) if found else None

    async def read(self, application: Application) -> Reading:
        """Everything that the rules ask for, as of one instant."""
        async with self.connection("replica") as connection, connection.transaction():
            raw, feeds = await self._read(connection, application, sql.SNAPSHOT)
        return _reading(raw, feeds)

    async def eligible(
        self, request_id: str, reading: Reading, concern: Concern, age: int | None, at: datetime
    ) -> None:
        """The rules allowed it; from here on the row names the person. ``age`` in full years is for the statistics."""
        person = reading.person
        values = {
            "request_id": request_id,
            "at": at,
            "addressee_number": person.addressee_number if person else None,
            "household": person.household_number if person else None,
            "age": age,
            "node": self.node,
            **concern.values(),
        }
        async with self.connection("issuance.request") as connection, connection.transaction(), connection.pipeline():
            await connection.execute(sql.UNHURRIED)
            await connection.execute(sql.ELIGIBLE, values)

    async def send(
        self, row: RequestRow, application: Application, reading: Reading, concern: Concern, made: Made, at: datetime
    ) -> Reading | None:
        """Mark as sent, unless anything that the rules read has changed: then the new reading, and nothing is marked.

        Under the lock of every person concerned, in one transaction: after a committed hold there is no ``sent``.
        """
        values = {"request_id": row.request_id, "at": at, "node": self.node, **concern.values(), **made.values()}
        async with self.connection("issuance.request") as connection, connection.transaction():
            async with connection.pipeline():
                await connection.execute(sql.LOCK_KEYS, values)
                release = await connection.execute(sql.RELEASE)
                raw, feeds = await self._read(connection, application)
                current = {row["component"]: row["version"] for row in await release.fetchall()}
            if current != self._installed:
                raise NodeOutdated
            if raw != reading.raw:
                return _reading(raw, feeds)
            async with connection.pipeline():
                for statement in (sql.RENDERED, sql.CHECKED, *((sql.KEEP_RECORD,) if made.cipher else ())):
                    await connection.execute(statement, values)
                sent = await connection.execute(sql.SENT, values)
            if await sent.fetchone() is None:
                return _reading(raw, feeds)
        return None

    async def refuse(self, request_id: str, code: str, at: datetime) -> None:
        """A rule said no."""
        await self._end(sql.REFUSE, {"request_id": request_id, "code": code, "at": at, "node": self.node})

    async def fail(self, request_id: str, code: str, at: datetime) -> None:
        """Something went wrong before it was sent."""
        await self._end(sql.FAIL, {"request_id": request_id, "code": code, "at": at, "node": self.node})

    async def cancel(self, request_id: str, at: datetime) -> RequestRow | None:
        """End a request whatever it has come to: what was not sent never will be. The row as it is then."""
        await self._end(sql.CANCEL, {"request_id": request_id, "at": at})
        return await self.request(request_id)

    async def finish(self, request_id: str, state: State, code: str | None, at: datetime) -> RequestRow | None:
        """Note what the centre reported; only a sent request can be finished. The row as it is then."""
        await self._end(sql.FINISH, {"request_id": request_id, "state": state.value, "code": code, "at": at})
        return await self.request(request_id)

    async def _read(self, connection: Connection, application: Application, *before: str) -> tuple[Raw, list[Row]]:
        """All rows that the rules need, in one round trip, and the states of the feeds."""
        values = {
            "card": application.card_serial,
            "issuer": application.card_issuer_sha256,
            "unnamed": self._unnamed,
            "fiscal_year": application.fiscal_year,
        }
        async with connection.pipeline():
            for statement in before:
                await connection.execute(statement.encode())
            cursors = [await connection.execute(statement.encode(), values) for statement in sql.READ]
            feeds = await connection.execute(sql.FEEDS)
        return tuple([tuple(await one.fetchall()) for one in cursors]), await feeds.fetchall()

    async def _end(self, statement: str, values: Row) -> None:
        async with self.connection("issuance.request") as connection:
            await connection.execute(statement.encode(), values)

    @asynccontextmanager
    async def connection(self, what: str) -> AsyncIterator[Connection]:
        """A connection of the pool; ``what`` names the table for errors."""
        with reduced(what):
            async with self._pool.connection() as connection:
                yield connection


def issuer_conninfo(municipality: Municipality) -> str:
    """How to connect as the municipality's issuer, with limits on waiting."""
    return make_conninfo(dsn(municipality.code, "issuer"), options=SESSION)


@asynccontextmanager
async def open_repository(municipality: Municipality, node: str, unnamed: bool = True) -> AsyncIterator[Repository]:
    """The repository of one municipality with its pool; a database that is down is tried again when it is needed.

    ``node`` names this process; it stands in the rows that it works on. ``unnamed``: whether a card that was linked
    without its issuer serves a certificate whose issuer is known.
    """
    conninfo = issuer_conninfo(municipality)
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        conninfo,
        connection_class=AsyncConnection[Row],
        min_size=1,
        max_size=MOST_CONNECTIONS,
        timeout=POOL_TIMEOUT_SECONDS,
        open=False,
        kwargs={"autocommit": True, "row_factory": dict_row},
    )
    await pool.open(wait=False)
    try:
        yield Repository(pool, node, installed(municipality), unnamed)
    finally:
        await pool.close()


def _reading(raw: Raw, feeds: Sequence[Row]) -> Reading:
    cards, people, withheld, held, seals, taxes, registrations, held_registers = raw
    card = _card(cards[0]) if cards else None
    residents = [Resident.from_row(row) for row in people]
    own = card.addressee_number if card else None
    person = next((one for one in residents if one.addressee_number == own), None)
    return Reading(
        card=card,
        person=person,
        household=tuple(one for one in residents if one.resident_status == "1"),
        withheld=frozenset((row["feed"], row["addressee_number"]) for row in withheld),
        held=frozenset(row["addressee_number"] for row in held),
        seal=SealRegistration.from_row(seals[0]) if seals else None,
        tax=IncomeTax.from_row(taxes[0]) if taxes else None,
        registration=Registration(**registrations[0]) if registrations else None,
        register_held=bool(held_registers),
        verified_at={row["feed"]: row["last_verified_at"] for row in feeds},
        raw=raw,
    )


def _card(row: Row) -> Card:
    return Card(row["addressee_number"], row["status"], row["valid_from"], row["valid_until"])


def _options(application: Application) -> Row:
    return application.model_dump(mode="json", include={"members", "items", "fiscal_year"}) | {
        "items": sorted(application.items)
    }


def _request_row(row: Row) -> RequestRow:
    return RequestRow(
        request_id=row["request_id"],
        content_sha256=row["content_sha256"],
        state=State(row["state"]),
        result_code=row["result_code"],
        serial=f"{row['issued_on']:%Y%m%d}{row['serial_number']:08d}",
        accepted_at=row["accepted_at"],
        pdf_sha256=row["pdf_sha256"],
        pages=row["page_count"],
        correlation_id=row["correlation_id"] or "",
    )
