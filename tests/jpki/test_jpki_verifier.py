"""Verification of user-authentication certificates: each bad one by its own code. The real centre is not in here."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_cards import PURPOSE, TOWN, Challenges, encoded, evidence_of

from issuance_api.jpki.certificates import Anchor, Policy
from issuance_api.jpki.possession import LIFETIME
from issuance_api.jpki.revocation import RevocationLists, fingerprint
from issuance_api.jpki.verifier import Evidence, Identity, Verifier
from issuance_api.refusals import Refused
from simulators.jpki.ca import CARD_POLICY, PHONE_POLICY, PROFILES, SIGNING_POLICY, TestAuthority, VirtualCard

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
pytestmark = pytest.mark.clause("2(1)①")


@dataclass
class Bench:
    """A verifier with a CA whose list is answered by ``answer``."""

    authority: TestAuthority
    answer: Callable[[], httpx.Response]
    policy: Policy
    minutes: int = 0

    def __post_init__(self) -> None:
        client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: self.answer()))
        addresses = {fingerprint(self.authority.certificate): "http://127.0.0.1/list"}
        lists = RevocationLists(addresses, client, accept_cached_for_minutes=self.minutes)
        self.challenges = Challenges()
        self.verifier = Verifier(self.policy, lists, self.challenges)

    def evidence(self, card: VirtualCard, *, now: datetime = NOW, pss: bool = False) -> Evidence:
        return evidence_of(self.challenges, card, now, pss=pss)

    def verify(self, given: Evidence, *, now: datetime = NOW, town: str = TOWN, purpose: str = PURPOSE) -> Identity:
        return asyncio.run(self.verifier.verify(given, municipality=town, purpose=purpose, now=now))

    def code(self, given: Evidence, **options: object) -> str:
        with pytest.raises(Refused) as caught:
            self.verify(given, **options)  # type: ignore[arg-type]
        return caught.value.code


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("ca"), NOW)


@pytest.fixture
def bench(authority: TestAuthority) -> Bench:
    return _bench(authority)


def _bench(authority: TestAuthority, *, fictional: bool = False, minutes: int = 0) -> Bench:
    policies = {CARD_POLICY: "card", PHONE_POLICY: "phone"}
    policy = Policy((Anchor(authority.certificate, fictional),), policies, frozenset({SIGNING_POLICY}))  # type: ignore[arg-type]
    body = authority.revocation_list()
    return Bench(authority, lambda: httpx.Response(200, stream=httpx.ByteStream(body)), policy, minutes)


@pytest.mark.fault(137)
@pytest.mark.parametrize(("name", "medium"), [("good", "card"), ("phone", "phone"), ("rsa", "card"), ("p384", "card")])
def test_good_ones_are_accepted(bench: Bench, name: str, medium: str) -> None:
    card = bench.authority.issue(PROFILES[name])
    found = bench.verify(bench.evidence(card))
    assert (found.medium, found.serial) == (medium, str(card.certificate.serial_number))
    assert bench.verify(bench.evidence(card, pss=True)) == found


BAD = {
    "expired": "jpki_expired",
    "not_yet_valid": "jpki_not_yet_valid",
    "wrong_policy": "jpki_policy",
    "signing_policy": "jpki_signing_certificate",
    "signing_use": "jpki_signing_certificate",
    "no_use": "jpki_key_usage",
    "server_use": "jpki_key_usage",
    "short_key": "jpki_algorithm",
    "unknown_critical": "jpki_extension",
}


@pytest.mark.fault(62, 134)
@pytest.mark.parametrize("name", sorted(BAD))
def test_each_bad_one_has_its_code(bench: Bench, name: str) -> None:
    assert bench.code(bench.evidence(bench.authority.issue(PROFILES[name]))) == BAD[name]


@pytest.mark.fault(62, 132)
def test_an_old_ca_of_the_same_name_is_another_ca(bench: Bench, tmp_path: Path) -> None:
    other = TestAuthority(tmp_path, NOW, key_name="old")
    assert other.certificate.subject == bench.authority.certificate.subject
    assert bench.code(bench.evidence(other.issue())) == "jpki_chain"


@pytest.mark.fault(133)
def test_a_test_card_is_refused_in_production_only(authority: TestAuthority) -> None:
    bench = _bench(authority, fictional=True)
    assert bench.code(bench.evidence(authority.issue())) == "jpki_test_card"
    trial = Bench(authority, bench.answer, replace(bench.policy, production=False))
    assert trial.verify(trial.evidence(authority.issue())).medium == "card"


def test_a_renewed_certificate_has_another_serial(bench: Bench) -> None:
    first, second = (bench.verify(bench.evidence(bench.authority.issue())) for _ in range(2))
    assert first.serial != second.serial
    assert first.issuer_key_sha256 == second.issuer_key_sha256


@pytest.mark.fault(62)
def test_a_challenge_serves_once_here_and_now(bench: Bench) -> None:
    card = bench.authority.issue()
    used = bench.evidence(card)
    bench.verify(used)
    assert bench.code(used) == "jpki_challenge"
    assert bench.code(bench.evidence(card), now=NOW + LIFETIME) == "jpki_challenge"
    assert bench.code(bench.evidence(card), town="999998") == "jpki_challenge"
    assert bench.code(bench.evidence(card), purpose="registration") == "jpki_challenge"


def test_a_stolen_certificate_without_its_key(bench: Bench) -> None:
    victim, thief = bench.authority.issue(), bench.authority.issue()
    given = bench.evidence(thief).model_copy(update={"certificate": encoded(victim.der)})
    assert bench.code(given) == "jpki_signature"


@pytest.mark.fault(62, 135)
def test_revoked_stale_forged_and_huge_lists(bench: Bench, tmp_path: Path) -> None:
    card, authority = bench.authority.issue(), bench.authority
    other = TestAuthority(tmp_path, NOW, key_name="old")
    lists = {
        "jpki_revoked": authority.revocation_list((card.certificate.serial_number,)),
        "jpki_revocation_stale": authority.revocation_list(issued=NOW - timedelta(days=2)),
        "jpki_revocation_invalid": other.revocation_list(),
    }
    for code, body in lists.items():
        fresh = Bench(authority, lambda body=body: httpx.Response(200, stream=httpx.ByteStream(body)), bench.policy)  # type: ignore[misc]
        assert fresh.code(fresh.evidence(card)) == code
    bench.verifier.revocation.maximum_bytes = 10  # type: ignore[attr-defined]
    assert bench.code(bench.evidence(card)) == "jpki_revocation_invalid"


@pytest.mark.fault(62)
@pytest.mark.parametrize(("minutes", "accepted"), [(0, False), (30, True), (15, False)])
def test_a_source_that_is_down(authority: TestAuthority, minutes: int, accepted: bool) -> None:
    bench, card, later = _bench(authority, minutes=minutes), authority.issue(), NOW + timedelta(minutes=20)
    bench.verify(bench.evidence(card))
    bench.answer = lambda: httpx.Response(302, headers={"location": "http://127.0.0.1/inner"})
    given = bench.evidence(card, now=later)
    if accepted:
        assert bench.verify(given, now=later).medium == "card"
    else:
        assert bench.code(given, now=later) == "jpki_revocation_unavailable"


@pytest.mark.fault(135)
def test_an_older_list_than_one_seen_is_a_replay(authority: TestAuthority) -> None:
    bench, card, later = _bench(authority), authority.issue(), NOW + timedelta(minutes=20)
    bench.verify(bench.evidence(card))
    old = authority.revocation_list(issued=NOW - timedelta(hours=2))
    bench.answer = lambda: httpx.Response(200, stream=httpx.ByteStream(old))
    assert bench.code(bench.evidence(card, now=later), now=later) == "jpki_revocation_stale"


@pytest.mark.fault(138)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_changed_bytes_are_refused_and_never_crash(authority: TestAuthority, data: st.DataObject) -> None:
    bench = _bench(authority)
    given = bench.evidence(authority.issue())
    name = data.draw(st.sampled_from(["certificate", "signature"]))
    value = bytearray(base64.b64decode(getattr(given, name)))
    at = data.draw(st.integers(0, 4095)) % len(value)
    how = data.draw(st.sampled_from(["flip", "cut", "append", "insert"]))
    if how == "flip":
        value[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del value[max(at, 1) :]
    else:
        value[len(value) if how == "append" else at : len(value) if how == "append" else at] = b"\x00"
    assert bench.code(given.model_copy(update={name: encoded(bytes(value))})).startswith("jpki_")
