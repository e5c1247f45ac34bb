"""Each clause named by a test exists, and the table finds the markers."""

from __future__ import annotations

from command_line.clause_table import clauses, shown_by_clause


def test_no_test_names_a_clause_that_does_not_exist() -> None:
    assert set(shown_by_clause()) <= set(clauses())


def test_the_markers_of_functions_are_found() -> None:
    shown = shown_by_clause()
    assert any(test.startswith("tests/municipalities/test_registry.py::") for test in shown["1(6)②"])
