"""Mutual TLS of the centre's port: the client's certificate reaches the app, a slow head ends the connection.

A uvicorn protocol; which municipality a certificate may ask is the adapter's business.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
FINGERPRINT = "utsushi.client_sha256"


def server_context(certificate: Path, authority: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer; whoever has no certificate of the centre's CA is refused in the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class CentreProtocol(H11Protocol):
    """HTTP/1.1 of one connection, with the SHA-256 of its client certificate in ``scope["extensions"]``."""

    head_seconds = HEAD_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Remember who is at the other end; from now on a head must come in time."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls else None
        self.app = _with_fingerprint(self.app, hashlib.sha256(der).hexdigest() if der else None)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Bytes do not prolong the deadline, only a whole head ends it."""
        super().data_received(data)
        if self._timer and self.cycle is not None and not self.cycle.response_complete:
            self._timer.cancel()

    def on_response_complete(self) -> None:
        """The next head on this connection has its own deadline."""
        super().on_response_complete()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to wait for."""
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(self.head_seconds, self.transport.abort)


def _with_fingerprint(app: Any, fingerprint: str | None) -> Any:
    async def told(scope: Any, receive: Any, send: Any) -> None:
        names = {name for name, _ in scope["headers"]}
        if {b"content-length", b"transfer-encoding"} <= names:
            await _refuse_two_lengths(send)
            return
        extensions = dict(scope.get("extensions") or {}) | {FINGERPRINT: fingerprint}
        await app(dict(scope) | {"extensions": extensions}, receive, send)

    return told


async def _refuse_two_lengths(send: Any) -> None:
    """Where a body ends must not be a matter of opinion: h11 alone would take the chunks and ignore the length."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body"})
