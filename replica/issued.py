"""What the log keeps of one issue (発行記録), for making the same certificate again. Read as the console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from records.errors import FeedError
from replica.connections import connect
from replica.driver_errors import reduced

FIND = """
select r.request_id, to_char(r.issued_on, 'YYYYMMDD') || lpad(r.serial_number::text, 8, '0'),
    r.kind, r.state, r.pdf_sha256, r.form_version, r.font_version, k.cipher
from issuance.request r left join issuance.issue_record k using (request_id)
where r.request_id = %(id)s
   or to_char(r.issued_on, 'YYYYMMDD') || lpad(r.serial_number::text, 8, '0') = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """One issue: which bytes (SHA-256) were made with which form and fonts, and the sealed record."""

    request_id: str
    serial: str
    kind: str
    state: str
    pdf_sha256: str | None
    form_version: str | None
    font_version: str | None
    cipher: bytes | None = field(repr=False)


def issued(code: str, number: str) -> Issued:
    """The issue with this 申請番号 or 発行番号; ``FeedError`` when there is none."""
    with reduced("issuance.request"), connect(code, "console") as connection:
        row = connection.execute(FIND, {"id": number}).fetchone()
    if row is None:
        raise FeedError("there is no issue with this number")
    return Issued(*row)


def of_whom(number: str, codes: Sequence[str]) -> str:
    """The one municipality that issued ``number``; ``FeedError`` when there is none, or more than one."""
    with_it = []
    for code in codes:
        with reduced("issuance.request"), connect(code, "console") as connection:
            if connection.execute(FIND, {"id": number}).fetchone():
                with_it.append(code)
    if len(with_it) != 1:
        raise FeedError(f"{len(with_it)} municipalities have an issue with this number")
    return with_it[0]
