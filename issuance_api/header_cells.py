"""Header cells (見出しセル) of a finished page's tables, for whoever has the page read aloud.

Typst writes every cell of our tables as a data cell: what would mark a header cell in front of its row is behind a switch
that the Python package does not have (``a11y-extras``, 0.15). In the forms' tables labels and values take turns in each
row, and a cell over several rows is neither, so the labels are known here. Bytes are replaced by as many others, so that
nothing else in the file moves. Nothing that is drawn is touched.
"""

from __future__ import annotations

import re

_CELL = re.compile(
    rb"\n(?P<number>\d+) 0 obj\n<</Type/StructElem(?P<kind>/S/TD)/P \d+ 0 R(?:/Lang\([\w-]+\))?"
    rb"/A\[<</O/Table(?P<headers>/Headers\[\])(?P<rows>/RowSpan \d+)?"
)
_ROW = re.compile(rb"<</Type/StructElem/S/TR/P \d+ 0 R(?:/Lang\([\w-]+\))?/K\[([\d R]+)\]")
_HEADER, _SCOPE = b"/S/TH", b"/Scope/Row"
_NONE = b" " * len(_SCOPE)  # an empty list would say that a value has no header


def with_header_cells(pdf: bytes) -> bytes:
    """``pdf`` in which the labels of all tables are header cells of their rows."""
    end = pdf.find(b"stream\n")  # the structure stands before the first stream
    cells = {int(cell["number"]): cell for cell in _CELL.finditer(pdf, 0, end)}
    marked = bytearray(pdf)
    for row in _ROW.finditer(pdf, 0, end):
        found = [cells[number] for number in map(int, row[1].split()[::3]) if number in cells]
        single = [cell for cell in found if cell["rows"] is None]
        for at, cell in enumerate(single):
            _write(marked, cell, "headers", _NONE if at % 2 else _SCOPE)
            if at % 2 == 0:
                _write(marked, cell, "kind", _HEADER)
    return bytes(marked)


def _write(marked: bytearray, cell: re.Match[bytes], group: str, new: bytes) -> None:
    start, end = cell.span(group)
    marked[start:end] = new
