"""A vendor that writes sequences of another collection (汎用電子, Adobe-Japan1): stopped by name, mapped by two persons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from command_line.gaiji import _hint
from gaiji_maps.font_coverage import coverage
from gaiji_maps.standard.table import foreign_sequences
from municipalities.registry import get
from tests.gaiji_flow.conftest import TARGET, Newcomer, stored, withheld

TOWN, SEQUENCE = "364991", "U+8FA5 U+E01E0"  # of the target's own base, so that a dropped selector would look right
New = Callable[..., Newcomer]


@pytest.fixture
def waiting_town(newcomer: New) -> Newcomer:
    """Three persons wait for one sequence that no font draws."""
    assert (coverage().text_of(TARGET) or "")[0] == chr(0x8FA5)
    new = newcomer(TOWN, vendor_code=SEQUENCE)
    new.vendor.full_set("resident")
    new.sync(full=True)
    for number in (2, 5, 7):
        new.bears(number)
    new.vendor.difference("resident")
    assert new.sync()["quarantined"] == 3
    return new


@pytest.mark.clause("3(1)⑩")
def test_from_a_foreign_sequence_to_green(waiting_town: Newcomer, run: Any) -> None:
    exit_code, rows, said = run("waiting", TOWN)
    assert (exit_code, rows[0]["code"], rows[0]["persons"]) == (1, SEQUENCE, 3)
    assert f"外字 {SEQUENCE} が未同定のため、3 人の証明書を交付できません" in said
    assert run("propose", TOWN, SEQUENCE, TARGET, "--by", "架空　一郎", "--how", "the vendor's list")[0] == 0
    assert run("confirm", TOWN, SEQUENCE, "--by", "架空　一郎")[0] == 1
    assert run("confirm", TOWN, SEQUENCE, "--by", "架空　二子")[0] == 0
    exit_code, rows, _ = run("remap", TOWN, "resident")
    assert (exit_code, rows[0]["applied"], rows[0]["released"]) == (0, 3, 3)
    assert stored(TOWN) == waiting_town.truth()
    assert sum(row["name"].startswith(f"{waiting_town.text}田") for row in stored(TOWN).values()) == 3
    assert (withheld(TOWN), run("waiting", TOWN)[0]) == (0, 0)


def test_a_sequence_has_its_line_in_excel(waiting_town: Newcomer, run: Any, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    run("export", TOWN, "--xlsx", str(path))
    book = load_workbook(path)
    line = next(line for line in book["対照表"].iter_rows(min_row=2) if line[2].value == SEQUENCE)
    line[3].value, line[4].value = TARGET, "提案"
    book.save(path)
    assert run("import", TOWN, "--xlsx", str(path), "--by", "架空　一郎")[1] == [{"municipality": TOWN, "proposed": 1}]
    assert (get(TOWN).folder / "gaiji_map.csv").read_text("utf-8").count(SEQUENCE) == 1


def test_a_number_in_the_list_is_a_hint_and_no_more() -> None:
    for sequence, name in foreign_sequences().items():
        assert _hint(" ".join(f"U+{ord(one):04X}" for one in sequence)) == f"{name}?"
    assert (_hint(SEQUENCE), _hint("F9FC"), _hint("U+E0102")) == ("", "", "")
