"""When the care is expected, against the day until which the guarantee is kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from rules.guarantee import Guarantee, days_left
from search.domain import expected
from search.domain.expected import Expected
from search.domain.question import Question
from search.domain.reason import Code, reason

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


def told(deadline: Json | None, question: Question) -> dict[str, Any] | None:
    """The same as a reason, with a Swedish sentence."""
    if deadline is None:
        return None
    what, left = _WHAT[question.guarantee], deadline["days_left"]
    values = {"guarantee": question.guarantee.value, **deadline}
    until = f"Garantin gäller till {deadline['date']}"
    if left is None:
        return reason(Code.WAIT_UNKNOWN, f"{until}; när {what} kan ges är okänt", **values)
    margin = f"{_days(left)} kvar" if left >= 0 else f"{_days(-left)} för sent"
    code = Code.IN_TIME if left >= 0 else Code.TOO_LATE
    return reason(code, f"{until}; {what} väntas {deadline['expected_date']}, {margin}", **values)


def lowers(deadline: Json | None) -> Iterable[dict[str, Any]]:
    """What of it lowers the rank."""
    if deadline is not None and deadline["days_left"] is None:
        text = "Väntetiden är okänd: räknas inte som inom vårdgarantin"
        yield reason(Code.NOT_KNOWN_IN_TIME, text, date=deadline["date"])
    elif deadline is not None and deadline["days_left"] < 0:
        late = -deadline["days_left"]
        text = f"Väntas {_days(late)} efter vårdgarantins sista dag"
        yield reason(Code.AFTER_DEADLINE, text, days=late, date=deadline["date"])


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
