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

from municipalities.registry import Municipality, get
from simulators.koseki import hostile
from simulators.koseki.drawing import Wanted, draw
from simulators.koseki.registers import Register

JST = timezone(timedelta(hours=9), "JST")
SLOW_SECONDS = 5.0
ANSWERS = ("slow", "drip", "html", "redirect", "busy", "pending", "old_settlement", "crossed", "swapped_bodies",
           "stranger_refused", "packed")  # fmt: skip
TROUBLES = ("none", *ANSWERS, "other_person", "foreign_page", *hostile.KINDS)

Book = Callable[[str], dict[tuple[str, str], Register]]


@dataclass
class System:
    """One simulated system for several towns; ``book`` gives the registers of a town as they are now."""

    book: Book
    trouble: str = "none"
    asked: int = 0
    waiting: asyncio.Queue[tuple[bytes, dict[str, str]]] = field(default_factory=asyncio.Queue)

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
        order = await request.json()
        municipality = get(str(request.path_params["municipality"]))
        register = self.book(municipality.code).get((order["registered_domicile"], order["family_register_head"]))
        if register is None or not any(one.name == order["name"] for one in register.members):
            return self._refusal("not_found", 404, order)
        if self.trouble == "pending":
            return self._refusal("pending", 409, order)
        if self.trouble == "busy":
            return JSONResponse({"code": "busy"}, 503)
        pdf = await asyncio.to_thread(self._draw, municipality, register, order)
        headers = _headers(order, "2026-01-01T00:00:00+09:00" if self.trouble == "old_settlement" else _now())
        return await self._answer(pdf, headers)

    def _refusal(self, code: str, status: int, order: dict[str, Any]) -> Response:
        correlation = "0" * 32 if self.trouble == "stranger_refused" else order["correlation_id"]
        return JSONResponse({"code": code}, status, {"Koseki-Correlation": correlation})

    def _draw(self, municipality: Municipality, register: Register, order: dict[str, Any]) -> bytes:
        wanted = _wanted(order)
        if self.trouble == "other_person":
            return draw(municipality, self._somebody_else(municipality, register), wanted)
        pdf = draw(municipality, register, wanted)
        if self.trouble == "foreign_page":
            return hostile.with_foreign_page(
                pdf, draw(municipality, self._somebody_else(municipality, register), wanted)
            )
        return hostile.KINDS[self.trouble](pdf) if self.trouble in hostile.KINDS else pdf

    def _somebody_else(self, municipality: Municipality, register: Register) -> Register:
        return next(one for one in self.book(municipality.code).values() if one.head != register.head)

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
        if self.trouble == "drip":
            return StreamingResponse(_drip(pdf), media_type="application/pdf", headers=headers)
        return Response(pdf, media_type="application/pdf", headers=headers)

    async def _exchange(self, pdf: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Two answers within a moment change places (川崎, 2023-05-02)."""
        if self.waiting.empty():
            mine: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()
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


def _headers(order: dict[str, Any], settled_at: str) -> dict[str, str]:
    subject = (order["name"], order["birth"], order["registered_domicile"], order["family_register_head"])
    return {
        "Koseki-Request": order["request_id"],
        "Koseki-Correlation": order["correlation_id"],
        "Koseki-Subject": hashlib.sha256("\x1f".join(subject).encode()).hexdigest(),
        "Koseki-Settled-At": settled_at,
    }


def _wanted(order: dict[str, Any]) -> Wanted:
    return Wanted(
        kind=order["kind"],
        correlation=order["correlation_id"],
        serial=order["serial"],
        issued_on=date.fromisoformat(order["issued_on"]),
        name=order["name"],
        domicile_shown=bool(order["include_domicile"]),
    )


def _now() -> str:
    return datetime.now(JST).isoformat(timespec="seconds")
