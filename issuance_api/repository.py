"""The one module with SQL (永続化): reads the register and keeps the life of a request, for one municipality.

Everything runs as the role ``issuer_<code>`` on a pool of its own, on the primary. Driver errors are reduced, because
PostgreSQL's texts quote rows. The database enforces the moves between states; here they are made.
"""

from __future__ import annotations

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

from issuance_api.eligibility import Card
from issuance_api.model import Application, Certificate, State, Versions
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

# Issuing and holding one person take this lock, each in the transaction that commits it: the second sees the first.
PERSON_LOCK = "select pg_advisory_xact_lock(hashtextextended('issue:' || %s, 0))"

SNAPSHOT = "set transaction isolation level repeatable read, read only"
UNHURRIED = "set local synchronous_commit = off"  # a step on the way: if it is lost, so is the request's progress

ACCEPT = """
insert into issuance.request
    (request_id, content_sha256, kind, options, card_serial, state, accepted_at, issued_on, serial_number)
values (%(request_id)s, %(content_sha256)s, %(kind)s, %(options)s, %(card_serial)s, 'accepted', %(at)s, %(on)s,
    nextval('issuance.issue_serial'))
on conflict (request_id) do nothing
returning *
"""
REQUEST = "select * from issuance.request where request_id = %(request_id)s"
ELIGIBLE = """
update issuance.request
set state = 'eligible', eligible_at = %(at)s, addressee_number = %(addressee_number)s, household_number = %(household)s
where request_id = %(request_id)s and state = 'accepted'
"""
RENDERED = """
update issuance.request
set state = 'rendered', rendered_at = %(rendered_at)s, pdf_sha256 = %(sha256)s, page_count = %(pages)s,
    record_sha256 = %(digest)s, form_version = %(form)s, font_version = %(font)s
where request_id = %(request_id)s and state = 'eligible'
"""
CHECKED = """
update issuance.request set state = 'checked', checked_at = %(at)s
where request_id = %(request_id)s and state = 'rendered'
"""
SENT = """
update issuance.request set state = 'sent', sent_at = %(at)s
where request_id = %(request_id)s and state in ('checked', 'sent')
returning state
"""
REFUSE = """
update issuance.request
set state = case state when 'accepted' then 'refused' else 'failed' end, result_code = %(code)s, finished_at = %(at)s
where request_id = %(request_id)s and state in ('accepted', 'eligible', 'rendered', 'checked')
"""
FAIL = """
update issuance.request set state = 'failed', result_code = %(code)s, finished_at = %(at)s
where request_id = %(request_id)s and state in ('accepted', 'eligible', 'rendered', 'checked')
"""
FINISH = """
update issuance.request set state = %(state)s, finished_at = %(at)s
where request_id = %(request_id)s and state = 'sent'
"""

