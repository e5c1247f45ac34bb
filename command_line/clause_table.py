"""Reads the clauses (``docs/clauses.csv``) and finds the tests that carry ``@pytest.mark.clause``, without running them."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator
from pathlib import Path

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
    for path in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        for named, test in _marked(path):
            for clause in rows.get(named, [named]):
                found.setdefault(clause, []).append(test)
    return found


def _clauses_by_row() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    with (CHECKOUT / "docs" / "clauses.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["row"], []).append(row["clause"])
    return rows


def _marked(path: Path) -> Iterator[tuple[str, str]]:
    name = path.relative_to(CHECKOUT).as_posix()
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for clause in _clauses(node.decorator_list):
                yield clause, f"{name}::{node.name}"
        elif isinstance(node, ast.Assign) and _is_pytestmark(node):
            for clause in _clauses([node.value]):
                yield clause, name


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _clauses(nodes: list[ast.expr]) -> Iterator[str]:
    """The arguments of every ``pytest.mark.clause(…)`` below ``nodes``."""
    for node in nodes:
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "clause":
                yield from (str(one.value) for one in call.args if isinstance(one, ast.Constant))
