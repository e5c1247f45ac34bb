"""Loads a vendor's file layout and audits it: every item of the dictionary is sent or declared absent with a reason,
every column is used or ignored with a reason.

A layout is ``layout.toml``, one ``<feed>.csv`` per feed and ``codes.csv``; ``docs/exchange_format.md`` explains them.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from records import dictionary
from records.batch import FEEDS
from records.errors import ConfigurationError, Place

ROOT = Path(__file__).resolve().parent
OPERATION, ROW_NUMBER = "@operation", "@row_number"
DELIMITED_CHARSETS = ("cp932-eudc", "utf-8", "utf-16", "utf-16be", "utf-16le", "juki-unified")
FIXED_CHARSETS = ("keis83", "keis78", "jef", "ibm-930", "ibm-939")
CHARSETS = (*DELIMITED_CHARSETS, *FIXED_CHARSETS)
DATE_FORMATS = ("era_letter", "era_digit", "iso", "era_iso", "yyyymmdd")
FORMATS = ("", *DATE_FORMATS, "halfwidth", "base64", "binary", "signed")
KINDS = ("X", "N", "M", "B")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the vendor's record.

    ``field`` is a dictionary key, ``@operation``, ``@row_number`` or empty (then ``ignore`` says why). ``part`` is
    ``text`` for a date's free wording (不詳表記), ``@length`` for a binary field's byte count, or ``1``, ``2`` … for
    pieces that are joined. ``bytes`` and ``kind`` belong to fixed records: X single-byte, N two-byte, M mixed, B raw.
    """

    order: int
    vendor_column: str
    field: str
    part: str
    bytes: int
    kind: str
    format: str
    codes: str
    ignore: str

    @property
    def name(self) -> str:
        """Name of the column in ``decoded.parquet``: the field, and its part after ``#``."""
        return f"{self.field}#{self.part}" if self.part else self.field


@dataclass(frozen=True, slots=True)
class FeedLayout:
    """The columns of one feed's record (``resident``, ``seal`` or ``tax``), in the vendor's order."""

    record: str
    columns: tuple[Column, ...]

    @property
    def record_bytes(self) -> int:
        """Length of a fixed record in bytes; 0 for delimited files."""
        return sum(column.bytes for column in self.columns)

    @property
    def used(self) -> tuple[Column, ...]:
        """The columns that carry an item of the dictionary."""
        return tuple(column for column in self.columns if column.field and not column.field.startswith("@"))

    def columns_of(self, field: str) -> tuple[Column, ...]:
        """The columns of one dictionary key, parts in order; empty when this vendor does not send it."""
        return tuple(column for column in self.columns if column.field == field)


@dataclass(frozen=True, slots=True)
class Layout:
    """A vendor system's exchange format: charset, form, where the control record stands, feeds and code tables."""

    system: str
    version: int
    japanese_name: str
    charset: str
    form: str
    control: str
    header: bool
    delimiter: str
    newline: str
    feeds: dict[str, FeedLayout]
    codes: dict[str, dict[str, str]]
    absent: dict[str, dict[str, str]]
    characters: tuple[tuple[int, int], ...] = ()  # two-byte codes that only this vendor has, with their code points

    @property
    def name(self) -> str:
        """``system/version``, as control records and municipalities name it."""
        return f"{self.system}/{self.version}"


def all_layouts() -> tuple[str, ...]:
    """Names of the layouts of this release."""
    return tuple(sorted(f"{path.parent.parent.name}/{path.parent.name}" for path in ROOT.glob("*/*/layout.toml")))


@cache
def load(name: str) -> Layout:
    """The layout ``system/version``, audited; ``ConfigurationError`` names the file and the column."""
    folder = ROOT / name
    if not (folder / "layout.toml").exists():
        raise ConfigurationError(f"there is no layout {name}; known: {', '.join(all_layouts())}")
    values = tomllib.loads((folder / "layout.toml").read_text("utf-8"))
    codes = _codes(folder / "codes.csv")
    absent = values.pop("absent", {})
    feeds = {feed: _feed(folder / f"{feed}.csv", feed) for feed in FEEDS if (folder / f"{feed}.csv").exists()}
    layout = replace(_layout(name, values, feeds, codes, absent), characters=_characters(folder / "characters.csv"))
    for problem in _audit(layout):
        raise ConfigurationError(problem, Place(f"vendor_layouts/{name}"))
    return layout


