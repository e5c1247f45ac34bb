"""Staff look people up: folded, recorded, and nothing stored is changed."""

from __future__ import annotations

import psycopg
import pytest
from fictional_people import CODE, FATHER
from issuing_town import NOW, change, fill, owner

from command_line.__main__ import main
from gaiji_maps.folding import pattern
from replica.connections import connect
from replica.lookup import find

NAME = "渡邉\U000e0110　髙志"


@pytest.fixture
def town(issuing_site: str) -> None:
    fill(NOW)
    change("update replica.resident set name = %s where addressee_number = %s", NAME, FATHER.addressee_number)


def stored() -> list[tuple[object, ...]]:
    with owner() as connection:
        return connection.execute("select * from replica.resident order by addressee_number").fetchall()


@pytest.mark.clause("2(4)②")
@pytest.mark.parametrize("asked", ["渡辺", "渡邊", "高志", "渡辺高志", "邉\U000e0110"])
def test_a_person_is_found_in_any_shape_and_nothing_is_changed(town: None, asked: str) -> None:
    before = stored()
    found = find(CODE, name=pattern(asked), kana=None, actor="職員一")
    assert NAME in [one.name for one in found]
    assert stored() == before


@pytest.mark.clause("2(4)②", "7(1)② monitoring")
def test_every_look_is_recorded_without_what_was_asked(town: None) -> None:
    find(CODE, name=pattern("高志"), kana=None, actor="職員一")
    with owner() as connection:
        row = connection.execute(
            "select actor, action, addressee_numbers from staff.access_log order by id desc limit 1"
        ).fetchone()
    assert row == ("職員一", "lookup", [FATHER.addressee_number])


@pytest.mark.parametrize("statement", ["update staff.access_log set actor = 'x'", "delete from staff.access_log"])
def test_the_record_can_not_be_changed_by_staff(town: None, statement: str) -> None:
    with connect(CODE, "console") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_the_command_finds_by_kana_and_says_when_nobody_is_there(
    town: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert FATHER.name_kana is not None
    assert main(["lookup", CODE, "--kana", FATHER.name_kana.split("　")[0], "--json"]) == 0
    assert FATHER.addressee_number in capsys.readouterr().out
    assert main(["lookup", CODE, "--name", "存在しない"]) == 1
    assert main(["lookup", CODE]) == 1
    assert main(["lookup", CODE, "--name", "　"]) == 1
