"""Split revocation lists: the part is chosen by the certificate among those configured, and must say that it is that part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from issuance_api.jpki.authorities import authority as read_entry
from issuance_api.jpki.revocation import RevocationLists, Source, fingerprint
from issuance_api.jpki.settings import settings_from
from records.errors import ConfigurationError, IssueRefused
from simulators.jpki.ca import CARD_POLICY, GOOD, Part, Profile, Rank, TestAuthority, VirtualCard
from simulators.jpki.responder import Responder

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
pytestmark = pytest.mark.clause("2(1)①")
PARTS = 3


def directory(number: int) -> x509.DirectoryName:
    """A point as 公的個人認証 names it: a directory entry."""
    names = [(NameOID.COUNTRY_NAME, "JP"), (NameOID.ORGANIZATION_NAME, "Example"), (NameOID.COMMON_NAME, f"P{number}")]
    return x509.DirectoryName(x509.Name([x509.NameAttribute(oid, value) for oid, value in names]))


def uri(number: int) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(f"http://crl.example/{number}.crl")


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("ca"), NOW)


@pytest.fixture(scope="module")
def cards(ca: TestAuthority) -> tuple[VirtualCard, ...]:
    """One card in each part, then one without a point."""
    return (*(ca.issue(Profile(points=(directory(number),))) for number in range(PARTS)), ca.issue(GOOD))


class Shelf:
    """What each address answers, and the lists that a site reads from there."""

    def __init__(self, ca: TestAuthority, parts: dict[x509.GeneralName, Source]) -> None:
        self.ca, self.answers, self.asked = ca, {}, []  # type: ignore[var-annotated]
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.lists = RevocationLists({}, client, parts={fingerprint(ca.certificate): parts})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        found = self.answers.get(str(request.url))
        return httpx.Response(404) if found is None else httpx.Response(200, stream=httpx.ByteStream(found))

    def code(self, certificate: x509.Certificate, now: datetime = NOW) -> str:
        try:
            asyncio.run(self.lists.check(certificate, self.ca.certificate, now))
        except IssueRefused as refusal:
            return refusal.code
        return "ok"


def address(number: int) -> str:
    return f"http://127.0.0.1/{number}"


def shelf(ca: TestAuthority) -> Shelf:
    return Shelf(ca, {directory(number): address(number) for number in range(PARTS)})


PART = st.fixed_dictionaries({"shown": st.integers(0, PARTS - 1), "revoked": st.sets(st.integers(0, PARTS - 1))})


@settings(max_examples=150, deadline=None)
@given(served=st.lists(PART, min_size=PARTS, max_size=PARTS), order=st.permutations(range(PARTS + 1)))
def test_only_the_own_part_tells_and_another_range_never_satisfies(
    ca: TestAuthority, cards: tuple[VirtualCard, ...], served: list[dict[str, object]], order: list[int]
) -> None:
    """Whatever part each address shows, and whomever each part names, in whatever order people come."""
    here = shelf(ca)
    for number, one in enumerate(served):
        serials = tuple(cards[each].certificate.serial_number for each in one["revoked"])  # type: ignore[attr-defined]
        part = Part((directory(one["shown"]),))  # type: ignore[arg-type]
        here.answers[address(number)] = ca.revocation_list(serials, part=part)
    for number in order:
        expected = "jpki_revocation_part"
        if number < PARTS and served[number]["shown"] == number:
            expected = "jpki_revoked" if number in served[number]["revoked"] else "ok"  # type: ignore[operator]
        assert here.code(cards[number].certificate) == expected
        assert here.code(cards[number].certificate) == expected  # kept, or asked again


GOOD_PART = Part((directory(0),))
WRONG = {
    "no issuing distribution point": (None, "jpki_revocation_part"),
    "not critical": (replace(GOOD_PART, critical=False), "jpki_revocation_part"),
    "another part": (Part((directory(1),)), "jpki_revocation_part"),
    "a name only alike": (Part((uri(0),)), "jpki_revocation_part"),
    "indirect": (replace(GOOD_PART, indirect=True), "jpki_revocation_part"),
    "some reasons": (replace(GOOD_PART, reasons=frozenset({x509.ReasonFlags.key_compromise})), "jpki_revocation_part"),
    "attribute certificates": (replace(GOOD_PART, attribute_only=True), "jpki_revocation_part"),
    "authorities only": (replace(GOOD_PART, ca_only=True), "jpki_revocation_part"),
    "delta": (replace(GOOD_PART, delta=True), "jpki_revocation_invalid"),
}


@pytest.mark.parametrize("why", WRONG)
def test_a_list_that_does_not_cover_the_certificate_is_refused(
    ca: TestAuthority, cards: tuple[VirtualCard, ...], why: str
) -> None:
    part, code = WRONG[why]
    here = shelf(ca)
    here.answers[address(0)] = ca.revocation_list(part=part)
    assert here.code(cards[0].certificate) == code


@pytest.mark.parametrize(
    "part",
    [GOOD_PART, replace(GOOD_PART, user_only=True), Part((uri(0), directory(0)))],
    ids=["plain", "people only", "two names"],
)
def test_a_good_part_tells(ca: TestAuthority, cards: tuple[VirtualCard, ...], part: Part) -> None:
    card, here = cards[0].certificate, shelf(ca)
    here.answers[address(0)] = ca.revocation_list(part=part)
    assert here.code(card) == "ok"
    here = shelf(ca)
    here.answers[address(0)] = ca.revocation_list((card.serial_number,), part=part)
    assert here.code(card) == "jpki_revoked"


def test_a_part_does_not_pass_for_the_whole_list(ca: TestAuthority, cards: tuple[VirtualCard, ...]) -> None:
    here = shelf(ca)
    here.lists.parts.clear()
    here.lists.addresses[fingerprint(ca.certificate)] = address(0)
    for critical in (True, False):
        here.answers[address(0)] = ca.revocation_list(part=replace(GOOD_PART, critical=critical))
        assert here.code(cards[0].certificate) == "jpki_revocation_part"
    here.answers[address(0)] = ca.revocation_list()
    assert here.code(cards[0].certificate) == "ok"


def test_an_authority_is_not_covered_by_a_list_of_people(ca: TestAuthority, tmp_path: Path) -> None:
    below = TestAuthority(tmp_path, NOW, key_name="below", above=ca, rank=Rank(points=(directory(0),)))
    here = shelf(ca)
    for part, code in ((replace(GOOD_PART, user_only=True), "jpki_revocation_part"),
                       (replace(GOOD_PART, ca_only=True), "ok")):  # fmt: skip
        here = shelf(ca)
        here.answers[address(0)] = ca.revocation_list(part=part)
        assert here.code(below.certificate) == code


def test_an_address_in_a_certificate_only_chooses_and_is_never_fetched(ca: TestAuthority) -> None:
    """Fault 157: what a card dictates is compared with what the site configured, and nothing else."""
    evil = ca.issue(Profile(points=(x509.UniformResourceIdentifier("http://127.0.0.1/inner"),)))
    here = Shelf(ca, {uri(0): address(0)})
    assert here.code(evil.certificate) == "jpki_revocation_part"
    known = ca.issue(Profile(points=(uri(0),)))
    here.answers[address(0)] = ca.revocation_list(part=Part((uri(0),)))
    assert here.code(known.certificate) == "ok"
    assert here.asked == [address(0)]


def test_each_part_is_kept_and_aged_by_itself(ca: TestAuthority, cards: tuple[VirtualCard, ...]) -> None:
    here, later = shelf(ca), NOW + timedelta(minutes=20)
    for number in range(PARTS):
        here.answers[address(number)] = ca.revocation_list(part=Part((directory(number),)))
        assert here.code(cards[number].certificate) == "ok"
    assert [here.code(card.certificate) for card in cards[:PARTS]] == ["ok"] * PARTS
    assert here.asked == [address(number) for number in range(PARTS)]
    old = ca.revocation_list(issued=NOW - timedelta(hours=2), part=Part((directory(0),)))
    here.answers = {address(0): old, address(1): ca.revocation_list(issued=later, part=Part((directory(1),)))}
    assert [here.code(card.certificate, later) for card in cards[:PARTS]] == [
        "jpki_revocation_stale",
        "ok",
        "jpki_revocation_unavailable",
    ]


def test_a_part_may_come_from_a_file_that_the_site_puts_there(
    ca: TestAuthority, cards: tuple[VirtualCard, ...], tmp_path: Path
) -> None:
    path = tmp_path / "0.crl"
    here = Shelf(ca, {directory(0): path})
    assert here.code(cards[0].certificate) == "jpki_revocation_unavailable"
    path.write_bytes(ca.revocation_list((cards[0].certificate.serial_number,), part=GOOD_PART))
    assert here.code(cards[0].certificate) == "jpki_revoked"
    here = Shelf(ca, {directory(0): path})
    here.lists.maximum_bytes = 10
    assert here.code(cards[0].certificate) == "jpki_revocation_invalid"


@pytest.fixture
def responder(ca: TestAuthority, tmp_path: Path) -> Iterator[Responder]:
    made = Responder(ca, TestAuthority(tmp_path, NOW, key_name="old"))
    yield made
    made.close()


def entry(ca: TestAuthority, folder: Path, *parts: dict[str, str]) -> dict[str, object]:
    (folder / "ca.der").write_bytes(ca.certificate.public_bytes(Encoding.DER))
    return {"certificate": "ca.der", "crl_parts": list(parts)}


def test_the_settings_lead_to_the_parts_over_real_sockets(
    ca: TestAuthority, cards: tuple[VirtualCard, ...], responder: Responder, tmp_path: Path
) -> None:
    responder.parts = {f"crl/{number}": Part((directory(number),)) for number in range(2)}
    parts = [{"point": directory(n).value.rfc4514_string(), "address": responder.url(f"crl/{n}")} for n in range(2)]
    table = {"mode": "verify_here", "authorities": [entry(ca, tmp_path, *parts)], "card_policies": [CARD_POLICY]}

    async def run() -> list[str]:
        found = []
        async with httpx.AsyncClient() as client:
            sources = settings_from(table, tmp_path).sources(client)
            for card in cards[:3]:
                try:
                    await sources.check(card.certificate, ca.certificate, NOW)
                    found.append("ok")
                except IssueRefused as refusal:
                    found.append(refusal.code)
        return found

    responder.revoked = {cards[1].certificate.serial_number}
    assert asyncio.run(run()) == ["ok", "jpki_revoked", "jpki_revocation_part"]
    assert responder.asked == ["crl/0", "crl/1"]


@pytest.mark.parametrize(
    "part",
    [
        {"point": "CN=P0,C=JP"},
        {"point": "", "address": "http://127.0.0.1/"},
        {"point": "no name", "address": "http://127.0.0.1/"},
        {"point": "CN=P0,C=JP", "address": "http://127.0.0.1/", "file": "0.crl"},
        {"point": "CN=P0,C=JP", "address": "file:///etc/hosts"},
        {"point": "CN=P0,C=JP", "address": "http://127.0.0.1/", "more": "x"},
    ],
    ids=str,
)
def test_a_wrong_part_is_refused(ca: TestAuthority, tmp_path: Path, part: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        read_entry(entry(ca, tmp_path, part), tmp_path)


def test_a_point_stands_once_and_a_list_is_whole_or_split(ca: TestAuthority, tmp_path: Path) -> None:
    part = {"point": "CN=P0,C=JP", "address": "http://127.0.0.1/"}
    assert list(read_entry(entry(ca, tmp_path, part), tmp_path).parts.values()) == ["http://127.0.0.1/"]
    with pytest.raises(ConfigurationError):
        read_entry(entry(ca, tmp_path, part, part), tmp_path)
    with pytest.raises(ConfigurationError):
        read_entry(entry(ca, tmp_path, part) | {"crl": "http://127.0.0.1/"}, tmp_path)
