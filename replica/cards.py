"""Cards (個人番号カード・スマートフォン) linked to people: link, suspend, resume, unlink, look up, history (仕様書 5(3)).

What is linked is the serial of the 利用者証明用電子証明書; a person may have several (card, phone, the renewed one). Every
change names who made it and why; the database writes the history. Nothing here decides about certificates.
"""

from __future__ import annotations

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
Medium = Literal["card", "phone"]

RESIDENT = "select from replica.resident where addressee_number = %s and resident_status = '1'"
LINK = """
insert into staff.card (serial, addressee_number, status, valid_from, valid_until, linked_at, changed_at, medium,
    issuer_sha256, changed_by, change_reason)
values (%(serial)s, %(addressee_number)s, 'active', %(usable_from)s, %(usable_until)s, clock_timestamp(),
    clock_timestamp(), %(medium)s, %(issuer_sha256)s, %(by)s, %(reason)s)
on conflict (serial) do nothing
"""
MOVE = """
update staff.card set status = %(to)s, changed_at = clock_timestamp(), changed_by = %(by)s, change_reason = %(reason)s
where serial = %(serial)s and status = any (%(from)s)
  and (%(person)s::text is null or addressee_number = %(person)s)
"""
CARDS = """
select serial, addressee_number, status, medium, valid_from as usable_from, valid_until as usable_until, linked_at,
    changed_at, changed_by, change_reason
from staff.card
where (%(person)s::text is null or addressee_number = %(person)s) and (%(serial)s::text is null or serial = %(serial)s)
order by addressee_number, linked_at, serial
"""
HISTORY = """
select serial, addressee_number, status, changed_by, change_reason, at from staff.card_history
where (%(person)s::text is null or addressee_number = %(person)s) and (%(serial)s::text is null or serial = %(serial)s)
order by id
"""


@dataclass(frozen=True, slots=True)
class Link:
    """紐付け: a serial for a person. ``issued_at`` is when the electronic certificate was issued (発行日時).

    ``usable_from`` None stands for the first instant that the municipality allows; ``usable_until`` is the end of the
    certificate's validity (有効期間の満了), where it is known. ``replaces`` is the serial of the same person that this one
    renews (更新): it is unlinked in the same transaction.
    """

    serial: str
    addressee_number: str
    issued_at: datetime
    usable_from: datetime | None = None
    usable_until: datetime | None = None
    medium: Medium = "card"
    issuer_sha256: str | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedCard:
    """カード as it is now, with who changed it last and why."""

    serial: str
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
    """One line of a card's history (カードの履歴)."""

    serial: str
    addressee_number: str
    status: str
    changed_by: str | None
    change_reason: str | None
    at: datetime


def link(code: str, card: Link, act: Act) -> bool:
    """Link a card to an active resident; ``False`` when exactly this link is in force already.

    ``EntryRefused``: another person's card, a suspended or unlinked one, nobody with this 宛名番号, too early an instant.
    """
    usable_from = first_instant(code, card)
    values = {
        "serial": card.serial,
        "addressee_number": card.addressee_number,
        "usable_from": usable_from,
        "usable_until": card.usable_until,
        "medium": card.medium,
        "issuer_sha256": card.issuer_sha256,
        "by": act.by,
        "reason": act.reason,
    }
    if not 0 < len(card.serial) <= SERIAL_LENGTH or not card.serial.isascii() or not card.serial.isalnum():
        raise EntryRefused("a serial has 1 to 64 letters and digits")
    with desk(code, "staff.card") as connection:
        if connection.execute(RESIDENT, (card.addressee_number,)).fetchone() is None:
            raise EntryRefused("there is no active resident with this 宛名番号")
        if connection.execute(LINK, values).rowcount == 1:
            if card.replaces is not None:
                _replace(connection, card.replaces, card.addressee_number, act)
            return True
        _explain(_one(connection, card.serial), card)
        if card.replaces is not None and _one(connection, card.replaces).status != "unlinked":
            raise EntryRefused("this card is linked already: unlink the one that it replaces by itself")
    return False


def suspend(code: str, serial: str, act: Act) -> None:
    """一時停止: nothing is issued with this card until it is resumed."""
    _move(code, serial, "suspended", ["active"], act)


def resume(code: str, serial: str, act: Act) -> None:
    """一時停止の解除."""
    _move(code, serial, "active", ["suspended"], act)


def unlink(code: str, serial: str, act: Act) -> None:
    """紐付けの解除, for good: the serial is never linked again, to nobody."""
    _move(code, serial, "unlinked", ["active", "suspended"], act)


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


def _replace(connection: psycopg.Connection, serial: str, person: str, act: Act) -> None:
    origins = ["active", "suspended"]
    values = {"serial": serial, "person": person, "to": "unlinked", "from": origins, "by": act.by, "reason": act.reason}
    if connection.execute(MOVE, values).rowcount != 1:
        raise EntryRefused("the card to be replaced is not a linked card of this person")


def _move(code: str, serial: str, to: str, origins: list[str], act: Act) -> None:
    values = {"serial": serial, "person": None, "to": to, "from": origins, "by": act.by, "reason": act.reason}
    with desk(code, "staff.card") as connection:
        if connection.execute(MOVE, values).rowcount == 1:
            return
        card = _one(connection, serial)
    raise EntryRefused(f"this card is {card.status}: it can't become {to}")


def _one(connection: psycopg.Connection, serial: str) -> LinkedCard:
    found = _cards(connection, None, serial)
    if not found:
        raise EntryRefused("there is no card with this serial")
    return found[0]


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
