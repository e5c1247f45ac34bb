"""Files that went wrong anywhere: they are refused in our words or their rows are read, and never anything else."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import parse_delimited, parse_fixed
from extractors.charsets import keis
from records.errors import BrokenEncoding, LayoutMismatch
from tests.extractors.vendor_files import LAYOUTS, Cell, body, person
from vendor_layouts.layout import load

EDGE = b"\x40" * 256
TEXTS: dict[str, Cell] = {"name#1": "山田", "name#2": "太郎", "name": "山田　太郎", "katagaki": "Ａ棟", "sex": "1"}
PIECES = [
    b"",
    b'"',
    b",",
    b"\r\n",
    b"\n",
    b"\r",
    b"\x00",
    b"\x1a",
    b"\xef\xbb\xbf",
    b"\x0aB",
    b"\x0aA",
    b"\x81",
    b"\xff",
    b"@",
]


@cache
def good(layout: str) -> bytes:
    """Two rows as they should be."""
    feed = load(layout).feeds["resident"]
    known = {column.name for column in feed.used}
    texts = {name: text for name, text in TEXTS.items() if name in known}
    return body(layout, "resident", [{**person(number), **texts} for number in (1, 2)])


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_file_changed_anywhere_is_refused_or_read(layout: str, data: st.DataObject) -> None:
    before = good(layout)
    at = data.draw(st.integers(0, len(before)))
    cut = data.draw(st.integers(0, 3))
    piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
    changed = before[:at] + piece + before[at + cut :]
    known = load(layout)
    fixed = known.form == "fixed"
    parse, whole = (parse_fixed.parse, EDGE + changed + EDGE) if fixed else (parse_delimited.parse, changed)
    try:
        tables = list(parse(known, known.feeds["resident"], [whole], "f.dat", "diff", Counter()))
    except (LayoutMismatch, BrokenEncoding):
        tables = []
    numbers = [number for one in tables for number in one.column("row_number").to_pylist()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert changed != before or len(numbers) == 2


@settings(max_examples=300, deadline=None)
@given(st.sampled_from("XNM"), st.integers(1, 9), st.binary(max_size=60))
def test_no_bytes_of_a_column_do_more_than_be_broken(kind: str, width: int, data: bytes) -> None:
    width += width % 2 if kind == "N" else 0
    rows = len(data) // width
    column = np.frombuffer(data[: rows * width], np.uint8).reshape(rows, width)
    decoded = keis.decode_column(column, kind)
    assert len(decoded.texts) == len(decoded.broken) == rows
    for text, broken in zip(decoded.texts.tolist(), decoded.broken.tolist(), strict=True):
        assert ("\ufffd" in text) == broken


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["", "A", "亜", "A亜", "亜A", "ｱﾞ亜 B", "　亜　", "亜" * 4]), min_size=1, max_size=6))
def test_the_neighbours_of_a_field_do_not_change_it(texts: list[str]) -> None:
    fields = [keis.encode(text).ljust(24, b"\x40") for text in texts]
    column = np.frombuffer(b"".join(fields), np.uint8).reshape(-1, 24)
    assert keis.decode_column(column, "M").texts.tolist() == [text.rstrip(" ") for text in texts]
