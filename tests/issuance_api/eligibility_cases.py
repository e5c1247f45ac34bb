"""Cases for the rules of eligibility: plain choices, and the facts that they make. What must follow is not in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

from fictional_people import CHILD, FATHER, MOTHER, SEAL, application, income_tax, known

from issuance_api.facts import Card, Facts, Registration
from issuance_api.model import Kind, OptionalItem
from issuance_api.service_hours import JST
from municipalities.registry import Maintenance, OpenHours, get
from records.wareki import DateValue

TOWN = get("364894")
TODAY = date(2026, 11, 24)
HERE, ELSEWHERE = "徳島県三好郡東みよし町昼間1番地", "香川県高松市番町1番地"
HOUSEHOLD = {"resident_record_certificate", "record_item_certificate"}
KOSEKI = {
    "family_register_all_certificate", "family_register_individual_certificate", "family_register_address_certificate",
}  # fmt: skip
TAX, SEAL_KIND, ADDRESS = (
    "income_taxation_certificate",
    "seal_registration_certificate",
    "family_register_address_certificate",
)
ITEMS = {
    **dict.fromkeys(HOUSEHOLD, ("relationship", "registered_domicile", "individual_number")),
    ADDRESS: ("registered_domicile", "overseas_voting"),
}
Case = SimpleNamespace
Choose = Callable[[Sequence[Any]], Any]

# What may be chosen; the first of each is good and comes often.
CHOICES: dict[str, tuple[Any, ...]] = {
    "hour": (10, 6, 23, 17),
    "day": ("workday", "holiday", "saturday", "year_end"),
    "demonstration": (False, True),
    "window": (None, "all", "this", "another", "over"),
    "kind_offered": (True, False),
    "own_hours": (None, "mornings", "all_day"),
    "office_hours": (False, True),
    "card": ("active", None, "suspended", "unlinked"),
    "card_from": ("past", "future"),
    "card_until": (None, "future", "past"),
    "status": ("1", None, "2", "3"),
    "registration": (None, "approved", "applied", "rejected", "stopped"),
    "registration_from": ("past", "future"),
    "registration_adult": (True, False),
    "registration_here": (True, False),
    "non_residents": (None, "all", "none"),
    "domicile_here": (True, False, None),
    "register_held": (False, True),
    "items": ((), "one", "every"),
    "flags": (True, False),
    "left_out": ((), "items", "members"),
    "fresh": ("all", "no_resident", "old_resident", "old_seal", "old_tax", "future"),
    "birth": ("adult", "child", "month_unknown", "unknown"),
    "members": (None, "father", "mother", "everybody", "stranger"),
    "withheld": ((), ("resident", "father"), ("resident", "child"), ("seal", "father"), ("tax", "father")),
    "held": (None, "father", "child"),
    "stopped": (None, "father", "child"),
    "supported": (None, "father", "child"),
    "moving_out": (None, "father", "child"),
    "moved_in": (None, ("father", "today"), ("child", "today"), ("father", "yesterday"), ("father", "unknown")),
    "move_in_allowed": (False, True),
    "household": ("good", "two_heads", "another_head", "empty"),
    "seal": ("1", None, "2", "cancelled"),
    "imprint": ("2", "4", "5"),
    "renamed": (None, "before", "after"),
    "year_asked": (2026, 2025),
    "tax": ("own", None, "of_mother"),
    "tax_here": (True, False),
    "filed": (True, False),
    "tax_stopped": (False, True),
}


def draw(choose: Choose) -> Case:
    """Mostly good, so that several rules are reached: up to four choices are made freely, the rest is the first."""
    case = {name: options[0] for name, options in CHOICES.items()}
    kind = choose([one.value for one in Kind])
    if kind in KOSEKI and choose([False, True]):  # somebody who lives elsewhere
        case |= {"registration": "approved", "card": None, "status": None}
    case |= {name: choose(CHOICES[name]) for name in ("items", "members")}
    for _ in range(choose([0, 1, 2, 3, 4])):
        name = choose(list(CHOICES))
        case[name] = choose(CHOICES[name])
    return Case(kind=kind, **case)


def now_of(case: Case) -> datetime:
    day = {"workday": date(2026, 11, 24), "holiday": date(2026, 11, 23), "saturday": date(2026, 11, 28),
           "year_end": date(2026, 12, 30)}[case.day]  # fmt: skip
    return datetime.combine(day, time(case.hour, 15), JST)


NOW = datetime(2026, 11, 24, 10, 15, tzinfo=JST)  # when it is decided; what was accepted at another hour is finished
BIRTHS = {
    "adult": known(1980, 1, 2), "child": known(2011, 11, 25),
    "month_unknown": DateValue(None, "2", "平成23年月日不詳"), "unknown": DateValue(None, "3", "年月日不詳"),
}  # fmt: skip
PEOPLE = {"father": FATHER, "mother": MOTHER, "child": CHILD}


def asked_items(case: Case) -> tuple[str, ...]:
    there = ITEMS.get(case.kind, ())
    return {(): (), "one": there[:1], "every": there}[case.items]


def left_out(case: Case) -> tuple[str, ...]:
    return {(): (), "items": ITEMS.get(case.kind, ()), "members": ("members",)}[case.left_out]


def person_of(case: Case, who: str) -> Any:
    moved = {}
    if case.moved_in and case.moved_in[0] == who:
        day = {"today": known(2026, 11, 24), "yesterday": known(2026, 11, 23),
               "unknown": DateValue(None, "3", "年月日不詳")}[case.moved_in[1]]  # fmt: skip
        moved = {"change_reason": "10", "changed_on": day, "filed_on": None, "became_resident_on": None}
    elif case.renamed and who == "father":
        day = known(2003, 1, 1) if case.renamed == "before" else known(2020, 1, 1)  # the seal is of 2004
        moved = {"change_reason": "16", "changed_on": day}
    domicile = {True: HERE, False: ELSEWHERE, None: None}[case.domicile_here]
    return replace(
        PEOPLE[who],
        issuance_stop=case.stopped == who,
        support_measure=case.supported == who,
        move_out_planned_on=known(2026, 12, 1) if case.moving_out == who else None,
        registered_domicile=domicile,
        birth_on=BIRTHS[case.birth] if who == "father" else PEOPLE[who].birth_on,
        resident_status=(case.status or "1") if who == "father" else "1",
        relationship_codes="02" if who == "father" or case.household == "two_heads" else PEOPLE[who].relationship_codes,
        householder_name="別人" if (who, case.household) == ("child", "another_head") else FATHER.householder_name,
        **moved,
    )


def town_of(case: Case) -> Any:
    window = {
        None: (), "all": (Maintenance(NOW - timedelta(days=60), NOW + timedelta(days=60)),),
        "this": (Maintenance(NOW - timedelta(days=60), NOW + timedelta(days=60), (case.kind,)),),
        "another": (Maintenance(NOW - timedelta(days=60), NOW + timedelta(days=60), ("another",)),),
        "over": (Maintenance(NOW - timedelta(days=60), NOW - timedelta(days=50)),),
    }[case.window]  # fmt: skip
    own = {None: {}, "mornings": {case.kind: OpenHours(time(8), time(10))}, "all_day": {case.kind: OpenHours()}}
    issuing = replace(
        TOWN.issuing,
        kinds=tuple(one.value for one in Kind if case.kind_offered or one.value != case.kind),
        maintenance=window,
        hours=own[case.own_hours],
        koseki_hours=OpenHours(time(8, 30), time(17), True) if case.office_hours else OpenHours(),
        non_resident_kinds={None: None, "all": tuple(KOSEKI), "none": ()}[case.non_residents],
        individual_number_allowed=case.flags,
        household_members_choosable=case.flags,
        overseas_voting_allowed=case.flags,
        not_offered={case.kind: left_out(case)},
        move_in_day_allowed=case.move_in_allowed,
    )
    return replace(TOWN, issuing=issuing)


def facts_of(case: Case) -> Facts:
    father = person_of(case, "father")
    family = (father, person_of(case, "mother"), person_of(case, "child"))
    chosen = {None: None, "father": (FATHER,), "mother": (MOTHER,), "everybody": (FATHER, MOTHER, CHILD)}
    asked: dict[str, Any] = {"items": frozenset(map(OptionalItem, asked_items(case)))}
    if case.kind in HOUSEHOLD and case.members is not None:
        people = chosen.get(case.members)
        asked["members"] = tuple(one.addressee_number for one in people) if people else ("000000000000999",)
    if case.kind == TAX:
        asked["fiscal_year"] = case.year_asked
    verified = dict.fromkeys(("resident", "seal", "tax"), NOW - timedelta(minutes=3))
    verified |= {"all": {}, "no_resident": {"resident": None}, "future": {"resident": NOW + timedelta(minutes=9)},
                 **{f"old_{feed}": {feed: NOW - timedelta(hours=2)} for feed in verified}}[case.fresh]  # fmt: skip
    card = Card(FATHER.addressee_number, case.card, past_or_future(case.card_from), past_or_future(case.card_until))  # type: ignore[arg-type]
    mother_tax = {"addressee_number": MOTHER.addressee_number} if case.tax == "of_mother" else {}
    tax = income_tax(
        fiscal_year=case.year_asked, filing_kind="1" if case.filed else "2", issuance_stop=case.tax_stopped,
        address_on_january_1=HERE if case.tax_here else ELSEWHERE, **mother_tax,
    )  # fmt: skip
    status = (
        {"seal_status": "1", "cancelled_on": known(2026, 1, 1)}
        if case.seal == "cancelled"
        else {"seal_status": case.seal}
    )
    return Facts(
        now=NOW,
        accepted_at=now_of(case),
        municipality=town_of(case),
        application=application(Kind(case.kind), **asked),
        card=card if case.card else None,
        person=father if case.status else None,
        household=() if case.household == "empty" else tuple(one for one in family if one.resident_status == "1"),
        withheld=frozenset({(case.withheld[0], PEOPLE[case.withheld[1]].addressee_number)} if case.withheld else ()),
        held=frozenset({PEOPLE[case.held].addressee_number} if case.held else ()),
        verified_at=verified,
        seal=replace(SEAL, name_form=case.imprint, **status) if case.seal else None,
        tax=tax if case.tax else None,
        registration=registration_of(case),
        register_held=case.register_held,
        always_open=case.demonstration,
    )


def past_or_future(when: str | None) -> datetime | None:
    return {None: None, "past": NOW - timedelta(days=1), "future": NOW + timedelta(days=1)}[when]


def registration_of(case: Case) -> Registration | None:
    if case.registration is None:
        return None
    birth = date(1980, 5, 5) if case.registration_adult else date(2011, 11, 25)
    where = HERE if case.registration_here else ELSEWHERE
    return Registration(7, case.registration, "見本", birth, where, "見本", past_or_future(case.registration_from))
