"""Dates as Japanese registers write them: 和暦 (era years), 不詳 (unknown parts), days that no calendar has.

Here lives one date at a time, both ways, in plain Python, because certificates need it too. The vendors' codes for
dates are in ``records.date_codes``, whole Arrow columns in ``transforms.dates``.
"""

from __future__ import annotations

import calendar
import csv
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files

# Japan counts by the Gregorian calendar since 明治6年1月1日; days before it are of another calendar.
SOLAR_CALENDAR_FROM = date(1873, 1, 1)
FIRST_YEAR_WRITTEN, LAST_YEAR = 1868, 2200
UNKNOWN = "不詳"
FIRST_YEAR = "元"
WORDING = re.compile(r"(\D*?)(\d{1,4}|元)?年(\d{1,2})?月(\d{1,2})?日(不詳)?\Z")


class Certainty(StrEnum):
    """不詳フラグ: how much of a date is known; ``records/code_lists/date_certainty.csv`` has the same codes."""

    KNOWN = "0"
    DAY_UNKNOWN = "1"
    MONTH_AND_DAY_UNKNOWN = "2"
    WHOLLY_UNKNOWN = "3"
    NOT_A_DAY = "4"
    FREE_WORDING = "5"


class InvalidDate(ValueError):
    """The text is no date of the register; the message never quotes it."""


@dataclass(frozen=True, slots=True)
class Era:
    """元号: first and last day both belong to it, so 1912-07-30 is 明治45年 as well as 大正元年."""

    code: str
    letter: str
    name: str
    first_on: date
    last_on: date

    def year_of(self, western: int) -> int:
        """年 of the era for a western year: 1975 → 50 in 昭和."""
        return western - self.first_on.year + 1

    def western(self, year: int) -> int:
        """Western year for 年 of the era: 昭和50 → 1975."""
        return self.first_on.year + year - 1


@dataclass(frozen=True, slots=True)
class DateValue:
    """日付 in its three columns: the day (only when it is sure), the 不詳 flag and the wording that is printed."""

    on: date | None
    certainty: str
    text: str


@dataclass(frozen=True, slots=True)
class DateParts:
    """A date as it is written: ``era`` None for western years; ``year`` counts in the era; 0 = 不詳."""

    era: Era | None
    year: int
    month: int
    day: int

    @property
    def western_year(self) -> int:
        """The western year; 0 when unknown."""
        return self.era.western(self.year) if self.era and self.year else self.year


@cache
def eras() -> tuple[Era, ...]:
    """All 元号 from ``code_lists/era.csv``, oldest first: a new era is a new row (and a last day before)."""
    text = files(__package__).joinpath("code_lists/era.csv").read_text("utf-8")
    return tuple(_era(row) for row in csv.DictReader(text.splitlines()))


def era_by_letter(letter: str) -> Era:
    """The era that a vendor calls S, H, R …; ``InvalidDate`` when there is none."""
    return _era_by("letter", letter)


def era_by_digit(code: str) -> Era:
    """The era with the standard's code 1 … 5; ``InvalidDate`` when there is none."""
    return _era_by("code", code)


def era_by_name(name: str) -> Era:
    """The era 昭和, 平成 …; ``InvalidDate`` when there is none."""
    return _era_by("name", name)


def era_of(on: date) -> Era:
    """The era of a day; on the day of a change, the newer one. ``InvalidDate`` before 明治6年."""
    if on < SOLAR_CALENDAR_FROM:
        raise InvalidDate("before the Gregorian calendar in Japan (1873-01-01)")
    return next(era for era in reversed(eras()) if era.first_on <= on)


def wareki(on: date) -> str:
    """和暦 wording of a day, as certificates are dated: 2026-11-23 → 令和8年11月23日, 2019-05-01 → 令和元年5月1日."""
    era = era_of(on)
    return wording(DateParts(era, era.year_of(on.year), on.month, on.day))


def western(on: date) -> str:
    """西暦 wording of a day, as for foreign residents: 1975年2月1日."""
    return wording(DateParts(None, on.year, on.month, on.day))


def fiscal_year(year: int) -> str:
    """年度 in 和暦: 2026 → 令和8年度 (a fiscal year begins on 1 April and carries that day's era)."""
    era = era_of(date(year, 4, 1))
    return f"{era.name}{_year_text(era, era.year_of(year))}年度"


def wording(parts: DateParts) -> str:
    """表記 of a date; unknown parts print 不詳: 昭和50年2月日不詳, 昭和50年月日不詳, 年月日不詳."""
    era = parts.era.name if parts.era else ""
    year = _year_text(parts.era, parts.year) if parts.year else ""
    month = str(parts.month or "")
    day = str(parts.day) if parts.day else ""
    return f"{era}{year}年{month}月{day}日" + ("" if parts.day else UNKNOWN)


