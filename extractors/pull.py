"""Fetch the exchange files that are complete and next in number, each into a batch directory of its own.

Numbers have no gaps per municipality and feed. The next expected is the last applied plus one; only a full set (全件) may
close a gap, and only when that is asked for (load_full). Old numbers whose file has changed are compared with what was
applied. Nothing at the vendor is moved or deleted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from extractors.exchange import FileName, parse_name
from extractors.fetch import fetch, fingerprint
from extractors.sftp import SftpSource
from extractors.sources import Entry, Session, Source
from municipalities.registry import Municipality
from municipalities.site import home
from records.batch import Manifest
from records.errors import IncompleteFile, NotInitialised, Place, SequenceConflict, SequenceGap, WrongMunicipality

SEEN = "seen.json"


def pull(
    municipality: Municipality,
    feed: str,
    *,
    last_applied: int | None,
    known: Mapping[int, str],
    source: Source | None = None,
    full: bool = False,
    limit: int = 50,
) -> list[Path]:
    """Batch directories of the next files in their order, at most ``limit``; empty when nothing new is there.

    ``known`` gives the SHA-256 of applied numbers. Raises ``NotInitialised``, ``SequenceGap``, ``SequenceConflict``,
    ``WrongMunicipality``, ``IncompleteFile``, ``ControlRecordInvalid`` or ``TransferError``.
    """
    with (source or SftpSource(municipality.vendor)).open() as session:
        entries = session.entries(feed)
        files = _files(municipality, feed, entries)
        marks = {entry.name: entry.mark for entry in entries}
        _compare_applied(session, municipality, marks, files, known)
        first = _first(files, feed, last_applied, full)
        return _fetch_from(session, municipality, files, marks, first, limit)


def available(municipality: Municipality, feed: str, source: Source | None = None) -> set[int]:
    """The numbers whose files lie at the vendor now (complete or not)."""
    with (source or SftpSource(municipality.vendor)).open() as session:
        return set(_files(municipality, feed, session.entries(feed)))


def feed_folder(code: str, feed: str) -> Path:
    """Where the batch directories of a feed lie."""
    folder = home() / "batches" / code / feed
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _files(municipality: Municipality, feed: str, entries: list[Entry]) -> dict[int, FileName]:
    """Data files (or control files without one) by number; other towns' files stop the feed."""
    found: dict[int, FileName] = {}
    for entry in entries:
        name = parse_name(entry.name.removesuffix(".ctl").removesuffix(".dat") + ".dat")
        if name is None or name.feed != feed:
            continue
        if name.municipality != municipality.code:
            raise WrongMunicipality("a file of another municipality lies in this feed's directory", Place(entry.name))
        if found.setdefault(name.sequence, name) != name:
            raise SequenceConflict("a full set and a difference have the same number", Place(entry.name))
    return found


def _first(files: Mapping[int, FileName], feed: str, last_applied: int | None, full: bool) -> int | None:
    """The number to begin with; ``None`` when nothing is new."""
    newer = sorted(number for number in files if number > (last_applied or 0))
    full_sets = [number for number in newer if files[number].kind == "full"]
    if full and full_sets:
        return full_sets[-1]
    if last_applied is None:
        todo = "none lies at the vendor: ask for one" if full else "run load_full"
        raise NotInitialised(f"no full set of {feed} has been loaded yet: {todo}")
    if not newer:
        return None
    expected = last_applied + 1
    if newer[0] != expected:
        missing = f"{expected}" if newer[0] == expected + 1 else f"{expected} to {newer[0] - 1}"
        raise SequenceGap(f"{feed}: number {missing} is missing, {newer[0]} is there; ask for a resend")
    return expected


def _fetch_from(
    session: Session,
    municipality: Municipality,
    files: Mapping[int, FileName],
    marks: Mapping[str, str],
    first: int | None,
    limit: int,
) -> list[Path]:
    """Fetch ``first`` and what follows without a gap; a later file that is not complete yet waits for the next tick."""
    batches: list[Path] = []
    names = frozenset(marks)
    number = first
    while number is not None and number in files and len(batches) < limit:
        try:
            batches.append(fetch(session, municipality, files[number], names))
        except IncompleteFile:
            if not batches:
                raise
            break
        number += 1
    if batches:
        _remember_fetched(files, marks, batches)
    return batches


def _compare_applied(
    session: Session,
    municipality: Municipality,
    marks: Mapping[str, str],
    files: Mapping[int, FileName],
    known: Mapping[int, str],
) -> None:
    """A number that was applied must not come again with other content; only files that changed are read again."""
    applied = sorted(set(files) & set(known))
    if not applied:
        return
    folder = feed_folder(municipality.code, files[applied[0]].feed)
    seen = _seen(folder)
    fresh: dict[str, list[str]] = {}
    for number in applied:
        name = files[number]
        facts = [_mark(marks, name), known[number]]
        if seen.get(str(name)) == facts:
            continue
        if str(name) in marks and fingerprint(session, municipality, name) != known[number]:
            raise SequenceConflict(
                f"number {number} has been applied and lies here with other content", Place(str(name))
            )
        fresh[str(name)] = facts
    if fresh:
        _remember(folder, {**seen, **fresh}, marks)


def _seen(folder: Path) -> dict[str, list[str]]:
    path = folder / SEEN
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def _remember_fetched(files: Mapping[int, FileName], marks: Mapping[str, str], batches: list[Path]) -> None:
    """What was just read need not be read again next time only to be compared."""
    found = [Manifest.read(batch) for batch in batches]
    folder = batches[0].parent
    fresh = {one.file: [_mark(marks, files[one.sequence]), one.sha256] for one in found}
    _remember(folder, {**_seen(folder), **fresh}, marks)


def _mark(marks: Mapping[str, str], name: FileName) -> str:
    return marks.get(str(name), "") + "/" + marks.get(name.control, "")


def _remember(folder: Path, seen: Mapping[str, list[str]], still_there: Mapping[str, str]) -> None:
    part = folder / f"{SEEN}.{os.getpid()}.part"
    part.write_text(json.dumps({name: facts for name, facts in seen.items() if name in still_there}), "utf-8")
    os.replace(part, folder / SEEN)
