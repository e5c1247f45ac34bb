"""Whole fictional towns on paper: whatever the rules allow can be drawn and passes the check before sending."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fictional_people import ISSUE, application

from issuance_api.checking import check
from issuance_api.eligibility import decide
from issuance_api.facts import Card, Facts
from issuance_api.forms import Subject, household_order, page_data
from issuance_api.model import HOUSEHOLD_ITEMS, HOUSEHOLD_KINDS, REPLICA_KINDS, Kind, OptionalItem
from issuance_api.rendering import Renderer
from issuance_api.service_hours import JST
from municipalities.registry import Municipality, all_codes, get
from records.records import IncomeTax, Resident, SealRegistration
from simulators.world.town import Town, build

NOW = datetime(2026, 11, 24, 10, tzinfo=JST)
SIZE = 60


def facts_of(municipality: Municipality, town: Town, person: Resident, kind: Kind) -> Facts:
    """The facts of one application with every optional item that the town allows."""
    number = person.addressee_number
    allowed = [one for one in HOUSEHOLD_ITEMS if one is not OptionalItem.INDIVIDUAL_NUMBER]
    items = frozenset(HOUSEHOLD_ITEMS if municipality.issuing.individual_number_allowed else allowed)
    more: dict[str, Any] = {"items": items} if kind in HOUSEHOLD_KINDS else {}
    seal, tax = town.records["seal"].get((number,)), town.records["tax"].get((number, municipality.issuing.tax_year))
    return Facts(
        now=NOW,
        accepted_at=NOW,
        municipality=municipality,
        application=application(kind, **more),
        card=Card(number, "active", NOW, None),
        person=person,
        household=tuple(Resident.from_row(row) for row in town.members(person.household_number)),
        verified_at=dict.fromkeys(("resident", "seal", "tax"), NOW),
        seal=SealRegistration.from_row(seal) if seal else None,
        tax=IncomeTax.from_row(tax) if tax else None,
    )


@pytest.mark.clause("1(2)", "3(1)⑩")
@pytest.mark.parametrize("code", all_codes())
def test_everything_that_may_be_issued_can_be(code: str) -> None:
    municipality, renderer, drawn = get(code), Renderer(), dict.fromkeys(REPLICA_KINDS, 0)
    town = build(municipality, 11, SIZE)
    for row in town.active():
        for kind in REPLICA_KINDS:
            facts = facts_of(municipality, town, Resident.from_row(row), kind)
            if decide(facts) is None and facts.person is not None:
                printed = household_order(facts.printed)
                subject = Subject(facts.person, printed, facts.whole_household, facts.seal, facts.tax)
                page = page_data(municipality, facts.application, subject, ISSUE)
                check(municipality, page, renderer.render(municipality, page))
                drawn[kind] += 1
    assert min(drawn.values()) > SIZE // 6
