"""Whom a certificate concerns (関係者), as the row and the locks of the database have it.

Exactly those whose hold stops it by the rules: everybody printed, the applicant, and their 戸籍. Somebody else of the
household is none of them: a hold on them must not turn into an error of this certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

from issuance_api.facts import Facts
from issuance_api.model import KOSEKI_KINDS

SEPARATOR = "\x1f"  # between 本籍 and 筆頭者, as the database splits them


@dataclass(frozen=True, slots=True)
class Concern:
    """宛名番号, 本籍 with 筆頭者, and the usage registration, each sorted: equal when nobody else is concerned."""

    subjects: tuple[str, ...]
    registers: tuple[str, ...]
    registration_id: int | None

    def values(self) -> dict[str, object]:
        """Parameters of the statements."""
        return {
            "subjects": list(self.subjects),
            "registers": list(self.registers),
            "registration": self.registration_id,
        }


def concern_of(facts: Facts) -> Concern:
    """Whom a certificate with these facts concerns; the same as the rules ``held`` and ``register_held`` look at."""
    people = {one.addressee_number: one for one in (*facts.concerned, *((facts.person,) if facts.person else ()))}
    registers = {_register(one.registered_domicile, one.family_register_head) for one in people.values()}
    registration = facts.registration if facts.kind in KOSEKI_KINDS else None
    if registration:
        registers.add(_register(registration.registered_domicile, registration.family_register_head))
    return Concern(
        tuple(sorted(people)),
        tuple(sorted(one for one in registers if one)),
        registration.id if registration else None,
    )


def _register(domicile: str | None, head: str | None) -> str | None:
    """本籍 and 筆頭者 as one key; foreign residents have none."""
    return f"{domicile}{SEPARATOR}{head or ''}" if domicile else None
