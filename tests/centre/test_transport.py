"""The centre's port on real sockets: certificates, versions of TLS, slow and ambiguous heads."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from issuance_api.centre.transport import FINGERPRINT, CentreServer, Limits, server_context
from simulators.pki import Pki, ensure

LIMITS = Limits(
    head_seconds=0.5,
    handshake_seconds=0.5,
    idle_seconds=0.5,
    goodbye_seconds=0.5,
    connections_of_client=4,
    connections=6,
)
LARGE = 20_000_000
LARGE_PLEASE = b"POST /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


async def whoami(scope: Any, receive: Any, send: Any) -> None:
    """Says which certificate asks; under another path a lot, slowly, or twice the path."""
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(LARGE // 10_000):
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
        await send({"type": "http.response.body"})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(3 * LIMITS.idle_seconds)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["extensions"][FINGERPRINT].encode()})


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return ensure(tmp_path_factory.mktemp("centre") / "pki")


@contextmanager
def serving(pki: Pki, limits: Limits) -> Iterator[tuple[int, CentreServer]]:
    """A server in a thread, on a free port."""
    server = CentreServer(whoami, server_context(pki.server, pki.ca), limits, 5)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1]), server
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def running(pki: Pki) -> Iterator[tuple[int, CentreServer]]:
    with serving(pki, LIMITS) as one:
        yield one


@pytest.fixture(scope="module")
def port(running: tuple[int, CentreServer]) -> int:
    return running[0]


@pytest.fixture(scope="module")
def server(running: tuple[int, CentreServer]) -> CentreServer:
    return running[1]


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


@pytest.mark.fault(65)
def test_a_handshake_that_never_begins_loses_its_connection(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        assert plain.recv(100) == b""


def test_a_request_that_takes_long_is_not_taken_for_a_slow_head(pki: Pki, port: int) -> None:
    """Also when it lay in the same piece as the one before."""
    slow = b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n%s\r\n"
    got = answer(connect(pki, port, pki.client), slow % b"" + slow % b"Connection: close\r\n")
    assert got.count(b"HTTP/1.1 200") == 2


def test_an_idle_connection_is_closed(pki: Pki, port: int) -> None:
    with connect(pki, port, pki.client) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        parts = list(iter(lambda: connection.recv(4096), b""))
    assert b"".join(parts).startswith(b"HTTP/1.1 200")


@pytest.mark.fault(130)
@pytest.mark.clause("2(2)①")
def test_a_reader_that_does_not_read_is_cut_off_and_nothing_is_kept_for_it(
    pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 130: what was written so far is a part of the answer, and the connection is gone."""
    limits = Limits(stalled_seconds=0.5, answer_seconds=600)
    with serving(pki, limits) as (port, server), connect(pki, port, pki.client) as connection:
        connection.sendall(LARGE_PLEASE)
        wait_until(lambda: bool(server.server_state.tasks))
        wait_until(lambda: not server.server_state.tasks and not server.server_state.connections)
        assert "was not taken" in caplog.text
        assert len(heard_until_cut(connection)) < LARGE


@pytest.mark.fault(130)
def test_a_reader_that_takes_drop_by_drop_is_cut_off_in_the_end(pki: Pki) -> None:
    limits = Limits(stalled_seconds=600, answer_seconds=2)
    with serving(pki, limits) as (port, _), connect(pki, port, pki.client) as connection:
        connection.sendall(LARGE_PLEASE)
        got = 0
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while part := connection.recv(16_384):
                got += len(part)
                time.sleep(0.01)
    assert 100_000 < got < LARGE


def test_a_slow_reader_that_reads_gets_everything(pki: Pki, port: int) -> None:
    with connect(pki, port, pki.client) as connection:
        connection.sendall(LARGE_PLEASE)
        got = 0
        while part := connection.recv(1_000_000):
            got += len(part)
            time.sleep(0.001)
    assert got > LARGE


@pytest.mark.fault(65)
def test_connections_beyond_the_number_of_a_client_are_dropped_and_all_beyond_the_whole(
    pki: Pki, port: int, server: CentreServer
) -> None:
    wait_until(lambda: not server.server_state.connections)
    other = pki.issue("other")
    alive = b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    clients = [pki.client] * (LIMITS.connections_of_client + 1) + [other] * LIMITS.connections_of_client
    held = [connect(pki, port, one) for one in clients]
    for one in held:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            one.sendall(alive)
    answered = [heard_until_cut(one).startswith(b"HTTP/1.1 200") for one in held]
    for one in held:
        one.close()
    assert answered == [True] * 4 + [False] + [True] * 2 + [False] * 2


def heard_until_cut(connection: ssl.SSLSocket) -> bytes:
    """Everything until the other end is gone, however it went."""
    got = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := connection.recv(65_536):
            got += part
    return got


def wait_until(true: Callable[[], bool]) -> None:
    """Poll until something holds; a test that waits in vain fails."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.01)
