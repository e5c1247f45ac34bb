"""Records of all three vendors come back as they were written; broken ones are refused or set apart, never guessed."""

from __future__ import annotations

import tracemalloc
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors import decode as decode_step
from extractors import parse_delimited, parse_fixed, vault
from extractors.charsets import keis
from extractors.decode import decode
from extractors.exchange import EDGE_BYTES
from records.batch import FEEDS, Manifest
from records.errors import BrokenEncoding, IncompleteFile, LayoutMismatch
from tests.extractors.vendor_files import LAYOUTS, Cell, batch, body, cells, person, record
from vendor_layouts.layout import Column, load

AWA, NARUTO, SUDACHI = "awa_csv/1", "naruto_fixed/1", "sudachi_csv/1"


def decoded(
    folder: Path, layout: str, data: bytes, rows: int, feed: str = "resident", kind: str = "diff"
) -> list[dict[str, Any]]:
    """The rows of ``decoded.parquet``."""
    one = batch(folder / "batch", layout, feed, data, rows, kind)
    decode(one)
    found: list[dict[str, Any]] = pq.read_table(one / decode_step.DECODED).to_pylist()
    return found


def problems(rows: list[dict[str, Any]]) -> list[str | None]:
    return [row["problem"] for row in rows]


CP932_CHARACTERS = 'ab "",,\'=@|あア漢髙①\ue000\ue757　'
KEIS_CHARACTERS = "AB,\"'=@|ｱﾞあア漢\ue000\uebbf　 "
UTF8_CHARACTERS = 'ab "",,\'=@|あ漢葛\U000e0104\U00020bb7\ue000\U000f0000　'
ALPHABETS = {AWA: CP932_CHARACTERS, NARUTO: KEIS_CHARACTERS, SUDACHI: UTF8_CHARACTERS}