CARD = "select addressee_number, status, valid_from, valid_until from staff.card where serial = %(card)s"
# The applicant, in whatever state, and the active members of the household.
PEOPLE = """
with applicant as (
    select r.addressee_number, r.household_number from replica.resident r
    join staff.card c using (addressee_number) where c.serial = %(card)s
)
select r.* from replica.resident r, applicant a
where r.addressee_number = a.addressee_number
   or (r.household_number = a.household_number and r.resident_status = '1')
order by r.addressee_number
"""
WITHHELD = f"""
with people as ({PEOPLE})
select w.feed, w.addressee_number from replica.withheld w
where w.addressee_number in (select addressee_number from people)
   or w.addressee_number = (select addressee_number from staff.card where serial = %(card)s)
order by 1, 2
"""  # noqa: S608 - two constants
# A hold on a 戸籍 stops everybody whose 本籍・筆頭者 it names: rather one too many than one too few.
HELD = f"""
with people as ({PEOPLE})
select p.addressee_number from people p
where exists (
    select from staff.issuance_hold h
    where h.lifted_at is null and (
        h.addressee_number = p.addressee_number
        or (h.registered_domicile = p.registered_domicile
            and (h.family_register_head is null or h.family_register_head = p.family_register_head)))
)
order by 1
"""  # noqa: S608 - two constants
SEAL = """
select s.* from replica.seal s join staff.card c using (addressee_number) where c.serial = %(card)s
"""
TAX = """
select t.* from replica.tax t join staff.card c using (addressee_number)
where c.serial = %(card)s and t.fiscal_year = %(fiscal_year)s
"""
FEEDS = "select feed, last_verified_at from replica.feed_state"
READ = (CARD, PEOPLE, WITHHELD, HELD, SEAL, TAX)


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
    verified_at: dict[str, datetime | None]
    raw: Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate with what the row keeps about it."""

    certificate: Certificate
    digest: str
    versions: Versions
    rendered_at: datetime

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
        }


class Repository:
    """Requests and register of one municipality."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

    async def answers(self) -> bool:
        """Whether the database can be asked."""
        try:
            async with self._connection("answers") as connection:
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
            "card_serial": application.card_serial,
            "at": at,
            "on": at.astimezone(JST).date(),
        }
        async with self._connection("issuance.request") as connection:
            made = await (await connection.execute(ACCEPT, values)).fetchone()
            found = made or await (await connection.execute(REQUEST, values)).fetchone()
        if found is None:
            raise AssertionError("a row that could not be inserted must be there")
        return _request_row(found), made is not None

    async def request(self, request_id: str) -> RequestRow | None:
        """One request, if there is such."""
        async with self._connection("issuance.request") as connection:
            found = await (await connection.execute(REQUEST, {"request_id": request_id})).fetchone()
        return _request_row(found) if found else None

    async def read(self, application: Application) -> Reading:
        """Everything that the rules ask for, as of one instant."""
        async with self._connection("replica") as connection, connection.transaction():
            raw, feeds = await _read(connection, application, SNAPSHOT)
        return _reading(raw, feeds)

    async def eligible(self, request_id: str, reading: Reading, at: datetime) -> None:
        """The rules allowed it; from here on the row names the person."""
        person = reading.person
        values = {
            "request_id": request_id,
            "at": at,
            "addressee_number": person.addressee_number if person else None,
            "household": person.household_number if person else None,
        }
        async with self._connection("issuance.request") as connection, connection.transaction(), connection.pipeline():
            await connection.execute(UNHURRIED)
            await connection.execute(ELIGIBLE, values)

    async def send(
        self, row: RequestRow, application: Application, reading: Reading, made: Made, at: datetime
    ) -> Reading | None:
        """Mark as sent, unless anything that the rules read has changed: then the new reading, and nothing is marked.

        Under the lock of every person concerned, in one transaction: after a committed hold there is no ``sent``.
        """
        values = {"request_id": row.request_id, "at": at, **made.values()}
        async with self._connection("issuance.request") as connection, connection.transaction():
            async with connection.pipeline():
                for person in _people(reading):
                    await connection.execute(PERSON_LOCK, (person,))
                raw, feeds = await _read(connection, application)
            if raw != reading.raw:
                return _reading(raw, feeds)
            async with connection.pipeline():
                for statement in (RENDERED, CHECKED):
                    await connection.execute(statement, values)
                sent = await connection.execute(SENT, values)
            if await sent.fetchone() is None:
                return _reading(raw, feeds)
        return None

    async def refuse(self, request_id: str, code: str, at: datetime) -> None:
        """A rule said no."""
        await self._end(REFUSE, {"request_id": request_id, "code": code, "at": at})

    async def fail(self, request_id: str, code: str, at: datetime) -> None:
        """Something went wrong before it was sent."""
        await self._end(FAIL, {"request_id": request_id, "code": code, "at": at})

    async def finish(self, request_id: str, state: State, at: datetime) -> RequestRow | None:
        """Note what the centre reported; only a sent request can be finished. The row as it is then."""
        await self._end(FINISH, {"request_id": request_id, "state": state.value, "at": at})
        return await self.request(request_id)

    async def _end(self, statement: str, values: Row) -> None:
        async with self._connection("issuance.request") as connection:
            await connection.execute(statement.encode(), values)

    @asynccontextmanager
    async def _connection(self, what: str) -> AsyncIterator[Connection]:
        with reduced(what):
            async with self._pool.connection() as connection:
                yield connection


@asynccontextmanager
async def open_repository(municipality: Municipality) -> AsyncIterator[Repository]:
    """The repository of one municipality with its pool; a database that is down is tried again when it is needed."""
    conninfo = make_conninfo(dsn(municipality.code, "issuer"), options=SESSION)
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
        yield Repository(pool)
    finally:
        await pool.close()


async def _read(connection: Connection, application: Application, *before: str) -> tuple[Raw, list[Row]]:
    """All rows that the rules need, in one round trip, and the states of the feeds."""
    values = {"card": application.card_serial, "fiscal_year": application.fiscal_year}
    async with connection.pipeline():
        for statement in before:
            await connection.execute(statement.encode())
        cursors = [await connection.execute(statement.encode(), values) for statement in READ]
        feeds = await connection.execute(FEEDS)
    return tuple([tuple(await one.fetchall()) for one in cursors]), await feeds.fetchall()


def _reading(raw: Raw, feeds: Sequence[Row]) -> Reading:
    cards, people, withheld, held, seals, taxes = raw
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
        verified_at={row["feed"]: row["last_verified_at"] for row in feeds},
        raw=raw,
    )


def _people(reading: Reading) -> list[str]:
    """宛名番号 of everybody read, in one order for all, so that locks can't cross."""
    people = {one.addressee_number for one in (*reading.household, *((reading.person,) if reading.person else ()))}
    return sorted(people)


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
    )
