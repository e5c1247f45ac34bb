"""The suites as data: ``suites/<feed>.json``, loaded, their code lists filled in. Nothing is checked here.

``grain`` of an expectation: ``row`` looks at the column itself (identifiers), ``combination`` at the different
combinations of codes, flags and presence marks in a block, of which there are few. Names and addresses never reach
Great Expectations: of them only presence is told. ``severity``: ``error`` quarantines the row, ``warning`` is counted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from records.code_lists import code_list
from records.dictionary import Item, items


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation with the name that quarantine reasons carry."""

    name: str
    type: str
    kwargs: dict[str, Any]
    grain: str
    severity: str

    @property
    def column(self) -> str:
        """The column that it looks at."""
        return str(self.kwargs["column"])


@dataclass(frozen=True, slots=True)
class Suite:
    """All checks of a feed; ``derived`` columns are computed before, ``single`` groups are counted over a full set."""

    feed: str
    checks: tuple[Check, ...]
    derived: tuple[dict[str, Any], ...]
    single: tuple[dict[str, Any], ...]

    def of(self, grain: str) -> tuple[Check, ...]:
        """The checks of one grain."""
        return tuple(one for one in self.checks if one.grain == grain)

    def coded(self, column: str) -> bool:
        """Whether a column's values themselves may be looked at in combinations (codes, flags, small numbers)."""
        return column in _coded_columns(self.feed) or any(one["name"] == column for one in self.derived)


@cache
def suite(feed: str) -> Suite:
    """The suite of one feed."""
    values = json.loads(files(__package__).joinpath("suites", f"{feed}.json").read_text("utf-8"))
    return Suite(
        feed=values["feed"],
        checks=tuple(_check(one) for one in values["expectations"]),
        derived=tuple(values["derived"]),
        single=tuple(values["single"]),
    )


def _check(values: dict[str, Any]) -> Check:
    kwargs = dict(values["kwargs"])
    listed, pattern = kwargs.get("value_set"), kwargs.get("regex")
    if isinstance(listed, dict):
        kwargs["value_set"] = list(code_list(listed["code_list"]))
    if isinstance(pattern, dict):
        kwargs["regex"] = f"^(?:{'|'.join(code_list(pattern['codes']))}){{1,{pattern['most']}}}$"
    meta = values["meta"]
    return Check(meta["name"], values["type"], kwargs, meta["grain"], meta["severity"])


@cache
def _coded_columns(feed: str) -> frozenset[str]:
    return frozenset(name for item in items(feed) for name in _coded(item))


def _coded(item: Item) -> tuple[str, ...]:
    if item.type == "date":
        return (item.certainty_column,)
    return (item.key,) if item.code_list or item.type in ("flag", "year", "count") else ()
