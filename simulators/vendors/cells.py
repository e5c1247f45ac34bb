"""One value of the truth → the text that a vendor's system holds for it: codes, dates, kana, private characters.

The inverse of what the synchronisation must do, written for itself, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gaiji_maps import correspondence
from gaiji_maps.font_coverage import is_private
from municipalities.registry import Municipality
from records.dictionary import Item, items
from simulators.vendors.dates import date_code, half_width
from vendor_layouts.layout import OPERATION, ROW_NUMBER, Column, FeedLayout, Layout

Row = Mapping[str, Any]
Cell = str | bytes


class Speller:
    """Spells standard text in one vendor's characters: standard (base + selector) → the vendor's private code."""

    def __init__(self, layout: Layout, municipality: Municipality) -> None:
        mapping = correspondence.lookup(layout.charset, municipality.folder, layout.system)
        self._targets = {target: vendor for vendor, target in mapping.items()}
        self._spelt = _any_of(self._targets)
        self._ordinary = {vendor: target for vendor, target in mapping.items() if not is_private(ord(vendor[0]))}
        self._drawn = _any_of(self._ordinary)

    @property
    def targets(self) -> tuple[str, ...]:
        """The standard characters that this vendor can write by a code of its own."""
        return tuple(self._targets)

    def truth(self, text: str) -> str:
        """``text`` as this vendor's counter prints it: an ordinary code that its font draws otherwise is that other shape."""
        return self._drawn.sub(lambda found: self._ordinary[found[0]], text)

    def __call__(self, text: str) -> str:
        """``text`` as the vendor holds it."""
        return self._spelt.sub(lambda found: self._targets[found[0]], text)


def _any_of(characters: Iterable[str]) -> re.Pattern[str]:
    """Any of these characters; a base alone is not the base of a variant that follows. Nothing matches when there is none."""
    longest_first = sorted(characters, key=len, reverse=True)
    choice = "|".join(re.escape(character) for character in longest_first) or "(?!)"
    return re.compile(f"(?:{choice})(?![\ufe00-\ufe0f\U000e0100-\U000e01ef])")


class CellWriter:
    """Writes the cells of one feed's rows in the order of the layout's columns."""

    def __init__(self, layout: Layout, feed: FeedLayout, spell: Speller) -> None:
        self._items = {item.key: item for item in items(feed.record)}
        self._codes = {name: {ours: theirs for theirs, ours in table.items()} for name, table in layout.codes.items()}
        self._spell = spell
        self._writers = [self._writer(column) for column in feed.columns]

    def cells(self, row: Row, operation: str, number: int) -> list[Cell]:
        """The cells of one record (更新区分 ``operation``, 連番 ``number``)."""
        meta = {**row, OPERATION: operation, ROW_NUMBER: f"{number:08d}"}
        return [write(meta) for write in self._writers]

    def _writer(self, column: Column) -> Callable[[Row], Cell]:
        if not column.field:
            mark = "D" if column.order == 1 else ""
            return lambda _: mark
        item = self._items.get(column.field)
        if item is not None and item.type == "date":
            return self._date(column, item)
        if item is not None and item.type == "image":
            return _image(column)
        return self._plain(column)

    def _plain(self, column: Column) -> Callable[[Row], Cell]:
        table = self._codes.get(column.codes)
        pieces = column.part.isdigit()

        def write(row: Row) -> Cell:
            value = row.get(column.field)
            if value is None:
                return ""
            text = str(value)
            if pieces:
                text = [*text.split("　", 1), ""][int(column.part) - 1]
            if table is not None:
                return table[text]
            return half_width(text) if column.format == "halfwidth" else self._spell(text)

        return write

    def _date(self, column: Column, item: Item) -> Callable[[Row], Cell]:
        wording, certainty = item.text_column, item.certainty_column

        def write(row: Row) -> Cell:
            free = row.get(certainty) == "5"
            if column.part == "text":
                return self._spell(row[wording]) if free else ""
            return "" if row.get(certainty) is None or free else date_code(row[wording], column.format)

        return write


def _image(column: Column) -> Callable[[Row], Cell]:
    def write(row: Row) -> Cell:
        data = row.get(column.field) or b""
        if column.part == "@length":
            return f"{len(data):05d}" if data else ""
        return base64.b64encode(data).decode() if column.format == "base64" else bytes(data)

    return write
