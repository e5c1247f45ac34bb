"""The data dictionary (データ項目定義): every item of resident, seal and tax, in the order of its columns.

``dictionary.csv`` is the one source; schema, layouts, expectations and the documentation are compared with it both ways.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

CERTAINTY_SUFFIX = "_certainty"
TEXT_SUFFIX = "_text"


@dataclass(frozen=True, slots=True)
class Item:
    """One item (項目): its record, English key, official Japanese name, type and greatest length in characters.

    Types: ``text`` (register text, Unicode with IVS), ``kana``, ``digits``, ``alnum``, ``code:<list>``,
    ``codes:<list>`` (joined two-digit codes), ``date`` (three columns), ``year``, ``yen``, ``count``, ``flag``, ``image``.
    """

    record: str
    key: str
    japanese_name: str
    type: str
    length: int
    is_key: bool
    mandatory: bool
    source: str
    note: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in the replica; a date takes three: internal date, 不詳 flag, printed wording."""
        if self.type == "date":
            return (self.key, self.certainty_column, self.text_column)
        return (self.key,)

    @property
    def certainty_column(self) -> str:
        """Column of the 不詳 flag, see ``records.wareki.Certainty``."""
        return self.key + CERTAINTY_SUFFIX

    @property
    def text_column(self) -> str:
        """Column of the printed wording: ``birth_on`` → ``birth_text``."""
        return self.key.removesuffix("_on") + TEXT_SUFFIX

    @property
    def code_list(self) -> str | None:
        """Name of the code list that the values come from."""
        kind, _, name = self.type.partition(":")
        return name if kind in ("code", "codes") else None


@cache
def items(record: str) -> tuple[Item, ...]:
    """All items of ``record`` (resident, seal, tax) in column order; ``KeyError`` when there is none."""
    found = tuple(item for item in all_items() if item.record == record)
    if not found:
        raise KeyError(record)
    return found


@cache
def key_items(record: str) -> tuple[Item, ...]:
    """The items that together identify one record."""
    return tuple(item for item in items(record) if item.is_key)


@cache
def columns(record: str) -> tuple[str, ...]:
    """All replica columns of ``record`` that come from the vendor, in order."""
    return tuple(column for item in items(record) for column in item.columns)


@cache
def record_names() -> tuple[str, ...]:
    """The records of the dictionary in the order in which they first appear."""
    return tuple(dict.fromkeys(item.record for item in all_items()))


@cache
def all_items() -> tuple[Item, ...]:
    """The whole dictionary."""
    text = files(__package__).joinpath("dictionary.csv").read_text("utf-8")
    return tuple(_item(row) for row in csv.DictReader(text.splitlines()))


def _item(row: dict[str, str]) -> Item:
    return Item(
        record=row["record"],
        key=row["key"],
        japanese_name=row["japanese_name"],
        type=row["type"],
        length=int(row["length"]),
        is_key=row["part"] == "key",
        mandatory=row["mandatory"] == "yes",
        source=row["source"],
        note=row["note"],
    )
