"""What staff enter: cards linked to people, and issuance holds (発行抑止). Written as the role ``console_<code>``.

The database takes the same lock for a hold as for marking a certificate as sent (see ``guards``): once a hold is
committed, no later ``sent`` exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from records.errors import FeedError
from replica.connections import connect
from replica.driver_errors import reduced

LINK = """
insert into staff.card (serial, addressee_number, status, valid_from, linked_at, changed_at)
values (%(serial)s, %(addressee_number)s, 'active', %(valid_from)s, now(), now())
on conflict (serial) do nothing
"""
PLACE = """
insert into staff.issuance_hold (target_kind, addressee_number, reason, placed_by, placed_at)
values ('person', %s, %s, %s, clock_timestamp()) returning id
"""
LIFT = """
update staff.issuance_hold set lifted_by = %s, lifted_at = clock_timestamp() where id = %s and lifted_at is null
"""
OPEN = """
select id, target_kind, reason, placed_by, placed_at from staff.issuance_hold where lifted_at is null order by id
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """発行抑止 that is in force; whom it concerns is not told here."""

    id: int
    target_kind: str
    reason: str
    placed_by: str
    placed_at: datetime


def link_card(code: str, serial: str, addressee_number: str, valid_from: datetime) -> None:
    """Link a card (利用者証明用電子証明書) to a person; a serial that is linked already stays as it is."""
    values = {"serial": serial, "addressee_number": addressee_number, "valid_from": valid_from}
    with reduced("staff.card"), connect(code, "console") as connection:
        connection.execute(LINK, values)


def place_hold(code: str, addressee_number: str, reason: str, placed_by: str) -> int:
    """Stop all certificates of a person; the hold's number. It never ends by itself."""
    with reduced("staff.issuance_hold"), connect(code, "console") as connection:
        row = connection.execute(PLACE, (addressee_number, reason, placed_by)).fetchone()
    assert row is not None
    return int(row[0])


def lift_hold(code: str, number: int, lifted_by: str) -> None:
    """End a hold; an unknown or ended one is an error."""
    with reduced("staff.issuance_hold"), connect(code, "console") as connection:
        if connection.execute(LIFT, (lifted_by, number)).rowcount != 1:
            raise FeedError(f"there is no hold {number} in force")


def open_holds(code: str) -> list[Hold]:
    """All holds in force, oldest first."""
    with reduced("staff.issuance_hold"), connect(code, "console") as connection:
        return [Hold(*row) for row in connection.execute(OPEN)]
