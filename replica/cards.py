"""Cards (個人番号カード・スマートフォン) linked to people: link, suspend, resume, unlink, look up, history (仕様書 5(3)).

What is linked is a 利用者証明用電子証明書: its serial and the key of the authority that issued it, because two authorities
may give one serial. Where the centre passes the serial alone, a link may leave the issuer open; then its serial is linked
once. A person may have several (card, phone, the renewed one). Every change names who made it and why; the database
writes the history. Nothing here decides about certificates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Literal

import psycopg
from psycopg.rows import class_row

from municipalities.registry import get
from records.errors import EntryRefused
from replica.desk import Act, desk

JST = timezone(timedelta(hours=9), "JST")
SERIAL_LENGTH = 64
ISSUER = re.compile(r"[0-9a-f]{64}")
Medium = Literal["card", "phone"]

RESIDENT = "select from replica.resident where addressee_number = %s and resident_status = '1'"
LINK = """
insert into staff.card (serial, addressee_number, status, valid_from, valid_until, linked_at, changed_at, medium,
    issuer_sha256, changed_by, change_reason)
values (%(serial)s, %(addressee_number)s, 'active', %(usable_from)s, %(usable_until)s, clock_timestamp(),
    clock_timestamp(), %(medium)s, %(issuer_sha256)s, %(by)s, %(reason)s)
on conflict (serial, issuer_sha256) do nothing
"""
MOVE = """
update staff.card set status = %(to)s, changed_at = clock_timestamp(), changed_by = %(by)s, change_reason = %(reason)s
where id = %(id)s and status = any (%(from)s)
"""
NAME_ISSUER = """
update staff.card set issuer_sha256 = %(issuer)s, changed_at = clock_timestamp(), changed_by = %(by)s,
    change_reason = %(reason)s
where id = %(id)s and issuer_sha256 is null
"""
CARDS = """
select id, serial, issuer_sha256, addressee_number, status, medium, valid_from as usable_from,
    valid_until as usable_until, linked_at, changed_at, changed_by, change_reason
from staff.card
where (%(person)s::text is null or addressee_number = %(person)s) and (%(serial)s::text is null or serial = %(serial)s)
order by addressee_number, linked_at, serial, issuer_sha256
"""
HISTORY = """
select serial, issuer_sha256, addressee_number, status, changed_by, change_reason, at from staff.card_history
where (%(person)s::text is null or addressee_number = %(person)s) and (%(serial)s::text is null or serial = %(serial)s)
order by id
"""


@dataclass(frozen=True, slots=True)
class Link:
    """紐付け: a certificate for a person. ``issued_at`` is when the electronic certificate was issued (発行日時).

    ``usable_from`` None stands for the first instant that the municipality allows; ``usable_until`` is the end of the
    certificate's validity (有効期間の満了), where it is known. ``issuer_sha256`` is the SHA-256 (hex) of the issuing authority's
    public key (SubjectPublicKeyInfo). ``replaces`` is the serial of the same person that this one renews (更新), of
    ``replaces_issuer`` where one authority is not enough to tell: it is unlinked in the same transaction.
    """

    serial: str
    addressee_number: str
    issued_at: datetime
    usable_from: datetime | None = None
    usable_until: datetime | None = None
    medium: Medium = "card"
    issuer_sha256: str | None = None
    replaces: str | None = None
    replaces_issuer: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedCard:
    """カード as it is now, with who changed it last and why."""

    id: int
    serial: str
    issuer_sha256: str | None
    addressee_number: str
    status: str
    medium: str
    usable_from: datetime
    usable_until: datetime | None
    linked_at: datetime
    changed_at: datetime
    changed_by: str | None
    change_reason: str | None


@dataclass(frozen=True, slots=True)
class CardEvent:
    """One line of a card's history (カードの履歴): a new state, or the issuer that was named."""

    serial: str
    issuer_sha256: str | None
    addressee_number: str
    status: str
    changed_by: str | None
    change_reason: str | None
    at: datetime


def link(code: str, card: Link, act: Act) -> bool:
    """Link a card to an active resident; ``False`` when exactly this link is in force already.

    ``EntryRefused``: another person's card, a suspended or unlinked one, nobody with this 宛名番号, too early an instant,
    a serial that is linked already without its issuer, or one with issuers when none is given.
    """
    _check_written(card)
    values = {
        "serial": card.serial,
        "addressee_number": card.addressee_number,
        "usable_from": first_instant(code, card),
        "usable_until": card.usable_until,
        "medium": card.medium,
        "issuer_sha256": card.issuer_sha256,
        "by": act.by,
        "reason": act.reason,
    }
    with desk(code, "staff.card") as connection:
        if connection.execute(RESIDENT, (card.addressee_number,)).fetchone() is None:
            raise EntryRefused("there is no active resident with this 宛名番号")
        _check_alike(_cards(connection, None, card.serial), card)
        if connection.execute(LINK, values).rowcount == 1:
            if card.replaces is not None:
                _replace(connection, card, act)
            return True
        _explain(_one(connection, card.serial, card.issuer_sha256), card)
        if card.replaces is not None and not _cards(connection, None, card.replaces):
            raise EntryRefused("there is no card with the serial to be replaced")
        if card.replaces is not None and _replaced(connection, None, card):
            raise EntryRefused("this card is linked already: unlink the one that it replaces by itself")
    return False


def suspend(code: str, serial: str, act: Act, *, issuer: str | None = None) -> None:
    """一時停止: nothing is issued with this card until it is resumed."""
    _move(code, serial, issuer, "suspended", ["active"], act)


def resume(code: str, serial: str, act: Act, *, issuer: str | None = None) -> None:
    """一時停止の解除."""
    _move(code, serial, issuer, "active", ["suspended"], act)


