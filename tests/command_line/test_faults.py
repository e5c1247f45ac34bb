"""Each fault that a test names is in the list, and those of issuing are all injected by some test."""

from __future__ import annotations

import json

import pytest

from command_line.__main__ import main
from command_line.fault_table import faults, shown_by_fault

ISSUING = range(52, 66)


def test_the_list_is_whole() -> None:
    assert list(faults()) == list(range(1, 159))
    assert all(one.group and one.text for one in faults().values())


def test_no_test_names_a_fault_that_is_not_in_the_list() -> None:
    assert set(shown_by_fault()) <= set(faults())


@pytest.mark.parametrize("number", ISSUING)
def test_every_fault_of_issuing_is_injected_by_a_test(number: int) -> None:
    assert shown_by_fault().get(number)


def test_the_table_names_the_tests_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shown = {row["fault"]: row["shown_by"] for row in rows}
    assert any(one.startswith("tests/issuance_api/test_holds.py::") for one in shown[52])
    assert main(["faults", "--missing", "--json"]) == 0
    missing = [json.loads(line)["fault"] for line in capsys.readouterr().out.splitlines()]
    assert missing == [number for number, tests in shown.items() if not tests]
