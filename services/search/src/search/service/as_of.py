"""Which index a question is asked of: the offers' for today, their history for an earlier day."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from rules.calendar import swedish_day
from search.domain import history as days
from search.index.engine import Index
from search.index.history import AsOf, Searched
from search.service.answer import Unanswerable
from search.store import history


class NotYet(Exception):
    """The history cannot answer for a day at this moment, and will: why, in one line."""


async def searched(session: AsyncSession, offers: Index, past: Index, day: date | None, today: date) -> Searched:
    """What is searched as of a day; None means now. Raises Unanswerable for a day no history is of, or NotYet."""
    if day is None or day == today:
        return offers
    if day > today:
        raise Unanswerable("as_of", "lies after today: it tells what was shown, not what will be")
    reach = await history.reach(session)
    if reach.since is None:
        raise Unanswerable("as_of", f"cannot be asked yet: the history begins today, {today}")
    if day < reach.since:
        raise Unanswerable("as_of", f"lies before the history: it can be asked from {reach.since} on")
    if reach.complete_to is None or swedish_day(reach.complete_to) <= day:
        raise NotYet(f"the history does not reach the end of {day} yet; try again shortly")
    if not reach.searched:
        raise NotYet("the history's index is being made; try again shortly")
    if not reach.clean:
        raise NotYet("an agreement that became confidential is being removed from the history; try again shortly")
    return AsOf(past, day)


def told(day: date | None, today: date) -> dict[str, str] | None:
    """What an answer says of the day it is as of; None where none was asked for."""
    return {"date": day.isoformat(), "text": days.told(day, today)} if day is not None else None
