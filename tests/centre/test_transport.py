"""The centre's port on real sockets: certificates, versions of TLS, slow and ambiguous heads."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from issuance_api.centre.transport import FINGERPRINT, CentreProtocol, server_context
from simulators.pki import Pki, ensure


class Impatient(CentreProtocol):
    head_seconds = 0.5


async def whoami(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["extensions"][FINGERPRINT].encode()})


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return ensure(tmp_path_factory.mktemp("centre") / "pki")


@pytest.fixture(scope="module")
def port(pki: Pki) -> Iterator[int]:
    config = uvicorn.Config(whoami, lifespan="off", log_config=None, http=Impatient, ssl_certfile=pki.server)
    config.load()
    config.ssl = server_context(pki.server, pki.ca)
    server, listener = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    server.should_exit = True
    thread.join(10)


def connect(pki: Pki, port: int, client: Path | None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(pki.ca))
    if client:
        context.load_cert_chain(client)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="127.0.0.1")


def answer(connection: ssl.SSLSocket, request: bytes) -> bytes:
    with connection:
        connection.sendall(request)
        parts = list(iter(lambda: connection.recv(4096), b""))
    return b"".join(parts)


def heard(pki: Pki, port: int, client: Path | None) -> bytes:
    """What a client without the right certificate gets to read: TLS 1.3 tells it only after its own part is done."""
    try:
        return answer(connect(pki, port, client), REQUEST % b"Content-Length: 0\r\n")
    except (ssl.SSLError, ConnectionError):
        return b""


REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n"


@pytest.mark.clause("2(2)①")
def test_the_app_learns_which_certificate_asks(pki: Pki, port: int) -> None:
    der = ssl.PEM_cert_to_DER_cert(pki.client.read_text().split("-----BEGIN PRIVATE")[0].strip())
    got = answer(connect(pki, port, pki.client), REQUEST % b"Content-Length: 0\r\n")
    assert hashlib.sha256(der).hexdigest().encode() in got


@pytest.mark.parametrize("stranger", [False, True])
def test_without_a_certificate_of_the_centre_nothing_is_answered(
    pki: Pki, port: int, tmp_path: Path, stranger: bool
) -> None:
    other = ensure(tmp_path / "other", name="other").client if stranger else None
    assert not heard(pki, port, other)


@pytest.mark.fault(158)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_not_spoken(pki: Pki, port: int) -> None:
    context = ssl.create_default_context(cafile=str(pki.ca))
    context.load_cert_chain(pki.client)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", port), 10) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.fault(65)
@pytest.mark.parametrize(
    "lengths", [b"Content-Length: 1\r\nContent-Length: 2\r\n", b"Content-Length: 1, 2\r\n", b"Content-Length: -1\r\n"]
)
def test_a_request_of_two_lengths_is_refused(pki: Pki, port: int, lengths: bytes) -> None:
    assert answer(connect(pki, port, pki.client), REQUEST % lengths).startswith(b"HTTP/1.1 400")


@pytest.mark.fault(65)
def test_length_and_chunks_together_are_refused_and_the_rest_is_not_a_request(pki: Pki, port: int) -> None:
    both = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    got = answer(connect(pki, port, pki.client), both + REQUEST % b"Content-Length: 0\r\n")
    assert got.startswith(b"HTTP/1.1 400")
    assert got.count(b"HTTP/1.1") == 1


@pytest.mark.fault(65)
def test_a_head_that_never_ends_loses_its_connection(pki: Pki, port: int) -> None:
    with connect(pki, port, pki.client) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n")
        assert connection.recv(100) == b""
