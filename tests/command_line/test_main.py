"""The command line as a person meets it: help everywhere, ``--json`` anywhere, honest exit codes, one line for an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line.__main__ import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["hold", "--json", "364894", "list"], ["hold", "364894", "list", "--json"]])
def test_an_error_is_one_json_line_wherever_json_stands(
    arguments: list[str], utsushi_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"] == "configuration"
    assert len(printed.err.splitlines()) == 1


def test_status_of_an_installation_that_was_never_set_up_is_not_well(
    utsushi_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows
    assert not any(row["well"] for row in rows)


def test_clauses_are_printed_with_the_tests_that_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clauses", "--json"]) == 0
    rows = {row["clause"]: row for line in capsys.readouterr().out.splitlines() if (row := json.loads(line))}
    assert rows["3(1)⑪"]["tests"] > 0
    assert rows["7(1)④"]["tests"] == 0
