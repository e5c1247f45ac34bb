"""The first and the last byte of a file are looked at as strictly as those in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractors.decode import decode
from records.errors import LayoutMismatch
from tests.extractors.vendor_files import batch, body, person
from vendor_layouts.layout import load

CSV = ("awa_csv/1", "sudachi_csv/1")


def lines(layout: str) -> tuple[bytes, bytes, bytes]:
    """Header line (or nothing), the records, and the line end."""
    data, newline = body(layout, "resident", [person(1), person(2)]), load(layout).newline.encode()
    at = data.index(newline) + len(newline) if load(layout).header else 0
    return data[:at], data[at:], newline


def refused(folder: Path, layout: str, data: bytes) -> str:
    with pytest.raises(LayoutMismatch) as error:
        decode(batch(folder / "batch", layout, "resident", data, 2))
    return str(error.value)


@pytest.mark.parametrize("layout", CSV)
@pytest.mark.parametrize("junk", [b"x", b" ", b"\t", b"1"])
def test_nothing_stands_behind_the_last_quote(tmp_path: Path, layout: str, junk: bytes) -> None:
    head, records, newline = lines(layout)
    assert "row 2" in refused(tmp_path, layout, head + records.removesuffix(newline) + junk + newline)


@pytest.mark.parametrize("layout", CSV)
@pytest.mark.parametrize("junk", [b"x", b" ", b"\t", b"\xef\xbb\xbf"])
def test_nothing_stands_before_the_first_quote(tmp_path: Path, layout: str, junk: bytes) -> None:
    head, records, _ = lines(layout)
    assert "row 1" in refused(tmp_path, layout, head + junk + records)


@pytest.mark.parametrize("layout", CSV)
def test_an_empty_line_is_no_record(tmp_path: Path, layout: str) -> None:
    head, records, newline = lines(layout)
    assert "row 3" in refused(tmp_path, layout, head + records + newline)
    assert "row 1" in refused(tmp_path / "second", layout, head + newline + records)


def test_a_file_without_its_header_line_is_not_an_empty_register(tmp_path: Path) -> None:
    assert "header" in refused(tmp_path, "awa_csv/1", b"")
    _, records, _ = lines("awa_csv/1")
    assert "column 1 must be named 更新区分" in refused(tmp_path / "second", "awa_csv/1", records)
