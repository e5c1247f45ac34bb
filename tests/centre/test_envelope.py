"""What the adapter makes of envelopes, honest and hostile. No network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance_api.centre.envelope import LARGEST_BYTES, NAMESPACE, SOAP, BadEnvelope, read_order
from issuance_api.model import Application, Kind, RegistrationApplication, Report

EXCHANGE = "<w:ExchangeId>exchange-00000001</w:ExchangeId>"
ALIVE = f"<w:AliveCheck>{EXCHANGE}</w:AliveCheck>"
APPLICATION = (
    f"<w:Application>{EXCHANGE}<w:RequestId>request-0001</w:RequestId><w:Kind>resident_record_certificate</w:Kind>"
    "<w:CardSerial>A1</w:CardSerial><w:Member>1</w:Member><w:Item>relationship</w:Item></w:Application>"
)


def envelope(order: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return f'{head}<s:Envelope xmlns:s="{SOAP}" xmlns:w="{NAMESPACE}"><s:Body>{order}</s:Body></s:Envelope>'.encode()


def refused(raw: bytes) -> str:
    with pytest.raises(BadEnvelope) as caught:
        read_order(raw)
    return caught.value.code


@pytest.mark.clause("4")
def test_an_application_becomes_the_typed_one() -> None:
    message = read_order(envelope(APPLICATION)).message
    assert isinstance(message, Application)
    assert (message.kind, message.members, set(message.items)) == (Kind.RESIDENT_RECORD, ("1",), {"relationship"})


def test_evidence_of_a_card_stands_where_the_serial_stands() -> None:
    values = {"Certificate": "AAAA", "ChallengeId": "challenge", "Signature": "AA==", "Algorithm": "ecdsa-p384-sha384"}
    evidence = "".join(f"<w:{name}>{value}</w:{name}>" for name, value in values.items())
    order = APPLICATION.replace("<w:CardSerial>A1</w:CardSerial>", f"<w:Evidence>{evidence}</w:Evidence>")
    message = read_order(envelope(order)).message
    assert isinstance(message, Application)
    assert message.card_serial is None
    assert message.evidence is not None
    assert list(message.evidence.model_dump().values()) == list(values.values())


@pytest.mark.parametrize(
    ("operation", "outcome"),
    [("PrintedReport", "printed"), ("AbortedReport", "aborted"), ("PrintErrorReport", "print_error")],
)
def test_each_report_has_its_outcome(operation: str, outcome: str) -> None:
    code = "<w:ErrorCode>E-01</w:ErrorCode>" if operation != "PrintedReport" else ""
    order = f"<w:{operation}>{EXCHANGE}<w:RequestId>request-0001</w:RequestId>{code}</w:{operation}>"
    message = read_order(envelope(order)).message
    assert isinstance(message, Report)
    assert (message.outcome, message.error_code) == (outcome, "E-01" if code else None)


HOSTILE = {
    "laughs": (envelope(ALIVE, '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>'), "forbidden_markup"),
    "external": (envelope(ALIVE, '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'), "forbidden_markup"),
    "undeclared entity": (envelope(ALIVE.replace("exchange", "&b;")), "not_well_formed"),
    "include": (envelope('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="a"/>'), "schema"),
    "comment": (envelope(ALIVE + "<!-- a -->"), "forbidden_markup"),
    "cdata": (envelope(ALIVE.replace("exchange", "<![CDATA[]]>")), "forbidden_markup"),
    "instruction": (envelope("<?a b?>" + ALIVE), "forbidden_markup"),
    "utf-16": (envelope(ALIVE, "").decode().encode("utf-16"), "encoding"),
    "shift_jis declared": (envelope(ALIVE, '<?xml version="1.0" encoding="Shift_JIS"?>'), "forbidden_markup"),
    "nul": (envelope(ALIVE.replace("exchange", "\0")), "forbidden_markup"),
    "large": (envelope(" " * LARGEST_BYTES + ALIVE), "too_large"),
    "deep": (envelope("<a>" * 100 + "</a>" * 100), "too_deep"),
    "deeper than the parser goes": (envelope("<a>" * 5_000 + "</a>" * 5_000), "not_well_formed"),
    "many": (envelope(f"<w:A>{'<a/>' * 300}</w:A>"), "too_many_elements"),
    "two orders": (envelope(ALIVE + ALIVE), "not_one_order"),
    "two bodies": (envelope(f"{ALIVE}</s:Body><s:Body>{ALIVE}"), "not_one_order"),
    "header": (envelope(ALIVE).replace(b"<s:Body>", b"<s:Header/><s:Body>"), "not_one_order"),
    "empty": (b"", "not_well_formed"),
    "unknown element": (envelope(APPLICATION.replace("<w:Member>", "<w:X>1</w:X><w:Member>")), "schema"),
    "unknown attribute": (envelope(ALIVE.replace("Check>", 'Check a="1">', 1)), "schema"),
    "item twice": (envelope(APPLICATION.replace("</w:Item>", "</w:Item><w:Item>relationship</w:Item>")), "content"),
    "no exchange": (envelope(ALIVE.replace(EXCHANGE, "")), "schema"),
    "short exchange": (envelope(ALIVE.replace("-00000001", "")), "schema"),
    "card and evidence": (envelope(APPLICATION.replace("</w:CardSerial>", "</w:CardSerial><w:Evidence/>")), "schema"),
    "no year": (envelope(APPLICATION.replace("resident_record", "income_taxation")), "content"),
}


@pytest.mark.fault(65)
@pytest.mark.clause("2(2)①")
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_envelopes_are_refused_with_their_code(case: str) -> None:
    raw, code = HOSTILE[case]
    assert refused(raw) == code


@given(st.text(st.sampled_from("辻葛邊\U000e0100\U000e0101\U000f0000\U000ffffd𠮷"), min_size=1, max_size=100))
def test_names_with_selectors_and_private_characters_survive(name: str) -> None:
    order = (
        f"<w:Registration>{EXCHANGE}<w:RequestId>request-0001</w:RequestId><w:CardSerial>A1</w:CardSerial>"
        f"<w:Name>{name}</w:Name><w:BirthOn>1980-01-02</w:BirthOn><w:Address>架空市</w:Address>"
        "<w:RegisteredDomicile>架空市</w:RegisteredDomicile><w:FamilyRegisterHead>架空</w:FamilyRegisterHead>"
        "<w:Channel>kiosk</w:Channel></w:Registration>"
    )
    message = read_order(envelope(order)).message
    assert isinstance(message, RegistrationApplication)
    assert message.name == name


@pytest.mark.fault(65)
@given(st.binary(max_size=300))
def test_anything_else_is_refused_and_nothing_else_is_raised(raw: bytes) -> None:
    assert refused(raw) in {"encoding", "forbidden_markup", "not_well_formed", "not_one_order"}
