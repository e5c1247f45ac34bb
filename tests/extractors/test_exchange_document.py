"""``docs/exchange_format.md`` is current, and its worked examples are files that the synchronisation takes."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from extractors import document
from extractors.charsets import keis
from extractors.decode import decode
from extractors.exchange import parse_name
from extractors.pull import pull
from extractors.sources import FolderSource
from municipalities.registry import get
from records.batch import Manifest
from transforms.mapping import map_batch
from vendor_layouts.layout import all_layouts, load

TEXT = document.TARGET.read_text("utf-8")
BLOCK = re.compile(r"<!-- generated: (dump|text) (\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def test_the_document_is_current() -> None:
    assert document.document(TEXT) == TEXT, "run python -m extractors.document"


@pytest.mark.clause("3(1)⑪")
def test_the_document_has_every_layout_and_feed() -> None:
    there = [part["name"] for part in document.PART.finditer(TEXT)]
    assert sorted(set(there)) == sorted(there)
    assert set(document.expected_parts()) <= set(there)


@pytest.mark.parametrize("name", all_layouts())
def test_the_document_names_every_column_and_every_code_of_a_vendor(name: str) -> None:
    layout = load(name)
    for feed in layout.feeds.values():
        section = TEXT.split(f"<!-- generated: columns {name} {feed.record} -->")[1].split("<!-- end of generated -->")[
            0
        ]
        lines = section.strip().splitlines()
        for column, line in zip(feed.columns, lines[2:], strict=False):
            assert line.startswith(f"| {column.order} | {column.vendor_column} |")
            assert all(f"`{code}`" in line for code in layout.codes.get(column.codes, {}))


def printed() -> dict[str, bytes]:
    """The example files as the document prints them."""
    read = {"dump": document.read_dump, "text": lambda text: text.encode("utf-8")}
    return {name: read[kind](text) for kind, name, text in BLOCK.findall(TEXT)}


def test_dumps_come_back() -> None:
    for data in (b"", b"a" * 15, bytes(100), bytes(range(256)) * 3, b"a" * 16 * 5 + b"b", bytes(64) + b"x" * 64):
        block = document.dump(data)
        assert document.read_dump(block.removeprefix("```hexdump\n").removesuffix("```\n")) == data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The printed files, with the one that is empty and so is not printed, and the heartbeat that is like its header."""
    for name, data in printed().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "364991_resident_diff_00000003.dat").write_bytes(b"")
    full = (tmp_path / "364894_resident_full_00000001.dat").read_bytes()
    (tmp_path / "364894_resident_diff_00000002.dat").write_bytes(full[: full.index(b"\n") + 1])
    return tmp_path


def test_what_is_printed_is_what_lies_beside_the_document(folder: Path) -> None:
    shipped = {path.name: path.read_bytes() for path in document.EXAMPLES.iterdir()}
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == shipped


def rows_of(folder: Path, code: str, feed: str) -> list[dict[str, Any]]:
    """All rows of a feed's files after pull, decode and map, without empty columns."""
    own = folder / f"own-{code}"
    own.mkdir()
    for path in folder.iterdir():
        if path.name.startswith(code):
            (own / path.name).write_bytes(path.read_bytes())
    found = []
    for batch in pull(get(code), feed, last_applied=None, known={}, source=FolderSource(own), full=True):
        decode(batch)
        map_batch(batch)
        rows = pq.read_table(batch / "mapped.parquet").to_pylist()
        number = Manifest.read(batch).sequence
        found += [
            {"sequence": number, **{key: value for key, value in row.items() if value is not None}} for row in rows
        ]
    return found


@pytest.mark.parametrize(
    ("code", "name", "town"),
    [
        ("364894", "渡邉\U000e011f　太郎", "三好郡東みよし町"),
        ("362999", "渡邉\U000e011b　太郎", "阿波中央市"),
        ("364991", "渡邉\U000e011a　太郎", "花園町"),
    ],
)
@pytest.mark.clause("3(1)③", "3(1)⑪")
def test_the_printed_residents_arrive(folder: Path, code: str, name: str, town: str) -> None:
    first = rows_of(folder, code, "resident")[0]
    assert "problem" not in first
    assert (first["sequence"], first["operation"], first["addressee_number"]) == (1, "1", "100000000000001")
    assert (first["name"], first["householder_name"], first["address_municipality"]) == (name, name, town)
    assert (first["name_kana"], first["sex"], first["resident_kind"]) == ("ワタナベ　タロウ", "1", "1")
    assert (first["birth_on"], first["birth_text"]) == (date(1975, 2, 1), "昭和50年2月1日")
    assert (first["change_reason"], first["changed_text"], first["issuance_stop"]) == ("90", "令和8年4月1日", "0")


def test_the_printed_foreign_resident_seal_tax_record_and_deletion_arrive(folder: Path) -> None:
    residents = rows_of(folder, "364991", "resident")
    assert [(row["sequence"], row["operation"]) for row in residents] == [(1, "1"), (1, "1"), (2, "3")]
    foreigner, gone = residents[1:]
    assert (foreigner["name"], foreigner["name_roman"]) == ("ＭＩＨＯＮ　ＡＮＮＡ", "MIHON ANNA")
    assert (foreigner["birth_text"], foreigner["birth_on_certainty"]) == ("1990年5月日不詳", "1")
    assert gone == {"sequence": 2, "row_number": 1, "operation": "3", "addressee_number": "100000000000002"}


def test_the_printed_seal_and_tax_record_arrive(folder: Path) -> None:
    (tax,) = rows_of(folder, "364991", "tax")
    assert (tax["fiscal_year"], tax["business_income"], tax["annual_tax"]) == (2026, -120_000, 163_500)
    assert "problem" not in tax
    other = folder / "second"
    other.mkdir()
    for path in folder.glob("364991_seal*"):
        (other / path.name).write_bytes(path.read_bytes())
    (seal,) = rows_of(other, "364991", "seal")
    assert (seal["seal_status"], seal["registered_text"]) == ("1", "平成30年7月1日")
    assert seal["impression"].startswith(b"\x89PNG")


def test_the_examples_have_names_of_the_pattern() -> None:
    for path in document.EXAMPLES.iterdir():
        assert parse_name(path.stem + ".dat") is not None


def test_the_table_of_single_bytes_is_complete() -> None:
    """The data file says where each byte's character comes from in its own words: code and code point, nothing twice."""
    source = Path(keis.__file__).with_name("ebcdik.csv").read_text("ascii").splitlines()
    rows = list(csv.DictReader(source))
    assert len({row["byte"] for row in rows}) == len({row["code_point"] for row in rows}) == len(rows) == 130
