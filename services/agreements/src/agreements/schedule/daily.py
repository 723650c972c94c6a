"""The clock of agreements: at start and then every hour, so that a Swedish day's work is done soon after midnight."""

import asyncio
import time
from datetime import UTC, datetime

import structlog

from agreements.schedule import away
from agreements.service import expiry
from kit.database import Sessions
from rules.calendar import swedish_day

log = structlog.get_logger(__name__)

_HOUR_SECONDS = 3600.0
_RETRY_SECONDS = 10.0


class Clock:
    """Does what the day brings, again and again; any number of them may run beside each other."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    async def run(self) -> None:
        """Until cancelled. A database that is away is tried again a little later; nothing is lost by that."""
        due = time.monotonic()
        while True:
            self.beat = time.monotonic()
            if self.beat >= due:
                due = self.beat + (_HOUR_SECONDS if await self._strike() else _RETRY_SECONDS)
            await asyncio.sleep(1)

    async def _strike(self) -> bool:
        try:
            await strike(self._sessions, datetime.now(UTC))
        except Exception as error:
            away.tell(error)
            return False
        return True


async def strike(sessions: Sessions, now: datetime) -> None:
    """All that the Swedish day of this moment brings and that has not been done yet."""
    today = swedish_day(now)
    if expired := await expiry.expire(sessions, today):
        log.info("agreements expired", count=expired)
    for (region, days), count in sorted((await expiry.tell(sessions, today)).items()):
        log.info("agreements end soon", region=region, days=days, count=count)
    drafts, answers = await expiry.tidy(sessions, now)
    if drafts or answers:
        log.info("kept no longer", drafts=drafts, answers=answers)
