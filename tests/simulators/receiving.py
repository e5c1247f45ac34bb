"""The receiving side without a database: pull, decode and map of what a vendor has laid out."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from extractors.decode import decode
from extractors.pull import pull
from extractors.sources import FolderSource, Source
from records.dictionary import columns
from simulators.vendors.vendor import Vendor
from transforms.mapping import map_batch

Rows = list[dict[str, Any]]


def received(vendor: Vendor, feed: str, last_applied: int, source: Source | None = None) -> Rows:
    """All mapped rows of the files after ``last_applied``, in their order."""
    found: Rows = []
    town = vendor.town.municipality
    where = source or FolderSource(vendor.folder / "outgoing")
    full = last_applied == 0
    for batch in pull(town, feed, last_applied=None if full else last_applied, known={}, source=where, full=full):
        decode(batch)
        map_batch(batch)
        found += pq.read_table(batch / "mapped.parquet").to_pylist()
    return found


def values(feed: str, rows: Rows) -> Rows:
    """The rows with the dictionary's columns only."""
    return [{name: row[name] for name in columns(feed)} for row in rows]


def applied(feed: str, truth: dict[Any, Any], rows: Rows) -> dict[Any, Any]:
    """The truth before, with these rows applied."""
    from simulators.world.town import key_of

    after = dict(truth)
    for row in rows:
        if row["operation"] == "3":
            after.pop(key_of(feed, row))
        else:
            after[key_of(feed, row)] = {name: row[name] for name in columns(feed)}
    return after
