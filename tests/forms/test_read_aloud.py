"""Certificates are tagged PDFs whose structure a screen reader can use: headings, tables with header cells, pictures."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import pikepdf
import pytest
from fictional_people import golden_pages
from read_aloud import Element, document_of

from issuance_api import compiling
from issuance_api.forms import PageData
from issuance_api.header_cells import with_header_cells
from issuance_api.model import HOUSEHOLD_KINDS, Kind
from issuance_api.rendering import Renderer
from municipalities.registry import get

PAGES = golden_pages()
HOUSEHOLDS = [name for name, (_, page) in PAGES.items() if page.kind in HOUSEHOLD_KINDS]
FORM = {"name": "氏名", "name_kana": "振り仮名", "birth": "生年月日", "sex": "性別", "relationship": "続柄"}


@cache
def pdf_of(name: str) -> bytes:
    code, page = PAGES[name]
    return Renderer().render(get(code), page)


@cache
def read(name: str) -> Element:
    return document_of(pdf_of(name))


def page_of(name: str) -> PageData:
    return PAGES[name][1]


def blankless(text: str) -> str:
    return "".join(text.split())


def rows_of(table: Element) -> list[dict[str, str]]:
    """Each row as label → value, after making sure that each value's label is the header cell in front of it."""
    found = []
    for row in table.all("TR"):
        cells = [cell for cell in row.inner if "/RowSpan" not in cell.attributes]
        assert [cell.kind for cell in cells] == ["TH", "TD"] * (len(cells) // 2)
        assert all(cell.attributes["/Scope"] == "/Row" for cell in cells[::2])
        assert not any("/Headers" in cell.attributes for cell in cells)
        found.append({label.whole: value.whole for label, value in zip(cells[::2], cells[1::2], strict=True)})
    return found


def person_tables(name: str) -> list[dict[str, str]]:
    """What is read for each person, label → value."""
    tables = [table for table in read(name).all("Table") if any("/RowSpan" in one.attributes for one in table.walk())]
    return [{label: value for row in rows_of(table) for label, value in row.items()} for table in tables]


@pytest.mark.clause("1(2)")
@pytest.mark.parametrize("name", PAGES)
def test_every_sheet_begins_with_its_title_and_all_cells_have_their_header(name: str) -> None:
    document, page = read(name), page_of(name)
    assert [one.whole for one in document.all("H1")] == [blankless(page.values["title"])] * page.pages
    assert document.inner[0].kind == "H1"
    assert all(rows_of(table) for table in document.all("Table"))
    assert {one.kind for one in document.inner} <= {"H1", "H2", "Table", "P", "Figure"}


@pytest.mark.parametrize("name", PAGES)
def test_pictures_say_what_they_are(name: str) -> None:
    wanted = ["印影", "公印"] if page_of(name).kind is Kind.SEAL_REGISTRATION else ["公印"]
    assert [one.alternative for one in read(name).all("Figure")] == wanted


@pytest.mark.parametrize("name", PAGES)
def test_the_language_is_japanese_and_the_title_is_the_documents(name: str) -> None:
    with pikepdf.open(io.BytesIO(pdf_of(name))) as document:
        assert str(document.Root.Lang) == "ja"
        assert bool(document.Root.MarkInfo.Marked)
        assert document.docinfo["/Title"] == page_of(name).values["title"]
        assert not document.check_pdf_syntax()


@pytest.mark.clause("1(2)")
@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_one_person_is_read_to_the_end_before_the_next(name: str) -> None:
    people: list[dict[str, Any]] = page_of(name).values["people"]
    tables = person_tables(name)
    assert len(tables) == len(people)
    for person, table in zip(people, tables, strict=True):
        assert {label: table[label] for label in FORM.values()} == {
            label: blankless(person[key]) for key, label in FORM.items()
        }
        assert sorted(table.values()) == sorted(blankless(one) for one in person.values() if isinstance(one, str))


@pytest.mark.parametrize("name", ["income_taxation", "income_tax_exempt"])
def test_amounts_are_read_under_their_heading_with_their_item(name: str) -> None:
    document, values = read(name), page_of(name).values
    headings = [one.whole for one in document.all("H2")]
    assert headings == ["収入・所得の内訳（円）", "所得控除の内訳（円）", "扶養等の状況", values["tax_heading"]]
    tables = [document.inner[document.inner.index(one) + 1] for one in document.all("H2")]
    for key, table in zip(("incomes", "deductions", "dependants", "taxes"), tables, strict=True):
        wanted = [{item["name"]: item["text"]} for item in values[key]]
        assert rows_of(table)[: len(wanted)] == wanted


def test_the_end_is_read_in_order_and_the_foot_once() -> None:
    paragraphs = [one.whole for one in read("resident_record_large").all("P")]
    values = page_of("resident_record_large").values
    authority = values["authority"]["title"] + blankless(values["authority"]["name"])
    assert paragraphs == [
        "（次の用紙に続く）",
        values["certification"],
        values["issued_on"],
        authority,
        f"発行番号{values['serial']}",
        f"照合番号{values['sheet_numbers'][1]}",
        "2／2",
        values["municipality_name"],
    ]


def test_marking_header_cells_moves_nothing_and_changes_nothing_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    code, page = PAGES["resident_record_family"]
    marked = pdf_of("resident_record_family")
    monkeypatch.setattr(compiling, "with_header_cells", bytes)
    bare = Renderer().render(get(code), page)
    assert b"/S/TH" not in bare
    assert with_header_cells(bare) == marked
    assert len(bare) == len(marked)
    drawn = bare.index(b"stream\n")
    assert bare[drawn:] == marked[drawn:]
    assert with_header_cells(b"%PDF-1.7 without a table") == b"%PDF-1.7 without a table"
