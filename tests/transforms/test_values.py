"""Kana, codes, dates and numbers on columns."""

from __future__ import annotations

import unicodedata
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records import date_codes
from records.wareki import InvalidDate, value
from transforms import dates
from transforms.codes import map_codes
from transforms.dates import DateStyle, map_dates, with_wording
from transforms.findings import Finding, Problems
from transforms.kana import FULL, HALF, SEMI_VOICED, VOICED, to_full_width, to_half_width
from transforms.numbers import map_digits, map_numbers

KANA = st.text(alphabet=st.sampled_from([*FULL, *VOICED.values(), *SEMI_VOICED.values()]), max_size=12)


def strings(*texts: str | None) -> pa.Array:
    return pa.array(texts, pa.string())


@given(st.lists(st.none() | KANA, max_size=5))
def test_full_width_kana_come_back_from_half_width(texts: list[str | None]) -> None:
    # ゛ after a kana that takes it would be joined: a vendor can't write that apart in half-width at all.
    texts = [text.replace("゛", "").replace("゜", "") if text else text for text in texts]
    half = [to_half_width(text) if text is not None else None for text in texts]
    assert to_full_width(strings(*half)).to_pylist() == texts


def test_the_table_agrees_with_unicode() -> None:
    for half, full in zip(HALF, FULL, strict=True):
        if half not in " -ﾞﾟ":
            assert unicodedata.normalize("NFKC", half) == full
    for base, joined in (VOICED | SEMI_VOICED).items():
        assert unicodedata.decomposition(joined).split()[0] == f"{ord(base):04X}"


def test_marks_join_only_within_a_row_and_only_half_width_kana() -> None:
    column = strings("ｶ", "ﾞｷ", "ガﾞ", "ｱﾟ", "ﾊﾟ", None, "A漢ﾞ")
    assert to_full_width(column).to_pylist() == ["カ", "゛キ", "ガ゛", "ア゜", "パ", None, "A漢゛"]


def test_codes_go_through_the_vendors_table() -> None:
    column, found = map_codes(strings("M", "F", " ", None, "1", "F "), {"M": "1", "F": "2"}, {"0", "1", "2"})
    assert column.to_pylist() == ["1", "2", None, None, None, "2"]
    assert found == [Finding(4, "unknown_code")]


def test_codes_of_ours_and_a_table_that_leads_nowhere() -> None:
    assert map_codes(strings("1", "9"), None, {"1"})[1] == [Finding(1, "unknown_code")]
    assert map_codes(strings("M"), {"M": "7"}, {"1"})[1] == [Finding(0, "unknown_code")]


def test_relationships_are_pairs() -> None:
    column, found = map_codes(strings("2071", "02", "207", "77", "2020202020"), None, {"02", "20", "71"}, joined=True)
    assert column.to_pylist() == ["2071", "02", None, None, None]
    assert [one.row for one in found] == [2, 3, 4]
    table = {"AA": "20", "BB": "71", "本人": "02"}
    column, found = map_codes(strings("AABB", "本人", "AACC"), table, {"02", "20", "71"}, joined=True)
    assert column.to_pylist() == ["2071", "02", None]


LETTER = DateStyle("era_letter")
CODES = st.none() | st.sampled_from(["", "  ", "x", "S500201", "M450730", "0000000", "S500200", "S500231", "W19750201"])


@given(st.lists(CODES | st.text(max_size=8), max_size=8), st.booleans())
def test_a_date_column_equals_its_dates(codes: list[str | None], calendar_day: bool) -> None:
    columns, found = map_dates(strings(*codes), DateStyle("era_letter", calendar_day=calendar_day))
    for row, code in enumerate(codes):
        got = tuple(column[row].as_py() for column in columns)
        try:
            parts = date_codes.parse(code, "era_letter") if code and code.strip() else None
            one = value(parts, calendar_day=calendar_day) if parts else None
        except InvalidDate:
            assert got == (None, None, None)
            assert Finding(row, "bad_date") in found
            continue
        assert got == ((one.on, one.certainty, one.text) if one else (None, None, None))
        assert Finding(row, "bad_date") not in found


