"""Reads what the system is tried with (``docs/faults.csv``) and finds the tests that carry ``@pytest.mark.fault``."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from command_line.marked_tests import marked
from municipalities.site import CHECKOUT


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: its number, where, and what."""

    number: int
    group: str
    text: str


def faults() -> dict[int, Fault]:
    """Every fault by its number."""
    with (CHECKOUT / "docs" / "faults.csv").open(encoding="utf-8") as file:
        rows = [Fault(int(row["number"]), row["group"], row["text"]) for row in csv.DictReader(file)]
    return {one.number: one for one in rows}


def shown_by_fault() -> dict[int | str, list[str]]:
    """Number → ids of the tests that inject the fault and look at the outcome (``tests/x/test_y.py::test_z``)."""
    found: dict[int | str, list[str]] = {}
    for number, test in marked("fault"):
        found.setdefault(number, []).append(test)
    return found
