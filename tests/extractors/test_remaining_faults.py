"""What happens between two looks at the vendor: files again, files gone, files changed, our own half downloads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from extractors import vault
from extractors.exchange import parse_control_file
from extractors.pull import pull
from extractors.sftp import SftpSource
from extractors.sources import Entry, FolderSource, Source
from municipalities.registry import get
from records.batch import Manifest
from records.errors import IncompleteFile, SequenceConflict, TransferError
from tests.extractors.sftp_vendor import SftpVendor
from tests.extractors.vendor_files import CODES, LAYOUTS, person, put

AWA, FEED = "awa_csv/1", "tax"


def fetch(source: Source, layout: str = AWA, last: int = 1, known: dict[int, str] | None = None) -> list[Path]:
    return pull(get(CODES[layout]), FEED, last_applied=last, known=known or {}, source=source)


def numbers(batches: list[Path]) -> list[int]:
    return [Manifest.read(batch).sequence for batch in batches]


def deliver(folder: Path, layout: str, *sequences: int, people: int = 1) -> None:
    for sequence in sequences:
        put(folder, layout, FEED, "diff", sequence, [person(number) for number in range(1, people + 1)])


class Meanwhile(FolderSource):
    """Something happens at the vendor after the directory was listed."""

    def __init__(self, folder: Path, happens: Callable[[], object]) -> None:
        super().__init__(folder)
        self._happens = happens

    def entries(self, feed: str) -> list[Entry]:
        found = super().entries(feed)
        self._happens()
        return found


@pytest.mark.fault(27)
@pytest.mark.clause("7(1)③ resend")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_27_a_resend_that_overlaps_what_was_applied_brings_only_what_is_new(tmp_path: Path, layout: str) -> None:
    deliver(tmp_path, layout, 2, 3)
    known = {
        number: Manifest.read(batch).sha256 for number, batch in enumerate(fetch(FolderSource(tmp_path), layout), 2)
    }
    for path in tmp_path.glob("*.dat"):
        os.utime(path, (1, 1))
    deliver(tmp_path, layout, 2, 3, 4)
    assert numbers(fetch(FolderSource(tmp_path), layout, 3, known)) == [4]
    deliver(tmp_path, layout, 3, people=2)
    with pytest.raises(SequenceConflict, match="number 3"):
        fetch(FolderSource(tmp_path), layout, 4, known)


@pytest.mark.fault(28)
@pytest.mark.parametrize("created", ["2099-01-01T00:00:00+09:00", "1999-12-31T23:59:59-11:00"])
def test_fault_28_a_clock_that_is_wrong_changes_no_order(tmp_path: Path, created: str) -> None:
    deliver(tmp_path, AWA, 2, 3, 4)
    control = tmp_path / "364894_tax_diff_00000003.ctl"
    true = parse_control_file(control.read_bytes(), control.name).created_at
    control.write_bytes(control.read_bytes().replace(true.encode(), created.encode()))
    for age, path in enumerate(sorted(tmp_path.glob("*.dat"))):
        os.utime(path, (time.time() + 1e6 - age * 1e5,) * 2)
    batches = fetch(FolderSource(tmp_path))
    assert numbers(batches) == [2, 3, 4]
    assert Manifest.read(batches[1]).created_at == created


@pytest.mark.fault(73)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_73_a_file_overwritten_between_listing_and_reading_is_whole_or_not_taken(
    tmp_path: Path, layout: str
) -> None:
    folder = tmp_path / "o"
    deliver(folder, layout, 2)
    path = next(folder.glob("*.dat"))

    def overwritten() -> None:
        data, middle = path.read_bytes(), path.stat().st_size // 2
        path.write_bytes(data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :])

    with pytest.raises(IncompleteFile):
        fetch(Meanwhile(folder, overwritten), layout)
    deliver(folder, layout, 2, people=3)
    assert Manifest.read(fetch(FolderSource(folder), layout)[0]).rows == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_is_gone_when_it_is_to_be_read_is_a_transfer_error(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / "o"
    deliver(folder, layout, 2)
    path = next(folder.glob("*.dat"))
    with pytest.raises(TransferError) as error:
        fetch(Meanwhile(folder, path.unlink), layout)
    assert (error.value.place.file, error.value.transient) == (path.name, True)


def test_a_file_that_our_user_may_not_read_is_a_transfer_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(tmp_path, AWA, 2)

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(TransferError) as error:
        list(FolderSource(tmp_path).read(FEED, "364894_tax_diff_00000002.dat"))
    assert str(tmp_path) not in str(error.value)


@pytest.mark.fault(97)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_97_our_own_half_download_is_never_taken_for_a_batch(
    tmp_path: Path, state_folder: Path, layout: str
) -> None:
    deliver(tmp_path / "o", layout, 2)
    batches = state_folder / "batches" / CODES[layout] / FEED
    half = batches / ".incoming-00000002-1"
    half.mkdir(parents=True)
    (half / "source.enc.part").write_bytes(b"UTSUSHI1 half")
    (batch,) = fetch(FolderSource(tmp_path / "o"), layout)
    assert b"".join(vault.read(batch / vault.SOURCE)) == next((tmp_path / "o").glob("*.dat")).read_bytes()
    assert half.exists(), "it may belong to a process that still runs"
    os.utime(half, (time.time() - 100_000,) * 2)
    fetch(FolderSource(tmp_path / "o"), layout)
    assert [path.name for path in batches.iterdir() if path.name.startswith(".")] == []


@pytest.mark.fault(97)
def test_fault_97_a_batch_directory_without_its_bytes_is_filled_again(tmp_path: Path) -> None:
    deliver(tmp_path, AWA, 2)
    (batch,) = fetch(FolderSource(tmp_path))
    (batch / vault.SOURCE).write_bytes(b"")
    (again,) = fetch(FolderSource(tmp_path))
    assert again == batch
    assert b"".join(vault.read(batch / vault.SOURCE)) == next(tmp_path.glob("*.dat")).read_bytes()


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[SftpVendor]:
    root = tmp_path / "vendor"
    (root / "outgoing" / FEED).mkdir(parents=True)
    with SftpVendor(root, tmp_path / "keys") as running:
        yield running


@pytest.mark.fault(94)
def test_fault_94_a_link_loop_is_no_file_and_an_entry_that_nobody_can_open_is_told(vendor: SftpVendor) -> None:
    folder = vendor.root / "outgoing" / FEED
    loop = folder / "364894_tax_diff_00000009.dat"
    loop.symlink_to(loop.name)
    deliver(folder, AWA, 2)
    source = SftpSource(vendor.address())
    assert numbers(fetch(source)) == [2]
    vendor.behaviour.claims = ("364894_tax_diff_00000003.dat", "364894_tax_diff_00000003.ctl")
    with pytest.raises(TransferError, match=r"364894_tax_diff_00000003\.ctl"):
        fetch(source, last=2)
    assert not any("00000009" in name for name in vendor.behaviour.opened)


@pytest.mark.fault(95)
def test_fault_95_a_server_whose_clock_is_wrong_changes_nothing(vendor: SftpVendor) -> None:
    folder = vendor.root / "outgoing" / FEED
    deliver(folder, AWA, 2, 3)
    for path in folder.iterdir():
        os.utime(path, (time.time() + 9 * 3600,) * 2)
    assert numbers(fetch(SftpSource(vendor.address()))) == [2, 3]
