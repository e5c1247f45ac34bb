"""Fetch one exchange file and prove that it is whole: control record, bytes and SHA-256 agree, or nothing is kept.

The bytes go encrypted into the batch directory while they are counted and hashed; the directory gets its name only
when everything agreed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from extractors import vault
from extractors.exchange import EDGE_BYTES, Control, FileName, parse_control_file, parse_edges
from extractors.sources import Session
from municipalities.registry import Municipality
from municipalities.site import home
from records.batch import Manifest, directory_name
from records.errors import ControlRecordInvalid, IncompleteFile, Place, WrongMunicipality
from vendor_layouts.layout import load

ABANDONED_SECONDS = 24 * 60 * 60


def fetch(session: Session, municipality: Municipality, name: FileName, names: frozenset[str]) -> Path:
    """The batch directory of one file, state ``received``. ``names`` are all names that the source has now."""
    if str(name) not in names:
        raise IncompleteFile("there is a control record but no data", Place(str(name)))
    folder = home() / "batches" / municipality.code / name.feed
    _sweep(folder)
    incoming = folder / f".incoming-{name.sequence:08d}-{os.getpid()}"
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True, mode=0o700)
    try:
        control = _take(session, municipality, name, names, incoming)
        return _settle(incoming, folder, name, control)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed process left half fetched; a living one is never a day old."""
    for left in folder.glob(".incoming-*"):
        if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def fingerprint(session: Session, municipality: Municipality, name: FileName) -> str:
    """SHA-256 of the file as the ledger knows it (lower hex), read without keeping it."""
    digest = _Digest(_edges(municipality))
    for chunk in session.read(name.feed, str(name)):
        digest.take(chunk)
    return digest.whole.hexdigest()


def _take(
    session: Session, municipality: Municipality, name: FileName, names: frozenset[str], incoming: Path
) -> Control:
    edges = _edges(municipality)
    control = None if edges else _control_file(session, name, names)
    if control is not None:
        _compare_names(municipality, name, control)
    digest = _Digest(edges)
    with vault.Writer(incoming / vault.SOURCE) as store:
        for chunk in session.read(name.feed, str(name)):
            digest.take(chunk)
            store.write(chunk)
    if control is None:
        control = _control_records(digest, str(name))
        _compare_names(municipality, name, control)
        digest.compare_edges(control, str(name))
    else:
        digest.compare_file(control, str(name))
    return Control(
        control.name, control.layout, control.rows, control.bytes, digest.whole.hexdigest(), control.created_at
    )


def _settle(incoming: Path, folder: Path, name: FileName, control: Control) -> Path:
    """Give the batch its name; a directory from an earlier try begins anew with the same bytes."""
    manifest = Manifest(
        municipality=name.municipality,
        feed=name.feed,
        kind=name.kind,
        sequence=name.sequence,
        layout=control.layout,
        file=str(name),
        rows=control.rows,
        bytes=control.bytes,
        sha256=control.sha256,
        created_at=control.created_at,
        pulled_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    manifest.write(incoming)
    target = folder / directory_name(name.sequence, control.sha256)
    if target.exists():
        os.replace(incoming / vault.SOURCE, target / vault.SOURCE)
        manifest.write(target)
    else:
        os.replace(incoming, target)
    return target


def _edges(municipality: Municipality) -> bool:
    return load(municipality.layout).control == "records"


def _control_file(session: Session, name: FileName, names: frozenset[str]) -> Control:
    if name.control not in names:
        raise IncompleteFile("there is no control record (yet)", Place(str(name)))
    data = b"".join(_limited(session.read(name.feed, name.control), name.control))
    return parse_control_file(data, name.control)


def _limited(chunks: Iterator[bytes], file: str) -> Iterator[bytes]:
    taken = 0
    for chunk in chunks:
        taken += len(chunk)
        if taken > 1 << 16:
            raise ControlRecordInvalid("the control file is far too long", Place(file))
        yield chunk


def _control_records(digest: _Digest, file: str) -> Control:
    if digest.bytes < 2 * EDGE_BYTES:
        raise IncompleteFile("the file is shorter than its header and trailer", Place(file))
    try:
        return parse_edges(bytes(digest.head), bytes(digest.tail), file)
    except ControlRecordInvalid as error:
        if "no T record" in error.text or "T record is not" in error.text:
            raise IncompleteFile(
                "the file does not end with its trailer (cut off, or still being written)", error.place
            ) from None
        raise


def _compare_names(municipality: Municipality, name: FileName, control: Control) -> None:
    if control.name.municipality != municipality.code:
        raise WrongMunicipality("the control record names another municipality", Place(str(name)))
    if control.name != name:
        raise ControlRecordInvalid("feed, kind or sequence differ from the file's name", Place(str(name)))
    if control.layout != municipality.layout:
        raise ControlRecordInvalid(f"the layout is not {municipality.layout}", Place(str(name), field="layout"))


class _Digest:
    """Counts and hashes bytes as they come; with ``edges`` the last 256 are kept apart, because they hold the hash."""

    def __init__(self, edges: bool) -> None:
        self._hold = EDGE_BYTES if edges else 0
        self.whole = hashlib.sha256()
        self._before = hashlib.sha256()
        self.head, self.tail = bytearray(), bytearray()
        self.bytes = 0

    def take(self, chunk: bytes) -> None:
        self.whole.update(chunk)
        self.bytes += len(chunk)
        if self._hold:
            if len(self.head) < EDGE_BYTES:
                self.head += chunk[: EDGE_BYTES - len(self.head)]
            self.tail += chunk
            self._before.update(self.tail[: -self._hold])
            del self.tail[: -self._hold]

    def compare_file(self, control: Control, file: str) -> None:
        """Bytes and hash of the whole file."""
        _compare("bytes", control.bytes, self.bytes, file)
        _compare("sha256", control.sha256, self.whole.hexdigest(), file)

    def compare_edges(self, control: Control, file: str) -> None:
        """Bytes of the data records, hash of everything before the trailer."""
        _compare("bytes", control.bytes, self.bytes - 2 * EDGE_BYTES, file)
        _compare("sha256", control.sha256, self._before.hexdigest(), file)


def _compare(field: str, expected: object, found: object, file: str) -> None:
    if expected != found:
        raise IncompleteFile(f"{field}: the control record says {expected}, the file has {found}", Place(file))
