"""Writes the generated parts of ``docs/exchange_format.md``: the vendors' columns, EBCDIK, and the worked examples' bytes.

Run ``python -m extractors.document`` after a change to a layout or an example; a test says when the document is not
current. Everything outside the marked parts is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from extractors.charsets import keis
from records.code_lists import code_list
from records.dictionary import Item, items
from vendor_layouts.layout import OPERATION, ROW_NUMBER, Column, FeedLayout, Layout, all_layouts, load

DOCS = Path(__file__).resolve().parent.parent / "docs"
TARGET = DOCS / "exchange_format.md"
EXAMPLES = DOCS / "exchange_examples"
PART = re.compile(r"(<!-- generated: (?P<name>[^>]+?) -->\n).*?(<!-- end of generated -->\n)", re.DOTALL)
OPERATION_NAMES = {"1": "追加", "2": "修正", "3": "削除"}
FLAG_NAMES = {"0": "no", "1": "yes"}
# Numbers whose length is fixed by law or by the post; the expectations of the feed refuse any other length.
EXACT = frozenset(("resident_record_code", "individual_number", "postal_code"))
KINDS = {"X": "X, single bytes", "N": "N, two-byte codes only", "M": "M, mixed with shifts", "B": "B, raw bytes"}


def document(text: str) -> str:
    """``text`` with all generated parts made anew; ``KeyError`` for a part that nobody makes."""
    return PART.sub(lambda part: part[1] + _part(part["name"]) + part[3], text)


def _part(name: str) -> str:
    kind, _, rest = name.partition(" ")
    if kind == "columns":
        layout, feed = rest.split(" ")
        return columns_table(load(layout), load(layout).feeds[feed])
    if kind == "ebcdik":
        return ebcdik_table()
    if kind == "dump":
        return dump((EXAMPLES / rest).read_bytes())
    if kind == "text":
        return "```text\n" + (EXAMPLES / rest).read_bytes().decode("utf-8") + "```\n"
    raise KeyError(name)


def expected_parts() -> list[str]:
    """The names of the parts that every edition must have."""
    return [f"columns {name} {feed}" for name in all_layouts() for feed in load(name).feeds] + ["ebcdik"]


def columns_table(layout: Layout, feed: FeedLayout) -> str:
    """The columns of one feed in order; fixed records with their places (bytes counted from 1)."""
    fixed = layout.form == "fixed"
    header = ("No.", "column", *(("bytes", "kind") if fixed else ()), "item", "what stands in it")
    rows, at = [], 1
    for column in feed.columns:
        last = at + column.bytes - 1
        place = (f"{at}–{last}" if last > at else f"{at}", KINDS[column.kind]) if fixed else ()
        rows.append((str(column.order), column.vendor_column, *place, *_meaning(layout, feed, column)))
        at += column.bytes
    total = f"\nOne record has {feed.record_bytes:,} bytes.\n" if fixed else ""
    return _table(header, rows) + total


def _meaning(layout: Layout, feed: FeedLayout, column: Column) -> tuple[str, str]:
    if not column.field:
        mark = "`D`" if layout.form == "fixed" and column.order == 1 else "anything; not read"
        return "–", f"{mark} ({column.ignore})"
    if column.field == OPERATION:
        table = layout.codes.get(column.codes) or {code: code for code in OPERATION_NAMES}
        return "更新区分", _listed((theirs, OPERATION_NAMES[ours]) for theirs, ours in table.items())
    if column.field == ROW_NUMBER:
        return "連番", "1, 2, 3 … without a gap; leading zeros allowed"
    item = next(item for item in items(feed.record) if item.key == column.field)
    must = " **key**" if item.is_key else " **mandatory**" if item.mandatory and column.part in ("", "1") else ""
    return f"{item.japanese_name} `{item.key}`", _content(layout, column, item) + must


def _content(layout: Layout, column: Column, item: Item) -> str:
    kind = item.type.partition(":")[0]
    if column.part == "text":
        return f"不詳表記: free wording, at most {_room(column, item)} characters"
    if column.part == "@length":
        return "length of the picture in bytes, digits; blank when there is none"
    if kind in ("code", "codes", "flag"):
        return _codes(layout, column, item)
    simple = {
        "text": f"text, at most {_room(column, item)} characters" + (f" (part {column.part})" if column.part else ""),
        "kana": f"kana ({column.format or 'full-width'}), at most {_room(column, item)} characters",
        "digits": f"{'exactly' if item.key in EXACT else 'at most'} {item.length} digits",
        "alnum": f"at most {item.length} letters, digits or hyphens",
        "year": "western year, 4 digits",
        "yen": f"yen, at most {item.length} digits, `-` before a negative amount",
        "count": f"number, at most {item.length} digits",
        "date": f"date `{column.format}`",
        "image": f"PNG, at most {item.length:,} bytes, {'raw' if column.format == 'binary' else 'base64'}",
    }
    return simple[kind]


def _room(column: Column, item: Item) -> int:
    """Characters that fit: of a mixed field, full-width ones between one pair of shifts."""
    if not column.bytes:
        return item.length
    return min(item.length, (column.bytes - 4) // 2 if column.kind == "M" else column.bytes)


def _codes(layout: Layout, column: Column, item: Item) -> str:
    table = layout.codes.get(column.codes)
    if item.code_list is None:
        return _listed(
            (theirs, FLAG_NAMES[ours]) for theirs, ours in (table or {code: code for code in FLAG_NAMES}).items()
        )
    names = code_list(item.code_list)
    pairs = [(theirs, names[ours].name) for theirs, ours in (table or {code: code for code in names}).items()]
    return ("one to four of these joined without a space: " if item.type.startswith("codes") else "") + _listed(pairs)


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"`{code}` {name}" for code, name in pairs)


def ebcdik_table() -> str:
    """Single bytes of KEIS: every code with its character."""
    codes = keis.one_byte()
    known = [byte for byte in range(256) if codes[byte] != keis.INVALID]
    rows = []
    for high, row in groupby(known, lambda byte: byte >> 4):
        cells = {byte & 15: f"`{chr(int(codes[byte]))}`" for byte in row}
        cells = {low: "space" if cell == "` `" else "`` ` ``" if cell == "```" else cell for low, cell in cells.items()}
        rows.append((f"**{high:X}x**", *(cells.get(low, "") for low in range(16))))
    return _table(("", *(f"x{low:X}" for low in range(16))), rows)


def dump(data: bytes) -> str:
    """``data`` as ``hexdump -C`` writes it without its text column; ``*`` stands for lines like the one before."""
    return "```hexdump\n" + "".join(f"{line}\n" for line in _dump_lines(data)) + "```\n"


def _dump_lines(data: bytes) -> Iterator[str]:
    before, starred = b"", False
    for at in range(0, len(data), 16):
        line = data[at : at + 16]
        if line == before:
            if not starred:
                yield "*"
            starred = True
            continue
        yield f"{at:08x}  {line.hex(' ')}"
        before, starred = line, False
    yield f"{len(data):08x}"


def read_dump(text: str) -> bytes:
    """The bytes of such a dump."""
    data, repeat = bytearray(), False
    for line in text.splitlines():
        if line == "*":
            repeat = True
            continue
        at, _, rest = line.partition("  ")
        while repeat and len(data) < int(at, 16):
            data += data[-16:]
        repeat = False
        data += bytes.fromhex(rest)
    return bytes(data)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    TARGET.write_text(document(TARGET.read_text("utf-8")), "utf-8")
