"""How vendors' files go wrong: each kind spoils one file in one way.

Some make the control record disagree (the transfer is bad), some keep it true (the whole content is bad), some spoil the
last row only. The archive keeps the whole file, so a resend heals everything.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from extractors.exchange import FileName
from simulators.vendors.cells import Cell
from simulators.vendors.control import EDGE_BYTES
from simulators.vendors.files import Change, ExchangeFile, head, seal
from simulators.world.town import Town
from vendor_layouts.layout import Layout

UNMAPPED = {"cp932-eudc": "\ue757", "keis83": "\uebbf", "utf-8": "\uf8fe"}
OTHER_TOWN = "131016"
NOBODY = "9" * 15


@dataclass(slots=True)
class Delivery:
    """What reaches the outgoing directory now (whole files, raw pieces as (feed, name, bytes)), and what comes late."""

    files: list[ExchangeFile] = field(default_factory=list)
    pieces: list[tuple[str, str, bytes]] = field(default_factory=list)
    late: list[ExchangeFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Case:
    """A file about to be spoilt, the changes in it (never none), and the file before it."""

    town: Town
    file: ExchangeFile
    changes: Sequence[Change]
    before: ExchangeFile | None

    @property
    def layout(self) -> Layout:
        """The vendor's layout."""
        return self.town.format.layout

    @property
    def feed(self) -> str:
        """The file's feed."""
        return self.file.name.feed

    def records(self) -> list[bytes]:
        """The data records as they should be."""
        return self.town.format.records(self.feed, self.changes)

    def sealed(self, records: Sequence[bytes], name: FileName | None = None, **lies: Any) -> ExchangeFile:
        """These records with a control record that is true but for ``lies``, under the file's own name."""
        layout = self.layout
        made = seal(layout, name or self.file.name, records, head(layout, layout.feeds[self.feed]), None, lies)
        return replace(made, name=self.file.name)


Spoil = Callable[[Case], Delivery]
Records = Callable[[Case], list[bytes]]


def check(layout: Layout, feed: str, how: str) -> None:
    """``KeyError`` for an unknown kind, ``ValueError`` where this feed's format can't go wrong that way."""
    if how not in KINDS:
        raise KeyError(how)
    possible = {
        "missing_sequence": layout.charset == "utf-8" and feed == "resident",
        "bidi_character": layout.charset == "utf-8" and feed == "resident",
        "control_only": layout.control == "file",
        "half_shift": feed == "resident",
        "open_quote": layout.form == "delimited",
        "control_character": layout.form == "delimited" and feed == "resident",
        **dict.fromkeys(("unmapped_gaiji", "formula"), feed in _TEXT),
        "bad_date": feed in _DATES,
        "bad_number": feed == "tax",
        **dict.fromkeys(("broken_image", "huge_image", "image_bomb", "grey_image"), feed == "seal"),
    }
    if not possible.get(how, True):
        raise ValueError(f"{how} can't happen to {layout.name} {feed}")


def spoil(
    town: Town, file: ExchangeFile, changes: Sequence[Change], how: str, before: ExchangeFile | None = None
) -> Delivery:
    """What is delivered in place of ``file``. An empty difference first gets a record that has not changed."""
    some = changes or [Change("2", row) for row in list(town.records[file.name.feed].values())[-1:]]
    return KINDS[how](Case(town, file, some, before))


def _one(change: Callable[[Case], ExchangeFile]) -> Spoil:
    return lambda case: Delivery([change(case)])


def _whole(records: Records, **lies: Any) -> Spoil:
    return lambda case: Delivery([case.sealed(records(case), **lies)])


