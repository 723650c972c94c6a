"""A code holds from its first day to its last, whatever its status says meanwhile."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.validity import valid_on, why_invalid

DAY = date(2026, 3, 15)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
days = st.dates(date(1990, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("active", "valid_from", "valid_to", "why"),
    [
        (True, None, None, None),
        (True, DAY, DAY, None),
        (True, None, BEFORE, "was retired after 2026-03-14"),
        (False, None, BEFORE, "was retired after 2026-03-14"),
        (False, None, None, "is retired"),
        (True, AFTER, None, "is not valid until 2026-03-16"),
        (True, AFTER, BEFORE, "was retired after 2026-03-14"),
    ],
)
def test_the_reason_names_the_day(active, valid_from, valid_to, why):
    assert why_invalid(DAY, active=active, valid_from=valid_from, valid_to=valid_to) == why


def test_a_code_retired_tomorrow_is_valid_today_even_if_it_is_called_retired_already():
    assert valid_on(DAY, active=False, valid_from=None, valid_to=DAY)


@given(days, days, days)
def test_a_code_with_both_days_holds_exactly_between_them(day, first, last):
    assert valid_on(day, active=True, valid_from=first, valid_to=last) == (first <= day <= last)
