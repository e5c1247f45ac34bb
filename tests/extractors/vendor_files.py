"""Small exchange files for tests, written here from ``docs/exchange_format.md`` with the charsets' own encoders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from extractors import charsets, vault
from extractors.exchange import EDGE_BYTES, Control, FileName, format_control_file, format_edges
from records.batch import Manifest
from vendor_layouts.layout import Column, Layout, load

CREATED = "2026-11-24T09:00:00+09:00"
CODES = {"awa_csv/1": "364894", "naruto_fixed/1": "362999", "sudachi_csv/1": "364991"}
LAYOUTS = tuple(CODES)
ADD = {"awa_csv/1": "1", "naruto_fixed/1": "A", "sudachi_csv/1": "1"}

Cell = str | bytes


def cells(layout: Layout, feed: str, number: int, values: Mapping[str, Cell]) -> list[Cell]:
    """The cells of one record; ``values`` by ``field`` or ``field#part``, all others empty."""
    known: dict[str, Cell] = {"@operation": ADD[layout.name], "@row_number": str(number), **values}
    found = [known.get(column.name, "") if column.field else "" for column in layout.feeds[feed].columns]
    if layout.form == "fixed":
        found[0] = "D"
    return found


def record(layout: Layout, feed: str, row: Sequence[Cell]) -> bytes:
    """One record in bytes."""
    columns = layout.feeds[feed].columns
    if layout.form == "fixed":
        return b"".join(field(column, cell) for column, cell in zip(columns, row, strict=True))
    line = layout.delimiter.join('"' + str(cell).replace('"', '""') + '"' for cell in row)
    return charsets.encode(layout.charset, line + layout.newline)


def field(column: Column, cell: Cell) -> bytes:
    """One field of a fixed record."""
    raw = cell if isinstance(cell, bytes) else charsets.encode("keis83", cell)
    assert len(raw) <= column.bytes
    return raw.ljust(column.bytes, b"\x00" if column.kind == "B" else b"\x40")


def body(name: str, feed: str, rows: Sequence[Mapping[str, Cell]]) -> bytes:
    """The data records of a file, with the header line where the layout has one."""
    layout = load(name)
    header = b""
    if layout.header:
        header = record(layout, feed, [column.vendor_column for column in layout.feeds[feed].columns])
    return header + b"".join(
        record(layout, feed, cells(layout, feed, number, row)) for number, row in enumerate(rows, 1)
    )


def person(number: int = 1) -> dict[str, Cell]:
    """A row with nothing but the key."""
    return {"addressee_number": f"{number:015d}"}


def control_of(name: FileName, layout: str, rows: int, data: bytes) -> Control:
    """A true control record for a whole data file."""
    return Control(name, layout, rows, len(data), hashlib.sha256(data).hexdigest(), CREATED, name.sequence)


def whole(name: FileName, layout: str, rows: int, data: bytes) -> bytes:
    """A fixed file: header record, data, trailer record."""
    first, _ = format_edges(control_of(name, layout, rows, data))
    digest = hashlib.sha256(first + data).hexdigest()
    _, last = format_edges(Control(name, layout, rows, len(data), digest, CREATED, name.sequence))
    return first + data + last


def put(
    folder: Path, layout: str, feed: str, kind: str, sequence: int, rows: Sequence[Mapping[str, Cell]] = ()
) -> Path:
    """Write a true file (and its control file) into ``folder``; the path of the ``.dat``."""
    name = FileName(CODES[layout], feed, "full" if kind == "full" else "diff", sequence)
    data = body(layout, feed, rows)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / str(name)
    if load(layout).control == "records":
        path.write_bytes(whole(name, layout, len(rows), data))
    else:
        path.write_bytes(data)
        (folder / name.control).write_bytes(format_control_file(control_of(name, layout, len(rows), data)))
    return path


def batch(folder: Path, layout: str, feed: str, data: bytes, rows: int, kind: str = "diff") -> Path:
    """A pulled batch with these data records, as ``pull`` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    edge = b"\x40" * EDGE_BYTES if load(layout).control == "records" else b""
    with vault.Writer(folder / vault.SOURCE) as store:
        store.write(edge + data + edge)
    name = FileName(CODES[layout], feed, "full" if kind == "full" else "diff", 1)
    facts = control_of(name, layout, rows, data)
    Manifest(
        municipality=name.municipality,
        feed=feed,
        kind=name.kind,
        sequence=1,
        layout=layout,
        file=str(name),
        rows=rows,
        bytes=facts.bytes,
        sha256=facts.sha256,
        created_at=CREATED,
        pulled_at=CREATED,
    ).write(folder)
    return folder
