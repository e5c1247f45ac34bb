"""Incidents (事故の記録) as staff work on them: list, show, note, close with a cause and a finding.

Issuing opens them (``issuance_api.repository_incidents``). "Printed again, fine" closes nothing: a published incident
began with such reports. The wordings that are no finding are data: ``insufficient_findings.txt``.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from psycopg.rows import class_row

from records.errors import EntryRefused
from replica.desk import LONGEST_NAME, desk, required
from replica.issuance_tables import CAUSES

INSUFFICIENT = Path(__file__).with_name("insufficient_findings.txt")
SHORTEST_FINDING = 10  # characters; the table has the same limit
LEAST_OWN_CHARACTERS = 5  # different ones, when the insufficient wordings are taken out

FIND = """
select i.id, i.kind, i.code, i.request_id, r.kind as certificate_kind, r.state as request_state, r.store_code,
    i.reported_at, i.reprinted_at, i.cause, i.finding, i.closed_by, i.closed_at
from issuance.incident i left join issuance.request r using (request_id)
where (%(number)s::bigint is null or i.id = %(number)s) and (%(closed)s or i.closed_at is null)
order by i.id
"""
NOTES = "select noted_by, note, noted_at from issuance.incident_note where incident_id = %s order by id"
NOTE = "insert into issuance.incident_note (incident_id, noted_by, note) values (%s, %s, %s)"
CLOSE = """
update issuance.incident
set cause = %(cause)s, finding = %(finding)s, closed_by = %(by)s, closed_at = clock_timestamp()
where id = %(number)s and closed_at is null
"""


@dataclass(frozen=True, slots=True)
class Incident:
    """事故, open while ``closed_at`` is empty; ``reprinted_at`` is only what the centre said later."""

    id: int
    kind: str
    code: str | None
    request_id: str | None
    certificate_kind: str | None
    request_state: str | None
    store_code: str | None
    reported_at: datetime
    reprinted_at: datetime | None
    cause: str | None
    finding: str | None
    closed_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Note:
    """経過: what somebody found or did on the way."""

    noted_by: str
    note: str
    noted_at: datetime


def incidents(code: str, *, closed: bool = False) -> list[Incident]:
    """Open incidents, oldest first; with ``closed`` all."""
    return _find(code, None, closed)


def incident(code: str, number: int) -> Incident:
    """One incident, open or closed; ``EntryRefused`` for an unknown number."""
    found = _find(code, number, True)
    if not found:
        raise EntryRefused(f"there is no incident {number}")
    return found[0]


def notes(code: str, number: int) -> list[Note]:
    """What was noted on an incident, oldest first."""
    with desk(code, "issuance.incident_note") as connection:
        return connection.cursor(row_factory=class_row(Note)).execute(NOTES, (number,)).fetchall()


def note(code: str, number: int, text: str, by: str) -> None:
    """Add a note; also to a closed incident, and never changed afterwards."""
    values = (incident(code, number).id, required(by, "by", LONGEST_NAME), required(text, "note"))
    with desk(code, "issuance.incident_note") as connection:
        connection.execute(NOTE, values)


def close(code: str, number: int, *, cause: str, finding: str, by: str) -> None:
    """End an incident: ``cause`` is one of ``CAUSES``, ``finding`` what was found, ``by`` who found it.

    ``EntryRefused``: an unknown cause, a finding that finds nothing, an unknown or closed incident.
    """
    if cause not in CAUSES:
        raise EntryRefused(f"cause must be one of: {', '.join(CAUSES)}")
    values = {"number": number, "cause": cause, "finding": sufficient(finding), "by": required(by, "by", LONGEST_NAME)}
    with desk(code, "issuance.incident") as connection:
        if connection.execute(CLOSE, values).rowcount == 1:
            return
    raise EntryRefused(f"incident {incident(code, number).id} is closed")


def sufficient(finding: str) -> str:
    """The finding without blanks around it; ``EntryRefused`` when it only says that it was printed again."""
    text = required(finding, "finding")
    if len(text) < SHORTEST_FINDING:
        raise EntryRefused(f"a finding has {SHORTEST_FINDING} characters or more: say what was wrong")
    rest = _folded(text)
    for wording in insufficient_wordings():
        rest = rest.replace(wording, "")
    if len(set(rest)) < LEAST_OWN_CHARACTERS:
        raise EntryRefused(f"this is no finding ({INSUFFICIENT.name}): say what was wrong, not that it went on")
    return text


@cache
def insufficient_wordings() -> tuple[str, ...]:
    """The wordings of the list, the longest first."""
    lines = INSUFFICIENT.read_text("utf-8").splitlines()
    return tuple(sorted({_folded(one) for one in lines if one and not one.startswith("#")}, key=len, reverse=True))


def _folded(text: str) -> str:
    """For comparing only: one width, small letters, no blanks and marks."""
    return "".join(one for one in unicodedata.normalize("NFKC", text).lower() if one.isalnum() or one == "ー")


def _find(code: str, number: int | None, closed: bool) -> list[Incident]:
    with desk(code, "issuance.incident") as connection:
        cursor = connection.cursor(row_factory=class_row(Incident))
        return cursor.execute(FIND, {"number": number, "closed": closed}).fetchall()
