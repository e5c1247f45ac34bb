"""Date columns (日付) in the vendor's code into day, 不詳 flag and wording; each distinct code is read once.

What a code means is in ``records.date_codes``, what may be printed in ``records.wareki``.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

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


class Known(NamedTuple):
    """Codes that were read before in one style: one row each. Certainty is null for empty and bad ones."""

    codes: pa.Array
    columns: DateColumns
    bad: pa.Array


def map_dates(codes: pa.Array, style: DateStyle) -> tuple[DateColumns, list[Finding]]:
    """The columns for vendor codes; null for an empty code and, with a finding, for an impossible one."""
    known, indices = _look_up(codes, style)
    columns = DateColumns(*(column.take(indices) for column in known.columns))
    bad = pc.indices_nonzero(pc.fill_null(known.bad.take(indices), False)) if known.bad.true_count else ()
    return columns, list(at(bad, "bad_date"))


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


def _look_up(codes: pa.Array, style: DateStyle) -> tuple[Known, pa.Array]:
    """For each row its index in what is known; the codes that are new are read once and added."""
    known = _known.get(style) or _read(pa.array([], pa.string()), style)
    indices = pc.index_in(codes, known.codes)
    if indices.null_count == codes.null_count:
        return known, indices
    fresh = pc.unique(codes.filter(pc.and_(pc.is_null(indices), pc.is_valid(codes))))
    if len(known.codes) + len(fresh) > KEPT_CODES:
        known, fresh = _read(fresh.slice(0, 0), style), pc.unique(codes.drop_null())
    known = _together(known, _read(fresh, style))
    _known[style] = known
    return known, pc.index_in(codes, known.codes)


_known: dict[DateStyle, Known] = {}


def _together(one: Known, other: Known) -> Known:
    columns = DateColumns(*map(pa.concat_arrays, zip(one.columns, other.columns, strict=True)))
    return Known(pa.concat_arrays([one.codes, other.codes]), columns, pa.concat_arrays([one.bad, other.bad]))


def _read(codes: pa.Array, style: DateStyle) -> Known:
    values = [_value(code, style) for code in codes.to_pylist()]
    good = [one if isinstance(one, DateValue) else None for one in values]
    columns = DateColumns(
        pa.array([one and one.on for one in good], pa.date32()),
        pa.array([one and one.certainty for one in good], pa.string()),
        pa.array([one and one.text for one in good], pa.string()),
    )
    return Known(codes, columns, pa.array([isinstance(one, InvalidDate) for one in values], pa.bool_()))


def _value(code: str, style: DateStyle) -> DateValue | InvalidDate | None:
    """The error comes back as a value: an impossible code is as likely to come again as a good one."""
    if not code.strip():
        return None
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
