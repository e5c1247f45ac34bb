"""和暦, 不詳 and vendors' date codes, both ways."""

from __future__ import annotations

import inspect
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records import date_codes
from records import wareki as wareki_module
from records.wareki import (
    SOLAR_CALENDAR_FROM,
    Certainty,
    DateParts,
    DateValue,
    InvalidDate,
    era_by_letter,
    era_of,
    eras,
    fiscal_year,
    parse,
    parts_of,
    span_era,
    value,
    wareki,
    western,
)

DAYS = st.dates(SOLAR_CALENDAR_FROM, date(2110, 12, 31))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("S500201", DateValue(date(1975, 2, 1), "0", "昭和50年2月1日")),
        ("M450730", DateValue(date(1912, 7, 30), "0", "明治45年7月30日")),
        ("T010730", DateValue(date(1912, 7, 30), "0", "大正元年7月30日")),
        ("T151225", DateValue(date(1926, 12, 25), "0", "大正15年12月25日")),
        ("S011225", DateValue(date(1926, 12, 25), "0", "昭和元年12月25日")),
        ("S640107", DateValue(date(1989, 1, 7), "0", "昭和64年1月7日")),
        ("R010501", DateValue(date(2019, 5, 1), "0", "令和元年5月1日")),
        ("S500200", DateValue(None, "1", "昭和50年2月日不詳")),
        ("S500000", DateValue(None, "2", "昭和50年月日不詳")),
        ("S000000", DateValue(None, "3", "昭和年月日不詳")),
        ("0000000", DateValue(None, "3", "年月日不詳")),
        ("W19750201", DateValue(date(1975, 2, 1), "0", "1975年2月1日")),
        ("S490230", DateValue(None, "4", "昭和49年2月30日")),
        ("S500229", DateValue(None, "4", "昭和50年2月29日")),
        ("M050101", DateValue(None, "4", "明治5年1月1日")),
    ],
)
def test_a_date_keeps_the_era_and_the_parts_as_written(code: str, expected: DateValue) -> None:
    assert value(date_codes.parse(code, "era_letter"), calendar_day=False) == expected


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    "code",
    [
        "S640108", "H010107", "M450731", "T010729", "H310501", "R010430", "S501301", "S500132", "S500001", "S000100",
        "X500201", "0500201", "S50021", "S5002011", "", " S500201", "Ｓ500201", "W00000201", "W19751301", "S５00201",
    ],
)  # fmt: skip
def test_impossible_dates_are_refused(code: str) -> None:
    with pytest.raises(InvalidDate):
        value(date_codes.parse(code, "era_letter"), calendar_day=False)


@pytest.mark.fault(20)
def test_a_day_that_no_calendar_has_needs_to_be_allowed() -> None:
    parts = date_codes.parse("1975-02-30", "iso")
    with pytest.raises(InvalidDate):
        value(parts)
    assert value(parts, calendar_day=False).certainty == Certainty.NOT_A_DAY


@given(DAYS)
def test_every_day_goes_to_its_wording_and_back(on: date) -> None:
    for text in (wareki(on), western(on)):
        assert value(parse(text)) == DateValue(on, "0", text)


@given(DAYS, st.sampled_from(sorted(date_codes.FORMATS)), st.booleans())
def test_every_day_goes_through_every_vendor_format(on: date, name: str, in_era: bool) -> None:
    written = parts_of(on, in_era=in_era)
    read = date_codes.parse(date_codes.write(written, name), name)
    assert value(read).on == on
    if date_codes.FORMATS[name].has_era:
        assert read == written


@given(DAYS, st.sampled_from(sorted(date_codes.FORMATS)), st.booleans())
def test_unknown_parts_go_through_every_vendor_format(on: date, name: str, month_known: bool) -> None:
    written = DateParts(None, on.year, on.month if month_known else 0, 0)
    read = date_codes.parse(date_codes.write(written, name), name)
    assert read == written
    assert parse(value(read).text) == written
    assert value(read).on is None


@given(st.text(max_size=12), st.sampled_from(sorted(date_codes.FORMATS)))
def test_any_text_is_read_or_refused_and_never_quoted(text: str, name: str) -> None:
    message = None
    try:
        value(date_codes.parse(text, name))
    except InvalidDate as error:
        message = str(error)
    # Whatever was given, nothing of it can stand in one of these.
    assert message is None or message in FIXED_TEXTS


FIXED_TEXTS = {
    text
    for module in (date_codes, wareki_module)
    for text in re.findall(r'InvalidDate\("([^"{]+)"\)', inspect.getsource(module))
}


@given(st.text(max_size=16))
def test_any_wording_is_read_exactly_or_refused(text: str) -> None:
    try:
        parts = parse(text)
    except InvalidDate:
        return
    assert value(parts, calendar_day=False).text == text


@given(st.text(alphabet="昭和平成元年月日不詳0123456789 ", max_size=14))
def test_near_wordings_are_read_exactly_or_refused(text: str) -> None:
    test_any_wording_is_read_exactly_or_refused.hypothesis.inner_test(text)  # type: ignore[attr-defined]


def test_eras_follow_each_other_without_a_day_missing() -> None:
    for before, after in zip(eras(), eras()[1:], strict=False):
        assert (after.first_on - before.last_on).days in (0, 1)
    assert eras()[-1].last_on == date.max


def test_a_certificate_is_dated_in_the_newer_era() -> None:
    assert wareki(date(2026, 11, 23)) == "令和8年11月23日"
    assert wareki(date(1912, 7, 30)) == "大正元年7月30日"
    assert era_of(date(1926, 12, 25)) is era_by_letter("S")
    assert fiscal_year(2026) == "令和8年度"
    assert fiscal_year(2019) == "平成31年度"


def test_a_western_year_with_two_eras_has_none() -> None:
    assert span_era(DateParts(None, 1989, 0, 0)) is None
    assert span_era(DateParts(None, 1975, 0, 0)) is era_by_letter("S")
    assert span_era(DateParts(None, 0, 0, 0)) is None
