"""OCSP and lists over real sockets: every trouble of a responder, and what the site does when nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from issuance_api.jpki import settings as jpki_settings
from issuance_api.jpki.fetching import new_client
from issuance_api.jpki.responders import check_answer, question
from issuance_api.jpki.sources import Sources
from records.errors import ConfigurationError, IssueRefused
from simulators.jpki.ca import CARD_POLICY, SIGNING_POLICY, TestAuthority, VirtualCard
from simulators.jpki.responder import Responder

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
pytestmark = pytest.mark.clause("2(1)①")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Responder]:
    folder = tmp_path_factory.mktemp("ca")
    made = Responder(TestAuthority(folder, NOW), TestAuthority(folder, NOW, key_name="old"))
    yield made
    made.close()


@pytest.fixture
def responder(running: Responder) -> Responder:
    running.ocsp_trouble = running.crl_trouble = "none"
    running.asked.clear()
    running.revoked.clear()
    return running


def table(
    responder: Responder, folder: Path, *, ocsp: bool = True, crl: bool = True, minutes: int = 0
) -> dict[str, object]:
    """A ``[jpki]`` table whose anchor is the test CA's file."""
    (folder / "ca.der").write_bytes(responder.authority.certificate.public_bytes(Encoding.DER))
    entry = {"certificate": "ca.der"}
    entry |= {"ocsp": responder.url("ocsp")} if ocsp else {}
    entry |= {"crl": responder.url("crl")} if crl else {}
    more = {"card_policies": [CARD_POLICY], "signing_policies": [SIGNING_POLICY]}
    return {"mode": "verify_here", "authorities": [entry], "accept_cached_minutes": minutes, "seconds": 0.5, **more}


def codes(
    values: dict[str, object], folder: Path, responder: Responder, card: VirtualCard, *steps: object
) -> list[str]:
    """The codes of checks one after the other with one memory; a step is the troubles and the time of one check."""

    async def run() -> list[str]:
        async with new_client() as client:
            sources = jpki_settings.settings_from(values, folder).sources(client)
            return [await _code(sources, responder, card, *step) for step in steps]  # type: ignore[misc]

    return asyncio.run(run())


async def _code(sources: Sources, responder: Responder, card: VirtualCard, ocsp: str, crl: str, now: datetime) -> str:
    responder.ocsp_trouble, responder.crl_trouble = ocsp, crl
    try:
        await sources.check(card.certificate, responder.authority.certificate, now)
    except IssueRefused as refusal:
        return refusal.code
    return "ok"


OCSP = {
    "none": "ok",
    "delegate": "ok",
    "down": "jpki_revocation_unavailable",
    "slow": "jpki_revocation_unavailable",
    "redirect": "jpki_revocation_unavailable",
    "try_later": "jpki_revocation_unavailable",
    "stale": "jpki_revocation_stale",
    "future": "jpki_revocation_stale",
    "replay": "jpki_revocation_invalid",
    "no_nonce": "jpki_revocation_invalid",
    "wrong_signer": "jpki_revocation_invalid",
    "wrong_delegate": "jpki_revocation_invalid",
    "stranger_delegate": "jpki_revocation_invalid",
    "expired_delegate": "jpki_revocation_invalid",
    "other_serial": "jpki_revocation_invalid",
    "huge": "jpki_revocation_invalid",
    "garbage": "jpki_revocation_invalid",
    "unknown": "jpki_unknown",
}
CRL = {name: OCSP[name] for name in ("none", "down", "slow", "redirect", "stale", "future", "wrong_signer", "garbage")}


@pytest.mark.fault(62, 135)
def test_each_trouble_of_a_responder_has_its_code(responder: Responder, tmp_path: Path) -> None:
    card, values = responder.authority.issue(), table(responder, tmp_path, crl=False)
    steps = [(trouble, "none", NOW) for trouble in OCSP]
    assert dict(zip(OCSP, codes(values, tmp_path, responder, card, *steps), strict=True)) == OCSP


@pytest.mark.fault(62, 135)
def test_each_trouble_of_a_list_has_its_code(responder: Responder, tmp_path: Path) -> None:
    card, values = responder.authority.issue(), table(responder, tmp_path, ocsp=False)
    found = {name: codes(values, tmp_path, responder, card, ("down", name, NOW))[0] for name in CRL}
    assert found == CRL


@pytest.mark.fault(62)
def test_a_revoked_one_is_refused_by_either(responder: Responder, tmp_path: Path) -> None:
    card, other = responder.authority.issue(), responder.authority.issue()
    responder.revoked.add(card.certificate.serial_number)
    values = table(responder, tmp_path)
    for step in (("none", "down", NOW), ("down", "none", NOW), ("stale", "none", NOW)):
        assert codes(values, tmp_path, responder, card, step) == ["jpki_revoked"]
        assert codes(values, tmp_path, responder, other, step) == ["ok"]


