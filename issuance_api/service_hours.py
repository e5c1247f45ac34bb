"""Service hours (サービス提供時間): 06:30–23:00 JST, closed 12-29 to 01-03, and announced maintenance.

The clock is passed in. A request accepted before closing is finished; only acceptance asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta

import jpholiday

from municipalities.registry import JST, Maintenance, OpenHours

__all__ = ["JST", "Clock", "announced", "in_maintenance", "system_clock", "within_hours", "within_open_hours"]

OPENS = time(6, 30)
SATURDAY = 5
CLOSES = time(23, 0)  # at 23:00:00 it is closed
YEAR_END = ((12, 29), (1, 3))  # both days belong to it

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in JST."""
    return datetime.now(JST)


def within_hours(now: datetime) -> bool:
    """Whether the day's hours are open and it is not the year's end; ``now`` with any time zone."""
    local = now.astimezone(JST)
    return not _year_end(local) and OPENS <= local.time() < CLOSES


def within_open_hours(now: datetime, hours: OpenHours) -> bool:
    """Whether a kind, or the 戸籍 system, is served at ``now``: its hours, and on its days only."""
    local = now.astimezone(JST)
    closed = (hours.working_days_only and not _working_day(local)) or f"{local:%m-%d}" in hours.closed_on
    return not closed and hours.opens <= local.time() < hours.closes


def in_maintenance(now: datetime, windows: Sequence[Maintenance], kind: str) -> bool:
    """Whether ``now`` is in one of the windows of this kind; the end is outside."""
    return any(one.begins_at <= now < one.ends_at and (one.kinds is None or kind in one.kinds) for one in windows)


def announced(now: datetime, windows: Sequence[Maintenance], days: int) -> list[Maintenance]:
    """Windows that are not over and begin within so many days, in their order."""
    near = [one for one in windows if now < one.ends_at and one.begins_at - timedelta(days=days) <= now]
    return sorted(near, key=lambda one: (one.begins_at, one.ends_at))


def _year_end(local: datetime) -> bool:
    first, last = YEAR_END
    day = (local.month, local.day)
    return day >= first or day <= last


def _working_day(local: datetime) -> bool:
    """開庁日: 年末年始 is no holiday by law, but nobody works."""
    return local.weekday() < SATURDAY and not jpholiday.is_holiday(local.date()) and not _year_end(local)