def _layout(
    name: str,
    values: dict[str, Any],
    feeds: dict[str, FeedLayout],
    codes: dict[str, dict[str, str]],
    absent: dict[str, dict[str, str]],
) -> Layout:
    system, _, version = name.partition("/")
    defaults = {"header": False, "delimiter": ",", "newline": "\n"}
    settings: dict[str, Any] = {**defaults, **values}
    expected = {"japanese_name", "charset", "form", "control", *defaults}
    if set(settings) != expected:
        raise ConfigurationError(f"settings differ: {sorted(set(settings) ^ expected)}", Place(f"{name}/layout.toml"))
    return Layout(system=system, version=int(version), feeds=feeds, codes=codes, absent=absent, **settings)


def _characters(path: Path) -> tuple[tuple[int, int], ...]:
    """The vendor's own two-byte codes (hexadecimal ``code,code_point``), where it has any."""
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple((int(row["code"], 16), int(row["code_point"], 16)) for row in csv.DictReader(file))


def _codes(path: Path) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table = tables.setdefault(row["table"], {})
            if row["vendor_code"] in table:
                raise ConfigurationError("a vendor code stands twice", Place(path.name, field=row["table"]))
            table[row["vendor_code"]] = row["code"]
    return tables


def _feed(path: Path, feed: str) -> FeedLayout:
    with path.open(encoding="utf-8", newline="") as file:
        return FeedLayout(feed, tuple(_column(row) for row in csv.DictReader(file)))


def _column(row: dict[str, str]) -> Column:
    numbers = {"order": int(row["order"]), "bytes": int(row["bytes"] or 0)}
    return Column(**{**row, **numbers})  # type: ignore[arg-type]


def _audit(layout: Layout) -> Iterator[str]:
    """Everything that is wrong with a layout, one sentence each."""
    settings = (("charset", CHARSETS), ("form", ("delimited", "fixed")), ("control", ("file", "records")))
    for setting, allowed in settings:
        if getattr(layout, setting) not in allowed:
            yield f"{setting} must be one of {', '.join(allowed)}"
    fitting = {"delimited": DELIMITED_CHARSETS, "fixed": FIXED_CHARSETS}.get(layout.form, CHARSETS)
    if layout.charset in CHARSETS and layout.charset not in fitting:
        yield f"charset of this form must be one of {', '.join(fitting)}"
    if layout.characters and layout.charset not in FIXED_CHARSETS:
        yield "characters.csv is for the charsets of mainframes"
    for feed in layout.feeds.values():
        yield from _audit_columns(layout, feed)
        yield from _audit_items(layout, feed)


def _audit_columns(layout: Layout, feed: FeedLayout) -> Iterator[str]:
    known = {item.key for item in dictionary.items(feed.record)} | {OPERATION, ROW_NUMBER}
    for position, column in enumerate(feed.columns, 1):
        where = f"{feed.record}.csv column {position}"
        if column.order != position:
            yield f"{where}: order is {column.order}"
        if bool(column.field) == bool(column.ignore):
            yield f"{where}: a column is used or ignored with a reason"
        if column.field and column.field not in known:
            yield f"{where}: {column.field} is not in the data dictionary"
        if column.format not in FORMATS or (column.codes and column.codes not in layout.codes):
            yield f"{where}: unknown format or code table"
        if layout.form == "fixed" and (column.bytes < 1 or column.kind not in KINDS):
            yield f"{where}: a fixed column needs bytes and a kind of {', '.join(KINDS)}"


def _audit_items(layout: Layout, feed: FeedLayout) -> Iterator[str]:
    absent = layout.absent.get(feed.record, {})
    for field in (OPERATION, ROW_NUMBER):
        if len(feed.columns_of(field)) != 1:
            yield f"{feed.record}.csv: exactly one column must be {field}"
    for item in dictionary.items(feed.record):
        columns = feed.columns_of(item.key)
        if bool(columns) == (item.key in absent):
            yield f"{feed.record}.csv: {item.key} must be sent or declared absent, not both"
        if len({column.part for column in columns}) != len(columns):
            yield f"{feed.record}.csv: two columns are the same part of {item.key}"
        if item.type == "date" and any(one.format not in DATE_FORMATS for one in columns if one.part != "text"):
            yield f"{feed.record}.csv: {item.key} needs a date format"
        if item.key in absent and (item.mandatory or not absent[item.key]):
            yield f"{feed.record}.csv: {item.key} may not be absent, or its reason is missing"
