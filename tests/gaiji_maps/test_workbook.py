"""対照表のExcel: text stays text, the review's rules hold, and a sheet with one bad cell changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from gaiji_maps import correspondence, review, workbook
from gaiji_maps.review import Act, Code
from gaiji_maps.workbook import WorkbookRefused

ON = date(2026, 6, 1)
FIRST, SECOND = Act("架空　一郎", ON), Act("架空　二子", ON)
CODES = ("F9FA", "F9FB", "F9FC")
WAITING = {"F9FB": 3, "F9FC": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A map with F9FA proposed by the first person; F9FB and F9FC only wait."""
    place = tmp_path / "364894"
    place.mkdir()
    with review.editing(place) as rows:
        review.propose(rows, Code("awa_csv", "cp932-eudc", "F9FA"), "MJ022335", "candidate 1", FIRST)
    return place


def lines(rows: review.Rows) -> list[workbook.Line]:
    return workbook.lines_of(rows, WAITING, "awa_csv", "cp932-eudc")


def exported(folder: Path, edit: Callable[[Any], None] = lambda sheet: None) -> Path:
    path = folder / "table.xlsx"
    workbook.write(path, lines(list(correspondence.load(folder))), "東みよし町")
    book = load_workbook(path)
    edit(book["対照表"])
    book.save(path)
    return path


def imported(folder: Path, path: Path, act: Act) -> dict[str, int]:
    with review.editing(folder) as rows:
        return workbook.take_over(path, rows, lines(rows), act)


def cells(**values: str) -> Callable[[Any], None]:
    def edit(sheet: Any) -> None:
        for place, value in values.items():
            sheet[place] = value

    return edit


def states(folder: Path) -> dict[str, tuple[str, str]]:
    return {row.code: (row.state, row.target) for row in correspondence.load(folder)}


@pytest.mark.fault(148)
def test_every_cell_of_the_export_is_text_and_the_codes_come_back(folder: Path) -> None:
    sheet = load_workbook(exported(folder))["対照表"]
    assert [sheet.cell(row, 3).value for row in (2, 3, 4)] == list(CODES)
    assert all(cell.number_format == "@" for line in sheet.iter_rows(min_row=2) for cell in line)
    assert {cell.data_type for line in sheet.iter_rows(min_row=2) for cell in line if cell.value} == {"s"}
    assert [sheet.cell(row, 14).value for row in (2, 3, 4)] == ["0", "3", "1"]


def test_a_sheet_that_nobody_touched_changes_nothing(folder: Path) -> None:
    before = (folder / correspondence.MAP_FILE).read_bytes()
    assert imported(folder, exported(folder), SECOND) == {}
    assert (folder / correspondence.MAP_FILE).read_bytes() == before


@pytest.mark.clause("3(1)⑩")
def test_proposals_confirmations_rejections_and_glyphs_to_be_made(folder: Path) -> None:
    path = exported(folder, cells(E2="確認", D3="MJ022336", E4="作字", K4="一覧に無い"))
    assert imported(folder, path, SECOND) == {"confirmed": 1, "proposed": 1, "glyph_to_be_made": 1}
    assert states(folder) == {
        "F9FA": ("confirmed", "MJ022335"), "F9FB": ("proposed", "MJ022336"), "F9FC": ("glyph_to_be_made", ""),
    }  # fmt: skip
    path = exported(folder, cells(E3="却下", K3="点の数が違う", E4="却下", K4="見つかった"))
    assert imported(folder, path, FIRST) == {"rejected": 2}


@pytest.mark.fault(69)
@pytest.mark.clause("3(1)⑩")
def test_the_import_never_confirms_what_the_same_person_proposed(folder: Path) -> None:
    path = exported(folder, cells(E2="確認", D3="MJ022336"))
    with pytest.raises(WorkbookRefused, match="row 2: nobody confirms their own"):
        imported(folder, path, Act("架空一郎", ON))
    assert states(folder) == {"F9FA": ("proposed", "MJ022335")}
    path = exported(folder, cells(D3="MJ022336", E3="確認"))
    with pytest.raises(WorkbookRefused, match=r"row 3: .*no step"):
        imported(folder, path, SECOND)


