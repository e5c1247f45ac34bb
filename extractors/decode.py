"""The decode step: the stored bytes of a batch → ``decoded.parquet``, streamed in row groups so that memory stays flat."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from extractors import parse_delimited, parse_fixed, vault
from extractors.decoded import schema
from records.batch import Manifest
from records.errors import IncompleteFile, LayoutMismatch, Place
from vendor_layouts.layout import load

DECODED = "decoded.parquet"
ROW_GROUP = 50_000
WARNINGS = {
    parse_delimited.NON_ROUND_TRIP: "{} characters in codes that the vendor's charset has twice; read, not refused"
}


def decode(batch: Path) -> None:
    """Decode one batch; raises ``LayoutMismatch`` or ``BrokenEncoding`` for the whole file, marks single bad fields."""
    manifest = Manifest.read(batch)
    layout = load(manifest.layout)
    if manifest.feed not in layout.feeds:
        raise LayoutMismatch("this vendor's layout has no such feed", Place(manifest.file))
    noticed: Counter[str] = Counter()
    part = batch / f"{DECODED}.{os.getpid()}.part"
    try:
        rows = _write(batch, manifest, part, noticed)
        if rows != manifest.rows:
            raise IncompleteFile(
                f"rows: the control record says {manifest.rows}, the file has {rows}", Place(manifest.file)
            )
        os.replace(part, batch / DECODED)
    finally:
        part.unlink(missing_ok=True)
    manifest.counts["rows"] = rows
    manifest.warnings = [one for one in manifest.warnings if one.partition(":")[0] not in WARNINGS]
    manifest.warnings += [f"{name}: {WARNINGS[name].format(count)}" for name, count in noticed.items() if count]
    manifest.write(batch)


def _write(batch: Path, manifest: Manifest, part: Path, noticed: Counter[str]) -> int:
    """Write the decoded rows to ``part`` and count them."""
    layout, rows = load(manifest.layout), 0
    # Nobody looks for a range of values in this file: statistics would cost a third of the writing.
    with pyarrow.parquet.ParquetWriter(
        part, schema(layout.feeds[manifest.feed]), compression="lz4", use_dictionary=False, write_statistics=False
    ) as writer:
        for table in _tables(batch, manifest, noticed):
            rows += table.num_rows
            writer.write_table(table, row_group_size=ROW_GROUP)
    return rows


def _tables(batch: Path, manifest: Manifest, noticed: Counter[str]) -> Iterator[pa.Table]:
    layout = load(manifest.layout)
    parse = parse_fixed.parse if layout.form == "fixed" else parse_delimited.parse
    chunks = vault.read(batch / vault.SOURCE)
    yield from parse(layout, layout.feeds[manifest.feed], chunks, manifest.file, manifest.kind, noticed)
