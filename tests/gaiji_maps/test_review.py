"""対照表の確認: two persons, one open row a code, nothing written that breaks a rule."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaiji_maps import correspondence, review
from gaiji_maps.review import Act, Code, ReviewRefused
from records.errors import ConfigurationError, UtsushiError

CODE = Code("awa_csv", "cp932-eudc", "F9FC")
ON = date(2026, 6, 1)
FIRST, SECOND = Act("架空　一郎", ON), Act("架空　二子", ON)


def states(folder: Path) -> list[str]:
    return [row.state for row in correspondence.load(folder)]


def proposed(folder: Path, target: str = "MJ022335") -> None:
    with review.editing(folder) as rows:
        review.propose(rows, CODE, target, "candidate 1, score 0.93", FIRST)


@pytest.mark.clause("3(1)⑩")
def test_two_persons_take_a_character_from_proposed_to_used(tmp_path: Path) -> None:
    proposed(tmp_path)
    assert correspondence.lookup("cp932-eudc", tmp_path) == {}
    with review.editing(tmp_path) as rows:
        review.confirm(rows, CODE, SECOND)
    assert list(correspondence.lookup("cp932-eudc", tmp_path)) == ["\ue757"]


@pytest.mark.fault(69)
@pytest.mark.clause("3(1)⑩")
@pytest.mark.parametrize("name", ["架空　一郎", "架空一郎", "架空 一郎", " 架空　一郎 "])
def test_who_proposed_does_not_confirm_however_the_name_is_spaced(tmp_path: Path, name: str) -> None:
    proposed(tmp_path)
    with pytest.raises(ReviewRefused, match="own proposal"), review.editing(tmp_path) as rows:
        review.confirm(rows, CODE, Act(name, ON))
    assert states(tmp_path) == ["proposed"]


def test_rejected_rows_stay_and_say_why_and_by_whom(tmp_path: Path) -> None:
    proposed(tmp_path)
    with pytest.raises(ReviewRefused, match="says why"), review.editing(tmp_path) as rows:
        review.reject(rows, CODE, SECOND)
    with review.editing(tmp_path) as rows:
        review.reject(rows, CODE, Act(SECOND.by, ON, "点の数が違う"))
    proposed(tmp_path, "MJ022336")
    first, second = correspondence.load(tmp_path)
    assert first.state == "rejected"
    assert first.reason.startswith(f"点の数が違う (rejected by {SECOND.by}")
    assert (second.state, second.target) == ("proposed", "MJ022336")


def test_one_open_row_and_no_second_truth(tmp_path: Path) -> None:
    proposed(tmp_path)
    with pytest.raises(ReviewRefused, match="open"):
        proposed(tmp_path, "MJ022336")
    with review.editing(tmp_path) as rows:
        review.confirm(rows, CODE, SECOND)
    with pytest.raises(ReviewRefused, match="confirmed as MJ022335"):
        proposed(tmp_path, "MJ022336")


@pytest.mark.parametrize("target", ["MJ999999", "U+F0000", "MJ003719", "U+E000", "辻"])
def test_a_target_that_no_font_draws_is_refused_at_once(tmp_path: Path, target: str) -> None:
    with pytest.raises(ConfigurationError, match=r"F9FC|row 1"):
        proposed(tmp_path, target)
    assert not (tmp_path / correspondence.MAP_FILE).exists()


def test_a_glyph_to_be_made_has_no_target_and_takes_no_part(tmp_path: Path) -> None:
    with review.editing(tmp_path) as rows:
        review.have_made(rows, CODE, "no standard glyph found by people", FIRST)
    (row,) = correspondence.load(tmp_path)
    assert (row.state, row.target) == (correspondence.TO_BE_MADE, "")
    with pytest.raises(ReviewRefused), review.editing(tmp_path) as rows:
        review.confirm(rows, CODE, SECOND)


def test_a_failure_in_the_middle_writes_nothing(tmp_path: Path) -> None:
    proposed(tmp_path)
    before = (tmp_path / correspondence.MAP_FILE).read_bytes()
    with pytest.raises(ReviewRefused), review.editing(tmp_path) as rows:  # noqa: PT012 - two acts, the second fails
        review.confirm(rows, CODE, SECOND)
        review.confirm(rows, CODE, SECOND)
    assert (tmp_path / correspondence.MAP_FILE).read_bytes() == before


@pytest.mark.clause("3(1)⑩")
def test_a_confirmed_row_is_taken_back_by_two_persons_and_counts_until_then(tmp_path: Path) -> None:
    proposed(tmp_path)
    with review.editing(tmp_path) as rows:
        review.confirm(rows, CODE, SECOND)
    with pytest.raises(ReviewRefused, match="says why"), review.editing(tmp_path) as rows:
        review.reject(rows, CODE, FIRST)
    with review.editing(tmp_path) as rows:
        assert review.reject(rows, CODE, Act(SECOND.by, ON, "別の字であった")) is None
    assert states(tmp_path) == ["confirmed", "to_be_taken_back"]
    assert list(correspondence.lookup("cp932-eudc", tmp_path)) == ["\ue757"]
    with pytest.raises(ReviewRefused, match="another person"), review.editing(tmp_path) as rows:
        review.reject(rows, CODE, Act("架空 二子", ON, "早く"))
    with review.editing(tmp_path) as rows:
        taken_back = review.reject(rows, CODE, FIRST)
    assert taken_back is not None
    assert (taken_back.state, taken_back.target) == ("confirmed", "MJ022335")
    assert states(tmp_path) == ["rejected", "rejected"]
    assert all(row.reason.startswith("別の字であった (taken back by") for row in correspondence.load(tmp_path))
    assert correspondence.lookup("cp932-eudc", tmp_path) == {}
    proposed(tmp_path, "MJ022336")


MOVES = st.sampled_from(["propose", "confirm", "reject", "have_made"])


@pytest.mark.fault(69)
@given(st.lists(st.tuples(MOVES, st.sampled_from(["甲", "乙"])), max_size=12))
def test_no_order_of_acts_lets_one_person_alone_confirm(moves: list[tuple[str, str]]) -> None:
    rows: review.Rows = []
    for move, by in moves:
        act = Act(by, ON, "理由")
        arguments = {"propose": ("MJ022335", "by hand", act), "have_made": ("by hand", act)}.get(move, (act,))
        try:
            getattr(review, move)(rows, CODE, *arguments)
        except UtsushiError:
            continue
    correspondence.check(Path("364894"), rows)
    assert all(row.proposed_by != row.confirmed_by for row in rows if row.state == "confirmed")
    standing = [row.state for row in rows if row.state != "rejected"]
    assert len(standing) <= 1 or standing == ["confirmed", correspondence.TO_BE_TAKEN_BACK]
