"""A stranger's files: written from nothing but the tables of ``docs/exchange_format.md``, every item at its full width.

Charsets, records and control records are made here by hand, so that the document is what is tried.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from extractors.decode import decode
from extractors.pull import pull
from extractors.sources import FolderSource
from municipalities.registry import get
from records.dictionary import items
from transforms.mapping import map_batch

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "exchange_format.md").read_text("utf-8")
VENDORS = {"awa_csv/1": "364894", "naruto_fixed/1": "362999", "sudachi_csv/1": "364991"}
FEEDS = ("resident", "seal", "tax")
DAYS = {"era_letter": "S500201", "era_digit": "300500201", "era_iso": "S50-02-01"}
FULL, LEAST, WORDED = range(3)
CREATED = "2026-11-24T09:00:00+09:00"


@dataclass(frozen=True)
class Line:
    """One line of a column table."""

    column: str
    width: int
    kind: str
    key: str
    says: str

    @property
    def must(self) -> bool:
        return "**key**" in self.says or "**mandatory**" in self.says

    @property
    def number(self) -> int:
        """The greatest length that the table names."""
        match = re.search(r"(?:at most|exactly) ([0-9,]+)", self.says)
        assert match
        return int(match[1].replace(",", ""))


def table(layout: str, feed: str) -> list[Line]:
    """The column table of the document."""
    part = TEXT.split(f"<!-- generated: columns {layout} {feed} -->")[1].split("<!-- end of generated -->")[0]
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in part.strip().splitlines() if line.startswith("| ")]
    return [_line(row) for row in rows[2:]]


def _line(row: list[str]) -> Line:
    first, *last = re.split("–", row[2]) if len(row) == 6 else ["1"]
    width = int(last[0]) - int(first) + 1 if last else 1
    kind = row[3][0] if len(row) == 6 else ""
    key = re.search(r"`(\w+)`", row[-2])
    return Line(row[1], width, kind, key[1] if key else row[-2], row[-1])


def picture() -> bytes:
    """A seal of 10 mm."""
    out = io.BytesIO()
    Image.new("1", (236, 236), 1).save(out, "PNG", dpi=(600, 600))
    return out.getvalue()


def value(line: Line, which: int, number: int, parts: int, worded: bool) -> str | bytes:
    """What stands in a column of the row that is ``FULL``, has the ``LEAST``, or has its dates ``WORDED``.

    ``parts``: into how many columns the item is cut; ``worded``: whether it has a column for 不詳表記.
    """
    says = line.says
    always = {"連番": str(number), "–": "D" if says.startswith("`D`") else "x", "addressee_number": f"{number:015d}"}
    if line.key in always:
        return always[line.key]
    if "不詳表記" in says:
        return "夏" * line.number if which == WORDED else ""
    if which == LEAST and not line.must and line.key != "更新区分" and "length of the picture" not in says:
        return ""
    if says.startswith("date"):
        style = re.search(r"`(\w+)`", says)
        assert style
        return "" if which == WORDED and worded else DAYS[style[1]]
    return _simple(line, parts)


def _simple(line: Line, parts: int) -> str | bytes:
    says, base64_text = line.says, base64.b64encode(picture()).decode()
    forms: dict[str, str | bytes] = {
        "length of the picture": f"{len(picture()):05d}",
        "PNG": base64_text if "base64" in says else picture(),
        "western year": "2026",
        "kana (halfwidth)": "ｱ",
        "kana": "ア",
        "text": "山",
    }
    cell = next((cell for start, cell in forms.items() if says.startswith(start)), None)
    if cell is not None:
        most = 1 if len(cell) > 1 else (line.number - 1) // 2 if parts > 1 else line.number
        return cell * most
    if re.match("at most|exactly|yen|number", says):
        return ("Z9-" * line.number)[: line.number] if "letters" in says else "9" * line.number
    return _code(says)


def _code(says: str) -> str:
    code = re.search(r"`([^`]+)`", says)
    assert code
    return code[1]


def wordings(layout: str, feed: str) -> set[str]:
    """The dates that have a column for 不詳表記."""
    return {line.key for line in table(layout, feed) if "不詳表記" in line.says}


def rows(layout: str, feed: str) -> list[list[str | bytes]]:
    lines, worded = table(layout, feed), wordings(layout, feed)
    parts = {line.key: sum(other.key == line.key for other in lines if "(part" in other.says) for line in lines}
    return [
        [value(line, which, number, parts[line.key], line.key in worded) for line in lines]
        for number, which in enumerate((FULL, LEAST, WORDED), 1)
    ]


def keis(text: str) -> bytes:
    """Single bytes by the document's EBCDIK table, all others as EUC-JP between shifts."""
    out = b""
    for piece in re.findall("[夏山]+|[^夏山]", text):
        single = EBCDIK.get(piece)
        out += bytes((single,)) if single is not None else b"\x0a\x42" + piece.encode("euc_jp") + b"\x0a\x41"
    return out


