"""A storm over one town: two nodes issue while staff hold, suspend and stop, and a loader changes the register.

Beside the product runs a journal of the test's own: a row for every ``sent`` and every change, in the transaction that
makes it. PostgreSQL's commit timestamps put the rows into the order of the commits, whatever locks there are or are
not; ``judge`` goes through them with a model of what may be sent.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import httpx
from fictional_people import CHILD, CODE, FATHER, MOTHER
from issuing_town import CARD, MOTHERS_CARD, NOW, fill, owner, put, text_of
from starlette.testclient import TestClient

from issuance_api.koseki.order import Extract, Order
from issuance_api.model import Kind
from records.records import Resident
from replica import cards, holds, registrations
from replica.connections import connect
from replica.desk import Act

SINGLE = replace(
    FATHER,
    addressee_number="000000000000201",
    household_number="000000000006001",
    name="見本　太郎",
    householder_name="見本　太郎",
    family_register_head="見本　太郎",
    registered_domicile="徳島県三好郡東みよし町加茂3360番地",
)
SINGLES_CARD, OUTSIDERS_CARD = "CARD0000000000000003", "CARD0000000000000004"
HOME = (FATHER.registered_domicile, FATHER.family_register_head)
SINGLES_HOME = (SINGLE.registered_domicile, SINGLE.family_register_head)
OUTSIDERS_HOME = ("徳島県三好郡東みよし町足代1番地", "見本　三郎")
FLAT = re.compile(r"コーポ見本(\d+)号")
WIDEN_SECONDS = 0.02  # between marking as sent and the commit: time for others to go wrong in
ACT = Act("storm", "test")


@dataclass(frozen=True)
class Wish:
    """What is asked for, and whom and which 戸籍 it concerns by the requirements, not by the program."""

    card: str
    kind: Kind
    people: tuple[Resident, ...]
    registers: tuple[tuple[str | None, str | None], ...]
    members: tuple[Resident, ...] | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        """The application."""
        more = {"members": [one.addressee_number for one in self.members]} if self.members else {}
        return {"request_id": request_id, "kind": self.kind.value, "card_serial": self.card, **more}


WISHES = (
    Wish(CARD, Kind.RESIDENT_RECORD, (FATHER, MOTHER, CHILD), (HOME,)),
    Wish(CARD, Kind.RESIDENT_RECORD, (FATHER,), (HOME,), (FATHER,)),
    Wish(CARD, Kind.SEAL_REGISTRATION, (FATHER,), (HOME,)),
    Wish(MOTHERS_CARD, Kind.RECORD_ITEM, (MOTHER, CHILD), (HOME,), (MOTHER, CHILD)),
    Wish(SINGLES_CARD, Kind.RESIDENT_RECORD, (SINGLE,), (SINGLES_HOME,)),
    Wish(CARD, Kind.FAMILY_REGISTER_ALL, (FATHER,), (HOME,)),
    Wish(OUTSIDERS_CARD, Kind.FAMILY_REGISTER_ALL, (), (OUTSIDERS_HOME,)),
)

JOURNAL = f"""
create schema journal;
create table journal.event (id bigint generated always as identity, kind text, key text, content jsonb);
create function journal.note() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into journal.event (kind, key, content) values (tg_argv[0], to_jsonb(new) ->> tg_argv[1], to_jsonb(new));
    if tg_argv[0] = 'sent' then
        perform pg_sleep({WIDEN_SECONDS});
    end if;
    return null;
end
$$;
create trigger journal_sent after update on issuance.request for each row
    when (new.state = 'sent' and new.sent_at is distinct from old.sent_at)
    execute function journal.note('sent', 'request_id');
create trigger journal_hold after insert or update on staff.issuance_hold for each row
    execute function journal.note('hold', 'id');
create trigger journal_card after insert or update on staff.card for each row
    execute function journal.note('card', 'serial');
create trigger journal_registration after insert or update on staff.registration for each row
    execute function journal.note('registration', 'card_serial');
create trigger journal_resident after insert or update on replica.resident for each row
    execute function journal.note('resident', 'addressee_number');
"""
ORDER = """
select kind, key, content from journal.event order by pg_xact_commit_timestamp(xmin), id
"""


class Koseki:
    """A 戸籍 system that answers at once, with bytes of the order's own."""

    async def fetch(self, order: Order, deadline_seconds: float) -> Extract:
        """Always the same for the same order."""
        pdf = f"%PDF {order.request_id} {order.correlation_id}".encode()
        return Extract(pdf, 1, hashlib.sha256(pdf).hexdigest(), NOW)


