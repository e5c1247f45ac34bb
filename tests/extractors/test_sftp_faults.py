"""A real SFTP server that is well, is not ours, refuses us, stalls, breaks off, or lies about its files."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from extractors import sftp
from extractors.pull import pull
from extractors.resend import request_resend
from extractors.sftp import SftpSource
from municipalities.registry import VendorServer, get
from records.batch import Manifest
from records.errors import (
    AuthenticationRefused,
    ConfigurationError,
    FeedError,
    HostKeyMismatch,
    TransferError,
    UtsushiError,
)
from tests.extractors.sftp_vendor import TIMEOUT, SftpVendor
from tests.extractors.vendor_files import body, person, put

CODE, LAYOUT = "364894", "awa_csv/1"


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[SftpVendor]:
    root = tmp_path / "vendor"
    (root / "outgoing" / "tax").mkdir(parents=True)
    (root / "requests").mkdir()
    with SftpVendor(root, tmp_path / "keys") as running:
        yield running


def deliver(vendor: SftpVendor, sequence: int = 2, rows: int = 1) -> Path:
    folder = vendor.root / "outgoing" / "tax"
    return put(folder, LAYOUT, "tax", "diff", sequence, [person(number) for number in range(1, rows + 1)])


def fetched(address: VendorServer) -> list[int]:
    batches = pull(get(CODE), "tax", last_applied=1, known={}, source=SftpSource(address))
    return [Manifest.read(batch).sequence for batch in batches]


def assert_fails(address: VendorServer, error: type[UtsushiError], *, transient: bool) -> str:
    begin = time.monotonic()
    with pytest.raises(error) as caught:
        fetched(address)
    assert time.monotonic() - begin < 6 * TIMEOUT
    assert caught.value.transient is transient
    return str(caught.value)


@pytest.mark.clause("3(1)②④⑥")
def test_files_are_fetched_whole_and_nothing_at_the_vendor_changes(vendor: SftpVendor) -> None:
    deliver(vendor, 2, rows=3_000)
    deliver(vendor, 3)
    before = {path: path.read_bytes() for path in vendor.root.rglob("*") if path.is_file()}
    assert fetched(vendor.address()) == [2, 3]
    assert {path: path.read_bytes() for path in vendor.root.rglob("*") if path.is_file()} == before


@pytest.mark.fault(29)
def test_fault_29_nobody_listens(vendor: SftpVendor) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert_fails(vendor.address(port=free.getsockname()[1]), TransferError, transient=True)


@pytest.mark.fault(30, 93)
@pytest.mark.parametrize("algorithm", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_faults_30_and_93_another_host_key_or_one_of_another_type(vendor: SftpVendor, algorithm: str) -> None:
    """The pinned key is not the server's: refused for good, and before our own key is shown."""
    other = asyncssh.generate_private_key(algorithm).export_public_key().decode().strip()
    deliver(vendor)
    assert_fails(vendor.address(host_key=other), HostKeyMismatch, transient=False)
    assert vendor.behaviour.opened == []


@pytest.mark.fault(31)
def test_fault_31_our_key_is_refused(vendor: SftpVendor, tmp_path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(tmp_path / "other"))
    assert_fails(vendor.address(key_file=tmp_path / "other"), AuthenticationRefused, transient=False)


def test_our_own_key_file_is_missing(vendor: SftpVendor, tmp_path: Path) -> None:
    """That is our configuration, not the vendor's fault."""
    assert_fails(vendor.address(key_file=tmp_path / "nothing"), ConfigurationError, transient=False)


@pytest.mark.fault(32)
def test_fault_32_a_stall_ends_after_the_time_limit_and_passes_by_itself(vendor: SftpVendor) -> None:
    deliver(vendor, rows=3_000)
    vendor.behaviour.stall = 65_536
    assert "no answer in time" in assert_fails(vendor.address(), TransferError, transient=True)
    vendor.behaviour.stall = None
    assert fetched(vendor.address()) == [2]


