"""The centre's side of the line (センターの通信): one connection with mutual TLS, one order at a time, every answer judged.

An instance belongs to one thread. It keeps its connection; one that the town has closed while it was idle is opened anew,
which is harmless because every order may be repeated.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from records.errors import TransferError
from simulators.centre import orders
from simulators.centre.answers import Expected, Issued, Ledger, certificate, read
from simulators.centre.orders import Application, Value

SECONDS = 60.0
MOST_BYTES = 16 * 1024 * 1024
GONE = (ConnectionError, ssl.SSLEOFError)  # also ``RemoteDisconnected``: hung up before the first byte


@dataclass(frozen=True, slots=True)
class Identity:
    """What the centre shows and whom it believes: PEM files of its certificate with key, and of the town's CA."""

    client: Path
    authority: Path

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, the town's CA alone, our certificate shown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.authority)
        context.load_cert_chain(self.client)
        return context


class Centre:
    """Orders to one town at ``host:port``. Errors: ``Refused``, ``Fault``, ``WrongAnswer``, ``TransferError``."""

    def __init__(
        self,
        host: str,
        port: int,
        municipality: str,
        identity: Identity,
        *,
        ledger: Ledger | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.municipality, self.identity, self.address = municipality, identity, (host, port)
        self.ledger = ledger or Ledger()
        self._connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=identity.context())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; the next order opens a new connection, perhaps to another node."""
        self._connection.close()

    def alive(self) -> bool:
        """死活監視: whether the town says that it serves; ``Refused`` with its reason when it says that it does not."""
        return bool(self.ask("AliveCheck", {})["ResultCode"] == "ok")

    def challenge(self, purpose: str) -> dict[str, Any]:
        """乱数の請求, where the town verifies certificates itself: ``ChallengeId``, ``Value`` (base64), ``ExpiresAt``."""
        return self.ask("Challenge", {"Purpose": purpose})

    def capabilities(self, card: str | None = None, evidence: Mapping[str, str] | None = None) -> dict[str, Any]:
        """利用可否の照会: lists ``Offer``, ``Member``, ``Item``, and ``FiscalYear``."""
        return self.ask("CapabilityInquiry", {"CardSerial": card, "Evidence": evidence})

    def apply(self, application: Application) -> Issued:
        """交付申請: the certificate, looked at and noted in the ledger. The same application again is a retry."""
        issued = certificate(self.ask("Application", application.elements()))
        self.ledger.note(self.municipality, issued)
        return issued

    def result(self, request_id: str) -> dict[str, Any]:
        """結果照会: ``State``, perhaps ``EndCode``, and of a certificate that was sent ``Serial``, ``Pages``, ``Sha256``."""
        return self.ask("ResultInquiry", {"RequestId": request_id})

    def report(self, request_id: str, outcome: str, error_code: str | None = None) -> dict[str, Any]:
        """印刷結果の通知: ``printed``, ``aborted`` or ``print_error``; the request as it is then."""
        return self.ask(orders.REPORTS[outcome], {"RequestId": request_id, "ErrorCode": error_code})

    def cancel(self, request_id: str) -> dict[str, Any]:
        """取消."""
        return self.ask("Cancel", {"RequestId": request_id})

    def register(self, request_id: str, entered: Mapping[str, Value]) -> dict[str, Any]:
        """利用登録申請; ``entered`` are the elements as the person entered them."""
        return self.ask("Registration", {"RequestId": request_id, **entered})

    def registration(self, request_id: str) -> dict[str, Any]:
        """利用登録の状態."""
        return self.ask("RegistrationInquiry", {"RequestId": request_id})

    def ask(self, operation: str, elements: Mapping[str, Value]) -> dict[str, Any]:
        """Any order: the values of its answer."""
        exchange = orders.new_exchange()
        status, raw = self.exchange(orders.envelope(operation, exchange, elements))
        request_id = elements.get("RequestId")
        asked = str(request_id) if request_id is not None else None
        return read(raw, status, Expected(operation, exchange, self.municipality, asked))

    def exchange(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to these bytes."""
        kept = self._connection.sock is not None
        try:
            response = self._asked(body, kept)
            raw = response.read(MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise TransferError(f"the town's server does not answer ({type(error).__name__})") from None
        if len(raw) > MOST_BYTES:
            self.close()
            raise TransferError("the town's server does not stop answering")
        return response.status, raw

    def _asked(self, body: bytes, kept: bool) -> http.client.HTTPResponse:
        """The beginning of the answer; on a kept line that turns out to be closed, from a new one."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            self._connection.request("POST", f"/wide-area/{self.municipality}", body, headers)
            return self._connection.getresponse()
        except GONE:
            self.close()
            if not kept:
                raise
        return self._asked(body, kept=False)
