"""Finds the tests that carry a marker with arguments (``@pytest.mark.clause("4")``) by reading them, without running them.

What the arguments stand for is ``clause_table`` and ``fault_table``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from municipalities.site import CHECKOUT


def marked(marker: str) -> Iterator[tuple[str | int, str]]:
    """Each argument of ``pytest.mark.<marker>(…)`` with the id of the test (``tests/x/test_y.py::test_z``).

    A mark of the module (``pytestmark``) gives the file; one in ``pytest.param(…, marks=…)`` the test that is run with it.
    """
    for path in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        yield from _in_file(path, marker)


def _in_file(path: Path, marker: str) -> Iterator[tuple[str | int, str]]:
    name = path.relative_to(CHECKOUT).as_posix()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for found in _arguments(node.decorator_list, marker):
                yield found, f"{name}::{node.name}"
        elif isinstance(node, ast.Assign) and _is_pytestmark(node):
            for found in _arguments([node.value], marker):
                yield found, name


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _arguments(nodes: list[ast.expr], marker: str) -> Iterator[str | int]:
    """The arguments of every ``pytest.mark.<marker>(…)`` below ``nodes``."""
    for node in nodes:
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == marker:
                yield from (
                    one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str | int)
                )
