"""When regions' own interfaces are read: each at its own interval, whatever becomes of the others."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from prometheus_client import Gauge

from agreements.schedule import away
from agreements.service import pulling
from agreements.service.checking import NotReady
from agreements.source import door
from agreements.source.pull_sources import Source
from agreements.store import pulls
from kit.database import Sessions
from upkeep.polite import Away

log = structlog.get_logger(__name__)

HELD_RUNS = Gauge("vf_pull_held_runs", "Readings of a region's interface that wait for a yes", ["region"])
READ_AGE_SECONDS = Gauge("vf_pull_read_age_seconds", "Since a region's interface was last read", ["region"])

_RETRY_SECONDS = 60.0
_SOON_SECONDS = 2.0


class PullClock:
    """Reads every region's interface again and again."""

    def __init__(self, sessions: Sessions, sources: Mapping[str, Source]) -> None:
        self._sessions = sessions
        self._sources = sources
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    async def run(self) -> None:
        """Until cancelled. An interface or database that is away is tried again later; nothing is lost by that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat_for_ever())
            for source in self._sources.values():
                group.create_task(self._read_for_ever(source))

    async def _beat_for_ever(self) -> None:
        while True:
            self.beat = time.monotonic()
            await asyncio.sleep(1)

    async def _read_for_ever(self, source: Source) -> None:
        async with door.client(source) as client:
            while True:
                try:
                    await asyncio.sleep(await self._left(source))
                    await pulling.pull(self._sessions, client, source)
                    pause = 0.0
                except Away as error:
                    log.warning("interface away", region=source.region, reason=str(error))
                    pause = max(_RETRY_SECONDS, error.wait_seconds)
                except (NotReady, pulling.Busy):
                    pause = _SOON_SECONDS
                except Exception as error:
                    away.tell(error)
                    pause = _SOON_SECONDS
                await asyncio.sleep(pause)

    async def _left(self, source: Source) -> float:
        """Seconds until a region is to be read again."""
        async with self._sessions() as session:
            begun = await pulls.last_begun(session, source.region)
            held = await pulls.held(session)
            unfinished = await pulls.unfinished(session, source.region)
        HELD_RUNS.labels(source.region).set(held.get(source.region, 0))
        if begun is None or unfinished is not None:
            return 0.0
        age = (datetime.now(UTC) - begun).total_seconds()
        READ_AGE_SECONDS.labels(source.region).set(age)
        return max(source.every_minutes * 60 - age, 0.0)
