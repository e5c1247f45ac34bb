"""A certificate is its issuer's key and its serial: what the desk may link, and what the database lets nobody do."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from desk_town import CODE, FIRST, SECOND, fill
from psycopg.errors import CheckViolation, UniqueViolation

from records.errors import DatabaseError, EntryRefused
from replica import cards
from replica.cards import JST, Link
from replica.connections import connect
from replica.desk import Act
from replica.migrate import migrate, up_to_date
from services.postgres import PostgresServer

A, B = "a" * 64, "b" * 64
ACT, OTHER_ACT = Act("職員　一", "交付"), Act("職員　二", "発行者の確認")
ISSUED = datetime(2026, 11, 24, 9, 30, tzinfo=JST)
INSERT = (
    "insert into staff.card (serial, addressee_number, status, valid_from, issuer_sha256)"
    " values (%s, %s, 'active', now(), %s)"
)
pytestmark = pytest.mark.clause("5(3) card management", "2(1)①")


@pytest.fixture
def desk(replicas: PostgresServer) -> None:
    """Three residents, no cards."""
    fill()


def card(issuer: str | None = None, person: str = FIRST, serial: str = "1", **more: object) -> Link:
    return Link(serial, person, ISSUED, issuer_sha256=issuer, **more)  # type: ignore[arg-type]


def states() -> dict[tuple[str, str | None], tuple[str, str]]:
    return {(one.serial, one.issuer_sha256): (one.addressee_number, one.status) for one in cards.cards(CODE)}


def test_one_serial_of_two_authorities_is_two_cards_that_move_apart(desk: None) -> None:
    assert cards.link(CODE, card(A), ACT)
    assert cards.link(CODE, card(B, SECOND, medium="phone"), ACT)
    assert not cards.link(CODE, card(A), ACT)
    with pytest.raises(EntryRefused, match="another person"):
        cards.link(CODE, card(A, SECOND), ACT)
    for move in (cards.suspend, cards.unlink):
        with pytest.raises(EntryRefused, match="name the issuer"):
            move(CODE, "1", ACT)
    cards.suspend(CODE, "1", ACT, issuer=A)
    cards.unlink(CODE, "1", OTHER_ACT, issuer=B)
    assert states() == {("1", A): (FIRST, "suspended"), ("1", B): (SECOND, "unlinked")}
    with pytest.raises(EntryRefused, match="of this issuer"):
        cards.resume(CODE, "1", ACT, issuer="c" * 64)
    told = [(one.issuer_sha256, one.status, one.changed_by) for one in cards.history(CODE, serial="1")]
    assert told == [
        (A, "active", "職員　一"),
        (B, "active", "職員　一"),
        (A, "suspended", "職員　一"),
        (B, "unlinked", "職員　二"),
    ]


def test_a_serial_is_linked_with_issuers_or_once_without(desk: None) -> None:
    cards.link(CODE, card(), ACT)
    with pytest.raises(EntryRefused, match="name the issuer of that link first"):
        cards.link(CODE, card(A), ACT)
    cards.link(CODE, card(A, serial="2"), ACT)
    with pytest.raises(EntryRefused, match="linked with its issuer"):
        cards.link(CODE, card(serial="2"), ACT)
    cards.unlink(CODE, "1", ACT)
    with pytest.raises(EntryRefused, match="name the issuer of that link first"):
        cards.link(CODE, card(A), ACT)  # it may be the very one that was unlinked for good


def test_an_issuer_is_named_once_and_the_history_says_by_whom(desk: None) -> None:
    cards.link(CODE, card(), ACT)
    for wrong in ("A" * 64, "a" * 63, "", "card"):
        with pytest.raises(EntryRefused, match="SHA-256"):
            cards.name_issuer(CODE, "1", wrong, OTHER_ACT)
        with pytest.raises(EntryRefused, match="SHA-256"):
            cards.link(CODE, card(wrong, serial="2"), ACT)
    cards.name_issuer(CODE, "1", A, OTHER_ACT)
    with pytest.raises(EntryRefused, match="known already"):
        cards.name_issuer(CODE, "1", B, OTHER_ACT)
    assert cards.link(CODE, card(B, SECOND), ACT)
    last = cards.history(CODE, serial="1")[1]
    assert (last.issuer_sha256, last.status, last.changed_by, last.change_reason) == (
        A, "active", "職員　二", "発行者の確認",
    )  # fmt: skip


def test_a_renewal_replaces_the_card_of_the_issuer_that_is_named(desk: None) -> None:
    cards.link(CODE, card(A), ACT)
    cards.link(CODE, card(B, medium="phone"), ACT)
    with pytest.raises(EntryRefused, match="name the issuer"):
        cards.link(CODE, card(A, serial="2", replaces="1"), ACT)
    assert ("2", A) not in states()
    with pytest.raises(EntryRefused, match="not a linked card"):
        cards.link(CODE, card(A, serial="2", replaces="1", replaces_issuer="c" * 64), ACT)
    cards.link(CODE, card(A, serial="2", replaces="1", replaces_issuer=A), OTHER_ACT)
    assert {key: status for key, (_, status) in states().items()} == {
        ("1", A): "unlinked", ("1", B): "active", ("2", A): "active",
    }  # fmt: skip
    ended = [one for one in cards.history(CODE) if one.status == "unlinked"]
    assert [(one.serial, one.issuer_sha256, one.changed_by) for one in ended] == [("1", A, "職員　二")]


def test_a_next_generation_may_give_the_serial_that_it_replaces(desk: None) -> None:
    cards.link(CODE, card(A), ACT)
    cards.link(CODE, card(B, replaces="1"), ACT)
    assert states() == {("1", A): (FIRST, "unlinked"), ("1", B): (FIRST, "active")}


FORBIDDEN: dict[str, tuple[str, tuple[object, ...], type[psycopg.Error]]] = {
    "a second one": (INSERT, ("1", FIRST, A), UniqueViolation),
    "one without its issuer beside": (INSERT, ("1", SECOND, None), CheckViolation),
    "a second one without": (INSERT, ("9", SECOND, None), UniqueViolation),
    "one with its issuer beside": (INSERT, ("9", SECOND, A), CheckViolation),
    "an issuer that is no hash": (INSERT, ("3", FIRST, "card"), CheckViolation),
    "another issuer": ("update staff.card set issuer_sha256 = %s where serial = '1'", (B,), CheckViolation),
    "no issuer": ("update staff.card set issuer_sha256 = null where serial = '1'", (), CheckViolation),
    "another number": ("update staff.card set id = 77 where serial = '1'", (), CheckViolation),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_database_says_so_too_even_to_the_owner(desk: None, what: str) -> None:
    cards.link(CODE, card(A), ACT)
    cards.link(CODE, card(serial="9"), ACT)
    statement, values, error = FORBIDDEN[what]
    with connect(CODE, "owner") as connection, pytest.raises(error):
        connection.execute(statement.encode(), values)


@pytest.mark.parametrize("first", [A, None])
def test_of_two_desks_that_link_one_serial_with_and_without_its_issuer_one_is_refused(
    desk: None, first: str | None
) -> None:
    """The second waits for the first, and then sees it."""
    found: list[BaseException | None] = []

    def attempt(act: Callable[[], object]) -> None:
        try:
            act()
        except (EntryRefused, DatabaseError) as error:
            found.append(error)
        else:
            found.append(None)

    with connect(CODE, "console") as console:
        console.execute(INSERT, ("1", FIRST, first))
        second = threading.Thread(
            target=attempt, args=(lambda: cards.link(CODE, card(None if first else A, SECOND), ACT),)
        )
        second.start()
        second.join(0.3)
        assert second.is_alive()
    second.join()
    assert found[0] is not None
    assert states() == {("1", first): (FIRST, "active")}


def test_the_way_back_is_open_while_no_serial_is_there_twice(replicas: PostgresServer) -> None:
    code = "362999"
    migrate(code)
    with connect(code, "owner") as connection:
        connection.execute("truncate staff.card, staff.card_history")
        connection.execute(INSERT, ("1", FIRST, A))
    migrate(code, "0006")
    with connect(code, "owner") as connection:
        assert connection.execute("select serial, issuer_sha256 from staff.card").fetchall() == [("1", A)]
    migrate(code)
    with connect(code, "owner") as connection:
        connection.execute(INSERT, ("1", SECOND, B))
    with pytest.raises(DatabaseError):
        migrate(code, "0006")
    assert up_to_date(code)  # a way back that fails leaves everything where it was
    with connect(code, "owner") as connection:
        connection.execute("truncate staff.card, staff.card_history")


def test_the_first_instant_is_of_the_card_not_of_its_issuer(desk: None) -> None:
    cards.link(CODE, card(A), ACT)
    assert cards.cards(CODE)[0].usable_from == datetime(2026, 11, 25, tzinfo=JST)
    with pytest.raises(EntryRefused):
        cards.link(CODE, card(B, usable_from=ISSUED + timedelta(hours=1)), ACT)
