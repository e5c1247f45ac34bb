"""Exchange files of the three kinds of vendor, as bytes: CSV in CP932 or UTF-8, fixed records in KEIS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from extractors.exchange import FileName
from municipalities.registry import Municipality
from simulators.vendors.cells import Cell, CellWriter, Row, Speller
from simulators.vendors.charsets import cp932, keis
from simulators.vendors.control import Facts, control_file, header, trailer
from vendor_layouts.layout import Column, FeedLayout, Layout, load


@dataclass(frozen=True, slots=True)
class Change:
    """One row of an exchange file: the after-image of a record and its 更新区分 (1 add, 2 change, 3 delete)."""

    operation: str
    row: Row


@dataclass(frozen=True, slots=True)
class ExchangeFile:
    """The bytes of an exchange file and, where it stands in a file of its own, of its control record."""

    name: FileName
    data: bytes
    control: bytes | None


class VendorFormat:
    """One municipality's vendor format: writes exchange files for its feeds."""

    def __init__(self, municipality: Municipality) -> None:
        self.municipality = municipality
        self.layout: Layout = load(municipality.layout)
        self.spell = Speller(self.layout, municipality)
        self._writers = {name: CellWriter(self.layout, feed, self.spell) for name, feed in self.layout.feeds.items()}

    def write(
        self, feed: str, kind: str, sequence: int, changes: Iterable[Change], *, latest: int | None = None
    ) -> ExchangeFile:
        """The file with number ``sequence``; ``kind`` is full or diff."""
        name = FileName(self.municipality.code, feed, "full" if kind == "full" else "diff", sequence)
        records = self.records(feed, changes)
        return seal(self.layout, name, records, head(self.layout, self.layout.feeds[feed]), latest)

    def records(self, feed: str, changes: Iterable[Change]) -> list[bytes]:
        """The data records, each with its line end where the format has one."""
        return [self.encode(feed, self.cells(feed, change, number)) for number, change in enumerate(changes, 1)]

    def cells(self, feed: str, change: Change, number: int) -> list[Cell]:
        """The cells of one record in the order of the layout's columns."""
        return self._writers[feed].cells(change.row, change.operation, number)

    def encode(self, feed: str, cells: Sequence[Cell]) -> bytes:
        """One record in bytes."""
        write = fixed_record if self.layout.form == "fixed" else csv_record
        return write(self.layout, self.layout.feeds[feed].columns, cells)


def head(layout: Layout, feed: FeedLayout) -> bytes:
    """The header line of a CSV that has one."""
    if not layout.header:
        return b""
    return csv_record(layout, feed.columns, [column.vendor_column for column in feed.columns])


def seal(
    layout: Layout,
    name: FileName,
    records: Sequence[bytes],
    header_line: bytes,
    latest: int | None,
    lies: Mapping[str, Any] | None = None,
) -> ExchangeFile:
    """Put a control record to the records: a true one, unless ``lies`` gives other facts (see ``control.Facts``)."""
    data = header_line + b"".join(records)
    facts = facts_of(layout, name, len(records), latest)
    if layout.control == "file":
        facts = replace(facts, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        return ExchangeFile(name, data, control_file(replace(facts, **(lies or {}))))
    first = header(replace(facts, **(lies or {})))
    facts = replace(facts, size=len(data), sha256=hashlib.sha256(first + data).hexdigest())
    return ExchangeFile(name, first + data + trailer(replace(facts, **(lies or {}))), None)


def facts_of(layout: Layout, name: FileName, rows: int, latest: int | None) -> Facts:
    """The facts of a file whose bytes are not counted yet."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Facts(name.municipality, name.feed, name.kind, name.sequence, layout.name, rows, 0, "0" * 64, now, latest)


def csv_record(layout: Layout, columns: Sequence[Column], cells: Sequence[Cell]) -> bytes:
    """One CSV line, every field quoted."""
    line = layout.delimiter.join('"' + str(cell).replace('"', '""') + '"' for cell in cells) + layout.newline
    return line.encode("utf-8") if layout.charset == "utf-8" else cp932(line)


def fixed_record(layout: Layout, columns: Sequence[Column], cells: Sequence[Cell]) -> bytes:
    """One fixed record; a value that is longer than its field is a mistake of the simulation."""
    return b"".join(_field(column, cell) for column, cell in zip(columns, cells, strict=True))


def _field(column: Column, cell: Cell) -> bytes:
    """A raw field is filled with zero bytes, a text with EBCDIK spaces."""
    if column.kind == "B":
        data, padding = (cell if isinstance(cell, bytes) else b""), b"\x00"
    else:
        data, padding = keis(str(cell)), b"\x40"
    if len(data) > column.bytes:
        raise ValueError(f"{column.vendor_column} needs {len(data)} bytes, the record has {column.bytes}")
    return data.ljust(column.bytes, padding)