def texts(layout: str, column: Column) -> st.SearchStrategy[str]:
    """What fits into a column: any text of the charset; in fixed fields without blanks at the end, which are padding."""
    if layout != NARUTO:
        return st.text(ALPHABETS[layout], max_size=30)
    if column.kind == "X":
        return st.text("AB01ｱﾞ -", max_size=min(column.bytes, 12)).map(lambda text: text.rstrip(" "))
    longest = max(1, (column.bytes - 8) // 8)
    return st.text(KEIS_CHARACTERS, max_size=min(longest, 15)).map(lambda text: text.rstrip(" "))


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_a_vendor_writes_is_read_the_same(tmp_path: Path, layout: str, feed: str, data: st.DataObject) -> None:
    columns = [
        one for one in load(layout).feeds[feed].used if one.format not in ("base64", "binary") and one.part != "@length"
    ]
    row = st.fixed_dictionaries({one.name: texts(layout, one) for one in columns})
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    found = decoded(tmp_path, layout, body(layout, feed, rows), len(rows), feed)
    assert [row["row_number"] for row in found] == list(range(1, len(rows) + 1))
    for written, read in zip(rows, found, strict=True):
        assert {name: read[name] for name in written} == {name: text or None for name, text in written.items()}
        assert (read["operation"], read["problem"]) == ("1", None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pieces_of_any_size_give_the_same_rows(tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = body(layout, "tax", [person(number) for number in range(1, 200)])
    whole = decoded(tmp_path, layout, data, 199, "tax")
    for size in (300, 1_000, 7_777):
        monkeypatch.setattr(parse_delimited, "PIECE", size)
        monkeypatch.setattr(parse_fixed, "PIECE", size)
        assert decoded(tmp_path, layout, data, 199, "tax") == whole


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_does_not_grow_with_the_file(tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((parse_delimited, "PIECE"), (parse_fixed, "PIECE"), (vault, "CHUNK")):
        monkeypatch.setattr(module, name, 1 << 16)
    peaks = []
    for rows in (3_000, 12_000):
        one = batch(
            tmp_path / f"{rows}", layout, "tax", body(layout, "tax", [person(n) for n in range(1, rows + 1)]), rows
        )
        decode(one)
        tracemalloc.start()
        decode(one)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


@pytest.mark.fault(7)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fault_7_a_heartbeat_has_no_rows(tmp_path: Path, layout: str) -> None:
    assert decoded(tmp_path, layout, body(layout, "tax", []), 0, "tax") == []


@pytest.mark.fault(4)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("claimed", [1, 3])
def test_fault_4_the_rows_are_not_as_many_as_the_control_record_says(tmp_path: Path, layout: str, claimed: int) -> None:
    with pytest.raises(IncompleteFile, match=f"rows: the control record says {claimed}, the file has 2"):
        decoded(tmp_path, layout, body(layout, "tax", [person(1), person(2)]), claimed, "tax")
    assert [path.name for path in (tmp_path / "batch").iterdir()].count("decoded.parquet") == 0


@pytest.mark.fault(13)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mine", "other"), [("seal", "tax"), ("tax", "resident"), ("resident", "seal")])
def test_fault_13_the_records_of_another_feed(tmp_path: Path, layout: str, mine: str, other: str) -> None:
    with pytest.raises(LayoutMismatch):
        decoded(tmp_path, layout, body(layout, other, [person()]), 1, mine)


@pytest.mark.fault(14)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("more", [True, False])
def test_fault_14_one_column_more_or_fewer(tmp_path: Path, layout: str, more: bool) -> None:
    one, end = load(layout), len(load(layout).newline)
    good = record(one, "tax", cells(one, "tax", 2, person(2)))
    if one.form == "fixed":
        bad = good + b"\x40" if more else good[:-1]
    else:
        line = good[:-end]
        bad = (line + b',""' if more else line[: line.rindex(b",")]) + good[-end:]
    with pytest.raises(LayoutMismatch) as caught:
        decoded(tmp_path, layout, body(layout, "tax", [person(1)]) + bad, 2, "tax")
    if one.form == "delimited":
        assert caught.value.place.row == 2


@pytest.mark.fault(14)
def test_fault_14_a_header_with_another_name_is_named(tmp_path: Path) -> None:
    data = body(AWA, "tax", [person()]).replace("課税年度".encode("cp932"), "年度".encode("cp932"))
    with pytest.raises(LayoutMismatch, match="column 4 must be named 課税年度"):
        decoded(tmp_path, AWA, data, 1, "tax")


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    ("layout", "charset"), [(AWA, "utf-8"), (AWA, "utf-16"), (SUDACHI, "cp932"), (SUDACHI, "utf-16")]
)
def test_fault_15_the_whole_file_in_another_charset(tmp_path: Path, layout: str, charset: str) -> None:
    row: dict[str, Cell] = {**person(), "address_on_january_1": "徳島県三好郡東みよし町加茂"}
    data = body(layout, "tax", [row]).decode("utf-8" if layout == SUDACHI else "cp932").encode(charset)
    if (layout, charset) == (SUDACHI, "cp932"):
        at = data.index("徳島県".encode("cp932"))
        assert problems(decoded(tmp_path, layout, data, 1, "tax")) == [
            f"broken_encoding:address_on_january_1:byte {at}"
        ]
        return
    with pytest.raises((LayoutMismatch, BrokenEncoding)):
        decoded(tmp_path, layout, data, 1, "tax")


@pytest.mark.fault(15)
def test_fault_15_fixed_records_of_an_ascii_system(tmp_path: Path) -> None:
    data = body(NARUTO, "tax", [person()]).replace(b"\x40", b"\x20")
    with pytest.raises(LayoutMismatch):
        decoded(tmp_path, NARUTO, b"D" + data[1:], 1, "tax")


HALF = {
    AWA: [b"\x83", b"\x80", b"\xa0", b"\xff", b"\x85\xa0"],
    SUDACHI: [b"\xe5\xb1", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff"],
}


@pytest.mark.fault(16, 79, 80)
@pytest.mark.parametrize(("layout", "junk"), [(layout, junk) for layout, some in HALF.items() for junk in some])
def test_faults_16_79_80_broken_bytes_within_certain_borders_are_that_rows_problem(
    tmp_path: Path, layout: str, junk: bytes
) -> None:
    rows = [{**person(number), "address_on_january_1": "MARK" if number == 2 else "OK"} for number in (1, 2, 3)]
    data = body(layout, "tax", rows)
    found = decoded(tmp_path, layout, data.replace(b"MARK", junk), 3, "tax")
    assert problems(found) == [None, f"broken_encoding:address_on_january_1:byte {data.index(b'MARK')}", None]
    assert [row["addressee_number"] for row in found] == [f"{number:015d}" for number in (1, 2, 3)]


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("junk", "broken"),
    [
        (b"\x0a\x42\xb0\xa1", -1),  # the field ends and has not shifted back
        (b"\x0a\x42\xb0", 2),
        (b"\x0a", 0),
        (b"\x0a\x43", 0),
        (b"\x0a\x42\xa9\xa1\x0a\x41", 2),
        (b"\x62\x62", 0),
        (b"\x0a\x42" + b"\xb0\xa1" * 101, -1),
    ],
)
def test_fault_16_half_shifts_and_pairs_stay_in_their_field(tmp_path: Path, junk: bytes, broken: int) -> None:
    rows: list[dict[str, Cell]] = [
        {**person(1), "address_on_january_1": "亜"},
        {**person(2), "address_on_january_1": junk},
        {**person(3), "address_on_january_1": "ｱ"},
    ]
    found = decoded(tmp_path, NARUTO, body(NARUTO, "tax", rows), 3, "tax")
    feed = load(NARUTO).feeds["tax"]
    before = list(takewhile(lambda one: one.field != "address_on_january_1", feed.columns))
    width = feed.columns[len(before)].bytes
    at = EDGE_BYTES + feed.record_bytes + sum(one.bytes for one in before) + broken % width
    assert problems(found) == [None, f"broken_encoding:address_on_january_1:byte {at}", None]
    assert [row["address_on_january_1"] for row in (found[0], found[2])] == ["亜", "ｱ"]


def test_broken_bytes_that_hide_a_border_refuse_the_file_and_name_the_byte(tmp_path: Path) -> None:
    data = body(SUDACHI, "tax", [person(1), person(2)])
    at = data.index(b"\n") + 1
    bad = data[:at] + data[at:].replace(b'"1","2"', b'"1\xff,"2"', 1)
    with pytest.raises(BrokenEncoding) as caught:
        decoded(tmp_path, SUDACHI, bad, 2, "tax")
    assert (caught.value.place.row, caught.value.place.offset) == (2, at + 2)


@pytest.mark.fault(81)
def test_fault_81_doubled_codes_are_read_and_counted(tmp_path: Path) -> None:
    data = body(AWA, "tax", [{**person(), "address_on_january_1": "MARK"}]).replace(
        b"MARK", b"\xee\xe0\xfb\xfc\x87\x90"
    )
    assert decoded(tmp_path, AWA, data, 1, "tax")[0]["address_on_january_1"] == "髙髙≒"
    for _ in range(2):
        decode(tmp_path / "batch")
    (warning,) = Manifest.read(tmp_path / "batch").warnings
    assert warning.startswith("non_round_trip: 2 characters")


@pytest.mark.fault(19)
def test_fault_19_what_utf8_may_not_hold_is_broken_and_what_unicode_has_is_passed_on_to_the_mapping(
    tmp_path: Path,
) -> None:
    rows = [{**person(), "address_on_january_1": "A\u202eB\u200bC\u0007"}]
    assert (
        decoded(tmp_path, SUDACHI, body(SUDACHI, "tax", rows), 1, "tax")[0]["address_on_january_1"]
        == "A\u202eB\u200bC\u0007"
    )


@pytest.mark.fault(19, 79)
@pytest.mark.parametrize("layout", [AWA, SUDACHI])
@pytest.mark.parametrize("mark", [b"\r", b"\n", b"\x1a", b"\x00", b"\r\n"])
def test_faults_19_and_79_line_ends_1a_and_nul_inside_a_field_refuse_the_file(
    tmp_path: Path, layout: str, mark: bytes
) -> None:
    rows = [{**person(number), "address_on_january_1": "MARK" if number == 2 else ""} for number in (1, 2)]
    with pytest.raises(LayoutMismatch) as caught:
        decoded(tmp_path, layout, body(layout, "tax", rows).replace(b"MARK", mark), 2, "tax")
    assert caught.value.place.row == 2


@pytest.mark.fault(25)
@pytest.mark.parametrize("layout", [AWA, SUDACHI])
def test_fault_25_text_like_a_formula_is_text(tmp_path: Path, layout: str) -> None:
    rows = [{**person(), "address_on_january_1": "=1+1,\"'@A1"}]
    assert decoded(tmp_path, layout, body(layout, "tax", rows), 1, "tax")[0]["address_on_january_1"] == "=1+1,\"'@A1"


@pytest.mark.fault(25)
@pytest.mark.parametrize("layout", [AWA, SUDACHI])
@pytest.mark.parametrize("quotes", [b'"', b'A"', b'"A', b'A"B', b'""A"', b'A" ', b'","', b'"' * 10_001])
def test_fault_25_quotes_that_do_not_close_or_are_not_doubled(tmp_path: Path, layout: str, quotes: bytes) -> None:
    rows = [{**person(number), "address_on_january_1": "MARK" if number == 2 else ""} for number in (1, 2, 3)]
    with pytest.raises(LayoutMismatch) as caught:
        decoded(tmp_path, layout, body(layout, "tax", rows).replace(b"MARK", quotes), 3, "tax")
    assert caught.value.place.row == 2


@pytest.mark.parametrize("layout", [AWA, SUDACHI])
def test_fields_without_quotes_are_read_but_no_quote_inside_them(tmp_path: Path, layout: str) -> None:
    rows = [{**person(), "address_on_january_1": "ABC"}]
    data = body(layout, "tax", rows)
    assert decoded(tmp_path, layout, data.replace(b'"ABC"', b"ABC"), 1, "tax")[0]["address_on_january_1"] == "ABC"
    with pytest.raises(LayoutMismatch):
        decoded(tmp_path, layout, data.replace(b'"ABC"', b'A"C'), 1, "tax")


@pytest.mark.fault(25)
@pytest.mark.parametrize("size", [300_000, 100_000_000])
def test_fault_25_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path, size: int) -> None:
    chunks = (
        (b"A" * 1_000_000 for _ in range(size // 1_000_000 + 1)) if size > 1_000_000 else iter((b"A" * size + b"\n",))
    )
    layout = load(SUDACHI)
    with pytest.raises(LayoutMismatch, match="a line is longer than"):
        list(parse_delimited.parse(layout, layout.feeds["tax"], chunks, "f.dat", "diff"))
    assert len(list(chunks)) >= (size // 1_000_000) * 9 // 10


@pytest.mark.parametrize("layout", [AWA, SUDACHI])
def test_a_last_line_without_end_is_a_cut_file(tmp_path: Path, layout: str) -> None:
    with pytest.raises(LayoutMismatch, match="the last line has no end"):
        decoded(tmp_path, layout, body(layout, "tax", [person()])[: -len(load(layout).newline)], 1, "tax")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", ["0", "1", "3", "", "2A", "-2", "99999999"])
def test_row_numbers_must_run_without_a_break(tmp_path: Path, layout: str, number: str) -> None:
    rows: list[dict[str, Cell]] = [person(1), {**person(2), "@row_number": number}]
    with pytest.raises(LayoutMismatch, match="the row number must be 2"):
        decoded(tmp_path, layout, body(layout, "tax", rows), 2, "tax")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("operation", ["9", "", "B"])
def test_an_unknown_operation_is_that_rows_problem_and_never_a_deletion(
    tmp_path: Path, layout: str, operation: str
) -> None:
    rows: list[dict[str, Cell]] = [{**person(1), "@operation": operation}, person(2)]
    found = decoded(tmp_path, layout, body(layout, "tax", rows), 2, "tax")
    assert problems(found) == ["unknown_code:@operation", None]
    assert found[0]["operation"] != "3"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_full_set_has_no_deletions(tmp_path: Path, layout: str) -> None:
    rows: list[dict[str, Cell]] = [{**person(1), "@operation": "D" if layout == NARUTO else "3"}]
    data = body(layout, "tax", rows)
    assert decoded(tmp_path, layout, data, 1, "tax")[0]["operation"] == "3"
    assert problems(decoded(tmp_path, layout, data, 1, "tax", "full")) == ["unknown_code:@operation"]


def test_a_record_that_does_not_begin_with_d_is_refused_with_its_place(tmp_path: Path) -> None:
    data = bytearray(body(NARUTO, "tax", [person(1), person(2)]))
    data[691] = 0xC5
    with pytest.raises(LayoutMismatch) as caught:
        decoded(tmp_path, NARUTO, bytes(data), 2, "tax")
    assert (caught.value.place.row, caught.value.place.offset) == (2, 256 + 691)


def test_no_error_quotes_a_record(tmp_path: Path) -> None:
    """A marked person in files that go wrong in several ways: their name is in no message."""
    rows = [{**person(), "address_on_january_1": "MARKEDPERSON"}]
    data = body(SUDACHI, "tax", rows)
    for bad in (
        data[:-1],
        data.replace(b"PERSON", b'PER"SON'),
        data.replace(b"PERSON", b"PER\rSON"),
        data.replace(b'"1","1"', b'"1","2"'),
        data.replace(b'"1","1"', b'"1"'),
    ):
        with pytest.raises(LayoutMismatch) as caught:
            decoded(tmp_path, SUDACHI, bad, 1, "tax")
        chain = [str(caught.value), repr(caught.value.__cause__), str(caught.value.place)]
        assert "MARKED" not in "".join(chain)


def test_a_two_byte_column_is_trimmed_of_full_width_spaces() -> None:
    import numpy as np

    column = np.frombuffer(bytes.fromhex("b0a140404040404040404040b0a1b0a1b0a1"), np.uint8).reshape(3, 6)
    assert keis.decode_column(column, "N").texts.tolist() == ["亜", "", "亜亜亜"]
