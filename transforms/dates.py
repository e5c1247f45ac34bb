"""Date columns (日付) in the vendor's code into day, 不詳 flag and wording; each distinct code is read once.

What a code means is in ``records.date_codes``, what may be printed in ``records.wareki``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from records import date_codes
from records.wareki import Certainty, DateParts, DateValue, InvalidDate, span_era, value
from transforms.code_points import Mask
from transforms.findings import Finding, at

KEPT_CODES = 1 << 17


class DateStyle(NamedTuple):
    """How the codes of one column are read: vendor's format, wording in western years, days that no calendar has."""

    format: str
    western: bool = False
    calendar_day: bool = True

    @property
    def has_era(self) -> bool:
        """Whether the vendor writes the era: then it is kept and ``western`` has no say."""
        return date_codes.FORMATS[self.format].has_era


class DateColumns(NamedTuple):
    """The three columns of a date item."""

    on: pa.Array
    certainty: pa.Array
    text: pa.Array


def map_dates(codes: pa.Array, style: DateStyle) -> tuple[DateColumns, list[Finding]]:
    """The columns for vendor codes; null for an empty code and, with a finding, for an impossible one."""
    encoded = codes.dictionary_encode()
    indices = encoded.indices
    values = [_read(code, style) for code in encoded.dictionary.to_pylist()]
    read = [one if isinstance(one, DateValue) else None for one in values]
    columns = DateColumns(
        pa.array([one and one.on for one in read], pa.date32()).take(indices),
        pa.array([one and one.certainty for one in read], pa.string()).take(indices),
        pa.array([one and one.text for one in read], pa.string()).take(indices),
    )
    bad = [index for index, one in enumerate(values) if isinstance(one, InvalidDate)]
    return columns, list(at(rows_with(indices, bad), "bad_date"))


def choose(where: pa.Array, one: DateColumns, other: DateColumns) -> DateColumns:
    """Row by row the columns of ``one`` or ``other``."""
    return DateColumns(*(pc.if_else(where, left, right) for left, right in zip(one, other, strict=True)))


def with_wording(columns: DateColumns, wording: pa.Array) -> DateColumns:
    """不詳表記: a free wording of the vendor wins as the wording; alone, it is a date of certainty 5."""
    if wording.null_count == len(wording):
        return columns
    free = pc.and_(pc.is_valid(wording), pc.is_null(columns.certainty))
    certainty = pc.if_else(free, pa.scalar(Certainty.FREE_WORDING.value), columns.certainty)
    return DateColumns(columns.on, certainty, pc.coalesce(wording, columns.text))


def without(columns: DateColumns, where: Mask) -> DateColumns:
    """The columns with null at these rows."""
    mask = pa.array(where)
    return DateColumns(*(pc.if_else(mask, pa.scalar(None, column.type), column) for column in columns))


def rows_with(indices: pa.Array, bad: Iterable[int]) -> Iterable[int]:
    """Rows whose dictionary index is one of ``bad``."""
    bad = list(bad)
    if not bad:
        return ()
    return np.flatnonzero(np.isin(pc.fill_null(indices, -1).to_numpy(), bad)).tolist()


def _read(code: str | None, style: DateStyle) -> DateValue | InvalidDate | None:
    return None if code is None or not code.strip() else _value(code, style)


@lru_cache(maxsize=KEPT_CODES)
def _value(code: str, style: DateStyle) -> DateValue | InvalidDate:
    """The error is kept as a value: an impossible code is as likely to come again as a good one."""
    try:
        parts = date_codes.parse(code, style.format)
        return value(parts if style.has_era or style.western else _in_era(parts), calendar_day=style.calendar_day)
    except InvalidDate as error:
        return InvalidDate(str(error))


def _in_era(parts: DateParts) -> DateParts:
    """A western code as it is printed for Japanese residents; where 不詳 leaves two eras, the western year stays."""
    if not parts.year or not 1 <= (parts.month or 1) <= 12 or (parts.month and not 0 <= parts.day <= 31):
        return parts
    if not date(1868, 12, 31) < date(parts.year, 12, 31) <= date(2200, 12, 31):
        return parts
    era = span_era(parts)
    return DateParts(era, era.year_of(parts.year), parts.month, parts.day) if era else parts
