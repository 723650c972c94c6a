"""Points in time in messages: one way to write them, kept in UTC, and nothing else is taken for one."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.types import Moment

MOMENTS: TypeAdapter[datetime] = TypeAdapter(Moment)

zones = st.integers(-(24 * 60 - 1), 24 * 60 - 1).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# A day from both ends of the calendar, where another zone would fall outside it.
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001


def read(text: str) -> datetime:
    """As records are read: strictly, from JSON."""
    return MOMENTS.validate_json(json.dumps(text), strict=True)


@given(moments)
def test_a_moment_is_the_same_moment_after_the_journey_and_in_utc(moment: datetime):
    again = read(moment.isoformat(timespec="microseconds"))
    assert again == moment
    assert again.tzinfo is UTC


@given(moments)
def test_a_moment_is_written_in_one_way_whatever_zone_it_came_in(moment: datetime):
    written = MOMENTS.dump_json(MOMENTS.validate_python(moment))
    assert written == MOMENTS.dump_json(MOMENTS.validate_python(moment.astimezone(UTC)))
    assert written.endswith(b'Z"')
    assert read(json.loads(written)) == moment


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z"),
        ("2026-03-02T12:00:00+01:00", "2026-03-02T11:00:00Z"),
        ("2026-07-01T00:30:00+02:00", "2026-06-30T22:30:00Z"),
        ("2026-03-02T12:00:00-00:00", "2026-03-02T12:00:00Z"),
        ("2026-03-02T12:00:00.5+00:00", "2026-03-02T12:00:00.500000Z"),
    ],
)
def test_an_offset_becomes_utc(written: str, utc: str):
    assert MOMENTS.dump_json(read(written)).decode() == f'"{utc}"'


NO_TIMES: list[Any] = [
    "20250101",
    "1735689600",
    "20250101T120000Z",
    "2026-03-02",
    "2026-03-02T12:00:00",
    "2026-03-02T12:00Z",
    "2026-03-02 12:00:00Z",
    "2026-02-30T12:00:00Z",
    "2026-03-02T12:00:00+25:00",
    " 2026-03-02T12:00:00Z",
    "2026-03-02T12:00:00Z\n",
    "٢٠٢٦-03-02T12:00:00Z",
    "T",
    "",
    20250101,
    1735689600,
    1735689600.5,
    True,
    None,
    [],
]


@pytest.mark.parametrize("bad", NO_TIMES, ids=repr)
@pytest.mark.parametrize("strict", [True, False])
def test_nothing_else_is_taken_for_a_time(bad: Any, strict: bool):
    with pytest.raises(ValidationError) as error:
        MOMENTS.validate_json(json.dumps(bad), strict=strict)
    [row] = error.value.errors(include_input=False)
    assert row["msg"] == "Value error, must be a time with its zone, such as 2026-03-01T12:00:00Z"
    with pytest.raises(ValidationError):
        MOMENTS.validate_python(bad)


def test_a_python_time_without_zone_is_refused():
    with pytest.raises(ValidationError):
        MOMENTS.validate_python(datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_time_that_utc_has_no_day_for_is_refused_and_is_no_crash(edge: str):
    with pytest.raises(ValidationError, match="outside the calendar"):
        read(edge)


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str):
    try:
        moment = read(text)
    except ValidationError:
        return
    assert moment.tzinfo is UTC


def test_the_schema_says_date_time():
    assert MOMENTS.json_schema() == {"type": "string", "format": "date-time"}
