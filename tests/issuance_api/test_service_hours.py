"""Service hours: the exact instants at which it opens and closes, in any time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance_api.service_hours import JST, in_maintenance, within_hours

OPEN = [(2026, 11, 24, 6, 30, 0), (2026, 11, 24, 22, 59, 59), (2026, 12, 28, 22, 59, 59), (2027, 1, 4, 6, 30, 0)]
CLOSED = [
    (2026, 11, 24, 6, 29, 59),
    (2026, 11, 24, 23, 0, 0),
    (2026, 12, 28, 23, 0, 0),
    (2026, 12, 29, 6, 30, 0),
    (2026, 12, 31, 12, 0, 0),
    (2027, 1, 3, 22, 59, 59),
    (2027, 1, 4, 6, 29, 59),
]


@pytest.mark.fault(58)
@pytest.mark.clause("1(6)①", "7(1)①")
@pytest.mark.parametrize("instant", OPEN)
def test_it_is_open(instant: tuple[int, ...]) -> None:
    assert within_hours(datetime(*instant, tzinfo=JST))


@pytest.mark.fault(58)
@pytest.mark.clause("1(6)①", "7(1)①")
@pytest.mark.parametrize("instant", CLOSED)
def test_it_is_closed(instant: tuple[int, ...]) -> None:
    assert not within_hours(datetime(*instant, tzinfo=JST))


@pytest.mark.fault(139)
@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)))
def test_the_time_zone_of_the_clock_does_not_matter(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    assert within_hours(instant) == within_hours(instant.astimezone(JST))


@pytest.mark.clause("1(6)①")
def test_an_announced_window_holds_from_its_start_to_its_end() -> None:
    windows = (("2026-11-24T10:00", "2026-11-24T11:00"),)
    start = datetime(2026, 11, 24, 10, tzinfo=JST)
    assert in_maintenance(start, windows)
    assert in_maintenance(start + timedelta(minutes=59, seconds=59), windows)
    assert not in_maintenance(start - timedelta(seconds=1), windows)
    assert not in_maintenance(start + timedelta(hours=1), windows)