def test_more_codes_than_are_kept_are_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "KEPT_CODES", 3)
    style = DateStyle("yyyymmdd", western=True, calendar_day=False)
    for month in ("01", "02", "03"):
        codes = [f"2000{month}{day:02d}" for day in range(1, 29)] * 2
        columns, found = map_dates(strings(*codes), style)
        assert columns.on.to_pylist() == [date(2000, int(month), day) for day in range(1, 29)] * 2
        assert not found


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1975-02-01", "昭和50年2月1日"),
        ("2019-05-01", "令和元年5月1日"),
        ("1975-02-00", "昭和50年2月日不詳"),
        ("1989-00-00", "1989年月日不詳"),
        ("0000-00-00", "年月日不詳"),
        ("1975-02-31", "昭和50年2月31日"),
    ],
)
def test_western_codes_are_worded_in_the_era_where_there_is_one(code: str, text: str) -> None:
    assert map_dates(strings(code), DateStyle("iso", calendar_day=False))[0].text.to_pylist() == [text]


@pytest.mark.parametrize("code", ["1975-13-01", "1975-00-01", "0000-01-00", "1800-01-01", "9999-01-01", "1975-02-32"])
def test_impossible_western_codes(code: str) -> None:
    assert map_dates(strings(code), DateStyle("iso"))[1] == [Finding(0, "bad_date")]


def test_a_free_wording_wins_and_stands_alone() -> None:
    columns, _ = map_dates(strings("S500200", None, "S500201", None), LETTER)
    columns = with_wording(columns, strings("昭和50年春", "大正の末", None, None))
    assert columns.on.to_pylist() == [None, None, date(1975, 2, 1), None]
    assert columns.certainty.to_pylist() == ["1", "5", "0", None]
    assert columns.text.to_pylist() == ["昭和50年春", "大正の末", "昭和50年2月1日", None]


@given(st.lists(st.none() | st.integers(-(10**13), 10**13), max_size=6))
def test_amounts_in_range_are_read_exactly(numbers: list[int | None]) -> None:
    column, found = map_numbers(strings(*(None if one is None else str(one) for one in numbers)), "yen", 12)
    expected = [one if one is None or abs(one) < 10**12 else None for one in numbers]
    assert column.to_pylist() == expected
    assert [one.row for one in found] == [
        row for row, one in enumerate(numbers) if one is not None and expected[row] is None
    ]


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("-5", "yen", -5), ("+5", "yen", 5), ("000000000012", "yen", 12), ("-0", "yen", 0), ("0x1F", "yen", None),
        ("1.5", "yen", None), ("1,000", "yen", None), ("５", "yen", None), ("--1", "yen", None), ("1-", "yen", None),
        ("9" * 60, "yen", None), ("- 5", "yen", None), ("12", "count", 12), ("-1", "count", None),
        ("100", "count", None), ("2026", "year", 2026), ("8", "year", None), ("20260", "year", None),
    ],
)  # fmt: skip
def test_numbers_are_read_strictly(text: str, kind: str, number: int | None) -> None:
    column, found = map_numbers(strings(text, None, "", " "), kind, 2 if kind == "count" else 12)
    assert column.to_pylist() == [number, None, None, None]
    assert [one.reason for one in found] == ([] if number is not None else ["bad_number"])


def test_one_bad_number_does_not_spoil_the_others() -> None:
    column, found = map_numbers(strings("1", "x", "3"), "yen", 12)
    assert (column.to_pylist(), found) == ([1, None, 3], [Finding(1, "bad_number")])


def test_digits_keep_their_zeros() -> None:
    column, found = map_digits(strings("007", "", None, "1a", "１", "12345"), 4)
    assert column.to_pylist() == ["007", None, None, None, None, None]
    assert [(one.row, one.reason) for one in found] == [(3, "bad_number"), (4, "bad_number"), (5, "too_long")]
    assert map_digits(strings("AB-1c", "A B"), 9, alphanumeric=True)[1] == [Finding(1, "forbidden_character")]


def test_problems_are_joined_and_carried() -> None:
    problems = Problems.carried(strings(None, "broken_encoding:name", "bad_image:impression;bad_key:x"))
    problems.add("name", [Finding(1, "unmapped_character", "F040"), Finding(0, "too_long")])
    problems.add("katagaki", [Finding(1, "too_long")])
    assert problems.column().to_pylist() == [
        "too_long:name",
        "broken_encoding:name;too_long:katagaki",
        "bad_image:impression;bad_key:x",
    ]
    assert problems.has(1, "name")
    assert problems.has(2, "x")
    assert not problems.has(2, "name")
