"""The centre's line (センターとの回線): TLS with client certificates, and connections that nobody can hold for nothing.

uvicorn's server and HTTP/1.1 protocol with limits of our own. Which municipality a certificate may ask for is the
``doorkeeper``'s business; orders and answers are the ``endpoint``'s.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

FINGERPRINT = "utsushi.client_sha256"
CERTIFICATE = "utsushi.client_der"
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; those of 1.3 are all good
WRITE_BUFFER = 64 * 1024

log = logging.getLogger("issuance_api")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many; seconds and connections."""

    handshake_seconds: float = 10.0
    head_seconds: float = 10.0  # from the connection to its first whole head
    idle_seconds: float = 30.0  # from an answer to the next whole head, the taking of the answer's rest included
    body_seconds: float = 10.0
    stalled_seconds: float = 20.0  # in which a full buffer must drain
    answer_seconds: float = 120.0  # in which all of an answer must be taken that did not go out at once
    goodbye_seconds: float = 5.0  # for what is still to be written when a connection is closed
    connections_of_client: int = 64
    connections: int = 256


def server_context(certificate: Path, authority: Path, key: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer; whoever has no certificate of the centre's CA is refused in the handshake.

    No tickets: TLS 1.3 resumes nothing. A session of 1.2 that is resumed has the certificate that it began with.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class Deadline:
    """Something that happens unless it is cancelled in time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        """Whether it would happen."""
        return self._timer is not None

    def start(self, seconds: float, then: Callable[[], None]) -> None:
        """From now on; an earlier one is forgotten."""
        self.cancel()
        self._timer = self._loop.call_later(seconds, then)

    def cancel(self) -> None:
        """It will not happen."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None


class CentreProtocol(H11Protocol):
    """HTTP/1.1 of one connection; ``scope["extensions"]`` has its client certificate (DER) and the SHA-256 of it."""

    limits: ClassVar[Limits] = Limits()
    fingerprint: str | None = None
    _waiting: Deadline  # for the next whole head
    _stalled: Deadline  # for the buffer to drain
    _taking: Deadline  # for the whole answer

    def connection_made(self, transport: Any) -> None:
        """Remember who is at the other end; from now on a head must come in time."""
        super().connection_made(transport)
        self._waiting, self._stalled, self._taking = (Deadline(self.loop) for _ in range(3))
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls else None
        self.fingerprint = hashlib.sha256(der).hexdigest() if der else None
        self.app = _with_certificate(self.app, der, self.fingerprint)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        if self._too_many():
            log.warning("centre: too many connections (certificate %s)", self.fingerprint)
            transport.abort()
        else:
            self._waiting.start(self.limits.head_seconds, transport.close)

    def data_received(self, data: bytes) -> None:
        """Bytes do not prolong the deadline, only a whole head ends it."""
        super().data_received(data)
        if self._busy():
            self._waiting.cancel()

    def on_response_complete(self) -> None:
        """The next head on this connection has its own deadline, unless it has come already."""
        self._taking.cancel()
        super().on_response_complete()
        if not self._busy():
            self._waiting.start(self.limits.idle_seconds, self.transport.close)

    def pause_writing(self) -> None:
        """The other end does not take what we write: it may do so for a while."""
        super().pause_writing()
        self._stalled.start(self.limits.stalled_seconds, self._give_up)
        if not self._taking.running:
            self._taking.start(self.limits.answer_seconds, self._give_up)

    def resume_writing(self) -> None:
        """It has taken most of it."""
        super().resume_writing()
        self._stalled.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to wait for."""
        for deadline in (self._waiting, self._stalled, self._taking):
            deadline.cancel()
        super().connection_lost(exc)

    def _too_many(self) -> bool:
        same = sum(1 for one in self.connections if getattr(one, "fingerprint", None) == self.fingerprint)
        return same > self.limits.connections_of_client or len(self.connections) > self.limits.connections

    def _busy(self) -> bool:
        """Whether a request is being worked on."""
        return self.cycle is not None and not self.cycle.response_complete

    def _give_up(self) -> None:
        log.warning("centre: an answer was not taken (certificate %s)", self.fingerprint)
        self.transport.abort()


class CentreServer(uvicorn.Server):
    """uvicorn's server with limits for handshakes and good-byes; signals are the process's own business."""

    def __init__(self, app: Any, context: ssl.SSLContext, limits: Limits, grace_seconds: int) -> None:
        protocol = type("LimitedProtocol", (CentreProtocol,), {"limits": limits})
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=int(10 * limits.idle_seconds) + 1,  # ours comes before
            timeout_graceful_shutdown=grace_seconds,
        )
        config.load()
        config.ssl = context
        super().__init__(config)
        self._limits = limits

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen on the sockets that are given."""
        limits, loop = self._limits, asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._protocol,
                sock=one,
                ssl=self.config.ssl,
                ssl_handshake_timeout=limits.handshake_seconds,
                ssl_shutdown_timeout=limits.goodbye_seconds,
            )
            for one in sockets or []
        ]
        self.started = True

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state={})
        return made

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured here."""
        yield


def _with_certificate(app: Any, der: bytes | None, fingerprint: str | None) -> Any:
    async def told(scope: Any, receive: Any, send: Any) -> None:
        names = {name for name, _ in scope["headers"]}
        if {b"content-length", b"transfer-encoding"} <= names:
            await _refuse_two_lengths(send)
            return
        extensions = dict(scope.get("extensions") or {}) | {CERTIFICATE: der, FINGERPRINT: fingerprint}
        await app(dict(scope) | {"extensions": extensions}, receive, send)

    return told


async def _refuse_two_lengths(send: Any) -> None:
    """Where a body ends must not be a matter of opinion: h11 alone would take the chunks and ignore the length."""
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body"})
