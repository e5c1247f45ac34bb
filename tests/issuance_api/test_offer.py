"""What a town offers, as the kiosk hears it: options of each kind, windows announced ahead; and settings that make no sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fictional_people import CODE
from issuing_town import CARD, NOW, fill
from starlette.testclient import TestClient

from issuance_api import offer
from issuance_api.app import Settings, create_app
from issuance_api.model import Kind, OptionalItem
from municipalities.registry import Maintenance, all_codes, get
from records.errors import ConfigurationError

TOWN = get(CODE)
DAY = timedelta(days=1)
RECORD, ITEM, SEAL = "resident_record_certificate", "record_item_certificate", "seal_registration_certificate"
pytestmark = pytest.mark.clause("1(6)①")


def town(**changes: Any) -> Any:
    return replace(TOWN, issuing=replace(TOWN.issuing, **changes))


WINDOWS = (
    Maintenance(NOW + 10 * DAY, NOW + 11 * DAY),
    Maintenance(NOW + 2 * DAY, NOW + 3 * DAY, (SEAL,)),
    Maintenance(NOW + 30 * DAY, NOW + 31 * DAY),
    Maintenance(NOW - DAY, NOW),
)
OTHERWISE = town(
    maintenance=WINDOWS,
    maintenance_notice_days=14,
    not_offered={ITEM: ("individual_number", "relationship", "members")},
)


@pytest.fixture(scope="module")
def kiosk(issuing_site: str) -> Iterator[TestClient]:
    """The app of a town with windows and options of its own."""
    fill(NOW)
    app = create_app(Settings((OTHERWISE,), clock=lambda: NOW, deadline_seconds=20))
    with TestClient(app, headers={"Authorization": f"Bearer {issuing_site}"}) as client:
        yield client


def test_the_kiosk_hears_what_each_kind_has_and_what_is_announced(kiosk: TestClient) -> None:
    answer = kiosk.post(f"/v1/{CODE}/capabilities", json={"card_serial": CARD}).json()
    kinds = {one["kind"]: one for one in answer["kinds"]}
    assert kinds[RECORD]["optional_items"] == ["relationship", "registered_domicile", "individual_number"]
    assert kinds[ITEM]["optional_items"] == ["registered_domicile"]
    assert (kinds[RECORD]["members_choosable"], kinds[ITEM]["members_choosable"]) == (True, False)
    assert kinds[SEAL]["optional_items"] == []
    first, second = answer["maintenance"]
    assert first["kinds"] == [SEAL]
    assert first["begins_at"] == (NOW + 2 * DAY).isoformat()
    assert second["kinds"] == [one.value for one in Kind]
    assert kinds[SEAL]["available"]  # announced is not begun


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": ITEM, "items": ["individual_number"]}, "individual_number_not_offered"),
        ({"kind": ITEM, "items": ["relationship"]}, "relationship_not_offered"),
        ({"kind": RECORD, "items": ["relationship"]}, None),
    ],
    ids=str,
)
def test_an_option_that_a_kind_does_not_have_is_refused(
    kiosk: TestClient, asked: dict[str, Any], code: str | None
) -> None:
    body = {"request_id": f"offer-{asked['kind'][:12]}-{code}", "card_serial": CARD, **asked}
    answer = kiosk.post(f"/v1/{CODE}/applications", json=body)
    assert (answer.status_code, None if answer.status_code == 200 else answer.json()["code"]) == (
        422 if code else 200,
        code,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": ("koseki",)},
        {"hours": {"koseki": TOWN.issuing.koseki_hours}},
        {"maintenance": (Maintenance(NOW, NOW + DAY, ("koseki",)),)},
        {"non_resident_kinds": (RECORD,)},
        {"not_offered": {"koseki": ()}},
        {"not_offered": {SEAL: ("relationship",)}},
        {"not_offered": {SEAL: ("members",)}},
        {"not_offered": {RECORD: ("overseas_voting",)}},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        offer.check(town(**changes))
    assert caught.value.place.field == f"issuing.{next(iter(changes))}"


def test_a_town_with_such_settings_is_not_served(issuing_site: str) -> None:
    app = create_app(Settings((town(not_offered={SEAL: ("members",)}),), clock=lambda: NOW))
    headers = {"Authorization": f"Bearer {issuing_site}"}
    with TestClient(app, headers=headers) as client:
        assert client.get("/readyz").status_code == 503
        answer = client.post(f"/v1/{CODE}/capabilities", json={"card_serial": CARD})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("code", all_codes())
def test_every_shipped_town_makes_sense(code: str) -> None:
    offer.check(get(code))


def test_a_kind_that_is_not_issued_is_not_announced() -> None:
    issuing = replace(OTHERWISE.issuing, kinds=(RECORD,))
    assert [one.kinds for one in offer.notices(issuing, NOW)] == [(Kind.RESIDENT_RECORD,)]
    assert OptionalItem.OVERSEAS_VOTING not in offer.optional_items(issuing, Kind.FAMILY_REGISTER_ADDRESS)
