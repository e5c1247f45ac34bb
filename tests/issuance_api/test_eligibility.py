"""Every rule, alone: good facts are allowed, and one thing changed is refused with exactly that rule's code."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from fictional_people import CHILD, FAMILY, FATHER, MOTHER, SEAL, application, income_tax, known
from hypothesis import given
from hypothesis import strategies as st

from issuance_api import compiling, document
from issuance_api.eligibility import RULES, decide
from issuance_api.facts import Card, Facts, Registration, age_on, latest_birthday, lies_in
from issuance_api.model import HOUSEHOLD_KINDS, KOSEKI_KINDS, Kind, OptionalItem
from issuance_api.service_hours import JST
from municipalities.registry import Issuing, Maintenance, OpenHours, get
from records.wareki import DateValue

NOW = datetime(2026, 11, 24, 10, 15, tzinfo=JST)
TOWN = get("364894")
GOOD_CARD = Card(FATHER.addressee_number, "active", NOW - timedelta(days=1), NOW + timedelta(days=365))
VERIFIED = dict.fromkeys(("resident", "seal", "tax"), NOW - timedelta(minutes=3))


def facts(kind: Kind = Kind.RESIDENT_RECORD, *, asked: dict[str, Any] | None = None, **changes: Any) -> Facts:
    """Facts that every rule allows, but for ``changes``."""
    good: dict[str, Any] = {
        "now": NOW,
        "accepted_at": NOW,
        "municipality": TOWN,
        "application": application(kind, **(asked or {})),
        "card": GOOD_CARD,
        "person": FATHER,
        "household": FAMILY,
        "verified_at": VERIFIED,
        "seal": SEAL,
        "tax": income_tax(),
    }
    return Facts(**(good | changes))


def issuing(**changes: Any) -> Any:
    """The town with other settings."""
    return replace(TOWN, issuing=replace(TOWN.issuing, **changes))


def with_father(**changes: Any) -> dict[str, Any]:
    """The father changed, also in his household."""
    father = replace(FATHER, **changes)
    return {"person": father, "household": (father, MOTHER, CHILD)}


MOTHER_ONLY = {"members": (MOTHER.addressee_number,)}
SEAL_KIND, TAX_KIND, RECORD = Kind.SEAL_REGISTRATION, Kind.INCOME_TAXATION, Kind.RESIDENT_RECORD
OLD = NOW - timedelta(minutes=61)
HOUR = timedelta(hours=1)
WINDOW = Maintenance(NOW - HOUR, NOW + HOUR)
MORNINGS = OpenHours(time(8, 30), time(9, 30))

KOSEKI = Kind.FAMILY_REGISTER_ALL
REGISTRATION = Registration(
    7,
    "approved",
    "見本　外子",
    date(1980, 5, 5),
    "徳島県三好郡東みよし町昼間1番地",
    "見本　外男",
    NOW - timedelta(days=1),
)


def elsewhere(kind: Kind = KOSEKI, *, asked: dict[str, Any] | None = None, **changes: Any) -> Facts:
    """A person who lives elsewhere, with an approved registration, and no record in the replica."""
    alone = {"card": None, "person": None, "household": (), "verified_at": {}, "registration": REGISTRATION}
    return facts(kind, asked=asked, **(alone | changes))


ADDRESS = Kind.FAMILY_REGISTER_ADDRESS
NEVER = DateValue(None, "3", "年月日不詳")
UNDATED = {"changed_on": NEVER, "filed_on": None, "became_resident_on": None}


def without(kind: Kind, item: OptionalItem, **changes: Any) -> Facts:
    """An item asked for that this kind does not have here."""
    town = issuing(not_offered={kind.value: (item.value,)}, **changes)
    return facts(kind, asked={"items": frozenset({item})}, municipality=town)


CASES: list[tuple[str, Facts]] = [
    ("card_not_linked", elsewhere(RECORD)),
    ("card_not_linked", elsewhere(registration=None)),
    ("card_not_active", elsewhere(card=replace(GOOD_CARD, status="suspended"))),
    ("registration_not_usable", elsewhere(registration=replace(REGISTRATION, state="applied", usable_from=None))),
    ("registration_not_usable", elsewhere(registration=replace(REGISTRATION, state="rejected"))),
    ("registration_not_usable", elsewhere(registration=replace(REGISTRATION, state="stopped"))),
    ("registration_not_usable", elsewhere(registration=replace(REGISTRATION, usable_from=NOW + timedelta(days=1)))),
    ("under_15", elsewhere(registration=replace(REGISTRATION, birth_on=date(2011, 11, 25)))),
    ("outside_koseki_hours", facts(KOSEKI, accepted_at=NOW.replace(hour=17, minute=15))),
    ("outside_koseki_hours", facts(KOSEKI, accepted_at=NOW.replace(day=23))),  # 勤労感謝の日
    ("outside_koseki_hours", elsewhere(accepted_at=NOW.replace(day=28))),  # a Saturday
    ("register_elsewhere", facts(KOSEKI, **with_father(registered_domicile="香川県高松市番町1番地"))),
    ("register_elsewhere", facts(KOSEKI, **with_father(registered_domicile=None, family_register_head=None))),
    ("register_elsewhere", elsewhere(registration=replace(REGISTRATION, registered_domicile="香川県東みよし町1番地"))),
    ("register_held", elsewhere(register_held=True)),
    ("held", facts(KOSEKI, held=frozenset({FATHER.addressee_number}))),
    ("support_measure", elsewhere(person=replace(FATHER, resident_status="2", support_measure=True))),
    (
        "overseas_voting_not_offered",
        facts(Kind.FAMILY_REGISTER_ADDRESS, asked={"items": frozenset({OptionalItem.OVERSEAS_VOTING})}),
    ),
    ("outside_service_hours", facts(accepted_at=NOW.replace(hour=23))),
    ("maintenance", facts(municipality=issuing(maintenance=(WINDOW,)))),
    ("maintenance", facts(municipality=issuing(maintenance=(replace(WINDOW, kinds=(RECORD.value,)),)))),
    ("outside_kind_hours", facts(SEAL_KIND, municipality=issuing(hours={SEAL_KIND.value: MORNINGS}))),
    (
        "outside_kind_hours",
        facts(TAX_KIND, municipality=issuing(hours={TAX_KIND.value: OpenHours(closed_on=("11-24",))})),
    ),
    ("outside_koseki_hours", facts(ADDRESS, municipality=issuing(hours={ADDRESS.value: MORNINGS}))),
    ("not_offered_to_non_residents", elsewhere(ADDRESS, municipality=issuing(non_resident_kinds=(KOSEKI.value,)))),
    ("registered_domicile_not_offered", without(RECORD, OptionalItem.REGISTERED_DOMICILE)),
    ("registered_domicile_not_offered", without(ADDRESS, OptionalItem.REGISTERED_DOMICILE)),
    ("relationship_not_offered", without(Kind.RECORD_ITEM, OptionalItem.RELATIONSHIP)),
    ("individual_number_not_offered", without(Kind.RECORD_ITEM, OptionalItem.INDIVIDUAL_NUMBER)),
    ("overseas_voting_not_offered", without(ADDRESS, OptionalItem.OVERSEAS_VOTING, overseas_voting_allowed=True)),
    (
        "members_not_choosable",
        facts(asked=MOTHER_ONLY, municipality=issuing(not_offered={RECORD.value: ("members",)})),
    ),
    ("moved_in_today", facts(**with_father(change_reason="10", changed_on=known(2026, 11, 24)))),
    ("moved_in_today", facts(**with_father(change_reason="10", filed_on=known(2026, 11, 24)))),
    ("moved_in_today", facts(household=(FATHER, MOTHER, replace(CHILD, change_reason="10", **UNDATED)))),
    ("moved_in_today", facts(SEAL_KIND, **with_father(change_reason="10", became_resident_on=known(2026, 11, 24)))),
    ("seal_of_a_former_name", facts(SEAL_KIND, **with_father(change_reason="16", changed_on=known(2004, 1, 9)))),
    ("seal_of_a_former_name", facts(SEAL_KIND, **with_father(change_reason="16", changed_on=NEVER))),
    ("seal_of_a_former_name", facts(SEAL_KIND, seal=replace(SEAL, name_form="4"), **with_father(former_surname=None))),
    ("seal_of_a_former_name", facts(SEAL_KIND, seal=replace(SEAL, name_form="5"), **with_father(common_name=None))),
    ("kind_not_offered", facts(municipality=issuing(kinds=()))),
    ("card_not_linked", facts(card=None)),
    ("card_not_active", facts(card=replace(GOOD_CARD, status="suspended"))),
    ("card_not_active", facts(card=replace(GOOD_CARD, valid_from=NOW + timedelta(seconds=1)))),
    ("card_not_active", facts(card=replace(GOOD_CARD, valid_until=NOW))),
    ("not_a_resident", facts(person=None)),
    ("not_a_resident", facts(**with_father(resident_status="2"))),
    ("not_a_resident", facts(SEAL_KIND, **with_father(resident_status="3"))),
    ("data_not_fresh", facts(verified_at=VERIFIED | {"resident": OLD})),
    ("data_not_fresh", facts(verified_at=VERIFIED | {"resident": None})),
    ("data_not_fresh", facts(verified_at=VERIFIED | {"resident": NOW + timedelta(minutes=10)})),
    ("data_not_fresh", facts(SEAL_KIND, verified_at=VERIFIED | {"seal": OLD})),
    ("data_not_fresh", facts(TAX_KIND, verified_at=VERIFIED | {"tax": OLD})),
    ("under_15", facts(**with_father(birth_on=known(2011, 11, 25)))),
    ("under_15", facts(**with_father(birth_on=DateValue(None, "3", "年月日不詳")))),
    ("member_not_in_household", facts(asked={"members": ("000000000000999",)})),
    ("member_not_in_household", facts(household=())),
    ("members_not_choosable", facts(asked=MOTHER_ONLY, municipality=issuing(household_members_choosable=False))),
    (
        "individual_number_not_offered",
        facts(
            asked={"items": frozenset({OptionalItem.INDIVIDUAL_NUMBER})},
            municipality=issuing(individual_number_allowed=False),
        ),
    ),
    ("withheld", facts(withheld=frozenset({("resident", CHILD.addressee_number)}))),
    ("withheld", facts(asked=MOTHER_ONLY, withheld=frozenset({("resident", FATHER.addressee_number)}))),
    ("withheld", facts(SEAL_KIND, withheld=frozenset({("seal", FATHER.addressee_number)}))),
    ("withheld", facts(TAX_KIND, withheld=frozenset({("tax", FATHER.addressee_number)}))),
    ("held", facts(held=frozenset({CHILD.addressee_number}))),
    ("held", facts(SEAL_KIND, held=frozenset({FATHER.addressee_number}))),
    ("issuance_stopped", facts(**with_father(issuance_stop=True))),
    ("support_measure", facts(household=(FATHER, replace(MOTHER, support_measure=True), CHILD))),
    ("support_measure", facts(SEAL_KIND, **with_father(support_measure=True))),
    ("move_out_filed", facts(household=(FATHER, MOTHER, replace(CHILD, move_out_planned_on=known(2026, 12, 1))))),
    ("move_out_filed", facts(SEAL_KIND, **with_father(move_out_planned_on=known(2026, 12, 1)))),
    ("household_inconsistent", facts(household=(FATHER, replace(MOTHER, householder_name="見本　次郎"), CHILD))),
    ("household_inconsistent", facts(household=(FATHER, replace(MOTHER, relationship_codes="02"), CHILD))),
    ("seal_not_registered", facts(SEAL_KIND, seal=None)),
    ("seal_not_registered", facts(SEAL_KIND, seal=replace(SEAL, seal_status="2"))),
    ("seal_not_registered", facts(SEAL_KIND, seal=replace(SEAL, cancelled_on=known(2026, 11, 20)))),
    ("not_the_latest_tax_year", facts(TAX_KIND, asked={"fiscal_year": 2025}, tax=income_tax(fiscal_year=2025))),
    ("no_tax_record", facts(TAX_KIND, tax=None)),
    ("no_tax_record", facts(TAX_KIND, tax=income_tax(addressee_number=MOTHER.addressee_number))),
    ("not_resident_on_january_1", facts(TAX_KIND, tax=income_tax(address_on_january_1="香川県高松市番町一丁目8番"))),
    ("income_not_filed", facts(TAX_KIND, tax=income_tax(filing_kind="2"))),
    ("tax_issuance_stopped", facts(TAX_KIND, tax=income_tax(issuance_stop=True))),
]


@pytest.mark.clause("1(2)")
@pytest.mark.parametrize("kind", list(Kind))
def test_good_facts_are_allowed(kind: Kind) -> None:
    assert decide(facts(kind)) is None


@pytest.mark.clause("1(2)")
@pytest.mark.parametrize(("code", "given_facts"), CASES, ids=[f"{code}-{n}" for n, (code, _) in enumerate(CASES)])
def test_each_rule_refuses_by_itself(code: str, given_facts: Facts) -> None:
    refusal = decide(given_facts)
    assert refusal is not None
    assert refusal.code == code
    assert given_facts.kind in next(one for one in RULES if one.code == code).kinds


@pytest.mark.clause("1(2)", "2(1)②")
@pytest.mark.parametrize("kind", sorted(KOSEKI_KINDS))
def test_a_registered_person_who_lives_elsewhere_may_have_the_register(kind: Kind) -> None:
    assert decide(elsewhere(kind)) is None
    moved_out = replace(FATHER, resident_status="2", removed_on=known(2026, 4, 1))
    unlinked = replace(GOOD_CARD, status="unlinked")
    assert decide(elsewhere(kind, person=moved_out, card=unlinked)) is None


@pytest.mark.parametrize(
    ("domicile", "inside"),
    [
        ("徳島県三好郡東みよし町昼間1番地", True),
        ("三好郡東みよし町昼間1番地", True),
        ("東みよし町昼間1番地", True),
        ("徳島県東みよし町昼間1番地", True),
        ("香川県三好郡東みよし町昼間1番地", False),
        ("徳島県徳島市東みよし町1番地", False),
        ("徳島県三好市東みよし町1番地", False),
        (None, False),
    ],
)
def test_a_register_lies_in_the_town_that_its_address_begins_with(domicile: str | None, inside: bool) -> None:
    assert lies_in(domicile, TOWN) is inside


def test_a_demonstration_may_be_open_at_night() -> None:
    night = NOW.replace(hour=23)
    assert decide(facts(accepted_at=night, always_open=True)) is None


def test_every_rule_has_a_case_and_a_text() -> None:
    assert {one.code for one in RULES} == {code for code, _ in CASES}
    assert all(one.text.endswith("。") for one in RULES)


def test_nothing_known_is_refused() -> None:
    empty = Facts(now=NOW, accepted_at=NOW, municipality=TOWN, application=application(RECORD))
    refusal = decide(empty)
    assert refusal is not None
    assert refusal.code == "card_not_linked"


def test_a_withheld_member_who_is_not_printed_does_not_stop_a_part_of_the_household() -> None:
    child_withheld = frozenset({("resident", CHILD.addressee_number)})
    assert decide(facts(asked={"members": (FATHER.addressee_number,)}, withheld=child_withheld)) is None


def test_choosing_everybody_is_the_whole_household() -> None:
    everybody = facts(asked={"members": tuple(one.addressee_number for one in FAMILY)})
    assert everybody.whole_household
    assert not facts(asked=MOTHER_ONLY).whole_household
    assert {Kind.RESIDENT_RECORD, Kind.RECORD_ITEM} == HOUSEHOLD_KINDS


@pytest.mark.parametrize(
    ("text", "latest"),
    [
        ("昭和50年2月日不詳", date(1975, 2, 28)),
        ("昭和50年月日不詳", date(1975, 12, 31)),
        ("年月日不詳", None),
        ("春の頃", None),
    ],
)
def test_an_uncertain_birth_counts_from_its_latest_day(text: str, latest: date | None) -> None:
    assert latest_birthday(DateValue(None, "1", text)) == latest


@pytest.mark.fault(141)
@given(st.dates(date(1900, 1, 1), date(2020, 12, 31)))
def test_fifteen_from_the_birthday_on(birth: date) -> None:
    leap_day = (birth.month, birth.day) == (2, 29)
    fifteenth = date(birth.year + 15, 3, 1) if leap_day else birth.replace(year=birth.year + 15)
    assert age_on(fifteenth, birth) == 15
    assert age_on(fifteenth - timedelta(days=1), birth) == 14


@pytest.mark.parametrize(
    "changes",
    [
        {"change_reason": "10", "changed_on": known(2026, 11, 23), "filed_on": None, "became_resident_on": None},
        {"change_reason": "12", "changed_on": known(2026, 11, 24)},
    ],
    ids=["a day later", "moved within the town"],
)
def test_moving_in_stops_one_day_and_only_people_who_came(changes: dict[str, Any]) -> None:
    assert decide(facts(**with_father(**changes))) is None


def test_a_town_may_issue_on_the_day_of_moving_in() -> None:
    today = with_father(change_reason="10", changed_on=known(2026, 11, 24))
    assert decide(facts(municipality=issuing(move_in_day_allowed=True), **today)) is None
    assert decide(facts(KOSEKI, **today)) is None  # the 戸籍 does not move


def test_a_seal_that_was_registered_after_the_change_of_the_name_is_good() -> None:
    for day in (known(2004, 1, 8), known(2004, 1, 7)):
        assert decide(facts(SEAL_KIND, **with_father(change_reason="16", changed_on=day))) is None
    former = with_father(former_surname="旧姓")
    assert decide(facts(SEAL_KIND, seal=replace(SEAL, name_form="4"), **former)) is None


def test_options_hours_and_windows_of_one_kind_leave_the_others_alone() -> None:
    item = frozenset({OptionalItem.REGISTERED_DOMICILE})
    town = issuing(
        not_offered={Kind.RECORD_ITEM.value: ("registered_domicile", "members")},
        hours={SEAL_KIND.value: MORNINGS},
        maintenance=(replace(WINDOW, kinds=(TAX_KIND.value,)),),
    )
    assert decide(facts(asked={"items": item, **MOTHER_ONLY}, municipality=town)) is None
    assert decide(facts(SEAL_KIND, municipality=town, accepted_at=NOW.replace(hour=9))) is None


def test_the_refusal_while_drawing_stands_in_the_document_word_for_word() -> None:
    refusal = compiling.beyond_limit("name")
    assert f"| `{refusal.code}` | {refusal.text} |" in document.document()


def test_every_setting_is_in_the_document() -> None:
    assert set(document.SETTINGS) == {one.name for one in fields(Issuing)}


def test_the_document_of_the_rules_is_current_and_names_every_rule() -> None:
    assert document.TARGET.read_text("utf-8") == document.document(), "run: python -m issuance_api.document"
    for one in RULES:
        assert f"| `{one.code}` |" in document.document()