def clock() -> Callable[[], datetime]:
    """From ``NOW`` on, as fast as real time."""
    start = monotonic()
    return lambda: NOW + timedelta(seconds=monotonic() - start)


def settle() -> None:
    """The family, a single person, and somebody registered who lives elsewhere; the journal begins."""
    fill(NOW)
    with owner() as connection:
        connection.execute("truncate staff.registration")
        put(connection, "resident", SINGLE)
        connection.execute(
            "insert into staff.card (serial, addressee_number, status, valid_from) values (%s, %s, 'active', '2020-01-01')",
            (SINGLES_CARD, SINGLE.addressee_number),
        )
        connection.execute(
            "insert into staff.registration (request_id, content_sha256, card_serial, medium, name, birth_on, address,"
            " registered_domicile, family_register_head, channel, state)"
            " values ('registration-1', 'h', %s, 'card', '見本　花子', '1980-01-02', '大阪府大阪市', %s, %s, 'web', 'applied')",
            (OUTSIDERS_CARD, *OUTSIDERS_HOME),
        )
        connection.execute(
            "update staff.registration set state = 'approved', decided_at = now(), decided_by = 'x', usable_from = '2020-01-01'"
        )
        connection.execute("truncate journal.event")
        for table, kind, key in (
            ("replica.resident", "resident", "addressee_number"),
            ("staff.card", "card", "serial"),
        ):
            connection.execute(
                f"insert into journal.event (kind, key, content) select '{kind}', {key}, to_jsonb(t) from {table} t".encode()
            )
        connection.execute(
            "insert into journal.event (kind, key, content)"
            " select 'registration', card_serial, to_jsonb(t) from staff.registration t"
        )


