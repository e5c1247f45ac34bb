"""One tick of a feed, step by step, over the batch directories that ``pull`` found.

Each step takes the paths of batches in the order of their numbers and gives those that go on. A batch that is rejected
stops the later ones of its feed (they build on it) but not the earlier: those are loaded, and the rejection is raised
at the end, so the run is red and nothing good was held back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from extractors.decode import decode as decode_batch
from extractors.pull import pull as pull_files
from extractors.sources import Source
from loaders import ledger
from loaders.load import load as load_batch
from loaders.verify import verify as verify_batch
from municipalities.registry import Municipality, get
from records.batch import Manifest, State
from records.errors import BatchRejected, FeedSilent, StoredRejection
from sync.report import reporting
from transforms.mapping import map_batch

Batches = list[str]


def pull(code: str, feed: str, *, full: bool = False, source: Source | None = None) -> Batches:
    """Fetch what is complete and next; heartbeats (empty differences) at the head are settled at once.

    ``full=True`` (load_full) lets a full set close a gap. Raises whatever keeps the feed from going on.
    """
    municipality = get(code)
    with reporting(code, feed, "pull"):
        applied = ledger.last_applied(code, feed)
        known = ledger.known_hashes(code, feed)
        paths = pull_files(municipality, feed, source=source, last_applied=applied, known=known, full=full)
        if not paths and source is None:
            _check_silence(municipality, feed)
        return _settle_heartbeats(paths)


def decode(paths: Sequence[str]) -> Batches:
    """Bytes → ``decoded.parquet``."""
    return _each(paths, "decode", "decoded", decode_batch)


def map_(paths: Sequence[str]) -> Batches:
    """Vendor characters, codes and dates → ``mapped.parquet``."""
    return _each(paths, "map", "mapped", map_batch)


def validate(paths: Sequence[str]) -> Batches:
    """Good rows → ``validated.parquet``, bad ones → ``quarantine.parquet``."""
    from expectations.validate import validate as validate_batch  # imports Great Expectations: three seconds

    return _each(paths, "validate", "validated", validate_batch)


def load(paths: Sequence[str]) -> Batches:
    """Rows, quarantine, withheld persons, ledger and last applied number in one transaction each."""
    return _each(paths, "load", "loaded", load_batch)


def verify(paths: Sequence[str]) -> dict[str, int]:
    """Compare what was written with what was read; then raise the rejection that stopped a later batch, if any."""
    going = _each(paths, "verify", "verified", verify_batch)
    first = Manifest.read(Path(paths[0]))
    with reporting(first.municipality, first.feed, "verify"):
        _raise_rejection(going)
    return _counts(going)


def run(code: str, feed: str, *, full: bool = False, source: Source | None = None) -> dict[str, int]:
    """The whole tick without Airflow: the same steps in the same order. Returns counts over its batches."""
    paths = pull(code, feed, full=full, source=source)
    for step in (decode, map_, validate, load) if paths else ():
        paths = step(paths)
    return verify(paths) if paths else {"batches": 0}


def _each(paths: Sequence[str], step: str, reached: State, work: Callable[[Path], object]) -> Batches:
    """Run ``work`` over the batches in order, up to the first rejected one, which stays last in the list."""
    first = Manifest.read(Path(paths[0]))
    going: Batches = []
    with reporting(first.municipality, first.feed, step, len(paths)):
        for path in paths:
            going.append(path)
            if not _advance(Path(path), reached, work):
                break
        if len(going) == 1:
            _raise_rejection(going)
    return going


def _advance(batch: Path, reached: State, work: Callable[[Path], object]) -> bool:
    """Take one batch through one step; ``False`` when it is rejected. A step that is done already is not repeated."""
    manifest = Manifest.read(batch)
    if manifest.rejection is not None:
        return False
    if manifest.reached(reached):
        return True
    try:
        work(batch)
    except BatchRejected as error:
        _reject(batch, error)
        return False
    manifest = Manifest.read(batch)
    manifest.state = reached
    manifest.write(batch)
    return True


def _reject(batch: Path, error: BatchRejected) -> None:
    manifest = Manifest.read(batch)
    manifest.state = "rejected"
    manifest.rejection = {"code": error.code, "text": str(error)}
    ledger.record_rejection(manifest)
    manifest.write(batch)


def _raise_rejection(paths: Sequence[str]) -> None:
    """Raise the stored rejection of the last batch, with its own code."""
    rejection = Manifest.read(Path(paths[-1])).rejection
    if rejection is not None:
        raise StoredRejection(rejection["code"], rejection["text"])


def _counts(paths: Sequence[str]) -> dict[str, int]:
    total: dict[str, int] = {"batches": len(paths)}
    for path in paths:
        for name, count in Manifest.read(Path(path)).counts.items():
            total[name] = total.get(name, 0) + count
    return total


def _check_silence(municipality: Municipality, feed: str) -> None:
    """SFTP may be well while the vendor's job has stopped: no file at all for longer than the limit is a fault."""
    at = ledger.overview(municipality.code, feed).last_applied_at
    limit = timedelta(minutes=municipality.heartbeat_limit_minutes)
    if at is not None and datetime.now(UTC) - at > limit:
        raise FeedSilent(f"{feed}: not even an empty difference since {at.isoformat(timespec='minutes')}")


def _settle_heartbeats(paths: Sequence[Path]) -> Batches:
    """Apply the empty differences at the head here, so that a quiet tick costs one task; the rest goes on."""
    rest = list(paths)
    while rest and Manifest.read(rest[0]).heartbeat:
        batch = rest.pop(0)
        decode_batch(batch)  # proves that it really holds no rows
        load_batch(batch)
        verify_batch(batch)
    return [str(path) for path in rest]