@pytest.mark.fault(33)
def test_fault_33_a_disconnection_leaves_nothing_half_and_passes_by_itself(
    vendor: SftpVendor, state_folder: Path
) -> None:
    deliver(vendor, rows=3_000)
    vendor.behaviour.drop = 65_536
    assert_fails(vendor.address(), TransferError, transient=True)
    assert not list(state_folder.rglob("source.enc*"))
    assert not list(state_folder.rglob(".incoming*"))
    vendor.behaviour.drop = None
    assert fetched(vendor.address()) == [2]


@pytest.mark.fault(34)
def test_fault_34_the_directory_is_missing(vendor: SftpVendor) -> None:
    (vendor.root / "outgoing" / "tax").rmdir()
    assert "not there" in assert_fails(vendor.address(), TransferError, transient=True)


@pytest.mark.fault(34)
def test_fault_34_a_huge_listing(vendor: SftpVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "MAX_ENTRIES", 50)
    vendor.behaviour.claims = tuple(f"junk-{number}" for number in range(100))
    assert "more than 50 entries" in assert_fails(vendor.address(), TransferError, transient=True)


@pytest.mark.fault(36)
def test_fault_36_only_names_of_the_pattern_are_ever_opened(vendor: SftpVendor, tmp_path: Path) -> None:
    path = deliver(vendor)
    (tmp_path / "secret").write_text("not yours")
    (path.parent / f"{CODE}_tax_diff_00000003.dat").symlink_to(tmp_path / "secret")
    (path.parent / f"{CODE}_tax_diff_00000004.dat").mkdir()
    vendor.behaviour.claims = (
        f"../../{path.name}",
        f"/etc/{path.name}",
        "../../../secret",
        f"{path.name}/../../x",
        f"{path.name}\n",
        f"{CODE}_tax_diff_2.dat",
    )
    assert fetched(vendor.address()) == [2]
    assert sorted(vendor.behaviour.opened) == [f"/outgoing/tax/{path.stem}.ctl", f"/outgoing/tax/{path.name}"]


@pytest.mark.fault(90)
def test_fault_90_a_file_is_read_to_its_end_whatever_its_size_is_said_to_be(vendor: SftpVendor) -> None:
    deliver(vendor, rows=2_000)
    vendor.behaviour.size_factor = 3
    assert fetched(vendor.address()) == [2]


def test_a_file_without_end_is_refused(vendor: SftpVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(vendor, rows=3_000)
    monkeypatch.setattr(sftp, "MAX_FILE_BYTES", 100_000)
    assert "larger than any exchange file" in assert_fails(vendor.address(), TransferError, transient=True)


def test_errors_name_no_path_of_ours_and_no_key(vendor: SftpVendor, tmp_path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(tmp_path / "other"))
    text = assert_fails(vendor.address(key_file=tmp_path / "other"), AuthenticationRefused, transient=False)
    assert str(tmp_path) not in text


@pytest.mark.clause("7(1)③ resend")
def test_a_resend_request_is_written_as_the_document_says(vendor: SftpVendor) -> None:
    name = request_resend(get(CODE), "tax", 5, 9, SftpSource(vendor.address()))
    assert name == "364894_tax_resend_00000005_00000009.req"
    assert [path.name for path in (vendor.root / "requests").iterdir()] == [name]
    lines = (vendor.root / "requests" / name).read_bytes().decode("ascii").split("\n")
    assert lines[:5] == ["utsushi_exchange=1", "municipality=364894", "feed=tax", "from=00000005", "to=00000009"]
    assert lines[5].startswith("requested_at=20")
    assert lines[6:] == [""]


@pytest.mark.parametrize(("first", "last"), [(0, 3), (5, 4), (1, 100_000_000)])
def test_impossible_resends_are_refused_before_anybody_is_asked(vendor: SftpVendor, first: int, last: int) -> None:
    with pytest.raises(FeedError):
        request_resend(get(CODE), "tax", first, last, SftpSource(vendor.address()))
    assert vendor.behaviour.connections == 0


def test_the_test_files_are_as_large_as_the_faults_need() -> None:
    assert len(body(LAYOUT, "tax", [person(number) for number in range(1, 3_001)])) > 400_000