def _ebcdik() -> dict[str, int]:
    part = TEXT.split("<!-- generated: ebcdik -->")[1].split("<!-- end of generated -->")[0]
    found = {" ": 0x40}
    for line in part.strip().splitlines()[2:]:
        high, *cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for low, cell in enumerate(cells):
            if cell.startswith("`") and cell != "`` ` ``":
                found[cell.strip("`").replace("\\|", "|")] = int(high[2], 16) * 16 + low
    return found


EBCDIK = _ebcdik()


def fixed(layout: str, feed: str) -> bytes:
    out = b""
    for row in rows(layout, feed):
        for line, cell in zip(table(layout, feed), row, strict=True):
            data = cell if isinstance(cell, bytes) else keis(cell)
            assert len(data) <= line.width, line.column
            out += data.ljust(line.width, b"\x00" if line.kind == "B" else b"\x40")
    return out


def delimited(layout: str, feed: str) -> bytes:
    text: list[list[Any]] = [*rows(layout, feed)]
    if layout == "awa_csv/1":
        text = [[line.column for line in table(layout, feed)], *text]
    charset, newline = ("cp932", "\r\n") if layout == "awa_csv/1" else ("utf-8", "\n")
    return "".join(",".join(f'"{cell}"' for cell in row) + newline for row in text).encode(charset)


def write(folder: Path, layout: str, feed: str) -> None:
    """The full set number 1 with its control record."""
    stem = f"{VENDORS[layout]}_{feed}_full_00000001"
    if layout == "naruto_fixed/1":
        data = fixed(layout, feed)
        head = f"HUTSUSHI1{VENDORS[layout]}{feed.upper():8}FULL00000001{layout.upper():20}{CREATED}"
        before = keis(head).ljust(256, b"\x40") + data
        tail = f"T{3:010d}{len(data):012d}{hashlib.sha256(before).hexdigest().upper()}"
        (folder / f"{stem}.dat").write_bytes(before + keis(tail).ljust(256, b"\x40"))
        return
    data = delimited(layout, feed)
    (folder / f"{stem}.dat").write_bytes(data)
    control = {
        "utsushi_exchange": "1",
        "municipality": VENDORS[layout],
        "feed": feed,
        "kind": "full",
        "sequence": "00000001",
        "layout": layout,
        "rows": "3",
        "bytes": str(len(data)),
        "sha256": hashlib.sha256(data).hexdigest(),
        "created_at": CREATED,
    }
    (folder / f"{stem}.ctl").write_text("".join(f"{key}={value}\n" for key, value in control.items()), "ascii")


@pytest.mark.clause("3(1)①", "3(1)⑪")
@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("layout", VENDORS)
def test_a_file_written_from_the_tables_alone_arrives_whole(tmp_path: Path, layout: str, feed: str) -> None:
    write(tmp_path, layout, feed)
    source = FolderSource(tmp_path)
    (batch,) = pull(get(VENDORS[layout]), feed, last_applied=None, known={}, source=source, full=True)
    decode(batch)
    map_batch(batch)
    full, least, worded = pq.read_table(batch / "mapped.parquet").to_pylist()
    assert [row["problem"] for row in (full, least, worded)] == [None] * 3
    sent = {line.key for line in table(layout, feed)}
    must = {line.key for line in table(layout, feed) if line.must}
    for item in items(feed):
        here = item.columns[1] if item.type == "date" else item.key
        assert (full[here] is not None) == (item.key in sent), item.key
        assert (least[here] is not None) == (item.key in must), item.key
        if item.key in wordings(layout, feed):
            assert (worded[item.key], worded[here], set(worded[item.text_column])) == (None, "5", {"夏"})


def test_a_character_more_than_the_table_says_is_too_long(tmp_path: Path) -> None:
    write(tmp_path, "sudachi_csv/1", "resident")
    path = next(tmp_path.glob("*.dat"))
    longer = path.read_bytes().replace("山".encode() * 20, "山".encode() * 21)
    control = path.with_suffix(".ctl")
    text = control.read_text("ascii")
    text = text.replace(f"bytes={path.stat().st_size}", f"bytes={len(longer)}")
    text = text.replace(hashlib.sha256(path.read_bytes()).hexdigest(), hashlib.sha256(longer).hexdigest())
    path.write_bytes(longer)
    control.write_text(text, "ascii")
    source = FolderSource(tmp_path)
    (batch,) = pull(get("364991"), "resident", last_applied=None, known={}, source=source, full=True)
    decode(batch)
    map_batch(batch)
    problems = [row["problem"] or "" for row in pq.read_table(batch / "mapped.parquet").to_pylist()]
    assert all("too_long:relationship_text" in one for one in problems)
