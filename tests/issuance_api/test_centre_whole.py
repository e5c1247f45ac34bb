"""All that the centre drives, through the adapter: seven kinds, people who live elsewhere, incidents, evidence of cards."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fictional_people import CODE, FATHER
from issuing_town import CARD, NOW, change, fill, owner, text_of
from wide_area_site import RECORD, Town, application, town

from command_line.__main__ import main
from issuance_api.jpki.settings import settings_from
from issuance_api.model import KOSEKI_KINDS
from municipalities.registry import get
from records.errors import EntryRefused
from replica import incidents, registrations
from replica.desk import Act
from simulators.centre.answers import Refused
from simulators.centre.client import Centre
from simulators.jpki.ca import CARD_POLICY, GOOD, PHONE_POLICY, TestAuthority, VirtualCard
from simulators.jpki.responder import Responder
from simulators.koseki.registers import non_residents

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "koseki"))

# As staff do five days before; the town's clock stands.
APPROVE = (
    "update staff.registration set state = 'approved', decided_at = now(), decided_by = 'staff', usable_from = %s"
    " where state = 'applied'"
)
REMAINING = ("record_item_certificate", "seal_registration_certificate", "income_taxation_certificate")


@pytest.fixture(scope="module")
def site(issuing_site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with a 戸籍 system."""
    from koseki_site import koseki_system

    with koseki_system(tmp_path_factory.mktemp("koseki")) as system:
        fresh = {CODE: _Now(system.client())}
        with town(tmp_path_factory.mktemp("centre"), koseki=fresh) as one:
            yield one


class _Now:
    """The 戸籍 system stamps its extracts with the real time; the town's clock stands."""

    def __init__(self, system: Any) -> None:
        system._clock = lambda: datetime.now(UTC)
        self.fetch = system.fetch


@pytest.fixture
def line(site: Town) -> Iterator[Centre]:
    fill(NOW)
    with owner() as connection:
        connection.execute("truncate issuance.incident cascade")
        connection.execute("truncate staff.registration cascade")
    with site.centre() as centre:
        yield centre


@pytest.mark.clause("1(2)", "2(2)①", "4")
def test_all_seven_kinds_in_one_evening(line: Centre) -> None:
    for number, kind in enumerate((RECORD, *REMAINING, *sorted(KOSEKI_KINDS))):
        year = 2026 if kind.startswith("income") else None
        issued = line.apply(application(f"request-{number:04d}", kind=kind, fiscal_year=year))
        assert "辰之助" in text_of(issued.pdf)
        assert line.report(issued.request_id, "printed")["State"] == "printed"


@pytest.mark.clause("2(1)②", "4")
def test_a_person_who_lives_elsewhere_registers_and_gets_the_koseki(line: Centre) -> None:
    one = non_residents(get(CODE))[0]
    entered: dict[str, Any] = {
        "CardSerial": one.card,
        "Name": one.name,
        "NameKana": one.name_kana,
        "BirthOn": one.birth_on.isoformat(),
        "Address": one.address,
        "RegisteredDomicile": one.registered_domicile,
        "FamilyRegisterHead": one.family_register_head,
        "Channel": "kiosk",
    }
    asked = application("request-0001", kind="family_register_all_certificate", card=one.card)
    assert line.register("registration-1", entered)["State"] == "applied"
    assert line.register("registration-1", entered)["State"] == "applied"  # the same again changes nothing
    with pytest.raises(Refused, match="request_conflict"):
        line.register("registration-1", entered | {"Name": "別人　一郎"})
    with pytest.raises(Refused):
        line.apply(asked)
    change(APPROVE, NOW - timedelta(days=1))
    answer = line.registration("registration-1")
    assert (answer["State"], answer["UsableFrom"][:10]) == ("approved", "2026-11-23")
    for number, kind in enumerate(sorted(KOSEKI_KINDS)):
        again = application(f"request-{number + 2:04d}", kind=kind, card=one.card)
        assert "外子" in text_of(line.apply(again).pdf)
    registrations.stop(CODE, registrations.registrations(CODE)[0].id, Act("staff", "asked for"))
    with pytest.raises(Refused):
        line.apply(application("request-0009", kind="family_register_all_certificate", card=one.card))
    assert line.registration("registration-1")["State"] == "stopped"
    with pytest.raises(Refused, match="not_found"):
        line.registration("registration-2")


