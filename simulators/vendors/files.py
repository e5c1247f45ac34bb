"""Exchange files of the three kinds of vendor, as bytes: CSV in CP932 or UTF-8, fixed records in KEIS.

The vendor's side of the charsets is written here for itself; the receiving side has its own tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from extractors.exchange import Control, FileName, format_control_file, format_edges
from municipalities.registry import Municipality
from simulators.vendors.cells import Cell, CellWriter, Row, Speller
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
        writer, columns = self._writers[feed], self.layout.feeds[feed].columns
        encode = fixed_record if self.layout.form == "fixed" else csv_record
        return [
            encode(self.layout, columns, writer.cells(change.row, change.operation, number))
            for number, change in enumerate(changes, 1)
        ]


def head(layout: Layout, feed: FeedLayout) -> bytes:
    """The header line of a CSV that has one."""
    if not layout.header:
        return b""
    return csv_record(layout, feed.columns, [column.vendor_column for column in feed.columns])


def seal(layout: Layout, name: FileName, records: Sequence[bytes], header: bytes, latest: int | None) -> ExchangeFile:
    """Put a true control record to the records."""
    data = header + b"".join(records)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if layout.control == "file":
        digest = hashlib.sha256(data).hexdigest()
        control = Control(name, layout.name, len(records), len(data), digest, now, latest)
        return ExchangeFile(name, data, format_control_file(control))
    first, _ = format_edges(Control(name, layout.name, len(records), len(data), "0" * 64, now, latest))
    digest = hashlib.sha256(first + data).hexdigest()
    _, last = format_edges(Control(name, layout.name, len(records), len(data), digest, now, latest))
    return ExchangeFile(name, first + data + last, None)


def csv_record(layout: Layout, columns: Sequence[Column], cells: Sequence[Cell]) -> bytes:
    """One CSV line, every field quoted."""
    line = layout.delimiter.join('"' + str(cell).replace('"', '""') + '"' for cell in cells) + layout.newline
    if layout.charset == "utf-8":
        return line.encode("utf-8")
    return b"".join(_cp932(character) for character in line) if not line.isascii() else line.encode("ascii")


@cache
def _cp932(character: str) -> bytes:
    """CP932 with the user area written out: U+E000 + n is the n-th of 188 codes a row from F040."""
    number = ord(character) - 0xE000
    if 0 <= number < 1880:
        low = number % 188 + 0x40
        return bytes((0xF0 + number // 188, low + (low >= 0x7F)))
    return character.encode("cp932")


def fixed_record(layout: Layout, columns: Sequence[Column], cells: Sequence[Cell]) -> bytes:
    """One fixed record; a value that is longer than its field is a mistake of the simulation."""
    return b"".join(_field(column, cell) for column, cell in zip(columns, cells, strict=True))


def _field(column: Column, cell: Cell) -> bytes:
    if column.kind == "B":
        data = cell if isinstance(cell, bytes) else b""
        padding = b"\x00"
    else:
        data, padding = _keis(str(cell)), b"\x40"
    if len(data) > column.bytes:
        raise ValueError(f"{column.vendor_column} needs {len(data)} bytes, the record has {column.bytes}")
    return data.ljust(column.bytes, padding)


@cache
def _keis(text: str) -> bytes:
    out, two = b"", False
    for character in text:
        code = _keis_code(character)
        if (len(code) == 2) != two:
            two = not two
            out += b"\x0a\x42" if two else b"\x0a\x41"
        out += code
    return out + (b"\x0a\x41" if two else b"")


@cache
def _keis_code(character: str) -> bytes:
    """EBCDIK where it has the character (digits, capitals, half-width katakana, common marks), else two bytes."""
    point = ord(character)
    if 0xE000 <= point < 0xE000 + 32 * 94:
        return bytes((0x81 + (point - 0xE000) // 94, 0xA1 + (point - 0xE000) % 94))
    if character == "　":
        return b"\x40\x40"
    if character in _EBCDIK:
        return bytes((_EBCDIK[character],))
    return character.encode("euc_jp")


def _ebcdik() -> dict[str, int]:
    kana = {0x41: "｡｢｣､･ｦｧｨｩ", 0x51: "ｪｫｬｭｮｯ", 0x58: "ｰ", 0x81: "ｱｲｳｴｵｶｷｸｹｺ", 0x8C: "ｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉ", 0x9D: "ﾊﾋﾌ"}
    more = {0xA2: "ﾍﾎﾏﾐﾑﾒﾓﾔﾕ", 0xAC: "ﾖﾗﾘﾙ", 0xBA: "ﾚﾛﾜﾝ", 0xBE: "ﾞﾟ", 0xC1: "ABCDEFGHI", 0xD1: "JKLMNOPQR"}
    rest = {
        0xE2: "STUVWXYZ",
        0xF0: "0123456789",
        0x40: " ",
        0x60: "-/",
        0x4B: ".",
        0x4D: "(",
        0x5D: ")",
        0x4E: "+",
        0x6B: ",",
    }
    return {
        character: first + at
        for part in (kana, more, rest)
        for first, run in part.items()
        for at, character in enumerate(run)
    }


_EBCDIK = _ebcdik()
