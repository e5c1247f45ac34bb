"""The centre's endpoint (センターの受け口): who asks, then the order, then the answer. An ASGI app of one path.

``POST /wide-area/<municipality>``. Nothing of a body is read before it is certain that this certificate may ask for this
town. Rules, errors, figures and log lines are those of ``operations``, as with the JSON interface.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from issuance_api import operations
from issuance_api.centre.answer import answer, fault
from issuance_api.centre.doorkeeper import Doorkeeper, Unwelcome
from issuance_api.centre.envelope import LARGEST_BYTES, BadEnvelope, read_order
from issuance_api.centre.transport import CERTIFICATE, Limits
from issuance_api.nodes import Node

PATH = re.compile(r"/wide-area/([0-9]{6})")
CHUNK = 16 * 1024
CONTENT_TYPE = re.compile(rb"""text/xml(\s*;\s*charset="?utf-8"?)?""", re.IGNORECASE)
STATUSES = {
    "not_authorised": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "too_large": 413,
    "not_xml": 415,
    "internal": 500,
}
BAD_ENVELOPE = 400
NO_OPERATION = "envelope"  # in figures and logs: it came to no operation
OPERATIONS = {
    "AliveCheck": operations.ALIVE,
    "Challenge": operations.CHALLENGE,
    "CapabilityInquiry": operations.CAPABILITIES,
    "Application": operations.APPLY,
    "ResultInquiry": operations.RESULT,
    "Cancel": operations.CANCEL,
    "PrintedReport": operations.REPORT,
    "AbortedReport": operations.REPORT,
    "PrintErrorReport": operations.REPORT,
    "Registration": operations.REGISTER,
    "RegistrationInquiry": operations.REGISTRATION,
}

log = logging.getLogger("issuance_api")


class Refusal(Exception):
    """This request comes to no order; ``code`` is the Fault's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Gone(Exception):
    """The client hung up before its order was whole."""


@dataclass(slots=True)
class WideArea:
    """The app; ``node`` gives the node once it is open."""

    node: Callable[[], Node]
    doorkeeper: Doorkeeper
    limits: Limits = field(default_factory=Limits)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        started = time.perf_counter()
        found = PATH.fullmatch(scope["path"])
        municipality = found[1] if found else None
        try:
            body = await self._answered(scope, receive, municipality)
        except Gone:
            self._note(municipality, "client_gone", started)
        except (Refusal, BadEnvelope, Unwelcome) as error:
            self._note(municipality, error.code, started)
            await _send(send, STATUSES.get(error.code, BAD_ENVELOPE), fault(error.code))
        except Exception as error:  # last resort: an exception's text may quote what was sent
            log.error("unexpected %s", type(error).__name__)
            self._note(municipality, operations.INTERNAL, started)
            await _send(send, 500, fault(operations.INTERNAL, ours=True))
        else:
            await _send(send, 200, body)

    async def _answered(self, scope: Any, receive: Any, municipality: str | None) -> bytes:
        self.doorkeeper.admit(scope["extensions"][CERTIFICATE], municipality)
        if municipality is None:
            raise Refusal("not_found")
        _check_head(scope)
        order = read_order(await self._body(receive))
        outcome = await operations.perform(self.node(), municipality, OPERATIONS[order.operation], order.message)
        return answer(order, municipality, outcome)

    async def _body(self, receive: Any) -> bytes:
        """The whole body within its time; it does not help to send a byte now and then."""
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                return await _read(receive)
        except TimeoutError:
            raise Refusal("too_slow") from None

    def _note(self, municipality: str | None, code: str, started: float) -> None:
        known = municipality if municipality in self.node().services else None
        operations.note(NO_OPERATION, known or operations.UNKNOWN, code, time.perf_counter() - started)


def _check_head(scope: Any) -> None:
    """What the head alone shows to be wrong; the body is not even asked for."""
    headers = dict(scope["headers"])
    if scope["method"] != "POST":
        raise Refusal("method_not_allowed")
    if not CONTENT_TYPE.fullmatch(headers.get(b"content-type", b"")) or b"content-encoding" in headers:
        raise Refusal("not_xml")
    if int(headers.get(b"content-length", b"0")) > LARGEST_BYTES:
        raise BadEnvelope("too_large")


async def _read(receive: Any) -> bytes:
    raw, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        raw += message.get("body", b"")
        more = message.get("more_body", False)
        if len(raw) > LARGEST_BYTES:
            raise BadEnvelope("too_large")
    return bytes(raw)


async def _send(send: Any, status: int, body: bytes) -> None:
    """In pieces, so that no more than some of it waits in buffers for a reader that does not read.

    After a Fault the connection is closed: where the next request would begin is not certain.
    """
    headers = [(b"content-type", b"text/xml; charset=utf-8"), (b"cache-control", b"no-store")]
    headers.append((b"content-length", str(len(body)).encode()))
    if status != 200:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for at in range(0, len(body), CHUNK):
        more = at + CHUNK < len(body)
        await send({"type": "http.response.body", "body": body[at : at + CHUNK], "more_body": more})