def test_a_proposal_by_another_target_keeps_the_old_one_as_rejected(folder: Path) -> None:
    imported(folder, exported(folder, cells(D2="MJ022336")), SECOND)
    first, second = correspondence.load(folder)
    assert (first.state, second.state, second.target, second.proposed_by) == (
        "rejected", "proposed", "MJ022336", SECOND.by,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (cells(D3="=1+1"), "D3: a formula"),
        (cells(D3='=HYPERLINK("http://example.invalid")'), "D3: a formula"),
        (lambda sheet: sheet.cell(2, 3).__setattr__("value", 8141), "C2: not text"),
        (lambda sheet: sheet.cell(2, 8).__setattr__("value", date(2026, 1, 1)), "H2: not text"),
        (cells(D3="MJ022\u200b335"), "D3: an invisible"),
        (cells(C2="F9F0"), "C2: no such code"),
        (cells(C3="F9FA"), "C3: no such code in the table, or twice"),
        (cells(I2="架空　三郎"), "確認者 can't be changed"),
        (cells(G2="架空　三郎", E2="確認"), "提案者 can't be changed"),
        (cells(E2="たぶん"), "状態 must be one of"),
        (cells(E2="却下"), "says why"),
        (cells(A1="x"), "headings"),
        (lambda sheet: sheet.__setattr__("title", "別"), "no sheet"),
    ],
)
def test_what_a_cell_may_not_be(folder: Path, edit: Callable[[Any], None], told: str) -> None:
    before = (folder / correspondence.MAP_FILE).read_bytes()

    def also_good(sheet: Any) -> None:
        sheet["D4"] = "MJ022336"
        edit(sheet)

    with pytest.raises(WorkbookRefused, match=told):
        imported(folder, exported(folder, also_good), SECOND)
    assert (folder / correspondence.MAP_FILE).read_bytes() == before


def test_a_confirmed_line_stays_as_it_is(folder: Path) -> None:
    imported(folder, exported(folder, cells(E2="確認")), SECOND)
    with pytest.raises(WorkbookRefused, match="confirmed line"):
        imported(folder, exported(folder, cells(D2="MJ022336", E2="提案")), FIRST)


def test_a_sheet_from_before_another_one_acted_is_refused(folder: Path) -> None:
    old = exported(folder, cells(D3="MJ022336"))
    with review.editing(folder) as rows:
        review.confirm(rows, Code("awa_csv", "cp932-eudc", "F9FA"), SECOND)
    with pytest.raises(WorkbookRefused, match="row 2"):
        imported(folder, old, SECOND)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"a,b,c\n"])
def test_what_is_no_workbook(folder: Path, content: bytes) -> None:
    path = folder / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(WorkbookRefused, match="not an Excel"):
        imported(folder, path, SECOND)


def test_an_empty_workbook(folder: Path) -> None:
    Workbook().save(folder / "x.xlsx")
    with pytest.raises(WorkbookRefused, match="no sheet"):
        imported(folder, folder / "x.xlsx", SECOND)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=20))
def test_any_reason_comes_back_as_it_was_or_is_refused(tmp_path: Path, text: str) -> None:
    row = correspondence.Correspondence(
        "awa_csv", "cp932-eudc", "F9FA", "MJ022335", "rejected", "x", "a", "2026-06-01", "", "", text
    )
    path = tmp_path / "t.xlsx"
    workbook.write(path, [workbook.Line(Code("awa_csv", "cp932-eudc", "F9FA"), row)], "町")
    try:
        (number, found), *_ = workbook._read(path, problems := [])
    except ValueError:
        assert problems
        return
    assert (number, found[10]) == (2, text)
