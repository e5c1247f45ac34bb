"""What is done with each item of a record, worked out once per file from the dictionary and the vendor's layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from records.code_lists import code_list
from records.dictionary import Item, columns, items, key_items
from transforms.codes import FLAGS
from transforms.dates import DateStyle
from vendor_layouts.layout import Column, FeedLayout, Layout

WORDING_PART = "text"
LENGTH_PART = "@length"
NAME_JOINER = "　"
# Items whose parts (氏, 名) are written with a full-width space between; parts of others follow each other directly.
NAMES = frozenset(
    ("name", "name_kana", "common_name", "common_name_kana", "householder_name", "family_register_head")
)  # fmt: skip
# Registers hold births on days that no calendar has (2月30日); other dates must be real.
NOT_A_DAY_ALLOWED = frozenset(("birth_on",))
# Only matters where the vendor writes western years for everybody.
ALWAYS_WESTERN = frozenset(("residence_period_ends_on",))
WESTERN_FOR_FOREIGNERS = frozenset(("birth_on",))

ARROW_TYPES = {
    "year": pa.int64(),
    "yen": pa.int64(),
    "count": pa.int64(),
    "date": pa.date32(),
    "image": pa.binary(),
}


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """One item: the decoded columns that it is made of, and how.

    ``sources`` are names in ``decoded.parquet`` in the order of their parts; ``codes`` the vendor's code table.
    """

    item: Item
    sources: tuple[str, ...]
    wording: str | None
    joiner: str
    format: str
    codes: Mapping[str, str] | None
    allowed: frozenset[str]

    @property
    def half_width(self) -> bool:
        """Whether the vendor writes this kana item in half-width kana."""
        return self.format == "halfwidth"

    @property
    def date_style(self) -> DateStyle:
        """How a date item is read where nothing depends on the person."""
        key = self.item.key
        return DateStyle(self.format, key in ALWAYS_WESTERN, key not in NOT_A_DAY_ALLOWED)

    @property
    def western_for_foreigners(self) -> bool:
        """Whether the wording depends on 住民種別, because the vendor's code does not tell."""
        return self.item.key in WESTERN_FOR_FOREIGNERS and not self.date_style.has_era


def make_plan(feed: FeedLayout, layout: Layout) -> tuple[ItemPlan, ...]:
    """The plans for all items of the feed's record, in the order of the dictionary."""
    return tuple(_item_plan(item, feed.columns_of(item.key), layout) for item in items(feed.record))


def decoded_columns(plans: tuple[ItemPlan, ...]) -> tuple[str, ...]:
    """Names of the columns to read from ``decoded.parquet``."""
    found = ("row_number", "operation", "problem")
    return (*found, *(name for plan in plans for name in (*plan.sources, plan.wording) if name))


def schema(record: str) -> pa.Schema:
    """The columns of ``mapped.parquet``."""
    fields = [("row_number", pa.int64()), ("operation", pa.string())]
    fields += [field for item in items(record) for field in _fields(item)]
    assert [name for name, _ in fields[2:]] == list(columns(record))
    return pa.schema([*fields, ("problem", pa.string())])


def key_names(record: str) -> frozenset[str]:
    """Keys of the items that identify a record."""
    return frozenset(item.key for item in key_items(record))


def _fields(item: Item) -> Iterator[tuple[str, pa.DataType]]:
    yield item.key, ARROW_TYPES.get(item.type, pa.string())
    for column in item.columns[1:]:
        yield column, pa.string()


def _item_plan(item: Item, found: tuple[Column, ...], layout: Layout) -> ItemPlan:
    parts = sorted((one for one in found if one.part not in (WORDING_PART, LENGTH_PART)), key=lambda one: one.part)
    wording = next((one.name for one in found if one.part == WORDING_PART), None)
    first = parts[0] if parts else None
    return ItemPlan(
        item=item,
        sources=tuple(one.name for one in parts),
        wording=wording,
        joiner=NAME_JOINER if item.key in NAMES else "",
        format=first.format if first else "",
        codes=layout.codes[first.codes] if first and first.codes else None,
        allowed=_allowed(item),
    )


def _allowed(item: Item) -> frozenset[str]:
    if item.type == "flag":
        return frozenset(FLAGS)
    return frozenset(code_list(item.code_list)) if item.code_list else frozenset()