@dataclass
class Storm:
    """One storm: what was asked for, and every answer."""

    nodes: Sequence[TestClient]
    seed: int
    asked: dict[str, Wish] = field(default_factory=dict)
    answers: list[tuple[str, httpx.Response]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, asks: int) -> None:
        """Ask ``asks`` times from six threads while four others act for staff and the vendor."""
        settle()
        others = [threading.Thread(target=self._guarded, args=(one,)) for one in (self._hold, self._hold_register,
                  self._card, self._load)]  # fmt: skip
        for one in others:
            one.start()
        try:
            with ThreadPoolExecutor(6) as pool:
                list(pool.map(self._ask, range(asks)))
                registrations.stop(CODE, registrations.registrations(CODE)[0].id, ACT)
                list(pool.map(self._ask, range(asks, asks + asks // 4)))
        finally:
            self.over.set()
            for one in others:
                one.join()
        if self.errors:
            raise self.errors[0]

    def _ask(self, number: int) -> None:
        """A new request at one node; every third comes again at the other, as a centre does that saw no answer."""
        chance = random.Random(f"{self.seed}-{number}")
        request_id, wish = f"request-{self.seed}-{number:04d}", chance.choice(WISHES)
        self.asked[request_id] = wish
        first = chance.randrange(2)
        for node in (first, 1 - first)[: 1 + (number % 3 == 0)]:
            answer = self.nodes[node].post(f"/v1/{CODE}/applications", json=wish.body(request_id))
            self.answers.append((request_id, answer))

    def _guarded(self, what: Callable[[random.Random], None]) -> None:
        try:
            what(random.Random(f"{self.seed}-{what.__name__}"))
        except BaseException as error:
            self.errors.append(error)

    def _turns(self, chance: random.Random) -> Iterator[None]:
        """Until the storm is over, with breaths between, in which certificates can be sent."""
        while not self.over.wait(chance.uniform(0.02, 0.08)):
            yield

    def _hold(self, chance: random.Random) -> None:
        for _ in self._turns(chance):
            person = chance.choice((FATHER, MOTHER, CHILD, SINGLE))
            number = holds.hold_person(CODE, person.addressee_number, ACT)
            self.over.wait(chance.uniform(0.005, 0.03))
            holds.lift(CODE, number, ACT)

    def _hold_register(self, chance: random.Random) -> None:
        for _ in self._turns(chance):
            domicile, head = chance.choice((HOME, SINGLES_HOME, OUTSIDERS_HOME))
            assert domicile is not None
            number = holds.hold_register(CODE, domicile, chance.choice((head, None)), ACT, unknown=True)
            self.over.wait(chance.uniform(0.005, 0.03))
            holds.lift(CODE, number, ACT)
            self.over.wait(0.02)

    def _card(self, chance: random.Random) -> None:
        for _ in self._turns(chance):
            serial = chance.choice((CARD, MOTHERS_CARD, SINGLES_CARD))
            cards.suspend(CODE, serial, ACT)
            self.over.wait(chance.uniform(0.005, 0.03))
            cards.resume(CODE, serial, ACT)
            self.over.wait(0.02)

    def _load(self, chance: random.Random) -> None:
        """As the loader commits: rows and the feed's state in one transaction."""
        with connect(CODE, "loader") as loader:
            for turn in self._numbered(chance):
                household = chance.choice((FATHER, SINGLE)).household_number
                stop = chance.choice(("0", "0", "1")) if household == SINGLE.household_number else "0"
                loader.execute(
                    "update replica.resident set katagaki = %s, issuance_stop = %s where household_number = %s",
                    (f"コーポ見本{turn}号", stop, household),
                )
                loader.execute("update replica.feed_state set last_applied = last_applied + 1")
                loader.commit()
                self.over.wait(0.1)

    def _numbered(self, chance: random.Random) -> Iterator[int]:
        for number, _ in enumerate(self._turns(chance), 1000):
            yield number


@dataclass
class Model:
    """What is in force, as the commits made it."""

    holds: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)
    registrations: dict[str, str] = field(default_factory=dict)
    residents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def apply(self, kind: str, key: str, content: dict[str, Any]) -> None:
        """One committed change."""
        if kind == "hold" and content["lifted_at"]:
            self.holds.pop(key, None)
        else:
            target = {"hold": self.holds, "resident": self.residents}.get(kind)
            if target is not None:
                target[key] = content
            else:
                {"card": self.cards, "registration": self.registrations}[kind][key] = (
                    content.get("status") or content["state"]
                )

    def against(self, wish: Wish, pdf: bytes) -> set[str]:
        """Why this certificate must not have been sent now."""
        people = {one.addressee_number for one in wish.people}
        wrong = {"hold" for one in self.holds.values() if self._concerns(one, people, wish)}
        if self.cards.get(wish.card, self.registrations.get(wish.card)) not in ("active", "approved"):
            wrong.add("card")
        if any(self.residents[one]["issuance_stop"] == "1" for one in people):
            wrong.add("stop")
        if wish.kind is not Kind.FAMILY_REGISTER_ALL:
            printed = set(FLAT.findall(text_of(pdf)))
            current = {found for one in people for found in FLAT.findall(self.residents[one]["katagaki"])}
            wrong |= {"stale"} if printed != current else set()
        return wrong

    def _concerns(self, hold: dict[str, Any], people: set[str], wish: Wish) -> bool:
        if hold["addressee_number"]:
            return hold["addressee_number"] in people
        return any(
            domicile == hold["registered_domicile"] and hold["family_register_head"] in (None, head)
            for domicile, head in wish.registers
        )


def judge(storm: Storm) -> tuple[list[str], dict[str, int]]:
    """All violations, and how often each thing happened, in the order of the commits."""
    with owner() as connection:
        events = connection.execute(ORDER).fetchall()
    pdfs = {request_id: answer.content for request_id, answer in storm.answers if answer.status_code == 200}
    model, violations, counts = Model(), [], {}
    for kind, key, content in events:
        counts[kind] = counts.get(kind, 0) + 1
        if kind != "sent":
            model.apply(kind, key, content)
        elif key not in pdfs:
            violations.append("sent and not handed over")
        elif hashlib.sha256(pdfs[key]).hexdigest() != content["pdf_sha256"]:
            violations.append("other bytes than the log says")
        else:
            violations += sorted(model.against(storm.asked[key], pdfs[key]))
    return violations + _retries(storm, counts.get("sent", 0)), counts


def _retries(storm: Storm, sent: int) -> list[str]:
    """One request, one certificate; what was handed over was marked as sent, each time."""
    handed = [(request_id, answer.content) for request_id, answer in storm.answers if answer.status_code == 200]
    wrong = ["a retry gave other bytes"] if len(set(handed)) != len({one for one, _ in handed}) else []
    return wrong + (["handed over and not marked as sent"] if len(handed) != sent else [])
