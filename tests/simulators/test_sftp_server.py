"""The vendor's SFTP server over a real socket and with the real client: keys only, its own folders only, trouble on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from extractors.resend import request_resend
from extractors.sftp import SftpSource
from municipalities.registry import VendorServer, get
from records.errors import AuthenticationRefused, HostKeyMismatch, TransferError
from simulators.sftp_server import USER, Trouble, ensure_key, public_line, serve
from simulators.vendors.vendor import Vendor
from tests.simulators.receiving import received, values

CODE = "364894"


class Running:
    """A vendor, its server in a thread of its own, and how to reach it."""

    def __init__(self, vendor: Vendor, keys: Path) -> None:
        self.vendor, self.trouble, self.keys = vendor, Trouble(), keys
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        host, client = ensure_key(keys / "host"), ensure_key(keys / "client")
        serving = serve(vendor.folder, host, client, 0, self.trouble)
        self.acceptor = asyncio.run_coroutine_threadsafe(serving, self.loop).result(10)
        self.server = VendorServer(
            host="127.0.0.1",
            port=self.acceptor.get_port(),
            user=USER,
            host_key=public_line(host),
            key_file=keys / "client",
            outgoing="/outgoing/{feed}",
            requests="/requests",
            timeout_seconds=3.0,
        )

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def _end(self) -> None:
        self.acceptor.close()
        await self.acceptor.wait_closed()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def running(vendor_of: Callable[..., Vendor], tmp_path: Path) -> Iterator[Running]:
    vendor = vendor_of(CODE, 25)
    vendor.full_set("resident")
    one = Running(vendor, tmp_path / "keys")
    yield one
    one.close()


@pytest.fixture
def client(running: Running) -> Iterator[paramiko.SFTPClient]:
    """The right key, and whatever a client may try with it."""
    with paramiko.Transport(("127.0.0.1", running.server.port)) as transport:
        transport.connect(username=USER, pkey=paramiko.Ed25519Key.from_private_key_file(str(running.keys / "client")))
        found = paramiko.SFTPClient.from_transport(transport)
        assert found is not None
        yield found


@pytest.mark.clause("3(1)①")
def test_the_real_client_fetches_a_full_set_and_asks_for_a_resend(running: Running, utsushi_home: Path) -> None:
    source = SftpSource(running.server)
    rows = received(running.vendor, "resident", 0, source)
    assert values("resident", rows) == list(running.vendor.truth_at("resident", 1).values())
    running.vendor.skip("resident")
    running.vendor.tick(3)
    name = request_resend(get(CODE), "resident", 2, 2, source)
    assert (running.vendor.folder / "requests" / name).exists()
    assert running.vendor.answer_requests() == 1
    received(running.vendor, "resident", 1, source)


def test_another_key_and_a_password_are_refused(running: Running) -> None:
    ensure_key(running.keys / "other")
    with (
        pytest.raises(AuthenticationRefused),
        SftpSource(replace(running.server, key_file=running.keys / "other")).open(),
    ):
        pass
    with paramiko.Transport(("127.0.0.1", running.server.port)) as transport:
        transport.start_client(timeout=5)
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password(USER, "utsushi")


def test_the_pinned_host_key_is_this_vendors_own(running: Running) -> None:
    other = replace(running.server, host_key=public_line(ensure_key(running.keys / "elsewhere")))
    with pytest.raises(HostKeyMismatch), SftpSource(other).open():
        pass


def test_keys_are_for_their_owner_only(running: Running) -> None:
    assert {path.stat().st_mode & 0o777 for path in running.keys.iterdir()} == {0o600}


def test_a_client_sees_outgoing_and_requests_only(client: paramiko.SFTPClient) -> None:
    assert sorted(client.listdir("/")) == ["outgoing", "requests"]
    for path in ("/.archive", "/../.archive", "/outgoing/../.archive", "/etc/passwd", "/../../etc/passwd", ".archive"):
        with pytest.raises(OSError):
            client.stat(path)


def test_a_client_changes_nothing_but_requests(client: paramiko.SFTPClient, running: Running) -> None:
    name = f"/outgoing/resident/{CODE}_resident_full_00000001.dat"
    before = (running.vendor.folder / name[1:]).read_bytes()
    attempts: list[Callable[[], object]] = [
        lambda: client.open(name, "wb"),
        lambda: client.open(name, "ab"),
        lambda: client.open("/outgoing/resident/new.dat", "wb"),
        lambda: client.open("/requests/../outgoing/resident/new.dat", "wb"),
        lambda: client.remove(name),
        lambda: client.rename(name, "/requests/x"),
        lambda: client.posix_rename(name, "/requests/x"),
        lambda: client.truncate(name, 0),
        lambda: client.chmod(name, 0),
        lambda: client.mkdir("/requests/x"),
        lambda: client.rmdir("/requests"),
        lambda: client.symlink("/etc/passwd", "/requests/link"),
    ]
    for attempt in attempts:
        with pytest.raises(OSError):
            attempt()
    assert (running.vendor.folder / name[1:]).read_bytes() == before
    assert list((running.vendor.folder / "requests").iterdir()) == []


@pytest.mark.parametrize("kind", ["refuse", "stall", "slow", "disconnect"])
def test_trouble_is_a_transfer_error_and_ends_when_it_ends(running: Running, utsushi_home: Path, kind: str) -> None:
    source = SftpSource(replace(running.server, timeout_seconds=0.6))
    running.trouble.kind = kind
    with pytest.raises(TransferError):
        received(running.vendor, "resident", 0, source)
    running.trouble.kind = "none"
    assert len(received(running.vendor, "resident", 0, SftpSource(running.server))) >= 25


def test_a_full_disk_at_the_vendor_is_told(running: Running) -> None:
    running.trouble.kind = "full"
    with pytest.raises(TransferError):
        request_resend(get(CODE), "resident", 1, 1, SftpSource(running.server))
    assert list((running.vendor.folder / "requests").iterdir()) == []
