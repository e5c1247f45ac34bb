"""The suites as data: ``suites/<feed>.json``, loaded, their code lists filled in. Nothing is checked here.

``severity`` of an expectation: ``error`` quarantines the row, ``warning`` is only counted. ``derived`` columns are
computed before (several columns at once); ``single`` groups are counted over a full set.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from records.code_lists import code_list
from records.dictionary import Item, items

View = Literal["value", "shape", "presence"]


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One expectation. ``name`` and ``field`` are what a quarantine reason says; ``field`` is a dictionary column."""

    name: str
    type: str
    kwargs: dict[str, Any]
    severity: str
    field: str

    @property
    def column(self) -> str:
        """The column that it looks at (of the dictionary, or derived)."""
        return str(self.kwargs["column"])


@dataclass(frozen=True, slots=True)
class Suite:
    """All checks of a feed."""

    feed: str
    checks: tuple[Check, ...]
    derived: tuple[dict[str, Any], ...]
    single: tuple[dict[str, Any], ...]


@cache
def suite(feed: str) -> Suite:
    """The suite of one feed."""
    values = json.loads(files(__package__).joinpath("suites", f"{feed}.json").read_text("utf-8"))
    fields: dict[str, str] = {one["name"]: one.get("column", "@row") for one in values["derived"]}
    return Suite(
        feed=values["feed"],
        checks=tuple(_check(one, fields) for one in values["expectations"]),
        derived=tuple(values["derived"]),
        single=tuple(values["single"]),
    )


@cache
def views(feed: str) -> dict[str, View]:
    """What a check sees of each column: codes and small numbers themselves, of identifiers the shape, else presence."""
    return {name: _view(item, name) for item in items(feed) for name in item.columns}


def _check(values: dict[str, Any], fields: dict[str, str]) -> Check:
    kwargs = dict(values["kwargs"])
    listed, pattern = kwargs.get("value_set"), kwargs.get("regex")
    if isinstance(listed, dict):
        kwargs["value_set"] = list(code_list(listed["code_list"]))
    if isinstance(pattern, dict):
        kwargs["regex"] = f"^(?:{'|'.join(code_list(pattern['codes']))}){{1,{pattern['most']}}}$"
    column = str(kwargs["column"])
    return Check(values["meta"]["name"], values["type"], kwargs, values["meta"]["severity"], fields.get(column, column))


def _view(item: Item, name: str) -> View:
    if name == item.key and (item.code_list or item.type in ("flag", "year", "count")):
        return "value"
    return "shape" if item.type in ("digits", "alnum") else "presence"