def _truncated(case: Case) -> ExchangeFile:
    return replace(case.file, data=case.file.data[: -max(3, len(case.file.data) // 3)])


def _flipped(case: Case) -> ExchangeFile:
    data, at = case.file.data, len(case.file.data) // 2
    return replace(case.file, data=data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])


def _no_control(case: Case) -> ExchangeFile:
    cut = case.file.data[:-EDGE_BYTES] if case.file.control is None else case.file.data
    return replace(case.file, control=None, data=cut)


def _control_only(case: Case) -> Delivery:
    return Delivery(pieces=[(case.feed, case.file.name.control, case.file.control or b"")])


def _half_upload(case: Case) -> Delivery:
    """A careful vendor in the middle: half the data under the temporary name."""
    piece = (case.feed, f"{case.file.name}.part", case.file.data[: len(case.file.data) // 2])
    return Delivery(pieces=[piece], late=[case.file])


def _slow_upload(case: Case) -> Delivery:
    """A careless vendor in the middle: half the data under the final name already."""
    piece = (case.feed, str(case.file.name), case.file.data[: len(case.file.data) // 2])
    return Delivery(pieces=[piece], late=[case.file])


def _late(case: Case) -> Delivery:
    """The file comes only at the next tick: until then a gap, if another one overtakes it."""
    return Delivery(late=[case.file])


def _conflict(case: Case) -> Delivery:
    """The number before comes once more with other content, beside the true new file."""
    if case.before is None:
        return Delivery([case.file])
    again = replace(case, file=case.before)
    return Delivery([again.sealed(again.records()), case.file])


def _twice(case: Case) -> Delivery:
    return Delivery([case.file] if case.before is None else [case.before, case.file])


def _other_municipality(case: Case) -> ExchangeFile:
    """The name is ours, the control record says another town."""
    return case.sealed(case.records(), municipality=OTHER_TOWN)


def _foreign_file(case: Case) -> Delivery:
    """A file of another town, true in itself, lies beside ours."""
    other = replace(case.file.name, municipality=OTHER_TOWN)
    made = replace(case.sealed(case.records(), name=other), name=other)
    return Delivery([made, case.file])


def _other_columns(case: Case, more: bool) -> list[bytes]:
    """Every record with one column more, or without its last one."""
    layout, records = case.layout, case.records()
    if layout.form == "fixed":
        return [record + b"\x40" if more else record[:-1] for record in records]
    end = len(layout.newline)
    cut = [record[:-end] for record in records]
    return [(one + b',""' if more else one.rpartition(b",")[0]) + layout.newline.encode() for one in cut]


def _wrong_charset(case: Case) -> list[bytes]:
    """The same CSV in the other charset; of fixed records the text of an ASCII system."""
    records = case.records()
    if case.layout.form == "fixed":
        return [record.replace(b"\x40", b"\x20") for record in records]
    if case.layout.charset == "utf-8":
        return [record.decode("utf-8").encode("cp932", "replace") for record in records]
    return [record.decode("cp932").encode("utf-8") for record in records]


def _wrong_feed(case: Case) -> list[bytes]:
    """The records are those of another feed."""
    other = "tax" if case.feed != "tax" else "seal"
    rows = list(case.town.records[other].values())[:1]
    return case.town.format.records(other, [Change("1", row) for row in rows])


def _open_quote(case: Case) -> list[bytes]:
    """The first record's last quotation mark is missing: without care its line swallows the next."""
    records, newline = case.records(), case.layout.newline.encode("ascii")
    return [records[0].removesuffix(b'"' + newline) + newline, *records[1:]]


def _half_shift(case: Case) -> list[bytes]:
    """The last row's name ends in the middle of a two-byte code, or without the shift back."""
    records, layout = case.records(), case.layout
    if layout.form == "fixed":
        at = sum(column.bytes for column in _before(case, "name"))
        width = next(column.bytes for column in layout.feeds[case.feed].columns if column.field == "name")
        cut = (b"\x0a\x42" + b"\xb0\xa1" * width)[: width - 1] + b"\xb0"
        return [*records[:-1], records[-1][:at] + cut + records[-1][at + width :]]
    last, number = records[-1], len(_before(case, "name"))
    cells = last.split(b",")
    lead = b"\x83" if layout.charset != "utf-8" else b"\xe5\xb1"
    cells[number] = b'"' + lead + b'"'
    return [*records[:-1], b",".join(cells)]


def _before(case: Case, name: str) -> list[Any]:
    columns = case.layout.feeds[case.feed].columns
    return list(columns[: next(number for number, column in enumerate(columns) if column.field == name)])


def _with_cell(fields: dict[str, str], cell: Callable[[Case], Cell] | Cell) -> Spoil:
    """The last row says something else in one column, named per feed."""

    def records(case: Case) -> list[bytes]:
        columns = case.layout.feeds[case.feed].columns
        wanted = fields[case.feed]
        value = cell(case) if callable(cell) else cell
        cells = case.town.format.cells(case.feed, case.changes[-1], len(case.changes))
        changed = [
            _put(column.field == wanted, column.part, old, value) for column, old in zip(columns, cells, strict=True)
        ]
        return [*case.records()[:-1], case.town.format.encode(case.feed, changed)]

    return _whole(records)


def _put(here: bool, part: str, old: Cell, new: Cell) -> Cell:
    """The new value stands in the first part of its field; lengths follow it."""
    if not here or part in ("2", "3", "text"):
        return old
    return f"{len(new):05d}" if part == "@length" else new


def _absent_deleted(case: Case) -> list[bytes]:
    row = {**case.changes[-1].row, "addressee_number": NOBODY}
    return case.town.format.records(case.feed, [*case.changes, Change("3", row)])


def _row_number_doubled(case: Case) -> list[bytes]:
    records = case.records()
    return [*records, records[-1]]


def _picture(mode: str, millimetres: float) -> bytes:
    out, dots = io.BytesIO(), round(millimetres / 25.4 * 600)
    Image.new(mode, (dots, dots), 1 if mode == "1" else 200).save(out, "PNG", dpi=(600, 600))
    return out.getvalue()


def _bomb() -> bytes:
    """A picture of few bytes that claims 30,000 × 30,000 dots."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    density = struct.pack(">IIB", 23_622, 23_622, 1)
    chunks = ((b"IHDR", header), (b"pHYs", density), (b"IDAT", zlib.compress(b"\0" * 1_000_000, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _image(make: Callable[[], bytes]) -> Spoil:
    """A picture as the vendor's format carries it."""
    fields = {"seal": "impression"}
    return lambda case: _with_cell(fields, _carried(case, make()))(case)


def _carried(case: Case, data: bytes) -> Cell:
    return data if case.layout.form == "fixed" else base64.b64encode(data).decode("ascii")


_KEY = dict.fromkeys(("resident", "seal", "tax"), "addressee_number")
_CODE = {"resident": "relationship_codes", "seal": "seal_status", "tax": "filing_kind"}
_TEXT = {"resident": "name", "tax": "address_on_january_1"}
_DATES = {"resident": "changed_on", "seal": "registered_on"}
_BAD_DATES = {"awa_csv": "S640230", "naruto_fixed": "300650230", "sudachi_csv": "S64-02-30"}

KINDS: dict[str, Spoil] = {
    # The transfer is bad, or not over.
    "lost": lambda case: Delivery(),
    "late": _late,
    "truncated": _one(_truncated),
    "wrong_hash": _one(_flipped),
    "wrong_count": lambda case: Delivery([case.sealed(case.records(), rows=len(case.changes) + 1)]),
    "no_control": _one(_no_control),
    "control_only": _control_only,
    "half_upload": _half_upload,
    "slow_upload": _slow_upload,
    "conflict": _conflict,
    "twice": _twice,
    "other_municipality": _one(_other_municipality),
    "foreign_file": _foreign_file,
    # The whole content is bad under a true control record.
    "wrong_layout": lambda case: Delivery([case.sealed(case.records(), layout="other_csv/9")]),
    "wrong_feed": _whole(_wrong_feed),
    "column_more": _whole(lambda case: _other_columns(case, more=True)),
    "column_fewer": _whole(lambda case: _other_columns(case, more=False)),
    "row_number_doubled": _whole(_row_number_doubled),
    "wrong_charset": _whole(_wrong_charset),
    "open_quote": _whole(_open_quote),
    "bad_key": _with_cell(_KEY, "12A"),
    # One row is bad.
    "half_shift": _whole(_half_shift),
    "unmapped_gaiji": _with_cell(_TEXT, lambda case: UNMAPPED[case.layout.charset]),
    "missing_sequence": _with_cell(_TEXT, "山\U000e01ef田"),
    "control_character": _with_cell(_TEXT, "山\x07田"),
    "bidi_character": _with_cell(_TEXT, "山\u202e田"),
    "formula": _with_cell(_TEXT, "=1+1"),
    "unknown_code": _with_cell(_CODE, "7"),
    "bad_date": _with_cell(_DATES, lambda case: _BAD_DATES[case.layout.system]),
    "bad_number": _with_cell({"tax": "salary_receipts"}, "12-3"),
    "broken_image": _image(lambda: _picture("1", 12)[:-20]),
    "grey_image": _image(lambda: _picture("L", 12)),
    "huge_image": _image(lambda: _picture("1", 60)),
    "image_bomb": _image(_bomb),
    "absent_deleted": _whole(_absent_deleted),
}
