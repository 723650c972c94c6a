"""Brings the index in line with the rows: whole documents of dirty offers, written with their revision."""

import asyncio
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kit.database import Sessions, is_transient
from search.index.engine import EngineAway, Index
from search.service import documents
from search.store import offers

log = structlog.get_logger(__name__)

_BATCH = 500
_IDLE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 5.0


class Indexer:
    """Indexes dirty offers for ever. Several may run at once: the index keeps the highest revision."""

    def __init__(self, sessions: Sessions, index: Index) -> None:
        self._sessions = sessions
        self._index = index
        self._wake = asyncio.Event()
        self.waiting_for: str | None = None
        """Why indexing stands still, for readiness."""
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    def wake(self) -> None:
        """There may be dirty offers: look at once, not at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; an engine that is away is waited for."""
        pause = 0.1
        while True:
            self.beat = time.monotonic()
            self._wake.clear()
            try:
                await self.prepare()
                while await self.index_some():
                    self.beat = time.monotonic()
                self.waiting_for, pause = None, 0.1
            except (EngineAway, SQLAlchemyError, OSError, TimeoutError) as error:
                if not isinstance(error, EngineAway) and not is_transient(error):
                    raise
                self.waiting_for = str(error) if isinstance(error, EngineAway) else "postgresql"
                log.warning("indexing waits", reason=type(error).__name__, pause_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), _IDLE_SECONDS)
            except TimeoutError:
                continue

    async def prepare(self) -> None:
        """Make the index where it is missing or of another shape, and have it filled anew. Raises EngineAway."""
        if await self._index.ready():
            return
        # Marked before the index is made: a crash between the two must not leave it empty.
        async with self._sessions.begin() as session:
            await offers.touch_all(session)
        await self._index.create()

    async def index_some(self) -> int:
        """Index one batch of dirty offers; how many there were. Raises EngineAway."""
        async with self._sessions() as session:
            # One snapshot: the revision written is that of the rows the document was built from.
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            batch = await offers.dirty(session, _BATCH)
            if not batch:
                return 0
            built, faults = await documents.of(session, batch)
        refused = await self._index.write([(one.id, one.revision, built[one.id]) for one in batch if one.id in built])
        async with self._sessions.begin() as session:
            await offers.mark_indexed(session, batch, {**faults, **refused})
        return len(batch)