@pytest.mark.fault(62)
def test_both_down_is_refused_unless_the_site_accepts_memory(responder: Responder, tmp_path: Path) -> None:
    card, stranger = responder.authority.issue(), responder.authority.issue()
    steps = [
        ("none", "down", NOW),
        ("down", "down", NOW + timedelta(minutes=9)),
        ("down", "down", NOW + timedelta(minutes=10)),
    ]
    down = "jpki_revocation_unavailable"
    assert codes(table(responder, tmp_path), tmp_path, responder, card, *steps) == ["ok", down, down]
    accepting = table(responder, tmp_path, minutes=10)
    assert codes(accepting, tmp_path, responder, card, *steps) == ["ok", "ok", down]
    assert codes(accepting, tmp_path, responder, stranger, ("down", "down", NOW)) == [down]


def test_memory_stands_in_for_silence_only(responder: Responder, tmp_path: Path) -> None:
    """Whoever sends rubbish, or has said "revoked" meanwhile, is not helped by an older answer."""
    card, values = responder.authority.issue(), table(responder, tmp_path, minutes=60)
    soon = NOW + timedelta(minutes=1)
    assert codes(values, tmp_path, responder, card, ("none", "down", NOW), ("wrong_signer", "down", soon)) == [
        "ok",
        "jpki_revocation_invalid",
    ]

    async def run() -> list[str]:
        async with new_client() as client:
            sources = jpki_settings.settings_from(values, tmp_path).sources(client)
            first = await _code(sources, responder, card, "none", "down", NOW)
            responder.revoked.add(card.certificate.serial_number)
            second = await _code(sources, responder, card, "none", "down", soon)
            return [first, second, await _code(sources, responder, card, "down", "down", soon)]

    assert asyncio.run(run()) == ["ok", "jpki_revoked", "jpki_revocation_unavailable"]


@pytest.mark.fault(157)
def test_addresses_come_from_configuration_only(responder: Responder, tmp_path: Path) -> None:
    """A redirect leads nowhere: the responder saw one question, and nobody fetched its Location."""
    card = responder.authority.issue()
    codes(table(responder, tmp_path, crl=False), tmp_path, responder, card, ("redirect", "none", NOW))
    assert responder.asked == ["ocsp"]


@pytest.mark.fault(138)
@settings(max_examples=150)
@given(data=st.data())
def test_no_changed_answer_counts_or_breaks_anything(running: Responder, data: st.DataObject) -> None:
    card, issuer = _card(running), running.authority.certificate
    request = question(card.certificate, issuer)
    running.ocsp_trouble = "none"
    raw = bytearray(running.answer("ocsp", request.public_bytes(Encoding.DER))[1])
    check_answer(bytes(raw), request, issuer, NOW)
    place = data.draw(st.integers(0, 4095)) % len(raw)
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IssueRefused) as caught:
        check_answer(bytes(raw), request, issuer, NOW)
    assert caught.value.code.startswith("jpki_")


_CARDS: list[VirtualCard] = []


def _card(responder: Responder) -> VirtualCard:
    """One card for all examples."""
    if not _CARDS:
        _CARDS.append(responder.authority.issue())
    return _CARDS[0]


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "trust"},
        {"authorities": []},
        {"card_policies": []},
        {"card_policies": ["x"]},
        {"card_policies": CARD_POLICY},
        {"signing_policies": [CARD_POLICY]},
        {"authorities": [{"certificate": "missing.der", "crl": "http://127.0.0.1/"}]},
        {"authorities": [{"certificate": "ca.der"}]},
        {"authorities": [{"certificate": "ca.der", "crl": "file:///etc/hosts"}]},
        {"authorities": [{"certificate": "ca.der", "crl": "http://127.0.0.1/", "trust": True}]},
        {"accept_cached_minutes": -1},
        {"production": "yes"},
        {"url": "http://127.0.0.1/"},
    ],
    ids=str,
)
def test_a_wrong_table_is_refused(responder: Responder, tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        jpki_settings.settings_from(table(responder, tmp_path) | change, tmp_path)


def test_without_a_table_the_centre_verifies(tmp_path: Path) -> None:
    assert jpki_settings.settings_from({}, tmp_path).mode is jpki_settings.Mode.VERIFIED_BY_CENTRE


def test_the_table_survives_the_file(responder: Responder, utsushi_home: Path) -> None:
    from municipalities.site import Site, site, write_site

    values = table(responder, utsushi_home) | {"production": False}
    write_site(Site(jpki=values))
    assert site().jpki == values
    assert jpki_settings.site_settings().policy.production is False
