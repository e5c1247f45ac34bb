"""The decode step: the stored bytes of a batch → ``decoded.parquet``, streamed in row groups so that memory stays flat."""

from __future__ import annotations

import os
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


def decode(batch: Path) -> None:
    """Decode one batch; raises ``LayoutMismatch`` or ``BrokenEncoding`` for the whole file, marks single bad fields."""
    manifest = Manifest.read(batch)
    layout = load(manifest.layout)
    if manifest.feed not in layout.feeds:
        raise LayoutMismatch("this vendor's layout has no such feed", Place(manifest.file))
    rows = 0
    part = batch / f"{DECODED}.{os.getpid()}.part"
    with pyarrow.parquet.ParquetWriter(
        part, schema(layout.feeds[manifest.feed]), compression="lz4", use_dictionary=False
    ) as writer:
        for table in _tables(batch, manifest):
            rows += table.num_rows
            writer.write_table(table, row_group_size=ROW_GROUP)
    if rows != manifest.rows:
        part.unlink()
        raise IncompleteFile(
            f"rows: the control record says {manifest.rows}, the file has {rows}", Place(manifest.file)
        )
    os.replace(part, batch / DECODED)
    manifest.counts["rows"] = rows
    manifest.write(batch)


def _tables(batch: Path, manifest: Manifest) -> Iterator[pa.Table]:
    layout = load(manifest.layout)
    parse = parse_fixed.parse if layout.form == "fixed" else parse_delimited.parse
    chunks = vault.read(batch / vault.SOURCE)
    yield from parse(layout, layout.feeds[manifest.feed], chunks, manifest.file, manifest.kind)
