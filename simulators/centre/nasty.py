"""What real centres, kiosks and attackers do at the worst moment (意地の悪い振る舞い). Each is a function with a test.

``RawLine`` is a TLS line for bytes as they are; everything else is built on it or on the ordinary client.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from records.errors import UtsushiError
from simulators.centre import orders
from simulators.centre.answers import Issued
from simulators.centre.client import Centre, Identity
from simulators.centre.orders import NAMESPACE, SOAP, Application

SECONDS = 30.0
SMALLEST_BUFFER = 2048
ANSWER_BYTES = 65_536

T = TypeVar("T")


class RawLine:
    """One TLS connection for bytes as they are; ``small``: with the smallest buffer for what comes."""

    def __init__(self, host: str, port: int, identity: Identity, *, small: bool = False) -> None:
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        plain.settimeout(SECONDS)
        if small:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALLEST_BUFFER)
        plain.connect((host, port))
        self._tls = identity.context().wrap_socket(plain, server_hostname=host)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._tls.close()

    def send(self, data: bytes) -> None:
        """All of it."""
        self._tls.sendall(data)

    def some(self, size: int = 1) -> bytes:
        """At most ``size`` bytes; nothing when the other end has hung up, however it did."""
        try:
            return self._tls.recv(size)
        except (ConnectionError, ssl.SSLError):
            return b""

    def rest(self) -> bytes:
        """Everything until the other end hangs up."""
        return b"".join(iter(lambda: self.some(ANSWER_BYTES), b""))

    def cut(self) -> None:
        """Gone without a good-bye, as when a kiosk loses power: what is still to come is answered by a reset."""
        self._tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._tls.close()


def request(municipality: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """A whole HTTP request; ``length`` says another length than it has."""
    lines = [
        f"POST /wide-area/{municipality} HTTP/1.1",
        "Host: centre",
        "Content-Type: text/xml; charset=utf-8",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def order(application: Application) -> bytes:
    """An application in its envelope, with an exchange number of its own."""
    return orders.envelope("Application", orders.new_exchange(), application.elements())


def at_once(*calls: Callable[[], T]) -> list[T | UtsushiError]:
    """All in the same millisecond; what each gave, or our error that it ended with."""
    start = threading.Barrier(len(calls))

    def one(call: Callable[[], T]) -> T | UtsushiError:
        start.wait()
        try:
            return call()
        except UtsushiError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


def same_order_at_once(lines: Sequence[Centre], application: Application) -> list[Issued | UtsushiError]:
    """One order on every line, as a centre does whose answer does not come."""
    return at_once(*(lambda line=line: line.apply(application) for line in lines))  # type: ignore[misc]


def hang_up_mid_answer(line: RawLine, municipality: str, application: Application, after: int) -> bytes:
    """Take ``after`` bytes of the answer, then be gone."""
    line.send(request(municipality, order(application)))
    taken = b""
    while len(taken) < after and (more := line.some(after - len(taken))):
        taken += more
    line.cut()
    return taken


def many_in_one_piece(line: RawLine, municipality: str, bodies: Sequence[bytes]) -> bytes:
    """Several requests without waiting for answers (pipelining); all that comes back."""
    pieces = [request(municipality, body) for body in bodies[:-1]]
    line.send(b"".join(pieces) + request(municipality, bodies[-1], "Connection: close"))
    return line.rest()


def _enveloped(inner: str, before: str = "") -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>{before}'
    return f'{head}<s:Envelope xmlns:s="{SOAP}" xmlns:w="{NAMESPACE}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


ALIVE = "<w:AliveCheck><w:ExchangeId>exchange-00000001</w:ExchangeId></w:AliveCheck>"
LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>'
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a billion laughs": (_enveloped(ALIVE, LAUGHS), "forbidden_markup"),
    "a file of ours": (_enveloped(ALIVE, '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'), "forbidden_markup"),
    "no XML": (b"\x00\xff garbage", "encoding"),
    "half an envelope": (_enveloped(ALIVE)[:-30], "not_well_formed"),
    "depth": (_enveloped("<a>" * 60 + "</a>" * 60), "too_deep"),
    "elements": (_enveloped(f"<w:A>{'<a/>' * 500}</w:A>"), "too_many_elements"),
    "size": (_enveloped(ALIVE + " " * 100_000), "too_large"),
    "two orders": (_enveloped(ALIVE * 2), "not_one_order"),
    "a word of its own": (_enveloped("<w:IssueForAnybody/>"), "schema"),
    "another namespace": (_enveloped('<AliveCheck xmlns="urn:else"/>'), "schema"),
}
"""What is sent in the hope that it does harm, with the code of the Fault that must answer."""
