"""Cards from an intermediate that the site configured: every authority on the way is judged, and compared with the library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_cards import Challenges, evidence_of

from issuance_api.jpki.certificates import Anchor, Policy
from issuance_api.jpki.paths import DEEPEST, judge
from issuance_api.jpki.settings import Settings, settings_from
from records.errors import ConfigurationError, IssueRefused
from simulators.jpki.ca import CARD_POLICY, GOOD, OTHER_POLICY, PROFILES, Rank, TestAuthority, VirtualCard

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
ANY = "2.5.29.32.0"
BETWEEN, ROOT = Rank(policies=(ANY,)), Rank(path_length=None)
DAY = timedelta(days=1)
pytestmark = pytest.mark.clause("2(1)①")


class Ladder:
    """A root and the authorities below it, the last of which issues cards; keys are made once a name."""

    def __init__(self, folder: Path, *ranks: Rank, root: Rank = ROOT) -> None:
        self.rungs = [TestAuthority(folder, NOW, name="Root", key_name="root", rank=root)]
        for number, rank in enumerate(ranks):
            names = {"name": f"Rung {number}", "key_name": f"rung{number}"}
            self.rungs.append(TestAuthority(folder, NOW, **names, above=self.rungs[-1], rank=rank))  # type: ignore[arg-type]

    def policy(self, *, known: bool = True, production: bool = True, test: bool = False) -> Policy:
        between = tuple(Anchor(one.certificate) for one in self.rungs[1:]) if known else ()
        root = Anchor(self.rungs[0].certificate, test)
        return Policy((root,), {CARD_POLICY: "card"}, production=production, intermediates=between)

    def card(self) -> VirtualCard:
        return self.rungs[-1].issue(GOOD)


def code(certificate: x509.Certificate, policy: Policy, now: datetime = NOW) -> str:
    try:
        judge(certificate, policy, now)
    except IssueRefused as refusal:
        return refusal.code
    return "ok"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ladder")


def test_an_intermediate_counts_only_where_the_site_configured_it(folder: Path) -> None:
    here = Ladder(folder, BETWEEN)
    card = here.card().certificate
    assert code(card, here.policy()) == "ok"
    assert code(card, here.policy(known=False)) == "jpki_chain"
    path, _ = judge(card, here.policy(), NOW)
    assert [one.certificate for one in path] == [one.certificate for one in reversed(here.rungs)]


@pytest.mark.fault(62)
def test_without_a_way_up_to_a_trusted_one_it_counts_for_nothing(folder: Path, tmp_path: Path) -> None:
    here, stranger = Ladder(folder, BETWEEN), TestAuthority(tmp_path, NOW, name="Root", key_name="other")
    policy = Policy((Anchor(stranger.certificate),), {CARD_POLICY: "card"}, intermediates=here.policy().intermediates)
    assert code(here.card().certificate, policy) == "jpki_chain"


def limits() -> x509.NameConstraints:
    return x509.NameConstraints([x509.DirectoryName(x509.Name([]))], None)


BROKEN: dict[str, tuple[Callable[[Path], Ladder], str]] = {
    "no authority": (lambda f: Ladder(f, Rank(is_ca=False, policies=(ANY,))), "jpki_ca"),
    "may not sign": (lambda f: Ladder(f, Rank(signs=False, policies=(ANY,))), "jpki_ca"),
    "expired": (lambda f: Ladder(f, Rank(not_after=-DAY, policies=(ANY,))), "jpki_ca"),
    "trusted one expired": (lambda f: Ladder(f, BETWEEN, root=Rank(path_length=None, not_after=-DAY)), "jpki_ca"),
    "path length of the trusted one": (lambda f: Ladder(f, BETWEEN, root=Rank(path_length=0)), "jpki_ca"),
    "path length between": (lambda f: Ladder(f, BETWEEN, BETWEEN), "jpki_ca"),
    "another key identifier": (lambda f: Ladder(f, Rank(policies=(ANY,), wrong_key_identifier=True)), "jpki_chain"),
    "no policy": (lambda f: Ladder(f, Rank()), "jpki_policy"),
    "another policy": (lambda f: Ladder(f, Rank(policies=(OTHER_POLICY,))), "jpki_policy"),
    "name constraints": (lambda f: Ladder(f, Rank(policies=(ANY,), more=((limits(), True),))), "jpki_ca"),
    "name constraints, not critical": (lambda f: Ladder(f, Rank(policies=(ANY,), more=((limits(), False),))), "jpki_ca"),
    "unknown and critical": (
        lambda f: Ladder(
            f, Rank(policies=(ANY,), more=((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.7"), b"\5\0"), True),))
        ),
        "jpki_ca",
    ),
    "too deep": (lambda f: Ladder(f, *[Rank(path_length=None, policies=(ANY,))] * DEEPEST), "jpki_chain"),
}  # fmt: skip


@pytest.mark.parametrize("why", BROKEN)
def test_an_authority_that_may_not_stand_there(folder: Path, why: str) -> None:
    make, expected = BROKEN[why]
    here = make(folder)
    assert code(here.card().certificate, here.policy()) == expected


@pytest.mark.fault(133)
def test_a_test_root_or_a_test_name_is_refused_in_production(folder: Path, tmp_path: Path) -> None:
    """Fault 133: by what the site says of the authority, and by O=JPKI-TEST even where it says nothing."""
    here = Ladder(folder, BETWEEN)
    card = here.card().certificate
    assert code(card, here.policy(test=True)) == "jpki_test_card"
    assert code(card, here.policy(test=True, production=False)) == "ok"
    lent = TestAuthority(tmp_path, NOW, organisation="JPKI-TEST")
    policy = Policy((Anchor(lent.certificate),), {CARD_POLICY: "card"})
    assert code(lent.issue(GOOD).certificate, policy) == "jpki_test_card"


def test_of_two_certificates_of_one_key_the_one_in_force_counts(folder: Path, tmp_path: Path) -> None:
    """A CA that was certified again: the old certificate in the settings does not spoil the new one."""
    old = TestAuthority(folder, NOW, name="Root", key_name="root", rank=Rank(path_length=None, not_after=-DAY))
    new = Ladder(folder)
    anchors = (Anchor(old.certificate), Anchor(new.rungs[0].certificate))
    assert code(new.card().certificate, Policy(anchors, {CARD_POLICY: "card"})) == "ok"
    assert code(new.card().certificate, Policy(anchors[:1], {CARD_POLICY: "card"})) == "jpki_ca"


RANKS = st.builds(
    Rank,
    path_length=st.sampled_from([None, 0, 1, 2]),
    is_ca=st.sampled_from([True, True, True, False]),
    signs=st.sampled_from([True, True, True, False]),
    policies=st.sampled_from([(ANY,), (CARD_POLICY,)]),
    not_after=st.sampled_from([DAY, DAY, DAY, -DAY]),
)


def test_we_and_the_library_accept_the_same_paths(folder: Path) -> None:
    """Judged twice: by us and by ``cryptography.x509.verification``, which knows nothing of our rules."""
    counts = {True: 0, False: 0}

    @settings(max_examples=150, deadline=None)
    @given(ranks=st.lists(RANKS, max_size=3), root=RANKS, hidden=st.sampled_from([False, False, False, True]))
    def compare(ranks: list[Rank], root: Rank, hidden: bool) -> None:
        here = Ladder(folder, *ranks, root=root)
        card, known = here.card().certificate, here.rungs[1:-1] if hidden else here.rungs[1:]
        between = tuple(Anchor(one.certificate) for one in known)
        trusted = Anchor(here.rungs[0].certificate)
        ours = code(card, Policy((trusted,), {CARD_POLICY: "card"}, intermediates=between)) == "ok"
        counts[ours] += 1
        assert ours is library(card, trusted.certificate, [one.certificate for one in known])

    compare()
    assert min(counts.values()) >= 10, counts


def library(card: x509.Certificate, root: x509.Certificate, between: list[x509.Certificate]) -> bool:
    builder = PolicyBuilder().store(Store([root])).time(NOW).max_chain_depth(DEEPEST - 1)
    lax = ExtensionPolicy.permit_all().may_be_present(x509.CertificatePolicies, Criticality.AGNOSTIC, None)
    builder = builder.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=lax)
    try:
        builder.build_client_verifier().verify(card, between)
    except VerificationError:
        return False
    return True


def table(here: Ladder, folder: Path, **more: object) -> dict[str, object]:
    """A ``[jpki]`` table with the root, and the rest as intermediates."""
    for number, one in enumerate(here.rungs):
        (folder / f"{number}.der").write_bytes(one.certificate.public_bytes(Encoding.DER))
    below = [{"certificate": f"{n}.der", "crl": f"http://127.0.0.1/{n}"} for n in range(1, len(here.rungs))]
    return {
        "mode": "verify_here",
        "authorities": [{"certificate": "0.der"}],
        "intermediates": below,
        "card_policies": [CARD_POLICY],
        **more,
    }


def test_a_root_above_needs_no_list_but_whoever_issues_cards_does(folder: Path, tmp_path: Path) -> None:
    values = table(Ladder(folder, BETWEEN), tmp_path)
    made: Settings = settings_from(values, tmp_path)
    assert [one.asked for one in made.policy.all] == [False, True]
    for wrong in ({"intermediates": [{"certificate": "1.der"}]}, {"intermediates": []}):
        with pytest.raises(ConfigurationError):
            settings_from(values | wrong, tmp_path)
    with pytest.raises(ConfigurationError):
        settings_from(values | {"authorities": [{"certificate": "0.der"}, {"certificate": "0.der"}]}, tmp_path)


def test_names_of_authorities_stand_once(folder: Path, tmp_path: Path) -> None:
    values = table(Ladder(folder, BETWEEN), tmp_path)
    named = {"authorities": [{"certificate": "0.der", "name": "root"}]}
    assert settings_from(values | named, tmp_path).authorities[0].name == "root"
    twice = {"intermediates": [{"certificate": "1.der", "crl": "http://127.0.0.1/", "name": "root"}]}
    for wrong in (named | twice, {"authorities": [{"certificate": "0.der", "name": "a b"}]}):
        with pytest.raises(ConfigurationError):
            settings_from(values | wrong, tmp_path)


@pytest.mark.parametrize("revoked", [False, True])
def test_an_intermediate_is_looked_up_where_its_issuer_has_a_list(folder: Path, revoked: bool) -> None:
    from issuance_api.jpki.verifier import Verifier

    here, asked = Ladder(folder, BETWEEN), []
    between = here.rungs[1].certificate

    class Lists:
        async def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
            from issuance_api.jpki.results import no

            asked.append((certificate.serial_number, issuer))
            if revoked and certificate == between:
                raise no("jpki_revoked")

    card, challenges = here.card(), Challenges()
    verifier = Verifier(here.policy(), Lists(), challenges)
    shown = evidence_of(challenges, card, NOW)
    verify = verifier.verify(shown, municipality="999999", purpose="certificate", now=NOW)
    if revoked:
        with pytest.raises(IssueRefused) as caught:
            asyncio.run(verify)
        assert caught.value.code == "jpki_revoked"
    else:
        assert asyncio.run(verify).issuer_key_sha256 == here.rungs[1].key_sha256
    root = here.rungs[0].certificate
    assert asked == [(card.certificate.serial_number, between), (between.serial_number, root)]


def test_every_bad_card_is_bad_below_an_intermediate_too(folder: Path) -> None:
    here = Ladder(folder, BETWEEN)
    good = {name for name in PROFILES if code(here.rungs[1].issue(PROFILES[name]).certificate, here.policy()) == "ok"}
    assert good == {"good", "rsa", "p384"}
