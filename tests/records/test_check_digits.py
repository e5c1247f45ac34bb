"""検査数字: public examples, and what one wrong digit does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records import check_digits as check
from records.code_lists import code_list


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(alphabet="0123456789", min_size=count, max_size=count)


def test_public_examples() -> None:
    assert check.individual_number_check_digit("12345678901") == "8"
    assert check.municipality_code_check_digit("36489") == "4"
    assert check.resident_record_code_check_digit("1234567890") == "3"


@given(digits(11), st.integers(0, 10), st.integers(1, 9))
def test_an_individual_number_with_one_digit_changed_is_seldom_right(body: str, at: int, by: int) -> None:
    number = body + check.individual_number_check_digit(body)
    assert check.is_individual_number(number)
    other = body[:at] + str((int(body[at]) + by) % 10) + body[at + 1 :]
    same = check.individual_number_check_digit(other) == number[-1]
    # Remainders 0 and 1 share the digit 0: the only collision that the rule allows.
    assert not same or number[-1] == "0"


@pytest.mark.parametrize("wrong", ["", "36489", "364895", "３６４８９４", "36489 4", "3648944", "-36489"])
def test_what_is_no_municipality_code(wrong: str) -> None:
    assert not check.is_municipality_code(wrong)


def test_every_municipality_code_is_right_and_in_its_prefecture() -> None:
    municipalities = code_list("municipality")
    assert municipalities["364894"].name == "東みよし町"
    assert municipalities["364894"].row["county"] == "三好郡"
    assert all(check.is_municipality_code(code) for code in municipalities)
    assert all(one.row["prefecture_code"] == code[:2] for code, one in municipalities.items())
    kinds = [one.row["kind"] for one in municipalities.values()]
    assert kinds.count("municipality") + kinds.count("designated_city") == 1741
    assert {one.row["prefecture_code"] for one in municipalities.values()} == set(code_list("prefecture"))


@given(digits(10))
def test_a_resident_record_code_that_differs_is_only_a_warning(body: str) -> None:
    assert check.resident_record_code_seems_right(body + check.resident_record_code_check_digit(body))


@given(st.integers(1, 14).flatmap(digits))
def test_new_addressee_numbers_get_a_digit_and_none_is_ever_called_wrong(body: str) -> None:
    assert check.addressee_number_check_digit(body) in set("0123456789")
    assert not [name for name in dir(check) if name.startswith("is_addressee")]


def test_wrong_lengths_are_errors_that_do_not_quote() -> None:
    with pytest.raises(ValueError, match="expected 11 ASCII digits"):
        check.individual_number_check_digit("123")
