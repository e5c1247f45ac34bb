"""What the rules of eligibility ask for (交付可否の事実): one consistent reading of the register, and the instant.

No rule, no database and no clock here; what is derived from the facts and needs no judgement is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from issuance_api.model import HOUSEHOLD_KINDS, KOSEKI_KINDS, Application, Kind
from issuance_api.service_hours import JST
from municipalities.registry import Municipality
from records.code_lists import code_list
from records.records import IncomeTax, Resident, SealRegistration
from records.wareki import DateValue, InvalidDate, parse

ACTIVE = "1"
PREFECTURES = tuple(one.name for one in code_list("prefecture").values())


@dataclass(frozen=True, slots=True)
class Card:
    """利用者証明用電子証明書 linked to a person; it may be used from ``valid_from`` to before ``valid_until``."""

    addressee_number: str
    status: str
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Registration:
    """利用登録: a person who lives elsewhere and may have certificates of the 戸籍 that staff found."""

    id: int
    state: str
    name: str
    birth_on: date
    registered_domicile: str
    family_register_head: str
    usable_from: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """One consistent reading of everything that the rules ask for.

    ``household`` are the active members of the person's household; ``withheld`` pairs of (feed, 宛名番号); ``held`` the
    宛名番号 under an issuance hold; ``verified_at`` the instant of the last verified load of each feed. Service hours
    are those of ``accepted_at``: a request accepted before closing is finished.
    """

    now: datetime
    accepted_at: datetime
    municipality: Municipality
    application: Application
    card: Card | None = None
    person: Resident | None = None
    household: tuple[Resident, ...] = ()
    withheld: frozenset[tuple[str, str]] = frozenset()
    held: frozenset[str] = frozenset()
    verified_at: Mapping[str, datetime | None] | None = None
    seal: SealRegistration | None = None
    tax: IncomeTax | None = None
    registration: Registration | None = None
    register_held: bool = False
    always_open: bool = False

    @property
    def today(self) -> date:
        """The day in Japan."""
        return self.now.astimezone(JST).date()

    @property
    def kind(self) -> Kind:
        """The kind that was asked for."""
        return self.application.kind

    @property
    def non_resident(self) -> bool:
        """本籍者 who lives elsewhere: asks for a 戸籍 certificate by a registration, and is no active resident here."""
        resident = self.person is not None and self.person.resident_status == ACTIVE
        return self.kind in KOSEKI_KINDS and self.registration is not None and not resident

    @property
    def registered_domicile(self) -> str | None:
        """本籍 of the applicant: by the registration, else by the resident record."""
        if self.non_resident and self.registration is not None:
            return self.registration.registered_domicile
        return self.person.registered_domicile if self.person else None

    @property
    def whole_household(self) -> bool:
        """世帯全員: nobody was chosen, or everybody."""
        members = self.application.members
        return members is None or set(members) == {one.addressee_number for one in self.household}

    @property
    def printed(self) -> tuple[Resident, ...]:
        """The people who would stand on the certificate; empty when there is nobody."""
        if self.kind not in HOUSEHOLD_KINDS:
            return (self.person,) if self.person else ()
        chosen = self.application.members
        return tuple(one for one in self.household if chosen is None or one.addressee_number in chosen)

    @property
    def concerned(self) -> tuple[Resident, ...]:
        """Whose resident record counts: everybody printed, and the applicant; of a non-resident there is none."""
        if self.non_resident:
            return ()
        return tuple(
            {one.addressee_number: one for one in (*self.printed, *((self.person,) if self.person else ()))}.values()
        )


def lies_in(domicile: str | None, municipality: Municipality) -> bool:
    """Whether a 本籍 lies in the municipality: its name stands at the start, after 都道府県 and 郡 where they are written."""
    if domicile is None:
        return False
    rest = domicile.removeprefix(municipality.prefecture)
    if rest == domicile and rest.startswith(PREFECTURES):
        return False
    return re.match(rf"([^0-9０-９]{{1,5}}郡)?{re.escape(municipality.name)}", rest) is not None


def latest_birthday(birth: DateValue) -> date | None:
    """The latest day that a date of birth can mean: 昭和50年月日不詳 → 1975-12-31; ``None`` when nothing is known."""
    if birth.on is not None:
        return birth.on
    try:
        parts = parse(birth.text)
    except InvalidDate:
        return None
    if not parts.western_year:
        return None
    month = parts.month or 12
    following = date(parts.western_year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)


def applicant_age(facts: Facts) -> int | None:
    """申請者の年齢 in full years, at least; None where nothing of the date of birth is known."""
    if facts.non_resident and facts.registration is not None:
        return age_on(facts.today, facts.registration.birth_on)
    latest = latest_birthday(facts.person.birth_on) if facts.person else None
    return None if latest is None else age_on(facts.today, latest)


def age_on(day: date, birthday: date) -> int:
    """Full years on ``day``; a birthday on 29 February is kept on 1 March in common years."""
    return day.year - birthday.year - ((day.month, day.day) < (birthday.month, birthday.day))
