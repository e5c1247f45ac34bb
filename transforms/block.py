"""One block of decoded rows (50,000 at most) into mapped rows: every item by its plan, then what concerns whole rows.

Pure: Arrow in, Arrow out. Streaming files is ``mapping``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from records.errors import Place, UnreadableKey
from transforms import codes, dates, numbers
from transforms.characters import CharacterTable, lengths_above, map_text
from transforms.code_points import Mask, with_nulls
from transforms.dates import DateColumns
from transforms.findings import Finding, Problems, at
from transforms.kana import to_full_width
from transforms.plan import ItemPlan, key_names, schema
from vendor_layouts.layout import OPERATION

DELETE = "3"
OPERATIONS = ("1", "2", DELETE)
FOREIGN = "2"

Columns = dict[str, pa.Array]


class Block:
    """The rows under work: decoded columns, mapped columns so far, and their problems."""

    def __init__(
        self, decoded: pa.RecordBatch, record: str, plans: tuple[ItemPlan, ...], table: CharacterTable
    ) -> None:
        self.decoded = {name: decoded.column(name) for name in decoded.schema.names}
        self.rows = decoded.num_rows
        self.record = record
        self.plans = plans
        self.table = table
        self.keys = key_names(record)
        self.problems = Problems.carried(self.decoded["problem"])
        self.deletes: Mask = pc.equal(self.decoded["operation"], DELETE).to_numpy(zero_copy_only=False)
        self.mapped: Columns = {}

    def run(self) -> pa.RecordBatch:
        """Map the block; ``UnreadableKey`` names the first row whose record can't be told."""
        self._check_operations()
        self._keep_only_keys_of_deletes()
        for plan in self.plans:
            self.mapped |= self._map_item(plan)
            self._check_presence(plan)
        own = {"row_number": self.decoded["row_number"], "operation": self.decoded["operation"]}
        columns = {**own, **self.mapped, "problem": self.problems.column()}
        wanted = schema(self.record)
        return pa.record_batch([columns[name] for name in wanted.names], schema=wanted)

    def _check_operations(self) -> None:
        known = pc.is_in(self.decoded["operation"], pa.array(OPERATIONS)).to_numpy(zero_copy_only=False)
        self.problems.add(OPERATION, at(np.flatnonzero(~known), "unknown_code"))

    def _keep_only_keys_of_deletes(self) -> None:
        """A delete (削除) means its key only: whatever else the vendor leaves in the row is not looked at."""
        if not self.deletes.any():
            return
        for plan in self.plans:
            for name in (*plan.sources, plan.wording):
                if name and plan.item.key not in self.keys:
                    self.decoded[name] = with_nulls(self.decoded[name], self.deletes)

    def _map_item(self, plan: ItemPlan) -> Columns:
        """The columns of one item; cells with a problem are null."""
        if not plan.sources:
            types = schema(self.record)
            return {name: pa.nulls(self.rows, types.field(name).type) for name in plan.item.columns}
        if plan.item.type == "date":
            return dict(zip(plan.item.columns, self._map_date(plan), strict=True))
        column, found = self._map_column(plan)
        self.problems.add(plan.item.key, found)
        return {plan.item.key: column}

    def _map_column(self, plan: ItemPlan) -> tuple[pa.Array, Iterable[Finding]]:
        item, column = plan.item, self.decoded[plan.sources[0]]
        kind = item.type.partition(":")[0]
        if kind in ("text", "kana"):
            return self._map_text(plan)
        if kind in ("code", "codes", "flag"):
            return codes.map_codes(column, plan.codes, plan.allowed, joined=kind == "codes")
        if kind in ("digits", "alnum"):
            return numbers.map_digits(column, item.length, alphanumeric=kind == "alnum")
        if kind == "image":
            return _limit(column, at(_above(pc.binary_length(column), item.length), "too_long"))
        return numbers.map_numbers(column, kind, item.length)

    def _map_text(self, plan: ItemPlan) -> tuple[pa.Array, list[Finding]]:
        parts, found = zip(*(self._map_part(name, plan) for name in plan.sources), strict=True)
        joined = parts[0] if len(parts) == 1 else _joined(parts, plan.joiner)
        findings = [one for some in found for one in some]
        if len(parts) > 1 and findings:
            joined = _limit(joined, findings)[0]
        column, long = _limit(joined, at(lengths_above(joined, plan.item.length), "too_long"))
        return column, [*findings, *long]

    def _map_part(self, name: str, plan: ItemPlan) -> tuple[pa.Array, list[Finding]]:
        column = self.decoded[name]
        if column.null_count == len(column):
            return column, []
        return map_text(to_full_width(column) if plan.half_width else column, self.table)

    def _map_date(self, plan: ItemPlan) -> DateColumns:
        source = self.decoded[plan.sources[0]]
        columns, found = dates.map_dates(source, plan.date_style)
        if plan.western_for_foreigners:
            western, _ = dates.map_dates(source, plan.date_style._replace(western=True))
            foreign = pc.fill_null(pc.equal(self.mapped["resident_kind"], FOREIGN), False)
            columns = dates.choose(foreign, western, columns)
        if plan.wording:
            wording, more = self._map_wording(plan.wording, plan.item.length)
            columns = dates.with_wording(columns, wording)
            found = [*found, *more]
        self.problems.add(plan.item.key, found)
        return dates.without(columns, _mask(self.rows, found)) if found else columns

    def _map_wording(self, name: str, length: int) -> tuple[pa.Array, list[Finding]]:
        column = self.decoded[name]
        if column.null_count == len(column):
            return column, []
        wording, found = map_text(column, self.table)
        return wording, [*found, *at(lengths_above(wording, length), "too_long")]

    def _check_presence(self, plan: ItemPlan) -> None:
        """A missing key stops the file; a missing mandatory item is a problem, unless the cell has one already."""
        item = plan.item
        column = self.mapped[item.columns[1] if item.type == "date" else item.key]
        if not (item.mandatory or item.is_key) or not column.null_count:
            return
        missing = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)).tolist()
        if item.is_key:
            row = self.decoded["row_number"][missing[0]].as_py()
            raise UnreadableKey("the record's key is missing or can't be read", Place(row=row, field=item.key))
        rows = (row for row in missing if not self.deletes[row] and not self.problems.has(row, item.key))
        self.problems.add(item.key, at(rows, "mandatory_missing"))


def _joined(parts: tuple[pa.Array, ...], joiner: str) -> pa.Array:
    """Parts one after the other; empty ones leave no joiner behind."""
    joined = parts[0]
    for part in parts[1:]:
        joined = pc.coalesce(pc.binary_join_element_wise(joined, part, joiner), joined, part)
    return joined


def _above(lengths: pa.Array, limit: int) -> list[int]:
    rows: list[int] = pc.indices_nonzero(pc.fill_null(pc.greater(lengths, limit), False)).to_pylist()
    return rows


def _mask(rows: int, found: Iterable[Finding]) -> Mask:
    where = np.zeros(rows, dtype=np.bool_)
    where[[one.row for one in found]] = True
    return where


def _limit(column: pa.Array, found: Iterable[Finding]) -> tuple[pa.Array, list[Finding]]:
    """The column with null where something was found."""
    found = list(found)
    return (with_nulls(column, _mask(len(column), found)) if found else column), found
