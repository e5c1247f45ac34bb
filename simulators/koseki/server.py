"""The HTTPS side of the simulated 戸籍 system: mutual TLS, one operation, and troubles on demand.

``POST /v1/extracts`` with the order as JSON; the answer is the PDF with headers that say which order and which person it
is for. The protocol is ours (docs/koseki_interface.md): real systems differ.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from municipalities.registry import get
from simulators.koseki import hostile
from simulators.koseki.drawing import Wanted
from simulators.koseki.model import Register
from simulators.koseki.troubles import MIXED_UP, Asked, Book

JST = timezone(timedelta(hours=9), "JST")
SLOW_SECONDS = 5.0
ANSWERS = ("slow", "drip", "html", "redirect", "busy", "pending", "old_settlement", "future_settlement", "no_settlement",
           "no_version", "crossed", "swapped_bodies", "late", "stranger_refused", "packed", "half", "doubled_header",
           "no_correlation")  # fmt: skip
TROUBLES = ("none", *ANSWERS, *MIXED_UP, *hostile.KINDS)
READ_AT = {"old_settlement": -timedelta(minutes=3), "future_settlement": timedelta(hours=1)}
Answer = tuple[bytes, dict[str, str]]

Books = Callable[[str], Book]


@dataclass
class System:
    """One simulated system for several towns; ``book`` gives the registers of a town as they are now."""

    book: Books
    trouble: str = "none"
    asked: int = 0
    connections: set[tuple[str, int]] = field(default_factory=set)
    waiting: asyncio.Queue[Answer] = field(default_factory=asyncio.Queue)
    before: Answer | None = None

    def app(self) -> Starlette:
        """The ASGI app; the server in front of it asks for client certificates."""
        routes = [
            Route("/v1/{municipality}/extracts", self._extract, methods=["POST"]),
            Route("/v1/status", self._status, methods=["GET"]),
        ]
        return Starlette(routes=routes)

    async def _status(self, request: Request) -> Response:
        return JSONResponse({"serving": self.trouble == "none"})

    async def _extract(self, request: Request) -> Response:
        self.asked += 1
        if request.client is not None:
            self.connections.add((request.client.host, request.client.port))
        order = await request.json()
        municipality = get(str(request.path_params["municipality"]))
        book = self.book(municipality.code)
        register = book.get((order["registered_domicile"], order["family_register_head"]))
        if register is None or register.member(order["name"], order["birth"]) is None:
            return self._refusal("not_found", 404, order)
        if self.trouble == "pending":
            return self._refusal("pending", 409, order)
        if self.trouble == "busy":
            return JSONResponse({"code": "busy"}, 503)
        pdf = await asyncio.to_thread(self._draw, Asked(municipality, book, register, _wanted(order)))
        return await self._answer(pdf, self._headers(order, register))

    def _refusal(self, code: str, status: int, order: dict[str, Any]) -> Response:
        correlation = "0" * 32 if self.trouble == "stranger_refused" else order["correlation_id"]
        return JSONResponse({"code": code}, status, {"Koseki-Correlation": correlation})

    def _draw(self, asked: Asked) -> bytes:
        if self.trouble in MIXED_UP:
            return MIXED_UP[self.trouble](asked)
        pdf = asked.right()
        return hostile.KINDS[self.trouble](pdf) if self.trouble in hostile.KINDS else pdf

    def _headers(self, order: dict[str, Any], register: Register) -> dict[str, str]:
        headers = _headers(order, register, datetime.now(JST) + READ_AT.get(self.trouble, timedelta()))
        missing = {"no_settlement": "Koseki-Settled-At", "no_version": "Koseki-Version",
                   "no_correlation": "Koseki-Correlation"}.get(self.trouble)  # fmt: skip
        return {name: value for name, value in headers.items() if name != missing}

    async def _answer(self, pdf: bytes, headers: dict[str, str]) -> Response:
        if self.trouble == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if self.trouble == "packed":
            return Response(gzip.compress(pdf), 200, headers | {"content-encoding": "gzip"}, "application/pdf")
        if self.trouble == "html":
            return Response("<html>ただいま保守中です</html>", media_type="text/html", headers=headers)
        if self.trouble == "redirect":
            return RedirectResponse("https://127.0.0.1:9/elsewhere")
        if self.trouble in ("crossed", "swapped_bodies"):
            other_pdf, other_headers = await self._exchange(pdf, headers)
            headers, pdf = (other_headers if self.trouble == "crossed" else headers), other_pdf
        if self.trouble == "late":
            pdf, headers = self._one_too_late(pdf, headers)
        return self._sent(pdf, headers)

    def _sent(self, pdf: bytes, headers: dict[str, str]) -> Response:
        """The way in which it travels: at once, byte by byte, only half of what it says, with two numbers of orders."""
        if self.trouble == "drip":
            return StreamingResponse(_drip(pdf), media_type="application/pdf", headers=headers)
        if self.trouble == "half":
            length = {"Content-Length": str(len(pdf))}
            return StreamingResponse(_half(pdf), media_type="application/pdf", headers=headers | length)
        response = Response(pdf, media_type="application/pdf", headers=headers)
        if self.trouble == "doubled_header":
            response.headers.append("Koseki-Correlation", "0" * 32)
        return response

    def _one_too_late(self, pdf: bytes, headers: dict[str, str]) -> Answer:
        """Everybody gets the answer to the order before, as from a connection on which one had been given up."""
        before, self.before = self.before, (pdf, headers)
        return before or (pdf, headers)

    async def _exchange(self, pdf: bytes, headers: dict[str, str]) -> Answer:
        """Two answers within a moment change places (川崎, 2023-05-02)."""
        if self.waiting.empty():
            mine: asyncio.Queue[Answer] = asyncio.Queue()
            self.partner = mine
            await self.waiting.put((pdf, headers))
            return await mine.get()
        theirs = await self.waiting.get()
        await self.partner.put((pdf, headers))
        return theirs


async def _drip(pdf: bytes) -> Any:
    for at in range(len(pdf)):
        yield pdf[at : at + 1]
        await asyncio.sleep(0.05)


async def _half(pdf: bytes) -> Any:
    yield pdf[: len(pdf) // 2]


def _headers(order: dict[str, Any], register: Register, read_at: datetime) -> dict[str, str]:
    subject = (order["name"], order["birth"], order["registered_domicile"], order["family_register_head"])
    return {
        "Koseki-Request": order["request_id"],
        "Koseki-Correlation": order["correlation_id"],
        "Koseki-Subject": hashlib.sha256("\x1f".join(subject).encode()).hexdigest(),
        "Koseki-Settled-At": read_at.isoformat(timespec="milliseconds"),
        "Koseki-Version": register.version(),
    }


def _wanted(order: dict[str, Any]) -> Wanted:
    return Wanted(
        kind=order["kind"],
        correlation=order["correlation_id"],
        serial=order["serial"],
        issued_on=date.fromisoformat(order["issued_on"]),
        name=order["name"],
        birth=order["birth"],
        domicile_shown=bool(order["include_domicile"]),
        voting_shown=bool(order["include_overseas_voting"]),
    )