@pytest.mark.clause("2(2)①", "4")
def test_each_print_error_is_an_incident_that_printing_again_does_not_close(
    line: Centre, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault 63; towns closed such reports as "re-printed OK" and missed the incidents of 2023."""
    line.apply(application())
    line.report("request-0001", "print_error", "E-100")
    line.report("request-0001", "print_error", "E-100")  # its answer was lost: the same incident
    line.report("request-0001", "print_error", "E-200")
    assert line.report("request-0001", "printed")["State"] == "printed"
    found = incidents.incidents(CODE)
    assert [(one.kind, one.code, one.request_state) for one in found] == [
        ("print_error", "E-100", "printed"),
        ("print_error", "E-200", "printed"),
    ]
    assert all(one.reprinted_at and not one.closed_at for one in found)
    for excuse in ("再印刷OK", "再印刷済み、問題なし。"):
        with pytest.raises(EntryRefused):
            incidents.close(CODE, found[0].id, cause="printer", finding=excuse, by="staff")
    closing = ["incident", CODE, "close", str(found[0].id), "--cause", "printer", "--by", "staff"]
    assert main([*closing, "--finding", "給紙ローラーの摩耗。店舗が交換し、試験印刷で確認した。"]) == 0
    capsys.readouterr()
    assert [one.code for one in incidents.incidents(CODE)] == ["E-200"]


@pytest.mark.clause("2(2)①", "4")
def test_giving_up_with_an_error_number_is_an_incident_and_without_is_none(line: Centre) -> None:
    for number, code in (("1", None), ("2", "E-300")):
        line.apply(application(f"request-000{number}"))
        assert line.report(f"request-000{number}", "aborted", code)["State"] == "aborted"
    assert [(one.kind, one.code, one.request_id) for one in incidents.incidents(CODE)] == [
        ("aborted", "E-300", "request-0002")
    ]


@pytest.fixture(scope="module")
def responder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Responder]:
    folder = tmp_path_factory.mktemp("ca")
    now = NOW.astimezone(UTC)
    made = Responder(TestAuthority(folder, now), TestAuthority(folder, now, key_name="old"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_site(issuing_site: str, responder: Responder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town that verifies cards itself."""
    folder = tmp_path_factory.mktemp("anchors")
    (folder / "ca.der").write_bytes(responder.authority.certificate.public_bytes(Encoding.DER))
    entry = {"certificate": "ca.der", "ocsp": responder.url("ocsp"), "crl": responder.url("crl")}
    policies = {"card_policies": [CARD_POLICY], "phone_policies": [PHONE_POLICY]}
    jpki = settings_from({"mode": "verify_here", "authorities": [entry], **policies}, folder)
    with town(folder, jpki=jpki) as one:
        yield one


def evidence(line: Centre, card: VirtualCard, purpose: str = "application") -> dict[str, str]:
    """What a card gives over a fresh challenge."""
    challenge = line.challenge(purpose)
    algorithm, signature = card.sign(base64.b64decode(challenge["Value"]))
    certificate, signed = (base64.b64encode(one).decode() for one in (card.der, signature))
    values = {"Certificate": certificate, "ChallengeId": challenge["ChallengeId"], "Signature": signed}
    return values | {"Algorithm": algorithm}


@pytest.mark.clause("2(1)①", "4")
def test_a_town_that_verifies_itself_takes_evidence_over_a_challenge(own_site: Town, responder: Responder) -> None:
    fill(NOW)
    card = responder.authority.issue(GOOD)
    change(
        "insert into staff.card (serial, issuer_sha256, addressee_number, status, valid_from)"
        " values (%s, %s, %s, 'active', %s)",
        str(card.certificate.serial_number), responder.authority.key_sha256, FATHER.addressee_number,
        datetime(2020, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    with own_site.centre() as line:
        shown = evidence(line, card)
        first = line.apply(application(card=None, evidence=shown))
        with pytest.raises(Refused, match="jpki_challenge"):
            line.apply(application(card=None, evidence=shown))
        assert line.apply(application(card=None, evidence=evidence(line, card))).sha256 == first.sha256
        offers = line.capabilities(evidence=evidence(line, card, "capabilities"))["Offer"]
        assert RECORD in {one["Kind"] for one in offers if one["Available"] == "true"}
        with pytest.raises(Refused, match="jpki_evidence_demanded"):
            line.apply(application("request-0002", card=CARD))


def test_where_the_centre_verifies_no_challenge_is_given(line: Centre) -> None:
    with pytest.raises(Refused, match="jpki_evidence_not_taken"):
        line.challenge("application")
