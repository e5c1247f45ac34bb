"""Mapping stored rows again (再変換) after a character was confirmed: decode, map, validate and load of what waited.

Works on the encrypted source of batches that were applied long ago, in a working folder that is removed at the end;
the batch's own directory and number stay as they are. What may be loaded is decided in ``loaders.remap``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extractors.decode import DECODED
from extractors.decode import decode as decode_batch
from extractors.vault import SOURCE
from loaders import remap as waiting_rows
from loaders.remap import Candidates
from municipalities.site import home
from records.batch import Manifest, directory_name
from records.errors import FeedError, LockBusy, Place
from transforms.mapping import map_batch

FOLDER = "remap"


class SourceGone(FeedError):
    """The stored source is past its keeping time: the rows must come again in a new file."""

    code = "source_gone"


def remap(code: str, feed: str) -> dict[str, int]:
    """Apply what waited for a character and is good now; counts of rows ``waiting``, ``applied``, persons ``released``.

    Raises ``SourceGone``, ``LockBusy``, ``VerificationFailed`` and whatever decoding and mapping raise; the register
    has not changed then. Doing it again does nothing.
    """
    found = waiting_rows.candidates(code, feed)
    counts = {"waiting": sum(len(one.rows) for one in found), "applied": 0, "released": 0}
    if not found:
        return counts
    with _workplace(code, feed) as place:
        made = [_made_again(code, feed, one, place) for one in found]
        good = [batch for batch in made if _has_good_rows(batch)]
        return counts | (waiting_rows.apply(good) if good else {})


def _made_again(code: str, feed: str, one: Candidates, place: Path) -> Path:
    """The candidates' rows, decoded from the stored source, mapped by today's table, validated like any other."""
    from expectations.validate import validate as validate_batch  # imports Great Expectations: three seconds

    name = directory_name(one.sequence, one.sha256)
    stored = home() / "batches" / code / feed / name
    if not (stored / SOURCE).exists():
        raise SourceGone(
            "the stored source is gone: have the vendor send a full set, or these persons again", Place(name)
        )
    batch = place / name
    batch.mkdir()
    (batch / SOURCE).symlink_to(stored / SOURCE)
    replace(Manifest.read(stored), state="received", counts={}, warnings=[]).write(batch)
    decode_batch(batch)
    _keep(batch, one.rows)
    map_batch(batch)
    validate_batch(batch)
    return batch


def _keep(batch: Path, rows: Sequence[int]) -> None:
    """Of the decoded rows only these, so that the work is that of a small difference."""
    part, wanted = batch / f"{DECODED}.kept", pa.array(rows, pa.int64())
    with pq.ParquetFile(batch / DECODED, pre_buffer=False) as file, pq.ParquetWriter(part, file.schema_arrow) as writer:
        for block in file.iter_batches():
            writer.write_batch(block.filter(pc.is_in(block.column("row_number"), wanted)))
    os.replace(part, batch / DECODED)


def _has_good_rows(batch: Path) -> bool:
    return bool(Manifest.read(batch).counts["good"])


@contextmanager
def _workplace(code: str, feed: str) -> Iterator[Path]:
    """Decoded rows lie here in clear only while this runs; what a killed run left is removed by the next."""
    place = home() / FOLDER / code / feed
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(place, os.O_RDONLY)
    try:
        _lock(descriptor, feed)
        _empty(place)
        try:
            yield place
        finally:
            _empty(place)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, feed: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockBusy("another run is mapping this feed's rows again", Place(field=feed)) from None


def _empty(place: Path) -> None:
    for batch in place.iterdir():
        shutil.rmtree(batch)
