"""How the soak's clients speak to the nodes: one call of a domain operation, patient or not, and what came of it.

``Asker`` is all that the traffic knows; ``JsonAsker`` speaks the JSON operations, over a new connection each time, because
the kernel gives each new connection to one of the nodes. Whether an answer is right is judged elsewhere.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from benchmarks.soak.observer import Wish
from benchmarks.soak.town import CODE
from issuance_api.model import Kind
from simulators.world.town import TAX_YEAR

Outcome = Literal["certificate", "result", "problem", "gone", "broken"]
SECONDS = 60.0
HOST = "127.0.0.1"
HANG_UP_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: the connection is reset, as when a client's machine fails


@dataclass(frozen=True, slots=True)
class Way:
    """Where to ask and with how much patience: ``node`` None is the shared port.

    The client goes away after ``patience`` seconds without an answer, or after ``bites`` bytes of it.
    """

    node: int | None = None
    patience: float | None = None
    bites: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``gone``: the client went away; ``broken``: the connection was lost or refused."""

    outcome: Outcome
    code: str | None = None
    state: str | None = None
    serial: str | None = None
    sha256: str | None = None
    pages: int | None = None
    pdf: bytes | None = field(default=None, repr=False)


class Asker(Protocol):
    """The operations that the soak drives."""

    def apply(self, request_id: str, wish: Wish, way: Way) -> Answer:
        """交付申請."""
        ...

    def report(self, request_id: str, outcome: str, way: Way) -> Answer:
        """印刷結果の通知."""
        ...

    def cancel(self, request_id: str, way: Way) -> Answer:
        """取消."""
        ...

    def result(self, request_id: str, way: Way) -> Answer:
        """結果照会."""
        ...


class ClientLeft(Exception):
    """The client went away on purpose."""


@dataclass(frozen=True, slots=True)
class JsonAsker:
    """The JSON operations on loopback: ``shared`` port, and each node's ``own``."""

    token: str
    shared: int
    own: tuple[int, ...]

    def apply(self, request_id: str, wish: Wish, way: Way) -> Answer:
        """交付申請."""
        return self._ask("applications", application(request_id, wish), way)

    def report(self, request_id: str, outcome: str, way: Way) -> Answer:
        """印刷結果の通知; of an error with its number."""
        error = {"error_code": "E-0042"} if outcome == "print_error" else {}
        return self._ask("reports", {"request_id": request_id, "outcome": outcome, **error}, way)

    def cancel(self, request_id: str, way: Way) -> Answer:
        """取消."""
        return self._ask("cancellations", {"request_id": request_id}, way)

    def result(self, request_id: str, way: Way) -> Answer:
        """結果照会."""
        return self._ask("results", {"request_id": request_id}, way)

    def _ask(self, operation: str, body: Mapping[str, Any], way: Way) -> Answer:
        port = self.shared if way.node is None else self.own[way.node]
        connection = http.client.HTTPConnection(HOST, port, timeout=way.patience or SECONDS)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Connection": "close"}
        try:
            connection.request("POST", f"/v1/{CODE}/{operation}", json.dumps(body), headers)
            return read(*_response(connection, way))
        except ClientLeft:
            return Answer("gone")
        except TimeoutError:
            _hang_up(connection)
            return Answer("gone" if way.patience else "broken")
        except (OSError, http.client.HTTPException):
            return Answer("broken")
        finally:
            connection.close()


def application(request_id: str, wish: Wish) -> dict[str, Any]:
    """The body of an application."""
    members = {"members": [one.addressee_number for one in wish.printed]} if wish.chosen else {}
    year = {"fiscal_year": TAX_YEAR} if wish.kind is Kind.INCOME_TAXATION else {}
    items = {"items": sorted(wish.items)} if wish.items else {}
    card = wish.applicant.card
    return {"request_id": request_id, "kind": wish.kind.value, "card_serial": card, **members, **year, **items}


def read(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """An answer of the JSON operations."""
    if status == 200 and headers["content-type"] == "application/pdf":
        return Answer(
            "certificate",
            serial=headers["utsushi-serial"],
            sha256=headers["utsushi-sha256"],
            pages=int(headers["utsushi-pages"]),
            pdf=body,
        )
    values = json.loads(body)
    if status == 200:
        return Answer("result", values.get("result_code"), values["state"], values.get("issue_serial"))
    return Answer("problem", values["code"])


def _response(connection: http.client.HTTPConnection, way: Way) -> tuple[int, dict[str, str], bytes]:
    if way.bites is not None:
        bite(connection, way.bites)
    response = connection.getresponse()
    body = response.read()
    if len(body) != int(response.headers.get("content-length", len(body))):
        raise http.client.IncompleteRead(body)
    return response.status, {name.lower(): value for name, value in response.headers.items()}, body


def bite(connection: http.client.HTTPConnection, bites: int) -> None:
    """Read so much of the answer and be gone."""
    connection.getresponse().read(bites)
    _hang_up(connection)
    raise ClientLeft


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HANG_UP_AT_ONCE)
