"""How vendors' files go wrong: each kind spoils one whole file in one way. Some keep the control record true (the content
is bad), some make it disagree (the transfer is bad).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from extractors.exchange import FileName, format_control_file, parse_control_file
from simulators.vendors.cells import Row
from simulators.vendors.files import Change, ExchangeFile, head, seal
from simulators.world.town import Town

Spoil = Callable[[Town, ExchangeFile, list[Change]], list[ExchangeFile]]

UNMAPPED = {"cp932-eudc": "\ue757", "keis83": "\uebbf", "utf-8": "\uf8fe"}


def spoil(town: Town, file: ExchangeFile, changes: list[Change], how: str) -> list[ExchangeFile]:
    """What is delivered in place of ``file``."""
    return KINDS[how](town, file, changes)


def _lost(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    return []


def _truncated(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    return [replace(file, data=file.data[: -max(3, len(file.data) // 3)])]


def _wrong_hash(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    at = len(file.data) // 2
    return [replace(file, data=file.data[:at] + bytes((file.data[at] ^ 1,)) + file.data[at + 1 :])]


def _wrong_count(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    """The control record counts one row more than there is, with true bytes and hash."""
    records = town.format.records(file.name.feed, changes)
    if file.control is None:
        return [seal(town.format.layout, file.name, [*records[:-1], records[-1], b""], b"", None)]
    control = parse_control_file(file.control, file.name.control)
    return [replace(file, control=format_control_file(replace(control, rows=control.rows + 1)))]


def _no_control(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    cut = file.data[:-256] if file.control is None else file.data
    return [replace(file, control=None, data=cut)]


def _other_municipality(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    """The name is ours, the control record says another town."""
    other = replace(file.name, municipality="131016")
    made = _sealed(town, other, town.format.records(file.name.feed, changes))
    return [replace(made, name=file.name)]


def _column_more(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    layout = town.format.layout
    extra = b"\x40" if layout.form == "fixed" else b',""' + layout.newline.encode()
    cut = 0 if layout.form == "fixed" else len(layout.newline)
    records = [record[: len(record) - cut] + extra for record in town.format.records(file.name.feed, changes)]
    return [_sealed(town, file.name, records)]


def _row_number_doubled(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    records = town.format.records(file.name.feed, changes)
    return [_sealed(town, file.name, [*records, records[-1]])]


def _with_values(**values: Any) -> Spoil:
    """The last row carries these values instead."""

    def change(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
        last = changes[-1]
        row: Row = {**last.row, **{key: one(town) if callable(one) else one for key, one in values.items()}}
        records = town.format.records(file.name.feed, [*changes[:-1], Change(last.operation, row)])
        return [_sealed(town, file.name, records)]

    return change


def _absent_deleted(town: Town, file: ExchangeFile, changes: list[Change]) -> list[ExchangeFile]:
    row = {**changes[-1].row, "addressee_number": "999999999999999"}
    return [_sealed(town, file.name, town.format.records(file.name.feed, [*changes, Change("3", row)]))]


def _sealed(town: Town, name: FileName, records: list[bytes]) -> ExchangeFile:
    layout = town.format.layout
    return seal(layout, name, records, head(layout, layout.feeds[name.feed]), None)


def _unmapped(town: Town) -> str:
    return UNMAPPED[town.format.layout.charset] + "　太郎"


KINDS: dict[str, Spoil] = {
    "lost": _lost,
    "truncated": _truncated,
    "wrong_hash": _wrong_hash,
    "wrong_count": _wrong_count,
    "no_control": _no_control,
    "other_municipality": _other_municipality,
    "column_more": _column_more,
    "row_number_doubled": _row_number_doubled,
    "unmapped_gaiji": _with_values(name=_unmapped),
    "unknown_code": _with_values(relationship_codes="77"),
    "bad_key": _with_values(addressee_number="12A"),
    "absent_deleted": _absent_deleted,
}
