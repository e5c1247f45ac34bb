"""The step ``map``: ``decoded.parquet`` → ``mapped.parquet`` of one batch directory, streamed in blocks of rows.

The only module of this room that reads and writes files; what happens to a block is ``block``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from municipalities import registry
from records.ahead import ahead
from records.batch import Manifest
from records.errors import LayoutMismatch, Place, UnreadableKey
from transforms.block import Block
from transforms.characters import CharacterTable, character_table
from transforms.plan import ItemPlan, decoded_columns, make_plan, schema
from vendor_layouts.layout import load

DECODED = "decoded.parquet"
MAPPED = "mapped.parquet"
BLOCK_ROWS = 25_000


def map_batch(batch: Path) -> None:
    """Characters, codes, dates, numbers and lengths of a decoded batch; bad rows get their ``problem``.

    Raises ``UnreadableKey`` when the record of any row can't be told, ``LayoutMismatch`` when the decoded columns are
    not the layout's. Done again, it writes the same once more.
    """
    manifest = Manifest.read(batch)
    layout = load(manifest.layout)
    plans = make_plan(layout.feeds[manifest.feed], layout)
    municipality = registry.get(manifest.municipality)
    table = character_table(layout.charset, municipality.folder, layout.system)
    part = batch / (MAPPED + ".part")
    manifest.counts["rows_with_problems"] = _write(part, manifest, plans, table, _blocks(batch, plans))
    os.replace(part, batch / MAPPED)
    manifest.write(batch)


def _write(
    part: Path, manifest: Manifest, plans: tuple[ItemPlan, ...], table: CharacterTable, blocks: Iterator[pa.RecordBatch]
) -> int:
    """Write all blocks; returns the number of rows with a problem."""
    bad = 0
    # Dictionaries and statistics pay for files that are kept; this one is read once.
    with pq.ParquetWriter(
        part, schema(manifest.feed), compression="lz4", use_dictionary=False, write_statistics=False
    ) as writer:
        for mapped in ahead(lambda block: _mapped(block, manifest, plans, table), blocks):
            bad += mapped.num_rows - mapped.column("problem").null_count
            writer.write_batch(mapped, row_group_size=BLOCK_ROWS)
    return bad


def _mapped(
    block: pa.RecordBatch, manifest: Manifest, plans: tuple[ItemPlan, ...], table: CharacterTable
) -> pa.RecordBatch:
    try:
        return Block(block, manifest.feed, plans, table).run()
    except UnreadableKey as error:
        place = Place(manifest.file, error.place.row, error.place.field)
        raise UnreadableKey(error.text, place) from None


def _blocks(batch: Path, plans: tuple[ItemPlan, ...]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(batch / DECODED, pre_buffer=False) as file:
        wanted = decoded_columns(plans)
        if missing := set(wanted) - set(file.schema_arrow.names):
            raise LayoutMismatch("decoded columns are missing", Place(DECODED, field=", ".join(sorted(missing))))
        yield from file.iter_batches(batch_size=BLOCK_ROWS, columns=list(wanted))
