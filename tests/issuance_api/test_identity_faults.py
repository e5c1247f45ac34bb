"""Faults 62 and 132 to 138 through the running app of a site that verifies itself: each by its code, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from fictional_people import CODE, FATHER, MOTHER
from issuing_town import owner
from jpki_site import POINTS, Kiosk, encoded, link, linked

from issuance_api.jpki.results import TEXTS
from replica import cards
from simulators.jpki.ca import GOOD, PHONE_POLICY, PROFILES, Part, Profile, VirtualCard

pytestmark = pytest.mark.clause("2(1)①")
TODAY = Profile(not_before=-timedelta(hours=1))


def refused_as(kiosk: Kiosk, evidence: dict[str, str], code: str) -> None:
    """Refused with this code, and nobody finds a request afterwards."""
    assert kiosk.apply("request-0001", evidence) == (422, code)
    with owner() as connection:
        assert connection.execute("select from issuance.request").fetchall() == []
    assert code in TEXTS


CERTIFICATES = {
    "62 expired": ("card", "expired", "jpki_expired"),
    "62 unknown issuer": ("stranger", "good", "jpki_chain"),
    "62 an issuer of no cards": ("root", "good", "jpki_revocation_unavailable"),
    "62 wrong policy": ("card", "wrong_policy", "jpki_policy"),
    "62 not yet valid": ("card", "not_yet_valid", "jpki_not_yet_valid"),
    "62 no use": ("card", "no_use", "jpki_key_usage"),
    "62 another use": ("card", "server_use", "jpki_key_usage"),
    "62 short key": ("card", "short_key", "jpki_algorithm"),
    "62 unknown and critical": ("card", "unknown_critical", "jpki_extension"),
    "132 old CA of the same name": ("old", "good", "jpki_chain"),
    "133 a CA for tests": ("trial", "good", "jpki_test_card"),
    "133 a lent test card": ("lent", "good", "jpki_test_card"),
    "134 signing policy": ("card", "signing_policy", "jpki_signing_certificate"),
    "134 signing use": ("card", "signing_use", "jpki_signing_certificate"),
    "134 signing, from below": ("below", "signing_use", "jpki_signing_certificate"),
}


@pytest.mark.parametrize("fault", CERTIFICATES)
def test_a_wrong_certificate_even_when_it_is_linked(kiosk: Kiosk, fault: str) -> None:
    by, name, code = CERTIFICATES[fault]
    responder = kiosk.authorities.responders["root"]
    responder.crl_trouble = "down" if by == "root" else "none"
    refused_as(kiosk, kiosk.evidence(linked(kiosk, name, by)), code)


def test_132_the_old_ca_gave_the_very_serial_that_is_linked(kiosk: Kiosk) -> None:
    good = linked(kiosk)
    forged = kiosk.authorities["old"].issue(GOOD, serial=good.certificate.serial_number)
    refused_as(kiosk, kiosk.evidence(forged), "jpki_chain")
    assert kiosk.apply("request-0002", kiosk.evidence(good))[0] == 200


ANSWERS = {
    "62 OCSP is down and the list tells": ("down", "none", None),
    "62 revoked by the list": ("down", "revoked", "jpki_revoked"),
    "62 revoked by OCSP": ("revoked", "down", "jpki_revoked"),
    "62 both are down": ("down", "down", "jpki_revocation_unavailable"),
    "62 OCSP is too slow": ("slow", "down", "jpki_revocation_unavailable"),
    "62 OCSP knows nothing of it": ("unknown", "none", "jpki_unknown"),
    "135 stale OCSP": ("stale", "down", "jpki_revocation_stale"),
    "135 stale list": ("down", "stale", "jpki_revocation_stale"),
    "135 replayed OCSP": ("replay", "down", "jpki_revocation_invalid"),
    "135 OCSP without our nonce": ("no_nonce", "down", "jpki_revocation_invalid"),
    "135 OCSP about another": ("other_serial", "down", "jpki_revocation_invalid"),
    "135 OCSP by a CA of the same name": ("wrong_signer", "down", "jpki_revocation_invalid"),
    "135 list by a CA of the same name": ("down", "wrong_signer", "jpki_revocation_invalid"),
    "157 OCSP leads elsewhere": ("redirect", "down", "jpki_revocation_unavailable"),
}


@pytest.mark.parametrize("fault", ANSWERS)
def test_what_the_authority_answers(kiosk: Kiosk, fault: str, own_site_afresh: None) -> None:
    ocsp, crl, code = ANSWERS[fault]
    card, responder = linked(kiosk), kiosk.responder
    if "replay" in (ocsp, crl):
        assert kiosk.apply("request-0000", kiosk.evidence(card))[0] == 200  # it is recorded
        with owner() as connection:
            connection.execute("truncate issuance.request cascade")
    if "revoked" in (ocsp, crl):
        responder.revoked.add(card.certificate.serial_number)
    responder.ocsp_trouble, responder.crl_trouble = (one.replace("revoked", "none") for one in (ocsp, crl))
    evidence = kiosk.evidence(card)
    if code is None:
        assert kiosk.apply("request-0001", evidence)[0] == 200
    else:
        refused_as(kiosk, evidence, code)


@pytest.fixture
def own_site_afresh(kiosk: Kiosk) -> None:
    """Lists are read anew: those that were kept from another test are forgotten."""
    kiosk.forget()


def test_135_a_list_older_than_one_that_was_seen(kiosk: Kiosk, own_site_afresh: None) -> None:
    card = linked(kiosk)
    kiosk.responder.ocsp_trouble = "down"
    assert kiosk.apply("request-0000", kiosk.evidence(card))[0] == 200
    with owner() as connection:
        connection.execute("truncate issuance.request cascade")
    kiosk.hour.now += timedelta(minutes=15)
    kiosk.responder.crl_trouble = "older"
    refused_as(kiosk, kiosk.evidence(card), "jpki_revocation_stale")


def test_62_a_challenge_is_used_once_even_by_a_refused_try(kiosk: Kiosk) -> None:
    card = linked(kiosk)
    evidence = kiosk.evidence(card)
    stolen = evidence | {"certificate": encoded(linked(kiosk).der)}
    refused_as(kiosk, stolen, "jpki_signature")
    refused_as(kiosk, evidence, "jpki_challenge")
    unknown = kiosk.evidence(card) | {"challenge_id": "x" * 16}
    refused_as(kiosk, unknown, "jpki_challenge")


def test_136_a_renewed_certificate_serves_from_its_link_on_and_the_old_one_no_more(kiosk: Kiosk) -> None:
    old, issuer = linked(kiosk), kiosk.authorities["card"].key_sha256
    renewed = kiosk.authorities["card"].issue(GOOD)
    assert kiosk.apply("request-0001", kiosk.evidence(renewed)) == (422, "card_not_linked")
    link(renewed, issuer, replaces=str(old.certificate.serial_number))
    assert kiosk.apply("request-0002", kiosk.evidence(renewed))[0] == 200
    assert kiosk.apply("request-0003", kiosk.evidence(old)) == (422, "card_not_active")


@pytest.mark.parametrize("by", ["card", "below"])
def test_137_p384_serves_as_rsa_does(kiosk: Kiosk, by: str) -> None:
    for number, name in enumerate(("p384", "rsa")):
        assert kiosk.apply(f"request-{number:04d}", kiosk.evidence(linked(kiosk, name, by)))[0] == 200
    wrong = kiosk.evidence(linked(kiosk, "p384", by)) | {"algorithm": "ecdsa-p256-sha256"}
    assert kiosk.apply("request-0009", wrong) == (422, "jpki_algorithm")


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "nothing of it": lambda der: b"\x30",
    "cut": lambda der: der[:-1],
    "one byte more": lambda der: der + b"\x00",
    "twice": lambda der: der + der,
    "a longer length than there is": lambda der: der[:2] + b"\xff\xff" + der[4:],
    "endless": lambda der: b"\x30\x80" + der[4:] + b"\x00\x00",
    "huge": lambda der: der + bytes(8210 - len(der)),
}


@pytest.mark.parametrize("how", MALFORMED)
def test_138_malformed_der(kiosk: Kiosk, how: str) -> None:
    card = linked(kiosk)
    refused_as(kiosk, kiosk.evidence(card) | {"certificate": encoded(MALFORMED[how](card.der))}, "jpki_malformed")


def test_138_no_base64(kiosk: Kiosk) -> None:
    refused_as(kiosk, kiosk.evidence(linked(kiosk)) | {"certificate": "=%"}, "jpki_malformed")


def test_a_certificate_of_today_serves_from_tomorrow_on(kiosk: Kiosk) -> None:
    """By its own beginning, and by the link, each alone; a registration may be applied for at once."""
    fresh, issuer = kiosk.authorities["card"].issue(TODAY), kiosk.authorities["card"].key_sha256
    link(fresh, issuer)  # as if the desk had entered an earlier day
    refused_as(kiosk, kiosk.evidence(fresh), "jpki_issued_today")
    late = kiosk.authorities["card"].issue(GOOD)
    link(late, issuer, issued_at=kiosk.hour.now)
    assert kiosk.apply("request-0001", kiosk.evidence(late)) == (422, "card_not_active")
    kiosk.hour.now = (kiosk.hour.now + timedelta(days=1)).replace(hour=6, minute=30)
    kiosk.verified_now()
    for number, card in enumerate((fresh, late)):
        assert kiosk.apply(f"request-{number + 2:04d}", kiosk.evidence(card))[0] == 200


def phone(kiosk: Kiosk, *points: x509.GeneralName) -> VirtualCard:
    made = kiosk.authorities["phone"].issue(replace(PROFILES["phone"], policy=PHONE_POLICY, points=points))
    link(made, kiosk.authorities["phone"].key_sha256, medium="phone")
    return made


def test_a_split_list_tells_by_the_part_of_the_certificate(kiosk: Kiosk, own_site_afresh: None) -> None:
    first, second = phone(kiosk, POINTS[0]), phone(kiosk, POINTS[1])
    responder = kiosk.authorities.responders["phone"]
    responder.revoked = {second.certificate.serial_number}
    assert kiosk.apply("request-0000", kiosk.evidence(first))[0] == 200
    with owner() as connection:
        connection.execute("truncate issuance.request cascade")
    refused_as(kiosk, kiosk.evidence(second), "jpki_revoked")
    assert responder.asked == ["part/0", "part/1"]
    refused_as(kiosk, kiosk.evidence(phone(kiosk)), "jpki_revocation_part")
    elsewhere = phone(kiosk, x509.UniformResourceIdentifier(responder.url("part/0")))
    refused_as(kiosk, kiosk.evidence(elsewhere), "jpki_revocation_part")


def test_the_part_of_another_range_does_not_tell(kiosk: Kiosk, own_site_afresh: None) -> None:
    responder = kiosk.authorities.responders["phone"]
    responder.parts["part/0"] = Part((POINTS[1],))
    refused_as(kiosk, kiosk.evidence(phone(kiosk, POINTS[0])), "jpki_revocation_part")


@pytest.mark.parametrize(("trouble", "code"), [("none", "jpki_revoked"), ("down", "jpki_revocation_unavailable")])
def test_a_revoked_intermediate_and_a_root_that_is_down(
    kiosk: Kiosk, own_site_afresh: None, trouble: str, code: str
) -> None:
    root = kiosk.authorities.responders["root"]
    root.revoked = {kiosk.authorities["below"].certificate.serial_number}
    root.crl_trouble = trouble
    refused_as(kiosk, kiosk.evidence(linked(kiosk, "p384", "below")), code)


def test_one_serial_of_two_authorities_is_two_cards(kiosk: Kiosk) -> None:
    """Faults 132 and 136: the card CA gave it to the father, the phone CA to the mother."""
    serial = 4711
    fathers = kiosk.authorities["card"].issue(GOOD, serial=serial)
    mothers = kiosk.authorities["phone"].issue(replace(PROFILES["phone"], points=(POINTS[0],)), serial=serial)
    link(fathers, kiosk.authorities["card"].key_sha256)
    assert kiosk.apply("request-0001", kiosk.evidence(mothers)) == (422, "card_not_linked")
    link(mothers, kiosk.authorities["phone"].key_sha256, MOTHER.addressee_number, medium="phone")
    assert [one.addressee_number for one in cards.cards(CODE, serial=str(serial))] == [
        FATHER.addressee_number,
        MOTHER.addressee_number,
    ]
    for number, (card, person) in enumerate(((fathers, FATHER), (mothers, MOTHER))):
        request_id = f"request-1{number:03d}"
        only = {"members": [person.addressee_number]}
        assert kiosk.apply(request_id, kiosk.evidence(card), **only)[0] == 200
        with owner() as connection:
            row = connection.execute(
                "select addressee_number, card_serial, card_issuer_sha256 from issuance.request where request_id = %s",
                (request_id,),
            ).fetchone()
        issuer = kiosk.authorities["card" if person is FATHER else "phone"].key_sha256
        assert row == (person.addressee_number, str(serial), issuer)
