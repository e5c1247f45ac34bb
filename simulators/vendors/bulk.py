"""Full sets of any number of residents for benchmarks: some thousand invented people repeated under new numbers.

What is measured with them is the way of a row, not the invention of names. Rows are streamed: memory stays flat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from extractors.exchange import FileName
from municipalities.registry import Municipality
from simulators.vendors.cells import Cell
from simulators.vendors.charsets import cp932
from simulators.vendors.control import control_file, header, trailer
from simulators.vendors.files import Change, VendorFormat, facts_of, fixed_record, head
from simulators.world.town import build
from vendor_layouts.layout import OPERATION, ROW_NUMBER, Column

FEED = "resident"
PEOPLE = 2_000
BLOCK = 5_000
HOUSEHOLD_SIZE = 3
CHANGING = (OPERATION, ROW_NUMBER, "addressee_number", "household_number")


class Template(NamedTuple):
    """One person's record in pieces between the values that change from row to row, which ``fields`` names in order."""

    pieces: tuple[bytes, ...]
    fields: tuple[str, ...]


def write_benchmark_set(folder: Path, municipality: Municipality, rows: int, seed: int = 7) -> Path:
    """A resident full set of ``rows`` people, number 1, in ``folder``; the path of its data file."""
    bulk = Bulk(municipality, seed)
    return bulk.write(folder, "full", 1, range(1, rows + 1))


class Bulk:
    """Writes large resident files of one municipality."""

    def __init__(self, municipality: Municipality, seed: int = 7, people: int = PEOPLE) -> None:
        self._format = VendorFormat(municipality)
        town = build(municipality, seed, people, belongings=False)
        changes = [Change("1", row) for row in town.active()]
        self._templates = [self._template(change) for change in changes]
        codes = {ours: theirs for theirs, ours in self._format.layout.codes.get(OPERATION, {}).items()}
        self._operations = {one: codes.get(one, one) for one in "123"}

    def write(self, folder: Path, kind: str, sequence: int, people: Sequence[int]) -> Path:
        """The people with these numbers as one file; 宛名番号 is the number, three share a household."""
        layout = self._format.layout
        name = FileName(self._format.municipality.code, FEED, "full" if kind == "full" else "diff", sequence)
        facts = facts_of(layout, name, len(people), sequence)
        path, size, digest = folder / str(name), 0, hashlib.sha256()
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            if layout.control == "records":
                first = header(facts)
                file.write(first)
                digest.update(first)
            for block in self._blocks(kind, people):
                file.write(block)
                digest.update(block)
                size += len(block)
            facts = replace(facts, size=size, sha256=digest.hexdigest())
            if layout.control == "records":
                file.write(trailer(facts))
        if layout.control == "file":
            (folder / name.control).write_bytes(control_file(facts))
        return path

    def _blocks(self, kind: str, people: Sequence[int]) -> Iterator[bytes]:
        layout = self._format.layout
        yield head(layout, layout.feeds[FEED])
        operation = "1" if kind == "full" else "2"
        for start in range(0, len(people), BLOCK):
            part = people[start : start + BLOCK]
            yield b"".join(self._row(number, person, operation) for number, person in enumerate(part, start + 1))

    def _row(self, number: int, person: int, operation: str) -> bytes:
        template = self._templates[person % len(self._templates)]
        values = {
            OPERATION: self._operations[operation],
            ROW_NUMBER: f"{number:08d}",
            "addressee_number": f"{person:015d}",
            "household_number": f"{person // HOUSEHOLD_SIZE + 1:015d}",
        }
        out = [template.pieces[0]]
        for field, piece in zip(template.fields, template.pieces[1:], strict=True):
            out.append(self._digits(values[field]))
            out.append(piece)
        return b"".join(out)

    def _digits(self, text: str) -> bytes:
        """Digits and capitals stand in EBCDIK where every EBCDIC has them."""
        return text.encode("cp037" if self._format.layout.form == "fixed" else "ascii")

    def _template(self, change: Change) -> Template:
        """The record cut before and after each value that changes from row to row."""
        layout = self._format.layout
        columns = layout.feeds[FEED].columns
        cells = self._format.cells(FEED, change, 1)
        pieces, fields = [b""], []
        for at, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            before, after = self._around(at, len(columns))
            if column.field in CHANGING:
                fields.append(column.field)
                pieces[-1] += before
                pieces.append(after)
            else:
                pieces[-1] += before + self._inside(column, cell) + after
        return Template(tuple(pieces), tuple(fields))

    def _around(self, at: int, count: int) -> tuple[bytes, bytes]:
        """What stands before and after a cell."""
        layout = self._format.layout
        if layout.form == "fixed":
            return b"", b""
        return b'"', b'"' + (layout.delimiter if at < count - 1 else layout.newline).encode("ascii")

    def _inside(self, column: Column, cell: Cell) -> bytes:
        layout = self._format.layout
        if layout.form == "fixed":
            return fixed_record(layout, [column], [cell])
        text = str(cell).replace('"', '""')
        return text.encode("utf-8") if layout.charset == "utf-8" else cp932(text)
