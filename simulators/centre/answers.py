"""What a town answers, judged as strictly as the centre does (応答の検査): schema, exchange, town, request, then the PDF.

The schema is the interface's published file, read as data. Nothing that is wrong is repaired or ignored.
"""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pikepdf
from lxml import etree

from municipalities.site import CHECKOUT
from records.errors import IssueRefused, TransferError, UtsushiError
from simulators.centre.orders import NAMESPACE, SOAP

SCHEMA = CHECKOUT / "issuance_api" / "centre" / "wide_area_answers.xsd"
A4_MM = (210.0, 297.0)
TOLERANCE_MM = 1.0
POINT_MM = 25.4 / 72
OK = "ok"


class Refused(IssueRefused):
    """The town refuses; ``code`` and ``text`` are the answer's, for the kiosk's screen."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class Fault(TransferError):
    """The town could not take the order at all; ``code`` is the Fault's, ``status`` the HTTP status."""

    def __init__(self, code: str, status: int) -> None:
        self.code, self.status = code, status
        super().__init__(f"the town's server answers with a fault ({status})")


class WrongAnswer(UtsushiError):
    """An answer that must not be used: not of the schema, to another order, or with a PDF that is not as said."""

    code = "wrong_answer"


@dataclass(frozen=True, slots=True)
class Expected:
    """To what an answer must be."""

    operation: str
    exchange: str
    municipality: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Issued:
    """交付: the certificate, looked at."""

    request_id: str
    serial: str
    pages: int
    sha256: str
    pdf: bytes = field(repr=False)


@dataclass(slots=True)
class Ledger:
    """What the centre got so far: a serial is of one request, a retry gives the same bytes. Safe for threads."""

    _requests: dict[str, tuple[str, str]] = field(default_factory=dict)
    _serials: dict[tuple[str, str], str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, municipality: str, issued: Issued) -> None:
        """Note a certificate; ``WrongAnswer`` when it contradicts an earlier one."""
        new = (issued.serial, issued.sha256)
        with self._lock:
            if self._requests.setdefault(issued.request_id, new) != new:
                raise WrongAnswer("a retry gave another certificate")
            if self._serials.setdefault((municipality, issued.serial), issued.request_id) != issued.request_id:
                raise WrongAnswer("a serial came twice")


def read(raw: bytes, status: int, expected: Expected) -> dict[str, Any]:
    """Texts of the answer by element name, lists where an element may come often. ``Refused``, ``Fault``, ``WrongAnswer``."""
    inner = _inner(raw)
    if inner.tag == f"{{{SOAP}}}Fault":
        raise Fault(inner.findtext("faultstring") or "", status)
    if status != 200 or inner.tag != f"{{{NAMESPACE}}}{expected.operation}Answer":
        raise WrongAnswer("the answer is to another operation")
    if not _schema().validate(inner):
        raise WrongAnswer("the answer is not of the schema")
    values = _values(inner)
    found = (values["ExchangeId"], values["Municipality"], values.get("RequestId"))
    if found != (expected.exchange, expected.municipality, expected.request_id):
        raise WrongAnswer("the answer is to another order")
    if (values["ResultCode"] == OK) == ("ResultText" in values):
        raise WrongAnswer("the answer is neither a refusal nor an outcome")
    if values["ResultCode"] != OK:
        raise Refused(values["ResultCode"], values["ResultText"])
    return values


def certificate(values: dict[str, Any]) -> Issued:
    """The certificate of an answer to an application: its hash, its pages, each of them A4."""
    pdf = base64.b64decode(values["Pdf"], validate=True)
    if hashlib.sha256(pdf).hexdigest() != values["Sha256"]:
        raise WrongAnswer("the certificate was damaged on the way")
    sizes = _sizes(pdf)
    if len(sizes) != int(values["Pages"]):
        raise WrongAnswer("the certificate has not the number of pages that it should have")
    if any(abs(one - other) > TOLERANCE_MM for size in sizes for one, other in zip(size, A4_MM, strict=True)):
        raise WrongAnswer("a page is not A4 upright")
    return Issued(values["RequestId"], values["Serial"], len(sizes), values["Sha256"], pdf)


def _sizes(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page in mm."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            boxes = [[float(one) for one in page.mediabox] for page in document.pages]
    except pikepdf.PdfError:
        raise WrongAnswer("the certificate is no PDF") from None
    return [((right - left) * POINT_MM, (top - bottom) * POINT_MM) for left, bottom, right, top in boxes]


def _inner(raw: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError:
        raise WrongAnswer("the answer is no XML") from None
    if root.tag != f"{{{SOAP}}}Envelope" or len(root) != 1 or root[0].tag != f"{{{SOAP}}}Body" or len(root[0]) != 1:
        raise WrongAnswer("the answer is not one thing in one envelope")
    return root[0][0]


MANY = ("Offer", "Member", "Item")


def _values(element: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for child in element:
        name = etree.QName(child).localname
        value = _values(child) if len(child) else child.text or ""
        if name in MANY:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


@cache
def _schema() -> Any:
    return etree.XMLSchema(etree.parse(SCHEMA, etree.XMLParser(no_network=True, resolve_entities=False)))
