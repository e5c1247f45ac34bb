"""対応の撤回 by commands: a character that was confirmed wrongly, from printed to waiting to printed rightly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gaiji_maps.font_coverage import coverage
from tests.gaiji_flow.conftest import CODES, TARGET, Newcomer, stored, withheld

TOWN = "364894"
WRONG_TEXT = "鵺"  # the vendor writes it by itself, too, for somebody who is really called so
CODE = CODES[TOWN]
New = Callable[..., Newcomer]
FIRST, SECOND = ("--by", "架空　一郎"), ("--by", "架空　二子")


def decide(run: Any, target: str) -> None:
    assert run("propose", TOWN, CODE, target, *FIRST)[0] == 0
    assert run("confirm", TOWN, CODE, *SECOND)[0] == 0


@pytest.mark.clause("3(1)⑨", "3(1)⑩")
def test_a_wrong_character_is_taken_back_and_its_bearers_wait(newcomer: New, run: Any) -> None:
    new = newcomer(TOWN)
    new.vendor.full_set("resident")
    new.sync(full=True)
    for number in (2, 5):
        new.bears(number)
    new.vendor.town.change("resident", list(new.vendor.town.records["resident"])[9], name=f"{WRONG_TEXT}川　三郎")
    new.vendor.difference("resident")
    decide(run, str(coverage().mj_name_of(WRONG_TEXT)))
    new.sync()
    assert sum(row["name"].startswith(f"{WRONG_TEXT}田") for row in stored(TOWN).values()) == 2

    assert run("reject", TOWN, CODE, *SECOND)[0] == 1  # says not why
    assert run("reject", TOWN, CODE, *SECOND, "--reason", "点の数が違う")[0] == 0
    assert withheld(TOWN) == 0
    assert run("reject", TOWN, CODE, *SECOND, "--reason", "点の数が違う")[0] == 1  # the same person
    exit_code, _, said = run("reject", TOWN, CODE, *FIRST)
    assert (exit_code, withheld(TOWN)) == (0, 3)
    assert "3 persons bear the character and wait now" in said
    exit_code, rows, _ = run("waiting", TOWN)
    assert (exit_code, rows[0]["code"], rows[0]["persons"]) == (1, CODE, 3)

    assert run("remap", TOWN, "resident")[1][0]["released"] == 1, "whom the code does not concern"
    assert withheld(TOWN) == 2
    decide(run, TARGET)
    assert run("remap", TOWN, "resident")[1][0]["released"] == 2
    assert stored(TOWN) == new.truth()
    assert (withheld(TOWN), run("waiting", TOWN)[0]) == (0, 0)


def test_those_who_wait_already_are_not_doubled(newcomer: New, run: Any) -> None:
    new = newcomer(TOWN)
    new.vendor.full_set("resident")
    new.sync(full=True)
    decide(run, TARGET)
    new.bears(2)
    new.vendor.difference("resident")
    new.sync()
    new.vendor.full_set("resident")
    assert run("reject", TOWN, CODE, *SECOND, "--reason", "別の字")[0] == 0
    assert run("reject", TOWN, CODE, *FIRST)[0] == 0
    assert withheld(TOWN) == 1
    new.sync(full=True)
    assert withheld(TOWN) == 1, "the newer row waits for the code as well"
    decide(run, TARGET)
    assert run("remap", TOWN, "resident")[1][0]["released"] == 1
    assert stored(TOWN) == new.truth()
