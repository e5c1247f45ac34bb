"""Reads the clauses (``docs/clauses.csv``) and finds the tests that carry ``@pytest.mark.clause``, without running them."""

from __future__ import annotations

import csv

from command_line.marked_tests import marked
from municipalities.site import CHECKOUT


def clauses() -> dict[str, str]:
    """Clause → requirement, in the order of the specification."""
    with (CHECKOUT / "docs" / "clauses.csv").open(encoding="utf-8") as file:
        return {row["clause"]: row["requirement"] for row in csv.DictReader(file)}


def shown_by_clause() -> dict[str, list[str]]:
    """Clause → ids of the tests that show it (``tests/x/test_y.py::test_z``).

    A marker may name one clause (``3(1)②``) or a whole row of the requirements table (``3(1)②④⑥``).
    """
    rows = _clauses_by_row()
    found: dict[str, list[str]] = {}
    for named, test in marked("clause"):
        for clause in rows.get(str(named), [str(named)]):
            found.setdefault(clause, []).append(test)
    return found


def _clauses_by_row() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    with (CHECKOUT / "docs" / "clauses.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["row"], []).append(row["clause"])
    return rows
