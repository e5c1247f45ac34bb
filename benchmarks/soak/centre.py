"""The soak's clients as the certificate centre: orders over mutual TLS at the port that the nodes share.

What goes to a chosen node goes as JSON to that node's own port, because the centre knows no nodes. The simulated centre
judges each answer as strictly as the real one would, and keeps a book of its own of serials and hashes.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soak.asking import HOST, SECONDS, Answer, ClientLeft, JsonAsker, Way, bite
from benchmarks.soak.observer import Wish
from benchmarks.soak.town import CODE
from issuance_api.centre.transport import Limits
from issuance_api.model import Kind
from records.errors import TransferError
from simulators.centre import orders
from simulators.centre.answers import Fault, Issued, Ledger, Refused, WrongAnswer
from simulators.centre.client import Centre, Identity
from simulators.world.town import TAX_YEAR

LINES = Limits().connections_of_client - 8  # at once; the nodes close what is more, and one may be the last that lives


@dataclass(frozen=True, slots=True)
class CentreAsker:
    """Mutual TLS at ``port``; ``own`` speaks to chosen nodes. Whoever comes while all ``lines`` are taken waits."""

    port: int
    identity: Identity
    own: JsonAsker
    book: Ledger = field(default_factory=Ledger)
    lines: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(LINES))

    def apply(self, request_id: str, wish: Wish, way: Way) -> Answer:
        """交付申請."""
        if way.node is not None:
            return self.own.apply(request_id, wish, way)
        order = _application(request_id, wish)
        if way.bites is not None:
            return self._bitten(order, way.bites)
        return self._asked(way, lambda centre: _issued(centre.apply(order)))

    def report(self, request_id: str, outcome: str, way: Way) -> Answer:
        """印刷結果の通知."""
        error = "E-0042" if outcome == "print_error" else None
        return self._asked(way, lambda centre: _result(centre.report(request_id, outcome, error)))

    def cancel(self, request_id: str, way: Way) -> Answer:
        """取消."""
        return self._asked(way, lambda centre: _result(centre.cancel(request_id)))

    def result(self, request_id: str, way: Way) -> Answer:
        """結果照会."""
        return self._asked(way, lambda centre: _result(centre.result(request_id)))

    def _asked(self, way: Way, ask: Callable[[Centre], Answer]) -> Answer:
        seconds = way.patience or SECONDS
        try:
            with self.lines, Centre(HOST, self.port, CODE, self.identity, ledger=self.book, seconds=seconds) as centre:
                return ask(centre)
        except (Refused, Fault, WrongAnswer) as error:
            return Answer("problem", error.code)
        except (TransferError, OSError):
            return Answer("gone" if way.patience else "broken")

    def _bitten(self, order: orders.Application, bites: int) -> Answer:
        """The centre's line breaks in mid-answer."""
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=SECONDS, context=self.identity.context())
        try:
            body = orders.envelope("Application", orders.new_exchange(), order.elements())
            with self.lines:
                connection.request("POST", f"/wide-area/{CODE}", body, {"Content-Type": "text/xml; charset=utf-8"})
                bite(connection, bites)
        except ClientLeft:
            return Answer("gone")
        except (OSError, http.client.HTTPException):
            return Answer("broken")
        finally:
            connection.close()
        raise AssertionError("the client left")


def _application(request_id: str, wish: Wish) -> orders.Application:
    return orders.Application(
        request_id,
        wish.kind.value,
        card=wish.applicant.card,
        members=tuple(one.addressee_number for one in wish.printed) if wish.chosen else None,
        items=tuple(sorted(wish.items)),
        fiscal_year=TAX_YEAR if wish.kind is Kind.INCOME_TAXATION else None,
    )


def _issued(one: Issued) -> Answer:
    return Answer("certificate", None, None, one.serial, one.sha256, one.pages, one.pdf)


def _result(values: dict[str, Any]) -> Answer:
    return Answer("result", values.get("EndCode"), values["State"], values.get("Serial"))
