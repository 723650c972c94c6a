"""When the care is expected, for who asks today: one rule for tiers, deadline, limit of wait, order and explanation.

Today and the wait that ranks (a forecast's median, else the latest measured one: `waits.ranking`), or the first day of
free capacity that the patient's region may use: the earliest of what is known. What is unknown stays unknown, and is
neither zero nor endless: decision 0017. The index computes the same: `index/demands`, `index/ranking`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from search.domain import capacity, waits
from search.domain.question import Question

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What is expected of an offer."""

    days: float | None
    """Calendar days from the day of asking; None where nothing is known."""
    wait: Json | None
    """The wait that ranks the offer where no capacity comes before it."""
    capacity: Json | None
    """The announcement that is looked at first, of those usable."""
    by_capacity: bool
    """The days are those of the announcement: it begins when the wait ends, before that, or no wait is known."""


def of(document: Json, question: Question) -> Expected:
    """The rule."""
    wait = waits.ranking(document["waits"], document["care_service"], question.patient_region, question.guarantee)
    announced = capacity.best(capacity.usable(document, question), question.today)
    if announced is not None and announced["places"] is not None:
        days = (capacity.first_day(announced, question.today) - question.today).days
        if wait is None or days <= wait["days"]:
            return Expected(days, wait, announced, by_capacity=True)
    return Expected(wait["days"] if wait is not None else None, wait, announced, by_capacity=False)


def rank_days(expected: Expected, question: Question) -> float:
    """The days an offer is ordered by."""
    return expected.days if expected.days is not None else waits.unknown_days(question.limit_days)


def day(days: float, today: date) -> date:
    """The day so many days from today; a part of a day counts as a whole one."""
    return today + timedelta(days=math.ceil(days))
