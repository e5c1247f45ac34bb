"""Drift: dictionary, typed records, code lists and documentation say the same."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records import dictionary, document
from records.code_lists import code_list, list_names, prefecture_of, relationship_text, removes, split_codes
from records.records import RECORD_CLASSES, Resident, field_names
from records.wareki import Certainty, DateValue


def test_every_item_is_a_field_and_every_field_an_item() -> None:
    assert set(RECORD_CLASSES) == set(dictionary.record_names())
    for record in dictionary.record_names():
        assert field_names(record) == tuple(item.key for item in dictionary.items(record))


def test_types_of_fields_follow_the_dictionary() -> None:
    kinds = {"year": "int", "yen": "int", "count": "int", "image": "bytes", "date": "DateValue", "flag": "bool"}
    for record, kind in RECORD_CLASSES.items():
        for item in dictionary.items(record):
            expected = kinds.get(item.type, "str") + ("" if item.mandatory or item.is_key else " | None")
            assert kind.__annotations__[item.key] == expected, (record, item.key)


def test_every_code_list_of_the_dictionary_is_there() -> None:
    wanted = {item.code_list for item in dictionary.all_items() if item.code_list}
    assert wanted <= set(list_names())
    for name in list_names():
        for code, one in code_list(name).items():
            assert code == code.strip() != ""
            assert one.name


def test_certainty_codes_are_those_of_the_list() -> None:
    assert {one.value for one in Certainty} == set(code_list("date_certainty"))


def test_the_data_dictionary_document_is_current() -> None:
    assert document.TARGET.read_text("utf-8") == document.document(), "run: python -m records.document"


def test_a_record_goes_to_its_row_and_back() -> None:
    values = {item.key: "1" for item in dictionary.items("resident")}
    dates = {item.key: None for item in dictionary.items("resident") if item.type == "date"}
    flags = {item.key: True for item in dictionary.items("resident") if item.type == "flag"}
    born = DateValue(date(1975, 2, 1), "0", "昭和50年2月1日")
    resident = Resident(**{**values, **dates, **flags, "birth_on": born})  # type: ignore[arg-type]
    row = resident.to_row()
    assert tuple(row) == dictionary.columns("resident")
    assert row["birth_text"] == "昭和50年2月1日"
    assert row["filed_on_certainty"] is None
    assert Resident.from_row({**row, "applied_sequence": 3}) == resident


def test_relationships_are_joined() -> None:
    assert relationship_text("02") == "世帯主"
    assert relationship_text("2071") == "子の兄"
    assert relationship_text("20202011") == "子の子の子の夫"


@pytest.mark.parametrize("wrong", ["", "2", "207", "2020202020"])
def test_relationship_codes_of_a_wrong_length(wrong: str) -> None:
    with pytest.raises(ValueError):
        split_codes(wrong)


@given(st.lists(st.sampled_from(sorted(code_list("relationship"))), min_size=1, max_size=4))
def test_as_many_steps_are_printed_as_coded(codes: list[str]) -> None:
    assert relationship_text("".join(codes)).split("の") == [code_list("relationship")[code].name for code in codes]


def test_unknown_codes_are_errors() -> None:
    with pytest.raises(KeyError):
        relationship_text("77")
    with pytest.raises(KeyError):
        code_list("../dictionary")


def test_reasons_that_remove_and_prefectures() -> None:
    assert removes("22")
    assert not removes("12")
    assert prefecture_of("364894") == prefecture_of("362999") == "徳島県"
