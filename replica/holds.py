"""Issuance holds (発行抑止) on a person or on a whole 戸籍: place, list, lift.

The database takes the same lock for a hold as for marking a certificate as sent (see ``guards``): once a hold is
committed, no later ``sent`` exists. A hold never ends by itself; one for the wrong 戸籍 is lifted, and stays on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from records.errors import EntryRefused
from replica.desk import Act, desk, required

PLACE = """
insert into staff.issuance_hold
    (target_kind, addressee_number, registered_domicile, family_register_head, reason, placed_by, placed_at)
values (%s, %s, %s, %s, %s, %s, clock_timestamp()) returning id
"""
# Who is here with exactly this 本籍・筆頭者: people of the register and of usage registrations.
CONCERNED = """
select (select count(*) from replica.resident r
        where r.registered_domicile = %(domicile)s
          and (%(head)s::text is null or r.family_register_head = %(head)s))
     + (select count(*) from staff.registration r
        where r.registered_domicile = %(domicile)s and r.state in ('applied', 'approved')
          and (%(head)s::text is null or r.family_register_head = %(head)s))
"""
REGISTER_OF = """
select registered_domicile, family_register_head from replica.resident
where addressee_number = %s and registered_domicile is not null
"""
LIFT = """
update staff.issuance_hold set lifted_by = %s, lift_reason = %s, lifted_at = clock_timestamp()
where id = %s and lifted_at is null
"""
LIST = """
select id, target_kind, addressee_number, registered_domicile, family_register_head, reason, placed_by, placed_at,
    lifted_by, lifted_at, lift_reason
from staff.issuance_hold where lifted_at is null or %s order by id
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """発行抑止, in force while ``lifted_at`` is empty. It names whom it concerns: for the eyes of staff only."""

    id: int
    target_kind: str
    addressee_number: str | None
    registered_domicile: str | None
    family_register_head: str | None
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    lift_reason: str | None


def hold_person(code: str, addressee_number: str, act: Act) -> int:
    """Stop every certificate on which this person stands (宛名番号); the hold's number.

    The number needs not be known here yet: a hold may come before the record does.
    """
    number = required(addressee_number, "addressee_number")
    if not number.isascii() or not number.isdigit():
        raise EntryRefused("宛名番号 has digits only")
    return _place(code, "person", (number, None, None), act)


def hold_register(
    code: str, registered_domicile: str, family_register_head: str | None, act: Act, *, unknown: bool = False
) -> int:
    """Stop every certificate from one 戸籍; without 筆頭者 from every 戸籍 of that 本籍. The hold's number.

    Both are compared as the register writes them, character by character, so a hold that concerns nobody here is
    refused as a slip of the pen, unless the 戸籍 is said to be ``unknown`` here (nobody of it lives here).
    """
    domicile = required(registered_domicile, "registered_domicile")
    head = required(family_register_head, "family_register_head") if family_register_head is not None else None
    if not unknown and not concerned(code, domicile, head):
        raise EntryRefused("nobody here has exactly this 本籍・筆頭者: see how the register writes them")
    return _place(code, "family_register", (None, domicile, head), act)


def register_of(code: str, addressee_number: str) -> tuple[str, str | None]:
    """本籍 and 筆頭者 of a resident exactly as the register writes them; ``EntryRefused`` when there are none."""
    with desk(code, "replica.resident") as connection:
        row = connection.execute(REGISTER_OF, (addressee_number,)).fetchone()
    if row is None:
        raise EntryRefused("there is no resident with this 宛名番号 who has a 本籍")
    return row[0], row[1]


def concerned(code: str, registered_domicile: str, family_register_head: str | None) -> int:
    """How many residents and usage registrations have exactly this 本籍・筆頭者."""
    values = {"domicile": registered_domicile, "head": family_register_head}
    with desk(code, "staff.issuance_hold") as connection:
        row = connection.execute(CONCERNED, values).fetchone()
    return int(row[0]) if row else 0


def lift(code: str, number: int, act: Act) -> None:
    """End a hold with who and why; an unknown or ended one is ``EntryRefused``."""
    with desk(code, "staff.issuance_hold") as connection:
        if connection.execute(LIFT, (act.by, act.reason, number)).rowcount != 1:
            raise EntryRefused(f"there is no hold {number} in force")


def holds(code: str, *, lifted: bool = False) -> list[Hold]:
    """All holds in force, oldest first; with ``lifted`` those that ended too."""
    with desk(code, "staff.issuance_hold") as connection:
        return connection.cursor(row_factory=class_row(Hold)).execute(LIST, (lifted,)).fetchall()


def _place(code: str, kind: str, target: tuple[str | None, str | None, str | None], act: Act) -> int:
    with desk(code, "staff.issuance_hold") as connection:
        row = connection.execute(PLACE, (kind, *target, act.reason, act.by)).fetchone()
    if row is None:
        raise AssertionError("an insert gives its number")
    return int(row[0])
