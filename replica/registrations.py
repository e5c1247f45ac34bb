"""Usage registrations (利用登録) as staff decide them: list, show, approve, reject with a reason, stop.

Citizens apply at the kiosk or on the web (``issuance_api.repository_registrations``); staff compare what was applied for
with the 戸籍. The moves between the states are enforced by the database (``guards``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from municipalities.registry import get
from records.errors import EntryRefused
from replica.desk import LONGEST_NAME, Act, desk, required

APPROVE = """
update staff.registration
set state = 'approved', decided_by = %(by)s, decided_at = clock_timestamp(),
    usable_from = clock_timestamp() + make_interval(days => %(days)s)
where id = %(number)s and state = 'applied' returning usable_from
"""
REJECT = """
update staff.registration
set state = 'rejected', decided_by = %(by)s, decided_at = clock_timestamp(), reason = %(reason)s
where id = %(number)s and state = 'applied' returning id
"""
STOP = """
update staff.registration
set state = 'stopped', stopped_by = %(by)s, stopped_at = clock_timestamp(), stop_reason = %(reason)s
where id = %(number)s and state = 'approved' returning id
"""
FIND = """
select id, request_id, state, medium, card_serial, issuer_sha256, name, name_kana, birth_on, address, registered_domicile,
    family_register_head, channel, applied_at, decided_by, decided_at, reason, usable_from, stopped_by, stopped_at,
    stop_reason
from staff.registration
where (%(number)s::bigint is null or id = %(number)s) and (%(state)s::text is null or state = %(state)s)
order by id
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """利用登録 with everything that staff compare with the 戸籍: for the eyes of staff only."""

    id: int
    request_id: str
    state: str
    medium: str
    card_serial: str
    issuer_sha256: str | None
    name: str
    name_kana: str | None
    birth_on: date
    address: str
    registered_domicile: str
    family_register_head: str
    channel: str
    applied_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    usable_from: datetime | None
    stopped_by: str | None
    stopped_at: datetime | None
    stop_reason: str | None


def registrations(code: str, state: str | None = None) -> list[Registered]:
    """All registrations, or those in one state, in the order of the applications."""
    return _find(code, None, state)


def registration(code: str, number: int) -> Registered:
    """One registration; ``EntryRefused`` for an unknown number."""
    found = _find(code, number, None)
    if not found:
        raise EntryRefused(f"there is no registration {number}")
    return found[0]


def approve(code: str, number: int, by: str) -> datetime:
    """承認 by a named person; from when on it may be used: the municipality's number of calendar days after now."""
    values = {"by": required(by, "by", LONGEST_NAME), "days": get(code).issuing.registration_days}
    usable_from = _decide(code, number, APPROVE, values)
    if not isinstance(usable_from, datetime):
        raise AssertionError("an approved registration has its first instant")
    return usable_from


def reject(code: str, number: int, act: Act) -> None:
    """却下 with its reason; the person may apply again."""
    _decide(code, number, REJECT, {"by": act.by, "reason": act.reason})


def stop(code: str, number: int, act: Act) -> None:
    """利用停止 of an approved registration, for good and at once; certificates under way are not sent any more."""
    _decide(code, number, STOP, {"by": act.by, "reason": act.reason})


def _decide(code: str, number: int, statement: str, values: dict[str, object]) -> object:
    with desk(code, "staff.registration") as connection:
        row = connection.execute(statement.encode(), values | {"number": number}).fetchone()
    if row is None:
        raise EntryRefused(f"registration {number} is {registration(code, number).state}: this can't be done now")
    return row[0]


def _find(code: str, number: int | None, state: str | None) -> list[Registered]:
    with desk(code, "staff.registration") as connection:
        cursor = connection.cursor(row_factory=class_row(Registered))
        return cursor.execute(FIND, {"number": number, "state": state}).fetchall()
