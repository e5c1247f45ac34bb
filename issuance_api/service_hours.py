"""Service hours (サービス提供時間): 06:30–23:00 JST, closed 12-29 to 01-03, and announced maintenance.

The clock is passed in. A request accepted before closing is finished; only acceptance asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta, timezone

import jpholiday

from municipalities.registry import KosekiHours

JST = timezone(timedelta(hours=9), "JST")
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
    first, last = YEAR_END
    day = (local.month, local.day)
    return not (day >= first or day <= last) and OPENS <= local.time() < CLOSES


def within_koseki_hours(now: datetime, hours: KosekiHours) -> bool:
    """Whether the 戸籍 system serves at ``now``: its hours, and on working days only where the town says so."""
    local = now.astimezone(JST)
    closed = hours.working_days_only and (local.weekday() >= SATURDAY or jpholiday.is_holiday(local.date()))
    return not closed and hours.opens <= local.time() < hours.closes


def in_maintenance(now: datetime, windows: Sequence[tuple[str, str]]) -> bool:
    """Whether ``now`` is in one of the windows (ISO 8601, JST unless an offset is given; the end is outside)."""
    return any(_instant(start) <= now < _instant(end) for start, end in windows)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=JST)
