"""SOAP 1.1 envelopes of the centre, read with distrust: bytes in, one typed order out. No network, no service here.

Refused before the parser sees anything: more than 64 KiB, other encodings than UTF-8, NUL, and every ``<!`` or second
``<?``, so that document types, entities, comments, CDATA and instructions do not exist. Then depth, elements, schema.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree
from pydantic import ValidationError

from issuance_api.message import Message
from issuance_api.model import (
    AliveCheck,
    Application,
    Cancellation,
    CapabilityInquiry,
    ChallengeDemand,
    RegistrationApplication,
    Report,
    ResultInquiry,
)
from records.errors import UtsushiError

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "urn:utsushi:wide-area:1"
LARGEST_BYTES = 64 * 1024
DEEPEST = 8
MOST_ELEMENTS = 200
SCHEMA = Path(__file__).with_name("wide_area.xsd")
DECLARATION = re.compile(rb"""\A<\?xml version=["']1\.0["'](?: encoding=["'][Uu][Tt][Ff]-8["'])?\s?\?>""")

MESSAGES: dict[str, type[Message]] = {
    "AliveCheck": AliveCheck,
    "Challenge": ChallengeDemand,
    "CapabilityInquiry": CapabilityInquiry,
    "Application": Application,
    "ResultInquiry": ResultInquiry,
    "Cancel": Cancellation,
    "PrintedReport": Report,
    "AbortedReport": Report,
    "PrintErrorReport": Report,
    "Registration": RegistrationApplication,
    "RegistrationInquiry": ResultInquiry,
}
OUTCOMES = {"PrintedReport": "printed", "AbortedReport": "aborted", "PrintErrorReport": "print_error"}
NUMBERS = frozenset({"FiscalYear", "Copies"})
LISTS = {"Member": "members", "Item": "items"}


class BadEnvelope(UtsushiError):
    """電文不正: the code says which check refused; the text never quotes what was sent."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the envelope was refused: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Order:
    """One operation that the centre asks for; ``exchange`` is its number of this exchange (照会番号), for the answer."""

    operation: str
    exchange: str
    message: Message


def read_order(raw: bytes) -> Order:
    """The order in an envelope; ``BadEnvelope`` with a stable code for anything else."""
    _distrust(raw)
    element = _only_child_of_body(_parsed(raw))
    if not _schema().validate(element):
        raise BadEnvelope("schema")
    operation = etree.QName(element).localname
    exchange = element[0].text or ""
    try:
        return Order(operation, exchange, MESSAGES[operation].model_validate_json(_json(operation, element)))
    except ValidationError:
        raise BadEnvelope("content") from None


def _distrust(raw: bytes) -> None:
    if len(raw) > LARGEST_BYTES:
        raise BadEnvelope("too_large")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadEnvelope("encoding") from None
    rest = DECLARATION.sub(b"", raw, count=1)
    if b"\0" in raw or b"<?" in rest or b"<!" in rest:
        raise BadEnvelope("forbidden_markup")


def _parsed(raw: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError:
        raise BadEnvelope("not_well_formed") from None
    _limit(root)
    return root


def _limit(root: etree._Element) -> None:
    """Depth and number of elements, walked without recursion."""
    open_elements = [(root, 1)]
    seen = 0
    while open_elements:
        element, depth = open_elements.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_ELEMENTS:
            raise BadEnvelope("too_deep" if depth > DEEPEST else "too_many_elements")
        open_elements += [(child, depth + 1) for child in element]


def _only_child_of_body(root: etree._Element) -> etree._Element:
    """Envelope, in it one Body, in it one element; no header, no attributes, no text between."""
    for element, name in ((root, "Envelope"), (root[0] if len(root) else root, "Body")):
        texts = [element.text, *(child.tail for child in element)]
        bare = not element.attrib and not any((text or "").strip() for text in texts)
        if element.tag != f"{{{SOAP}}}{name}" or len(element) != 1 or not bare:
            raise BadEnvelope("not_one_order")
    return root[0][0]


@cache
def _schema() -> Any:
    return etree.XMLSchema(etree.parse(SCHEMA, etree.XMLParser(no_network=True, resolve_entities=False)))


def _json(operation: str, element: etree._Element) -> str:
    """The order's elements under the names of the typed message, as JSON for its strict reading."""
    fields = _fields(element)
    del fields["exchange_id"]
    if operation in OUTCOMES:
        fields["outcome"] = OUTCOMES[operation]
    if len(set(fields.get("items", ()))) != len(fields.get("items", ())):
        raise BadEnvelope("content")
    return json.dumps(fields)


def _fields(element: etree._Element) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for child in element:
        name, text = etree.QName(child).localname, child.text or ""
        key = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        if name in LISTS:
            fields.setdefault(LISTS[name], []).append(text)
        elif len(child):
            fields[key] = _fields(child)
        else:
            fields[key] = int(text) if name in NUMBERS else text
    return fields
