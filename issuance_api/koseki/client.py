"""Asking the 戸籍 system (戸籍システムへの照会) over HTTPS with client certificates, on a connection of its own each time.

An answer counts only if it says in its headers that it is to this order and about this person, and if every page does so
too (``inspection``). A late answer has no connection left on which anybody would wait for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from issuance_api.koseki.breaker import Breaker
from issuance_api.koseki.inspection import MOST_BYTES, inspect
from issuance_api.koseki.order import (
    Extract,
    KosekiHostile,
    KosekiMismatch,
    KosekiNotFound,
    KosekiPending,
    KosekiTimeout,
    KosekiUnavailable,
    Order,
)
from issuance_api.service_hours import Clock, system_clock
from records.errors import UtsushiError

AT_ONCE = 4
ASK_SECONDS = 60.0  # the deadline of an order ends it long before
STATUS_SECONDS = 5.0
READY = b'{"serving":true}'
MOST_STATUS_BYTES = 64
CLOCKS_DIFFER = timedelta(seconds=5)  # by which the two systems' clocks may
UNAVAILABLE = "戸籍の証明書はただいま交付できません。時間をおいてご利用ください。"
PENDING = "届出の処理中のため、戸籍の証明書を発行できません。窓口でお手続きください。"
NOT_FOUND = "戸籍を確認できません。窓口でお手続きください。"
TOO_LATE = "戸籍の証明書の作成に時間がかかっています。時間をおいてご利用ください。"


@dataclass(frozen=True, slots=True)
class KosekiAddress:
    """Where the system of a municipality answers: base address, its CA, and our certificate with its key (PEM)."""

    url: str
    ca: Path
    client: Path

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, only the configured CA, our certificate shown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.ca)
        context.load_cert_chain(self.client)
        return context


class HttpsKosekiSystem:
    """The 戸籍 system of one municipality."""

    def __init__(
        self, municipality: str, address: KosekiAddress, breaker: Breaker | None = None, clock: Clock = system_clock
    ) -> None:
        self._municipality = municipality
        self._address = address
        self._context = address.context()
        self._breaker = breaker or Breaker()
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, order: Order, deadline_seconds: float) -> Extract:
        """The extract of exactly this order, looked at within the deadline; errors of ``order``.

        An answer that it should not give counts against the system like none at all; a refusal by its rules does not.
        """
        admission = self._breaker.admit()
        if admission is None:
            raise KosekiUnavailable(UNAVAILABLE)
        try:
            extract = await self._in_time(order, deadline_seconds)
        except (KosekiPending, KosekiNotFound):
            self._breaker.succeeded(admission)
            raise
        except UtsushiError:
            self._breaker.failed(admission)
            raise
        except BaseException:
            self._breaker.gave_up(admission)
            raise
        self._breaker.succeeded(admission)
        return extract

    async def status(self) -> str:
        """稼働状況: ``ready``, or ``down`` when the system does not say so itself, in as many bytes as that takes."""
        url = f"{self._address.url}/v1/status"
        try:
            async with asyncio.timeout(STATUS_SECONDS), self._http() as client, client.stream("GET", url) as response:
                body = await _limited(response, MOST_STATUS_BYTES)
        except (TimeoutError, httpx.HTTPError, OSError, KosekiHostile):
            return "down"
        return "ready" if response.status_code == httpx.codes.OK and body == READY else "down"

    async def _in_time(self, order: Order, deadline_seconds: float) -> Extract:
        """Errors of the libraries as ours: theirs may quote what they read."""
        try:
            async with asyncio.timeout(deadline_seconds), self._places:
                asked_at = self._clock()
                return await self._judge(order, asked_at, *await self._ask(order))
        except TimeoutError:
            failure: UtsushiError = KosekiTimeout(TOO_LATE)
        except (httpx.HTTPError, OSError):
            failure = KosekiUnavailable(UNAVAILABLE)
        raise failure

    def _http(self) -> httpx.AsyncClient:
        """For one exchange: redirects are answers like any other, proxies of the host are not used."""
        settings: dict[str, Any] = {"trust_env": False, "follow_redirects": False, "timeout": ASK_SECONDS}
        settings["limits"] = httpx.Limits(max_keepalive_connections=0)
        settings["headers"] = {"Connection": "close", "Accept-Encoding": "identity"}
        return httpx.AsyncClient(verify=self._context, **settings)

    async def _ask(self, order: Order) -> tuple[int, httpx.Headers, bytes]:
        """One request on a new connection. Nothing is unpacked: a packed body could be a bomb."""
        url = f"{self._address.url}/v1/{self._municipality}/extracts"
        async with self._http() as client, client.stream("POST", url, json=_body(order)) as response:
            return response.status_code, response.headers, await _limited(response, MOST_BYTES)

    async def _judge(
        self, order: Order, asked_at: datetime, status: int, headers: httpx.Headers, body: bytes
    ) -> Extract:
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise KosekiUnavailable(UNAVAILABLE)
        if status in (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT):
            raise _refusal(order, status, headers)
        if status != httpx.codes.OK or headers.get("content-type") != "application/pdf":
            raise KosekiHostile("the answer is not a certificate")
        expected = {
            "koseki-request": order.request_id,
            "koseki-correlation": order.correlation_id,
            "koseki-subject": order.subject.digest(),
        }
        if any(headers.get(name) != value for name, value in expected.items()):
            raise KosekiMismatch("the answer is to another order, or about another person")
        settled_at = self._settled_at(headers, asked_at)
        clean, pages = await asyncio.to_thread(inspect, body, order, headers.get("koseki-version", ""))
        return Extract(clean, pages, hashlib.sha256(clean).hexdigest(), settled_at)

    def _settled_at(self, headers: httpx.Headers, asked_at: datetime) -> datetime:
        """When the register was read for this answer: after we asked, so after every hold that was lifted before.

        No hold was in force when the order was made, and one is lifted only when its 届 is settled. An answer from an
        older copy of the register may lack that entry.
        """
        try:
            settled = datetime.fromisoformat(headers.get("koseki-settled-at", ""))
            timely = asked_at - CLOCKS_DIFFER <= settled <= self._clock() + CLOCKS_DIFFER
        except (ValueError, TypeError):
            raise KosekiMismatch("the answer does not say up to when it is settled") from None
        if not timely:
            raise KosekiMismatch("the answer is from before the newest settlement")
        return settled


async def _limited(response: httpx.Response, most: int) -> bytes:
    """The body as it comes, unpacked by nobody, up to a limit."""
    if "content-encoding" in response.headers:
        raise KosekiHostile("the answer is packed")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            raise KosekiHostile("the answer is too large")
    return bytes(body)


def _refusal(order: Order, status: int, headers: httpx.Headers) -> UtsushiError:
    """該当なし or 届出処理中, if it is to this order: another's refusal says nothing about this register."""
    if headers.get("koseki-correlation") != order.correlation_id:
        return KosekiMismatch("the refusal is to another order")
    return KosekiNotFound(NOT_FOUND) if status == httpx.codes.NOT_FOUND else KosekiPending(PENDING)


def _body(order: Order) -> dict[str, Any]:
    subject = order.subject
    return {
        "request_id": order.request_id,
        "correlation_id": order.correlation_id,
        "kind": order.kind,
        "members": order.members,
        "name": subject.name,
        "birth": subject.birth_text,
        "registered_domicile": subject.registered_domicile,
        "family_register_head": subject.family_register_head,
        "include_domicile": order.include_domicile,
        "include_overseas_voting": order.include_overseas_voting,
        "issued_on": order.issued_on.isoformat(),
        "serial": order.serial,
    }
