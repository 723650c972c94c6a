"""What a day brings: agreements expire on the day after their last, administrators are told before, drafts grow old.

Each part may be run at any time, by several workers at once, and after days without a clock: all is done once.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from prometheus_client import Counter as Metric

from agreements.domain.agreement import Actor
from agreements.domain.moving import moved
from agreements.domain.transitions import Action, Clock, transition
from agreements.service.announcing import announce
from agreements.store import agreements as store
from agreements.store import endings
from kit.database import Sessions, next_version

NOTICE_DAYS = (90, 30, 7)
"""How long before its last day an agreement's administrators are told."""

EXPIRED = Metric("vf_agreements_expired_total", "Agreements that expired on the day after their last")
NOTICES = Metric("vf_agreement_notices_total", "Notices of agreements that end soon", ["days"])

_AT_ONCE = 500
_DRAFTS_KEPT = timedelta(days=90)
_ANSWERS_KEPT = timedelta(days=2)


async def expire(sessions: Sessions, today: date) -> int:
    """End every public agreement whose last day is before today, and announce it; how many."""
    count = 0
    while True:
        async with sessions.begin() as session:
            now = datetime.now(UTC)
            ended = await endings.over(session, today, _AT_ONCE)
            done = []
            for old in ended:
                actor = Actor("clock", frozenset({Clock.CLOCK}), old.region)
                row = transition(old, Action.EXPIRE, actor, None)
                done.append(moved(old, row, next_version(old.version), now))
            await store.step_all(session, done, Action.EXPIRE, "clock")
            await announce(session, done, now)
        EXPIRED.inc(len(done))
        count += len(done)
        if len(done) < _AT_ONCE:
            return count


async def tell(sessions: Sessions, today: date) -> Counter[tuple[str, int]]:
    """Leave a notice of each agreement that ends in 90, 30 or 7 days; how many of each (region, days)."""
    async with sessions.begin() as session:
        told = Counter(await endings.tell(session, today, datetime.now(UTC), NOTICE_DAYS))
    for (_, days), count in told.items():
        NOTICES.labels(days).inc(count)
    return told


async def tidy(sessions: Sessions, now: datetime) -> tuple[int, int]:
    """Delete drafts not saved for 90 days and answers kept for 2; how many of each."""
    async with sessions.begin() as session:
        drafts = await endings.forget_drafts(session, now - _DRAFTS_KEPT)
        return drafts, await endings.forget_answers(session, now - _ANSWERS_KEPT)
