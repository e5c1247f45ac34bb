"""Service hours: the exact instants at which it opens and closes, in any time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance_api.service_hours import JST, announced, in_maintenance, within_hours, within_open_hours
from municipalities.registry import Maintenance, OpenHours

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


START = datetime(2026, 11, 24, 10, tzinfo=JST)
WINDOW = Maintenance(START, START + timedelta(hours=1))
SECOND = timedelta(seconds=1)


@pytest.mark.clause("1(6)①")
def test_a_window_holds_from_its_start_to_its_end() -> None:
    for at, inside in (
        (START, True),
        (START + timedelta(hours=1) - SECOND, True),
        (START - SECOND, False),
        (START + timedelta(hours=1), False),
    ):
        assert in_maintenance(at, (WINDOW,), "any") is inside
        assert in_maintenance(at.astimezone(UTC), (WINDOW,), "any") is inside
    some = Maintenance(WINDOW.begins_at, WINDOW.ends_at, ("seal",))
    assert in_maintenance(START, (some,), "seal")
    assert not in_maintenance(START, (some,), "tax")


@pytest.mark.clause("1(6)①")
def test_a_window_is_announced_its_days_ahead_until_it_is_over() -> None:
    later = Maintenance(START + timedelta(days=3), START + timedelta(days=4))
    windows = (later, WINDOW)
    assert announced(START - timedelta(days=2) - SECOND, windows, 2) == []
    assert announced(START - timedelta(days=2), windows, 2) == [WINDOW]
    assert announced(START, windows, 3) == [WINDOW, later]
    assert announced(WINDOW.ends_at, windows, 3) == [later]
    assert announced(START, windows, 0) == [WINDOW]


OFFICE = OpenHours(time(8, 30), time(17, 15), working_days_only=True, closed_on=("12-28",))


@pytest.mark.clause("1(6)①")
@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ((2026, 11, 24, 8, 30), True),  # Tuesday
        ((2026, 11, 24, 8, 29), False),
        ((2026, 11, 24, 17, 14), True),
        ((2026, 11, 24, 17, 15), False),
        ((2026, 11, 21, 12, 0), False),  # Saturday
        ((2026, 11, 22, 12, 0), False),  # Sunday
        ((2026, 11, 23, 12, 0), False),  # 勤労感謝の日
        ((2027, 3, 22, 12, 0), False),  # 振替休日
        ((2026, 9, 22, 12, 0), False),  # 国民の休日 between two others
        ((2026, 12, 28, 12, 0), False),  # this town's own
        ((2026, 12, 29, 12, 0), False),  # 年末年始, a Tuesday
        ((2027, 1, 3, 12, 0), False),
        ((2027, 1, 4, 12, 0), True),
    ],
)
def test_office_hours_know_the_calendar(instant: tuple[int, ...], is_open: bool) -> None:
    assert within_open_hours(datetime(*instant, tzinfo=JST), OFFICE) is is_open
