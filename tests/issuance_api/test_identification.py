"""A site that verifies certificates itself: challenge, card, certificate, on a real database; and the other mode."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fictional_people import CODE
from issuing_town import CARD, owner
from jpki_site import RECORD, Kiosk, linked
from starlette.testclient import TestClient

from municipalities.registry import get
from simulators.jpki.ca import GOOD

pytestmark = pytest.mark.clause("2(1)①")


@pytest.mark.fault(136, 137)
def test_card_and_phone_of_one_person_get_certificates_and_a_stranger_none(kiosk: Kiosk) -> None:
    for number, name in enumerate(("good", "phone", "p384")):
        assert kiosk.apply(f"request-{number:04d}", kiosk.evidence(linked(kiosk, name)))[0] == 200
    unlinked = kiosk.authorities["card"].issue(GOOD)  # renewed, and nobody has linked the new serial yet
    status, code = kiosk.apply("request-0009", kiosk.evidence(unlinked))
    assert status == 422
    assert not code.startswith("jpki_")


@pytest.mark.fault(62)
def test_a_retry_signs_a_new_challenge_and_gets_the_same_bytes(kiosk: Kiosk) -> None:
    card = linked(kiosk)
    first = kiosk.evidence(card)
    made = kiosk.apply("request-0001", first)
    assert made[0] == 200
    assert kiosk.apply("request-0001", first) == (422, "jpki_challenge")
    assert kiosk.apply("request-0001", kiosk.evidence(card)) == made
    assert kiosk.apply("request-0001", kiosk.evidence(linked(kiosk))) == (409, "request_conflict")


def test_a_challenge_of_another_purpose_or_too_old_is_refused(kiosk: Kiosk) -> None:
    card = linked(kiosk)
    assert kiosk.apply("request-0001", kiosk.evidence(card, "capabilities")) == (422, "jpki_challenge")
    late = kiosk.evidence(card)
    kiosk.hour.now += timedelta(minutes=2)
    assert kiosk.apply("request-0001", late) == (422, "jpki_challenge")


def test_a_bare_serial_says_nothing_here_and_leaves_no_request(kiosk: Kiosk) -> None:
    assert kiosk.apply("request-0001", None, card_serial=CARD) == (422, "jpki_evidence_demanded")
    both = kiosk.apply("request-0001", kiosk.evidence(linked(kiosk)), card_serial=CARD)
    assert both == (400, "bad_request")
    assert kiosk.apply("request-0001", None) == (400, "bad_request")
    answer = kiosk.client.post(f"/v1/{CODE}/results", json={"request_id": "request-0001"})
    assert answer.status_code == 404


@pytest.mark.fault(62)
def test_revoked_and_unknown_are_told_apart_from_down(kiosk: Kiosk) -> None:
    card = linked(kiosk)
    kiosk.responder.ocsp_trouble = kiosk.responder.crl_trouble = "down"
    assert kiosk.apply("request-0001", kiosk.evidence(card)) == (422, "jpki_revocation_unavailable")
    kiosk.responder.ocsp_trouble = "none"
    kiosk.responder.revoked.add(card.certificate.serial_number)
    assert kiosk.apply("request-0002", kiosk.evidence(card)) == (422, "jpki_revoked")


def test_what_is_offered_is_asked_with_evidence_too(kiosk: Kiosk) -> None:
    evidence = kiosk.evidence(linked(kiosk), "capabilities")
    answer = kiosk.client.post(f"/v1/{CODE}/capabilities", json={"evidence": evidence})
    offered = {one["kind"]: one["available"] for one in answer.json()["kinds"]}
    assert offered[RECORD]


def test_where_the_centre_verifies_evidence_is_not_taken(centre: TestClient, kiosk: Kiosk) -> None:
    answer = centre.post(f"/v1/{CODE}/challenges", json={"purpose": "application"})
    assert answer.json()["code"] == "jpki_evidence_not_taken"
    body = {"request_id": "request-0001", "kind": RECORD, "evidence": kiosk.evidence(linked(kiosk))}
    assert centre.post(f"/v1/{CODE}/applications", json=body).json()["code"] == "jpki_evidence_not_taken"


@pytest.mark.fault(62)
def test_a_challenge_serves_one_of_many_who_use_it_at_once(kiosk: Kiosk) -> None:
    from concurrent.futures import ThreadPoolExecutor

    evidence = kiosk.evidence(linked(kiosk))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: kiosk.apply(f"request-{number:04d}", evidence)[0], range(8)))
    assert sorted(found) == [200] + [422] * 7


@pytest.mark.clause("2(1)②")
def test_a_registration_bears_the_verified_certificate(kiosk: Kiosk) -> None:
    card = kiosk.authorities["card"].issue(GOOD)
    domicile = f"{get(CODE).prefecture}{get(CODE).name}大字中央1番地"
    entered = {"name": "見本　外美", "birth_on": "1980-04-02", "address": "香川県高松市番町一丁目8番15号"}
    entered |= {"registered_domicile": domicile, "family_register_head": "見本　外男", "channel": "kiosk"}
    request_id = f"registration-{card.certificate.serial_number % 10**8}"
    for purpose, expected in (("application", 422), ("registration", 200)):
        body = {"request_id": request_id, "evidence": kiosk.evidence(card, purpose), **entered}
        answer = kiosk.client.post(f"/v1/{CODE}/registrations", json=body)
        assert answer.status_code == expected, answer.json()["code"]
    with owner() as connection:
        row = connection.execute(
            "select card_serial, issuer_sha256, medium from staff.registration where request_id = %s", (request_id,)
        ).fetchone()
    assert row == (str(card.certificate.serial_number), kiosk.authorities["card"].key_sha256, "card")
