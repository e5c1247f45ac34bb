"""Each clause named by a test exists, and the table finds the markers."""

from __future__ import annotations

import pytest

from command_line.__main__ import main
from command_line.clause_table import clauses, shown_by_clause


def test_no_test_names_a_clause_that_does_not_exist() -> None:
    assert set(shown_by_clause()) <= set(clauses())


def test_the_markers_of_functions_are_found() -> None:
    shown = shown_by_clause()
    assert any(test.startswith("tests/municipalities/test_registry.py::") for test in shown["1(6)②"])


def test_the_tests_of_a_clause_stand_below_each_other_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clauses"]) == 0
    printed = capsys.readouterr().out
    assert "\\u000a" not in printed
    assert "tests/" in printed
