"""What lies at the vendor → which files are fetched, in which order, and what stops a feed. From a folder; SFTP apart."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from extractors import vault
from extractors.exchange import FileName
from extractors.pull import available, pull
from extractors.sources import FolderSource
from municipalities.registry import get
from records.batch import Manifest
from records.errors import (
    ControlRecordInvalid,
    IncompleteFile,
    NotInitialised,
    SequenceConflict,
    SequenceGap,
    TransferError,
    WrongMunicipality,
)
from tests.extractors.vendor_files import CODES, LAYOUTS, body, person, put, whole

AWA = "awa_csv/1"


def fetched(
    folder: Path, layout: str = AWA, last: int | None = 1, known: dict[int, str] | None = None, full: bool = False
) -> list[int]:
    """The numbers that a pull brings."""
    municipality = get(CODES[layout])
    batches = pull(municipality, "tax", last_applied=last, known=known or {}, source=FolderSource(folder), full=full)
    return [Manifest.read(batch).sequence for batch in batches]


def place(folder: Path, layout: str, *numbers: int, kind: str = "diff") -> list[Path]:
    return [put(folder, layout, "tax", kind, number, [person()]) for number in numbers]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_whole_file_is_fetched_with_its_facts_and_stored_as_it_is(tmp_path: Path, layout: str) -> None:
    (path,) = place(tmp_path / "o", layout, 1, kind="full")
    municipality = get(CODES[layout])
    (batch,) = pull(municipality, "tax", last_applied=None, known={}, source=FolderSource(tmp_path / "o"), full=True)
    manifest = Manifest.read(batch)
    assert (manifest.kind, manifest.sequence, manifest.rows, manifest.state) == ("full", 1, 1, "received")
    assert (manifest.layout, manifest.file, manifest.sha256) == (layout, path.name, sha256(path))
    assert b"".join(vault.read(batch / vault.SOURCE)) == path.read_bytes()


@pytest.mark.fault(1)
def test_fault_1_a_temporary_name_is_not_looked_at(tmp_path: Path) -> None:
    (path,) = place(tmp_path, AWA, 2)
    os.rename(path, f"{path}.part")
    path.with_suffix(".ctl").unlink()
    assert fetched(tmp_path) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_come_in_the_order_of_their_numbers(tmp_path: Path, layout: str) -> None:
    place(tmp_path, layout, 4, 2, 3)
    assert fetched(tmp_path, layout) == [2, 3, 4]


@pytest.mark.fault(2)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cut", [1, 255, 256, 300])
def test_fault_2_a_cut_file_is_not_whole(tmp_path: Path, layout: str, cut: int) -> None:
    (path,) = place(tmp_path, layout, 2)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(IncompleteFile):
        fetched(tmp_path, layout)


@pytest.mark.fault(3)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_3_one_bit_differs(tmp_path: Path, layout: str) -> None:
    (path,) = place(tmp_path, layout, 2)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        IncompleteFile, match=r"sha256: the control record says [0-9a-f]{64}, the file has [0-9a-f]{64}"
    ):
        fetched(tmp_path, layout)


@pytest.mark.fault(4)
def test_fault_4_bytes_differ_and_the_text_says_both(tmp_path: Path) -> None:
    (path,) = place(tmp_path, AWA, 2)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\r\n")
    with pytest.raises(IncompleteFile, match=f"bytes: the control record says {size}, the file has {size + 2}"):
        fetched(tmp_path)


@pytest.mark.fault(5, 6)
@pytest.mark.parametrize("missing", [".ctl", ".dat"])
def test_faults_5_and_6_data_or_control_alone(tmp_path: Path, missing: str) -> None:
    (path,) = place(tmp_path, AWA, 2)
    path.with_suffix(missing).unlink()
    with pytest.raises(IncompleteFile):
        fetched(tmp_path)


def test_a_later_file_that_is_not_whole_waits_and_the_earlier_are_fetched(tmp_path: Path) -> None:
    place(tmp_path, AWA, 2, 3)
    place(tmp_path, AWA, 4)[0].with_suffix(".ctl").unlink()
    assert fetched(tmp_path) == [2, 3]


@pytest.mark.fault(7)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_7_a_heartbeat_is_a_file_without_rows(tmp_path: Path, layout: str) -> None:
    put(tmp_path, layout, "tax", "diff", 2)
    assert fetched(tmp_path, layout) == [2]


@pytest.mark.fault(8, 11)
@pytest.mark.clause("7(1)③ resend")
@pytest.mark.parametrize(("there", "says"), [((3,), "number 2 is missing"), ((6, 5), "number 2 to 4 is missing")])
def test_faults_8_and_11_a_gap_stops_the_feed_and_names_what_is_missing(
    tmp_path: Path, there: tuple[int, ...], says: str
) -> None:
    place(tmp_path, AWA, *there)
    with pytest.raises(SequenceGap, match=says):
        fetched(tmp_path)


def test_a_gap_behind_good_files_lets_those_pass(tmp_path: Path) -> None:
    place(tmp_path, AWA, 2, 4)
    assert fetched(tmp_path) == [2]


@pytest.mark.fault(9)
def test_fault_9_the_same_file_again_does_nothing(tmp_path: Path) -> None:
    (path,) = place(tmp_path, AWA, 2)
    assert fetched(tmp_path, last=2, known={2: sha256(path)}) == []


@pytest.mark.fault(10)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_10_the_same_number_with_other_content_stops_the_feed(tmp_path: Path, layout: str) -> None:
    (path,) = place(tmp_path, layout, 2)
    known = {2: sha256(path)}
    assert fetched(tmp_path, layout, last=2, known=known) == []
    put(tmp_path, layout, "tax", "diff", 2, [person(1), person(2)])
    for _ in range(2):
        with pytest.raises(SequenceConflict):
            fetched(tmp_path, layout, last=2, known=known)


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = place(tmp_path, AWA, 2)
    reads: list[str] = []
    read = FolderSource.read

    def counting(self: FolderSource, feed: str, name: str) -> object:
        reads.append(name)
        return read(self, feed, name)

    monkeypatch.setattr(FolderSource, "read", counting)
    assert fetched(tmp_path) == [2]
    reads.clear()
    for _ in range(3):
        assert fetched(tmp_path, last=2, known={2: sha256(path)}) == []
    assert reads == []


def test_one_number_as_full_and_as_difference_stops_the_feed(tmp_path: Path) -> None:
    place(tmp_path, AWA, 2)
    place(tmp_path, AWA, 2, kind="full")
    with pytest.raises(SequenceConflict):
        fetched(tmp_path)


@pytest.mark.fault(12)
def test_fault_12_a_file_of_another_municipality(tmp_path: Path) -> None:
    (path,) = place(tmp_path, AWA, 2)
    path.rename(tmp_path / path.name.replace("364894", "364991"))
    with pytest.raises(WrongMunicipality):
        fetched(tmp_path)


@pytest.mark.fault(12)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_12_the_control_record_of_another_municipality(tmp_path: Path, layout: str) -> None:
    (path,) = place(tmp_path, layout, 2)
    if layout == "naruto_fixed/1":
        data = body(layout, "tax", [person()])
        path.write_bytes(whole(FileName("131016", "tax", "diff", 2), layout, 1, data))
    else:
        control = path.with_suffix(".ctl")
        control.write_bytes(control.read_bytes().replace(CODES[layout].encode(), b"131016"))
    with pytest.raises(WrongMunicipality):
        fetched(tmp_path, layout)
    assert not list((tmp_path / "home").rglob("source.enc"))


@pytest.mark.fault(13)
def test_fault_13_the_control_record_of_another_feed_or_number(tmp_path: Path) -> None:
    (path,) = place(tmp_path, AWA, 2)
    for before, after in ((b"feed=tax", b"feed=seal"), (b"sequence=00000002\nl", b"sequence=00000001\nl")):
        control = path.with_suffix(".ctl").read_bytes()
        path.with_suffix(".ctl").write_bytes(control.replace(before, after, 1))
        with pytest.raises(ControlRecordInvalid):
            fetched(tmp_path)
        path.with_suffix(".ctl").write_bytes(control)
    assert fetched(tmp_path) == [2]


@pytest.mark.fault(13)
def test_fault_13_the_control_record_of_another_layout(tmp_path: Path) -> None:
    (path,) = place(tmp_path, AWA, 2)
    control = path.with_suffix(".ctl")
    control.write_bytes(control.read_bytes().replace(b"awa_csv/1", b"awa_csv/2"))
    with pytest.raises(ControlRecordInvalid, match="the layout is not awa_csv/1"):
        fetched(tmp_path)


@pytest.mark.fault(26)
@pytest.mark.clause("3(1)①")
def test_fault_26_full_sets(tmp_path: Path) -> None:
    place(tmp_path, AWA, 1, 4, kind="full")
    place(tmp_path, AWA, 2, 3, 5)
    with pytest.raises(NotInitialised, match="run load_full"):
        fetched(tmp_path, last=None)
    assert fetched(tmp_path, last=None, full=True) == [4, 5]
    assert fetched(tmp_path, last=3) == [4, 5]
    assert fetched(tmp_path, last=1) == [2, 3, 4, 5]
    assert fetched(tmp_path, last=5, full=True) == []


def test_a_full_set_closes_a_gap_only_when_asked(tmp_path: Path) -> None:
    place(tmp_path, AWA, 9, kind="full")
    with pytest.raises(SequenceGap):
        fetched(tmp_path, last=3)
    assert fetched(tmp_path, last=3, full=True) == [9]


def test_load_full_without_a_full_set_says_what_to_do(tmp_path: Path) -> None:
    place(tmp_path, AWA, 2)
    with pytest.raises(NotInitialised, match="none lies at the vendor"):
        fetched(tmp_path, last=None, full=True)


def test_at_most_so_many_files_at_once(tmp_path: Path) -> None:
    place(tmp_path, AWA, *range(2, 8))
    batches = pull(get("364894"), "tax", last_applied=1, known={}, source=FolderSource(tmp_path), limit=3)
    assert [Manifest.read(batch).sequence for batch in batches] == [2, 3, 4]


def test_files_may_lie_flat_or_in_a_folder_for_the_feed(tmp_path: Path) -> None:
    place(tmp_path, AWA, 2)
    place(tmp_path / "tax", AWA, 3)
    assert fetched(tmp_path) == [2, 3]
    assert available(get("364894"), "tax", FolderSource(tmp_path)) == {2, 3}


def test_a_link_is_left_alone(tmp_path: Path) -> None:
    (path,) = place(tmp_path / "elsewhere", AWA, 2)
    here = tmp_path / "here"
    here.mkdir()
    (here / path.name).symlink_to(path)
    (here / path.with_suffix(".ctl").name).symlink_to(path.with_suffix(".ctl"))
    assert fetched(here) == []


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TransferError):
        fetched(tmp_path / "nowhere")


@pytest.mark.fault(35)
def test_fault_35_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path / "o", AWA, 2)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(vault.Writer, "write", full)
        with pytest.raises(OSError, match="No space"):
            fetched(tmp_path / "o")
    assert not list((tmp_path / "home").rglob("source.enc*"))
    assert fetched(tmp_path / "o") == [2]


def test_fetching_again_gives_the_same_batch(tmp_path: Path) -> None:
    place(tmp_path, AWA, 2)
    municipality = get("364894")
    first = pull(municipality, "tax", last_applied=1, known={}, source=FolderSource(tmp_path))
    assert pull(municipality, "tax", last_applied=1, known={}, source=FolderSource(tmp_path)) == first


def test_the_name_says_what_it_is_about() -> None:
    assert str(FileName("364894", "tax", "diff", 2)) == "364894_tax_diff_00000002.dat"
