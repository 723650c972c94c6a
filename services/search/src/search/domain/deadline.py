"""When the care is expected, against the day until which the guarantee is kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from rules.guarantee import Guarantee, days_left
from search.domain import expected
from search.domain.expected import Expected
from search.domain.question import Question

Json = Mapping[str, Any]

_WHAT = {Guarantee.VISIT: "besök", Guarantee.TREATMENT: "behandling"}


def of(known: Expected, question: Question) -> dict[str, Any] | None:
    """Deadline, expected day and the days left on it, below zero when it is later; None without a deadline.

    Where nothing is known of when, the expected day and the days left are None.
    """
    if question.clock is None:
        return None
    day = expected.day(known.days, question.today) if known.days is not None else None
    return {
        "date": question.clock.deadline.isoformat(),
        "expected_date": day.isoformat() if day is not None else None,
        "days_left": days_left(question.clock.deadline, day) if day is not None else None,
    }


def told(deadline: Json | None, question: Question) -> str | None:
    """The same in a Swedish sentence."""
    if deadline is None:
        return None
    what, left = _WHAT[question.guarantee], deadline["days_left"]
    if left is None:
        return f"Garantin gäller till {deadline['date']}; när {what} kan ges är okänt"
    margin = f"{_days(left)} kvar" if left >= 0 else f"{_days(-left)} för sent"
    return f"Garantin gäller till {deadline['date']}; {what} väntas {deadline['expected_date']}, {margin}"


def lowers(deadline: Json | None) -> Iterable[str]:
    """What of it lowers the rank."""
    if deadline is not None and deadline["days_left"] is None:
        yield "Väntetiden är okänd: räknas inte som inom vårdgarantin"
    elif deadline is not None and deadline["days_left"] < 0:
        yield f"Väntas {_days(-deadline['days_left'])} efter vårdgarantins sista dag"


def clock(question: Question) -> dict[str, Any] | None:
    """The patient's clock and the rule that holds for it, as it stands once in each answer."""
    given = question.clock
    if given is None:
        return None
    rule = given.rule
    return {
        "guarantee": rule.guarantee,
        "start": given.start.isoformat(),
        "deadline": given.deadline.isoformat(),
        "days_left": days_left(given.deadline, question.today),
        "days": rule.days,
        "text": rule.text,
        "starts": rule.starts,
        "stops": rule.stops,
        "owed_by": rule.owed_by,
        "source": rule.source,
    }


def _days(number: int) -> str:
    return "1 dag" if number == 1 else f"{number} dagar"