def unlink(code: str, serial: str, act: Act, *, issuer: str | None = None) -> None:
    """紐付けの解除, for good: the certificate is never linked again, to nobody."""
    _move(code, serial, issuer, "unlinked", ["active", "suspended"], act)


def name_issuer(code: str, serial: str, issuer: str, act: Act) -> None:
    """発行者の記入: say, once, which authority issued a certificate that was linked by its serial alone."""
    _check_issuer(issuer)
    with desk(code, "staff.card") as connection:
        card = _one(connection, serial, None)
        values = {"id": card.id, "issuer": issuer, "by": act.by, "reason": act.reason}
        if connection.execute(NAME_ISSUER, values).rowcount != 1:
            raise EntryRefused("the issuer of this card is known already")


def cards(code: str, *, person: str | None = None, serial: str | None = None) -> list[LinkedCard]:
    """All cards, or those of a person (宛名番号), or one; unlinked ones too."""
    with desk(code, "staff.card") as connection:
        return _cards(connection, person, serial)


def history(code: str, *, person: str | None = None, serial: str | None = None) -> list[CardEvent]:
    """What happened to a card, or to all cards of a person, oldest first."""
    with desk(code, "staff.card_history") as connection:
        cursor = connection.cursor(row_factory=class_row(CardEvent))
        return cursor.execute(HISTORY, {"person": person, "serial": serial}).fetchall()


def first_instant(code: str, card: Link) -> datetime:
    """From when on the card serves: as wanted, but not before the day (JST) after the issue where that is the setting."""
    earliest = card.issued_at
    if get(code).issuing.card_usable_next_day:
        day = card.issued_at.astimezone(JST).date() + timedelta(days=1)
        earliest = datetime.combine(day, time(0), JST)
    if card.usable_from is not None and card.usable_from < earliest:
        raise EntryRefused(f"this card may not be used before {earliest:%Y-%m-%d %H:%M %Z}")
    return card.usable_from or earliest


def _check_written(card: Link) -> None:
    if not 0 < len(card.serial) <= SERIAL_LENGTH or not card.serial.isascii() or not card.serial.isalnum():
        raise EntryRefused("a serial has 1 to 64 letters and digits")
    if card.issuer_sha256 is not None:
        _check_issuer(card.issuer_sha256)


def _check_issuer(issuer: str) -> None:
    if not ISSUER.fullmatch(issuer):
        raise EntryRefused("an issuer is the SHA-256 of its public key, 64 lower-case hexadecimal digits")


def _check_alike(there: list[LinkedCard], card: Link) -> None:
    """A serial is linked with issuers, or once without; the database says so too."""
    if card.issuer_sha256 is None and any(one.issuer_sha256 for one in there):
        raise EntryRefused("this serial is linked with its issuer: name the issuer")
    if card.issuer_sha256 is not None and any(one.issuer_sha256 is None for one in there):
        raise EntryRefused("this serial is linked without its issuer: name the issuer of that link first")


def _replace(connection: psycopg.Connection, card: Link, act: Act) -> None:
    found = _replaced(connection, card.addressee_number, card)
    if len(found) > 1:
        raise EntryRefused("this person has several cards with the serial to be replaced: name the issuer")
    if not found or not _moved(connection, found[0], "unlinked", ["active", "suspended"], act):
        raise EntryRefused("the card to be replaced is not a linked card of this person")


def _replaced(connection: psycopg.Connection, person: str | None, card: Link) -> list[LinkedCard]:
    """The cards, of a person or of anybody, that may be meant by ``replaces`` and that are linked still."""
    there = _cards(connection, person, card.replaces)
    return [
        one
        for one in there
        if one.status != "unlinked"
        and card.replaces_issuer in (None, one.issuer_sha256)
        and (one.serial, one.issuer_sha256) != (card.serial, card.issuer_sha256)
    ]


def _move(code: str, serial: str, issuer: str | None, to: str, origins: list[str], act: Act) -> None:
    with desk(code, "staff.card") as connection:
        card = _one(connection, serial, issuer)
        if _moved(connection, card, to, origins, act):
            return
        card = _one(connection, serial, issuer)
    raise EntryRefused(f"this card is {card.status}: it can't become {to}")


def _moved(connection: psycopg.Connection, card: LinkedCard, to: str, origins: list[str], act: Act) -> bool:
    values = {"id": card.id, "to": to, "from": origins, "by": act.by, "reason": act.reason}
    return connection.execute(MOVE, values).rowcount == 1


def _one(connection: psycopg.Connection, serial: str, issuer: str | None) -> LinkedCard:
    """The card of this serial, and of this issuer where one is named; without, there must be no second one."""
    there = [one for one in _cards(connection, None, serial) if issuer in (None, one.issuer_sha256)]
    if not there:
        raise EntryRefused("there is no card with this serial" + (" of this issuer" if issuer else ""))
    if len(there) > 1:
        raise EntryRefused("several authorities gave this serial: name the issuer")
    return there[0]


def _cards(connection: psycopg.Connection, person: str | None, serial: str | None) -> list[LinkedCard]:
    cursor = connection.cursor(row_factory=class_row(LinkedCard))
    return cursor.execute(CARDS, {"person": person, "serial": serial}).fetchall()


def _explain(there: LinkedCard, wanted: Link) -> None:
    """Why a serial that is there already can't be linked; nothing when it is the same link."""
    if there.status == "unlinked":
        raise EntryRefused("this card was unlinked: it can never be linked again")
    if there.addressee_number != wanted.addressee_number:
        raise EntryRefused("this card is linked to another person")
    if there.medium != wanted.medium:
        raise EntryRefused(f"this card is linked as a {there.medium}")
    if there.status == "suspended":
        raise EntryRefused("this card is linked and suspended: resume it")
