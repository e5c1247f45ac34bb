"""Vendors' codes for dates (日付コード), both ways: ``S500201``, ``300500201``, ``1975-02-01``, ``S50-02-01`` …

``vendor_layouts/<system>/<version>/<feed>.csv`` names one of ``FORMATS`` per column; this module is all they mean. A
part of zeros is 不詳. Wordings and eras are in ``records.wareki``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from records.wareki import DateParts, Era, InvalidDate, era_by_digit, era_by_letter

WESTERN_LETTER = "W"
WESTERN_DIGIT = "0"


class DateFormat(NamedTuple):
    """One format: how a code is read and written, and whether the vendor writes the era itself."""

    parse: Callable[[str], DateParts]
    write: Callable[[DateParts], str]
    has_era: bool


def parse(code: str, format_: str) -> DateParts:
    """The written parts behind a vendor's code; raises ``InvalidDate`` when it is not of that format."""
    return FORMATS[format_].parse(code)


def write(parts: DateParts, format_: str) -> str:
    """The vendor's code for written parts; formats without eras take the western year.

    Raises ``InvalidDate`` for an era's hundredth year where the format has two digits.
    """
    if parts.era and parts.year > 99 and format_ in ("era_letter", "era_iso"):
        raise InvalidDate("the format has two digits for the year of an era")
    return FORMATS[format_].write(parts)


def _match(pattern: re.Pattern[str], code: str) -> re.Match[str]:
    match = pattern.match(code)
    if match is None:
        raise InvalidDate("not a code of this format")
    return match


def _parts(era: Era | None, year: str, month: str, day: str) -> DateParts:
    return DateParts(era, int(year), int(month), int(day))


_ERA_LETTER = re.compile(r"(?:([A-VX-Z0])([0-9]{2})|(W)([0-9]{4}))([0-9]{2})([0-9]{2})\Z")


def _parse_era_letter(code: str) -> DateParts:
    match = _match(_ERA_LETTER, code)
    if match[3]:
        return _parts(None, match[4], match[5], match[6])
    if match[1] == "0":
        if code.strip("0"):
            raise InvalidDate("year without an era")
        return DateParts(None, 0, 0, 0)
    return _parts(era_by_letter(match[1]), match[2], match[5], match[6])


def _write_era_letter(parts: DateParts) -> str:
    if parts.era:
        return f"{parts.era.letter}{parts.year:02d}{parts.month:02d}{parts.day:02d}"
    if not parts.year:
        return "0000000"
    return f"{WESTERN_LETTER}{parts.year:04d}{parts.month:02d}{parts.day:02d}"


_ERA_DIGIT = re.compile(r"([0-9])([0-9]{4})([0-9]{2})([0-9]{2})\Z")


def _parse_era_digit(code: str) -> DateParts:
    match = _match(_ERA_DIGIT, code)
    era = None if match[1] == WESTERN_DIGIT else era_by_digit(match[1])
    return _parts(era, match[2], match[3], match[4])


def _write_era_digit(parts: DateParts) -> str:
    era = parts.era.code if parts.era else WESTERN_DIGIT
    return f"{era}{parts.year:04d}{parts.month:02d}{parts.day:02d}"


_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")


def _parse_iso(code: str) -> DateParts:
    match = _match(_ISO, code)
    return _parts(None, match[1], match[2], match[3])


def _write_iso(parts: DateParts) -> str:
    return f"{parts.western_year:04d}-{parts.month:02d}-{parts.day:02d}"


_ERA_ISO = re.compile(r"(?:([A-Z])([0-9]{2})|([0-9]{4}))-([0-9]{2})-([0-9]{2})\Z")


def _parse_era_iso(code: str) -> DateParts:
    match = _match(_ERA_ISO, code)
    if match[1]:
        return _parts(era_by_letter(match[1]), match[2], match[4], match[5])
    return _parts(None, match[3], match[4], match[5])


def _write_era_iso(parts: DateParts) -> str:
    year = f"{parts.era.letter}{parts.year:02d}" if parts.era else f"{parts.year:04d}"
    return f"{year}-{parts.month:02d}-{parts.day:02d}"


_YYYYMMDD = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})\Z")


def _parse_yyyymmdd(code: str) -> DateParts:
    match = _match(_YYYYMMDD, code)
    return _parts(None, match[1], match[2], match[3])


def _write_yyyymmdd(parts: DateParts) -> str:
    return f"{parts.western_year:04d}{parts.month:02d}{parts.day:02d}"


FORMATS: dict[str, DateFormat] = {
    "era_letter": DateFormat(_parse_era_letter, _write_era_letter, True),
    "era_digit": DateFormat(_parse_era_digit, _write_era_digit, True),
    "iso": DateFormat(_parse_iso, _write_iso, False),
    "era_iso": DateFormat(_parse_era_iso, _write_era_iso, True),
    "yyyymmdd": DateFormat(_parse_yyyymmdd, _write_yyyymmdd, False),
}