def value(parts: DateParts, *, calendar_day: bool = True) -> DateValue:
    """The three columns for a date as written; the era that was written stays in the wording.

    ``calendar_day=False`` lets days pass that no calendar has (2月30日, 2月29日 in a common year), as registers hold
    them for births. Raises ``InvalidDate`` for anything impossible, such as 昭和65年 or 平成元年1月7日.
    """
    on = _day(parts)
    if on is not None and _plain(parts, on):
        return DateValue(on, Certainty.KNOWN.value, wording(parts))
    check(parts)
    certainty = _certainty(parts)
    if certainty is Certainty.KNOWN:
        certainty = Certainty.NOT_A_DAY
        if calendar_day and not _lunar(parts):
            raise InvalidDate("not a day of the calendar")
    return DateValue(None, certainty.value, wording(parts))


def parse(text: str) -> DateParts:
    """The date behind a wording (和暦 or 西暦, 元年, 不詳): the inverse of ``wording``. Raises ``InvalidDate``."""
    match = WORDING.match(text) if text.isprintable() and not re.search(r"[^\x00-\x7f\D]", text) else None
    if match is None:
        raise InvalidDate("not a wording of a date")
    era = era_by_name(match[1]) if match[1] else None
    year = 1 if match[2] == FIRST_YEAR else int(match[2] or 0)
    parts = DateParts(era, year, int(match[3] or 0), int(match[4] or 0))
    if wording(parts) != text:
        raise InvalidDate("not a wording of a date")
    check(parts)
    return parts


def parts_of(on: date, *, in_era: bool) -> DateParts:
    """A day as written in the era of that day, or with its western year."""
    era = era_of(on) if in_era else None
    return DateParts(era, era.year_of(on.year) if era else on.year, on.month, on.day)


def check(parts: DateParts) -> None:
    """Raise ``InvalidDate`` unless each part is possible and some day of it lies within the era."""
    if not (0 <= parts.month <= 12 and 0 <= parts.day <= 31):
        raise InvalidDate("month or day out of range")
    if (parts.day and not parts.month) or (parts.month and not parts.year):
        raise InvalidDate("a known part below an unknown one")
    if parts.year and not FIRST_YEAR_WRITTEN <= parts.western_year <= LAST_YEAR:
        raise InvalidDate("year out of range")
    if parts.era and parts.year:
        first, last = _span(parts)
        if last < parts.era.first_on or first > parts.era.last_on:
            raise InvalidDate("outside the era")


def span_era(parts: DateParts) -> Era | None:
    """The era of a date written with a western year, or ``None`` when 不詳 leaves more than one."""
    if not parts.year:
        return None
    first, last = _span(parts)
    era = era_of(first)
    return era if era is era_of(last) else None


def _span(parts: DateParts) -> tuple[date, date]:
    """First and last day that the written date can mean; a day past the month's end counts as the last day."""
    year = parts.western_year
    first_month, last_month = (parts.month, parts.month) if parts.month else (1, 12)
    end = calendar.monthrange(year, last_month)[1]
    day = min(parts.day, end)
    return date(year, first_month, day or 1), date(year, last_month, day or end)


def _plain(parts: DateParts, on: date) -> bool:
    """The short way for nearly every date: a day of the calendar within its era needs no other check."""
    if parts.era:
        return parts.era.first_on <= on <= parts.era.last_on and on.year <= LAST_YEAR
    return on.year <= LAST_YEAR


def _day(parts: DateParts) -> date | None:
    if not (parts.year and parts.month and parts.day):
        return None
    try:
        on = date(parts.western_year, parts.month, parts.day)
    except ValueError:
        return None
    return on if on >= SOLAR_CALENDAR_FROM else None


def _lunar(parts: DateParts) -> bool:
    return parts.western_year < SOLAR_CALENDAR_FROM.year


def _certainty(parts: DateParts) -> Certainty:
    if not parts.year:
        return Certainty.WHOLLY_UNKNOWN
    if not parts.month:
        return Certainty.MONTH_AND_DAY_UNKNOWN
    return Certainty.KNOWN if parts.day else Certainty.DAY_UNKNOWN


def _year_text(era: Era | None, year: int) -> str:
    return FIRST_YEAR if era and year == 1 else str(year)


def _era(row: dict[str, str]) -> Era:
    last = date.fromisoformat(row["last_on"]) if row["last_on"] else date.max
    return Era(row["code"], row["letter"], row["name"], date.fromisoformat(row["first_on"]), last)


def _era_by(attribute: str, wanted: str) -> Era:
    for era in eras():
        if getattr(era, attribute) == wanted:
            return era
    raise InvalidDate("unknown era")
