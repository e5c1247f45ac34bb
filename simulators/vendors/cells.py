"""One value of the truth → the text that a vendor's system holds for it: codes, dates, kana, private characters.

The inverse of what the synchronisation must do, written for itself, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from gaiji_maps import correspondence
from gaiji_maps.font_coverage import is_private
from municipalities.registry import Municipality
from records.date_codes import FORMATS
from records.dictionary import Item, items
from records.wareki import parse
from transforms.kana import to_half_width
from vendor_layouts.layout import OPERATION, ROW_NUMBER, Column, FeedLayout, Layout

Row = Mapping[str, Any]
Cell = str | bytes

ZERO_DATES = {"era_letter": "0000000", "era_digit": "000000000", "era_iso": "0000-00-00", "iso": "0000-00-00"}


class Speller:
    """Spells standard text in one vendor's characters: standard (base + selector) → the vendor's private code."""

    def __init__(self, layout: Layout, municipality: Municipality) -> None:
        mapping = correspondence.lookup(layout.charset, municipality.folder, layout.system)
        targets = {target: vendor for vendor, target in mapping.items()}
        self._longest = sorted(targets, key=len, reverse=True)
        self._targets = targets
        self._ordinary = [vendor for vendor in mapping if not is_private(ord(vendor[0]))]

    @property
    def targets(self) -> tuple[str, ...]:
        """The standard characters that this vendor can write by a code of its own."""
        return tuple(self._targets)

    def truth(self, text: str) -> str:
        """``text`` as this vendor's counter prints it: an ordinary code that its font draws otherwise is that other shape."""
        for vendor in self._ordinary:
            if vendor in text:
                text = re.sub(f"{re.escape(vendor)}(?![\U000e0100-\U000e01ef])", self._of(vendor), text)
        return text

    def _of(self, vendor: str) -> str:
        return next(target for target, code in self._targets.items() if code == vendor)

    def __call__(self, text: str) -> str:
        """``text`` as the vendor holds it."""
        for target in self._longest:
            if target in text:
                text = text.replace(target, self._targets[target])
        return text


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
            return to_half_width(text) if column.format == "halfwidth" else self._spell(text)

        return write

    def _date(self, column: Column, item: Item) -> Callable[[Row], Cell]:
        wording, certainty = item.text_column, item.certainty_column

        def write(row: Row) -> Cell:
            free = row.get(certainty) == "5"
            if column.part == "text":
                return self._spell(row[wording]) if free else ""
            return "" if row.get(certainty) is None or free else _date_code(row[wording], column.format)

        return write


@cache
def _date_code(wording: str, format_: str) -> str:
    parts = parse(wording)
    if not parts.year:
        return ZERO_DATES[format_]
    return FORMATS[format_].write(parts)


def _image(column: Column) -> Callable[[Row], Cell]:
    def write(row: Row) -> Cell:
        data = row.get(column.field) or b""
        if column.part == "@length":
            return f"{len(data):05d}" if data else ""
        return base64.b64encode(data).decode() if column.format == "base64" else bytes(data)

    return write
