"""Answers and faults (応答の電文): one typed XML answer for each order, schema ``wide_area_answers.xsd``. No network, no rule.

A refusal is an answer like any other: result code and text for the screen. A Fault says by its code alone why an order
could not be taken. Nothing that was sent is quoted, but for the numbers by which the centre finds its order again.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from lxml import etree

from issuance_api.centre.envelope import NAMESPACE, SOAP, Order
from issuance_api.model import Alive, Capabilities, Capability, Certificate, ChallengeResult, RegistrationResult, Result
from issuance_api.operations import Outcome

Field = tuple[str, "str | list[Field]"]


def answer(order: Order, municipality: str, outcome: Outcome) -> bytes:
    """The envelope that answers ``order``."""
    body = _envelope()
    element = _child(body, f"{{{NAMESPACE}}}{order.operation}Answer")
    _write(element, _head(order, municipality))
    _write(element, [("ResultCode", outcome.code)])
    _write(element, [("ResultText", outcome.text)] if outcome.value is None else _fields(outcome.value))
    return _bytes(body)


def fault(code: str, *, ours: bool = False) -> bytes:
    """A SOAP 1.1 Fault with its code, and nothing else; ``ours``: it was not the centre's doing."""
    body = _envelope()
    element = _child(body, f"{{{SOAP}}}Fault")
    _child(element, "faultcode").text = "s:Server" if ours else "s:Client"
    _child(element, "faultstring").text = code
    return _bytes(body)


def _envelope() -> etree._Element:
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP, "w": NAMESPACE})
    return _child(root, f"{{{SOAP}}}Body")


def _child(parent: etree._Element, tag: str) -> etree._Element:
    return etree.SubElement(parent, tag)


def _bytes(body: etree._Element) -> bytes:
    return bytes(etree.tostring(body.getparent(), xml_declaration=True, encoding="UTF-8"))


def _write(element: etree._Element, fields: list[Field]) -> None:
    for name, value in fields:
        child = _child(element, f"{{{NAMESPACE}}}{name}")
        if isinstance(value, str):
            child.text = value
        else:
            _write(child, value)


def _head(order: Order, municipality: str) -> list[Field]:
    request_id = getattr(order.message, "request_id", None)
    named: list[Field] = [("RequestId", request_id)] if request_id is not None else []
    return [("ExchangeId", order.exchange), ("Municipality", municipality), *named]


def _fields(value: object) -> list[Field]:
    match value:
        case Certificate():
            return _certificate(value)
        case Capabilities():
            return list(_capabilities(value))
        case Result():
            return _present(
                State=value.state.value,
                EndCode=value.result_code,
                Serial=value.issue_serial,
                Pages=value.pages if value.issue_serial else None,
                Sha256=value.pdf_sha256,
            )
        case RegistrationResult():
            usable = value.usable_from.isoformat() if value.usable_from else None
            return _present(State=value.state, UsableFrom=usable, Text=value.text)
        case ChallengeResult():
            expires = value.expires_at.isoformat()
            return _present(ChallengeId=value.challenge_id, Value=value.challenge, ExpiresAt=expires)
        case Alive():
            return []
    raise AssertionError("an operation without a form for its outcome")


def _certificate(made: Certificate) -> list[Field]:
    pdf = base64.b64encode(made.pdf).decode("ascii")
    return [("Serial", made.serial), ("Pages", str(made.pages)), ("Sha256", made.sha256), ("Pdf", pdf)]


def _capabilities(value: Capabilities) -> Iterator[Field]:
    yield from (("Offer", _offer(one)) for one in value.kinds)
    for member in value.members:
        yield "Member", [("AddresseeNumber", member.addressee_number), ("Name", member.name)]
    yield from (("Item", one.value) for one in value.optional_items)
    yield "FiscalYear", str(value.fiscal_year)


def _offer(one: Capability) -> list[Field]:
    available = "true" if one.available else "false"
    return _present(Kind=one.kind.value, Name=one.name, Available=available, Code=one.result_code, Text=one.text)


def _present(**values: Any) -> list[Field]:
    return [(name, str(value)) for name, value in values.items() if value is not None]
