"""Text that does not fit its cell is set smaller, then wrapped, then refused; never cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn import drawn_list
from fictional_people import CODE, FATHER, ISSUE, application
from hypothesis import given, settings
from hypothesis import strategies as st

from issuance_api.checking import check
from issuance_api.forms import PageData, Subject, page_data
from issuance_api.model import Kind, OptionalItem
from issuance_api.rendering import Renderer
from municipalities.registry import get
from records.errors import IssueRefused
from records.records import Resident

RENDERER = Renderer()
TOWN = get(CODE)
NAME_CELL_MM = 67.0
IVS = "邉\U000e0110"


def page_of(person: Resident) -> PageData:
    """住民票 of one person with 本籍."""
    items = frozenset({OptionalItem.REGISTERED_DOMICILE})
    asked = application(Kind.RESIDENT_RECORD, items=items)
    return page_data(TOWN, asked, Subject(person, (person,)), ISSUE)


def name_boxes(name: str) -> list[list[float]]:
    """Boxes of the texts that draw ``name`` in its cell (x, y, width, height in mm)."""
    found = drawn_list(RENDERER.render(TOWN, page_of(replace(FATHER, name=name, householder_name="見本"))))
    wanted = [one for one in found if one[1].startswith("text ") and set(one[1][5:].strip()) <= set(name)]
    return [one[2:] for one in wanted if one[1][5:].strip()]


def height_of(name: str) -> float:
    return max(box[3] for box in name_boxes(name))


@pytest.mark.clause("2(2)②")
def test_a_long_name_is_set_smaller_and_stays_in_its_cell() -> None:
    short, long = "鬱" * 5, "鬱" * 20
    assert height_of(long) < height_of(short)
    assert all(box[0] + box[2] <= 14 + 7 + 25 + NAME_CELL_MM for box in name_boxes(long))


def test_a_longer_name_is_wrapped_in_two_lines() -> None:
    lines = {round(box[1]) for box in name_boxes("鬱" * 60)}
    assert len(lines) == 2


@pytest.mark.clause("2(2)②")
@pytest.mark.parametrize("name", ["鬱" * 100, "W" * 90, "A" * 50 + " " + "W" * 90])
def test_what_fits_in_no_size_is_refused_by_the_field_and_without_the_value(name: str) -> None:
    with pytest.raises(IssueRefused) as refusal:
        RENDERER.render(TOWN, page_of(replace(FATHER, name=name)))
    assert refusal.value.code == "text_beyond_limit"
    assert refusal.value.place.field == "name"
    assert name[:5] not in str(refusal.value)


def test_a_base_and_its_selector_are_never_parted() -> None:
    for length in range(30, 56):
        page = page_of(replace(FATHER, name=IVS * length))
        found = drawn_list(RENDERER.render(TOWN, page))
        assert not any(one[1].startswith("text \U000e0110") for one in found)


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="漢字かなカナABCｱｲｳ#*_$<>\\[]{}@`'\"/=-~　 ", min_size=1, max_size=40))
def test_markup_in_a_name_is_text(name: str) -> None:
    if not name.strip():
        return
    page = page_of(replace(FATHER, name=name))
    check(TOWN, page, RENDERER.render(TOWN, page))


@pytest.mark.fault(18)
def test_a_sequence_that_no_font_has_is_refused_before_drawing() -> None:
    with pytest.raises(IssueRefused) as refusal:
        RENDERER.render(TOWN, page_of(replace(FATHER, name="渡\U000e0101")))
    assert refusal.value.code == "unmapped_character"
    assert refusal.value.place.field == "U+6E21 U+E0101"
