"""The simulated centre is not blind: each wrong answer that a town could give is noticed."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import pikepdf
import pytest

from simulators.centre.answers import Expected, Issued, Ledger, Refused, WrongAnswer, certificate, read
from simulators.centre.orders import NAMESPACE, SOAP

EXPECTED = Expected("Application", "exchange-00000001", "364894", "request-0001")
A4 = (595.276, 841.89)


def pdf(*sizes: tuple[float, float]) -> bytes:
    """Empty pages of these sizes in points."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        for size in sizes:
            document.add_blank_page(page_size=size)
        document.save(out)
    return out.getvalue()


def answer(made: bytes, pages: int, sha256: str | None = None, serial: str = "2026112400000001") -> bytes:
    digest = sha256 or hashlib.sha256(made).hexdigest()
    fields = {
        "ExchangeId": EXPECTED.exchange,
        "Municipality": EXPECTED.municipality,
        "RequestId": EXPECTED.request_id,
        "ResultCode": "ok",
        "Serial": serial,
        "Pages": str(pages),
        "Sha256": digest,
        "Pdf": base64.b64encode(made).decode(),
    }
    inner = "".join(f"<w:{name}>{value}</w:{name}>" for name, value in fields.items())
    body = f"<w:ApplicationAnswer>{inner}</w:ApplicationAnswer>"
    return f'<s:Envelope xmlns:s="{SOAP}" xmlns:w="{NAMESPACE}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def test_a_good_answer_is_taken() -> None:
    issued = certificate(read(answer(pdf(A4, A4), 2), 200, EXPECTED))
    assert (issued.request_id, issued.pages, issued.pdf) == ("request-0001", 2, pdf(A4, A4))


@pytest.mark.clause("2(2)①")
@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (answer(pdf(A4), 1, sha256="0" * 64), "damaged"),
        (answer(pdf(A4, A4), 1), "number of pages"),
        (answer(pdf((612, 792)), 1), "A4"),
        (answer(pdf((A4[1], A4[0])), 1), "A4"),
        (answer(b"<html>" + b"x" * 200, 1), "no PDF"),
    ],
)
def test_a_certificate_that_is_not_as_said_is_not_taken(raw: bytes, why: str) -> None:
    with pytest.raises(WrongAnswer, match=why):
        certificate(read(raw, 200, EXPECTED))


GOOD = answer(pdf(A4), 1)
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "another exchange": lambda raw: raw.replace(b"exchange-00000001", b"exchange-00000002"),
    "another town": lambda raw: raw.replace(b"364894", b"362999"),
    "another request": lambda raw: raw.replace(b"request-0001", b"request-0002"),
    "another operation": lambda raw: raw.replace(b"ApplicationAnswer", b"CancelAnswer"),
    "no serial": lambda raw: raw.replace(b"<w:Serial>2026112400000001</w:Serial>", b""),
    "a serial in words": lambda raw: raw.replace(b"2026112400000001", b"twenty"),
    "an attribute": lambda raw: raw.replace(b"<w:ApplicationAnswer>", b'<w:ApplicationAnswer a="1">'),
    "more than one": lambda raw: raw.replace(b"</s:Body>", b"<a/></s:Body>"),
    "a refusal with a certificate": lambda raw: raw.replace(b">ok<", b">held<"),
    "half": lambda raw: raw[:-20],
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_that_is_not_the_one_is_not_taken(change: str) -> None:
    with pytest.raises(WrongAnswer):
        read(CHANGES[change](GOOD), 200, EXPECTED)


def test_an_answer_with_another_status_is_not_taken() -> None:
    with pytest.raises(WrongAnswer):
        read(GOOD, 500, EXPECTED)


def test_a_refusal_without_its_text_is_none() -> None:
    start, end = GOOD.index(b"<w:ResultCode>"), GOOD.index(b"</w:ApplicationAnswer>")
    refusal = b"<w:ResultCode>%s</w:ResultCode><w:ResultText>%s</w:ResultText>"
    with pytest.raises(Refused):
        read(GOOD[:start] + refusal % (b"held", b"x") + GOOD[end:], 200, EXPECTED)
    with pytest.raises(WrongAnswer):
        read(GOOD[:start] + refusal % (b"ok", b"x") + GOOD[end:], 200, EXPECTED)
    with pytest.raises(WrongAnswer):
        read(GOOD[:start] + refusal % (b"held", b"") + GOOD[end:], 200, EXPECTED)


@pytest.mark.clause("2(2)①")
def test_the_ledger_notices_a_serial_that_comes_twice_and_a_retry_that_differs() -> None:
    ledger = Ledger()
    first = Issued("request-0001", "2026112400000001", 1, "a", b"")
    ledger.note("364894", first)
    ledger.note("364894", first)
    ledger.note("362999", replace(first, request_id="request-0002"))  # towns count for themselves
    with pytest.raises(WrongAnswer, match="serial"):
        ledger.note("364894", replace(first, request_id="request-0003"))
    with pytest.raises(WrongAnswer, match="retry"):
        ledger.note("364894", replace(first, sha256="b"))
