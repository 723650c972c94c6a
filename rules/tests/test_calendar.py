"""Swedish days: summer and winter time, and whatever clock the moment was written in."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import swedish_day, swedish_end


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-01-31T22:59:59Z", date(2026, 1, 31)),
        ("2026-01-31T23:00:00Z", date(2026, 2, 1)),
        ("2026-06-30T21:59:59Z", date(2026, 6, 30)),
        ("2026-06-30T22:00:00Z", date(2026, 7, 1)),
        ("2025-12-31T23:30:00Z", date(2026, 1, 1)),
        ("2026-03-29T00:30:00+01:00", date(2026, 3, 29)),
        ("2026-10-25T23:30:00+02:00", date(2026, 10, 25)),
        ("2024-02-28T23:30:00Z", date(2024, 2, 29)),
    ],
)
def test_the_day_turns_at_midnight_in_stockholm(moment: str, day: date):
    assert swedish_day(datetime.fromisoformat(moment)) == day


@given(
    st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(-12 * 60, 14 * 60),
)
def test_the_day_does_not_depend_on_the_clock_the_moment_was_written_in(moment: datetime, minutes: int):
    day = swedish_day(moment)
    assert swedish_day(moment.astimezone(timezone(timedelta(minutes=minutes)))) == day
    assert day in {(moment + timedelta(hours=hours)).date() for hours in (1, 2)}


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_day_ends_where_the_next_one_begins(day: date):
    end = swedish_end(day)
    assert swedish_day(end) == day + timedelta(days=1)
    assert swedish_day(end - timedelta(microseconds=1)) == day


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        swedish_day(datetime(2026, 1, 1, 12))  # noqa: DTZ001 the point of the test
