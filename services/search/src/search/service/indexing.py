"""Keeps the index in line with the rows, for ever: one indexer at a time, whatever the number of workers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import DRIVER_ERRORS
from search.index.engine import EngineAway, Index, IndexGone
from search.service import indexes
from search.service.comparing import compare
from search.service.following import advance
from search.service.historian import Historian
from search.store import offers
from search.store.followed import Followed
from search.store.offers import Cursor

log = structlog.get_logger(__name__)

_LOCK = "SELECT pg_try_advisory_lock(hashtext('search.index'))"
_STANDBY_SECONDS = 0.25
_TURN_SECONDS = 1.0
# While changes come without a pause the historian has a turn so often: it keeps up with 400 a second, and they with it.
_BETWEEN_TURNS_SECONDS, _MOST_LEFT = 0.5, 1000
_COMPARE_SECONDS = 5.0
# Each comparison goes through all offers of both indexes; nothing gets better by itself.
_HELD_SECONDS = 60.0
_INCOMPLETE = "an index that holds every offer"
_HELD = "an operator: the new index shows far less than the one that is searched"
_SHORTEST_IDLE_SECONDS, _LONGEST_IDLE_SECONDS = 0.05, 0.5
# Between two refreshes of an index: under a steady trickle, and while much is left to write. Each makes a segment that
# is merged later: one a second cost a quarter of the engine's work on a backlog.
_REFRESH_SECONDS, _REFRESH_BEHIND_SECONDS = 0.3, 5.0
_LONGEST_PAUSE_SECONDS = 5.0
# Batches are small beside their tables: whatever the statistics say, looking rows up one by one is right.
_LOOK_UP = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off"


@asynccontextmanager
async def looking_up(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """A connection to join documents on, outside any transaction; what it locks or sets ends with it."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None  # noqa: S101 a connection that is open has one
        try:
            await driver.execute(_LOOK_UP)
            yield driver
        finally:
            if not connection.closed and not connection.invalidated:
                await connection.invalidate()


class Indexer:
    """Makes the index of this code's mapping follow the offers, and leads searches to it once it has caught up.

    Until then the index that is searched follows too. One indexer is active per database, under an advisory lock on a
    connection of its own; the others stand by. Two at once would do no harm, only the work twice.
    """

    def __init__(self, engine: AsyncEngine, index: Index, historian: Historian | None = None) -> None:
        """`historian` writes down what the searched index shows; None keeps no history."""
        self._engine = engine
        self._index = index
        self._historian = historian
        self._wake = asyncio.Event()
        self._own: Followed | None = None
        self._other: Followed | None = None
        self._turn_seconds, self._remember_at = _TURN_SECONDS, 0.0
        self._behind = True
        self._look_at = 0.0
        self._compare_at = 0.0
        self._not_searched: str | None = None
        self._refreshed: dict[str, tuple[Cursor, float]] = {}
        self.waiting_for: str | None = None
        """Why indexing stands still, for readiness."""
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    def wake(self) -> None:
        """Offers may have changed: look at once, not at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; an engine that is away is waited for."""
        pause = 0.1
        while True:
            started = time.monotonic()
            try:
                await self._run_once()
            except IndexGone:
                self.beat, self._look_at = time.monotonic(), 0.0
                log.warning("an index is gone, and is made again")
                await asyncio.sleep(pause)
            except (EngineAway, SQLAlchemyError, *DRIVER_ERRORS, OSError) as error:
                self.waiting_for = str(error) if isinstance(error, EngineAway) else "postgresql"
                pause = 0.1 if time.monotonic() - started > 60 else pause
                log.warning("indexing waits", reason=type(error).__name__, pause_seconds=pause)
                self.beat, self._look_at = time.monotonic(), 0.0
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _run_once(self) -> None:
        async with looking_up(self._engine) as connection:
            while not await connection.fetchval(_LOCK):
                self.beat, self.waiting_for = time.monotonic(), None
                await asyncio.sleep(_STANDBY_SECONDS)
            await self._follow(connection)

    async def _follow(self, connection: asyncpg.Connection) -> None:
        idle = _SHORTEST_IDLE_SECONDS
        while True:
            self._wake.clear()
            moved = await self.round(connection)
            self.beat = time.monotonic()
            idle = _SHORTEST_IDLE_SECONDS if moved else min(2 * idle, _LONGEST_IDLE_SECONDS)
            if not moved:
                try:
                    await asyncio.wait_for(self._wake.wait(), idle)
                except TimeoutError:
                    continue

    async def round(self, connection: asyncpg.Connection) -> bool:
        """Each index that is to follow does so for a while; True when any of them had to. Raises EngineAway."""
        if self._historian is not None:
            await self._historian.purge(connection)
        if self._own is None or time.monotonic() >= self._look_at:
            self._own, self._other = await indexes.to_follow(connection, self._index)
            await indexes.drop_before_purges(connection, self._index)
            self._look_at = time.monotonic() + _TURN_SECONDS
        own, other, other_caught_up = self._own, self._other, False
        if other is not None:
            self._other, other_caught_up = await advance(connection, self._index, other, seconds=_TURN_SECONDS)
            await self._show(connection, self._other, other_caught_up)
        # While changes come without a pause nothing ends a turn but its time, and nothing is shown before that.
        seconds = self._turn_seconds if self._behind else min(self._turn_seconds, _REFRESH_SECONDS)
        self._own, caught_up = await advance(connection, self._index, own, seconds=seconds)
        await self._show(connection, self._own, caught_up)
        moved = (self._own, self._other) != (own, other)
        self.waiting_for = await self._searched(connection, self._own) if caught_up else None
        done = caught_up if other is None else other_caught_up
        return await self._remember(connection, caught_up=done, busy=moved) or moved

    async def _remember(self, connection: asyncpg.Connection, *, caught_up: bool, busy: bool) -> bool:
        """The historian's turn, a batch at most: seldom while changes come, and none while many wait to be indexed."""
        shown = self._other or self._own
        if self._historian is None or shown is None or not shown.searched:
            return False
        if busy and time.monotonic() < self._remember_at:
            return False
        if not caught_up and await offers.more_left(connection, shown.cursor, _MOST_LEFT):
            self._turn_seconds = _TURN_SECONDS
            return False
        moved = await self._historian.turn(connection, shown, caught_up=caught_up)
        self._remember_at = time.monotonic() + _BETWEEN_TURNS_SECONDS
        self._turn_seconds = _BETWEEN_TURNS_SECONDS if self._historian.behind else _TURN_SECONDS
        return moved

    def _still_here(self, *_: object) -> None:
        self.beat = time.monotonic()

    async def _show(self, connection: asyncpg.Connection, one: Followed, caught_up: bool) -> None:
        """Make what has been written findable, when it is time. Whatever an earlier process has left is, at first."""
        cursor, at = self._refreshed.get(one.name, (None, float("-inf")))
        self._behind = not caught_up and await offers.more_left(connection, one.cursor, _MOST_LEFT)
        least = _REFRESH_BEHIND_SECONDS if self._behind else _REFRESH_SECONDS
        if cursor != one.cursor and time.monotonic() - at >= least:
            await self._index.refresh(one.name)
            self._refreshed[one.name] = (one.cursor, time.monotonic())

    async def _searched(self, connection: asyncpg.Connection, own: Followed) -> str | None:
        """Lead searches to an index that has caught up; why not, where it does not hold or show what it should."""
        if own.searched:
            return None
        if time.monotonic() < self._compare_at:
            return self._not_searched
        found = await compare(connection, self._index, own, self._still_here)
        if found.wrong is not None:
            log.error("index not searched", index=own.name, found=found.wrong)
            self._compare_at, self._not_searched = time.monotonic() + _COMPARE_SECONDS, _INCOMPLETE
            return _INCOMPLETE
        log.info("index compared", **found.as_json())
        if found.loses is not None:
            log.error("index not searched", index=own.name, found=found.loses, to_go_on="search rebuild --may-hide")
            self._compare_at, self._not_searched = time.monotonic() + _HELD_SECONDS, _HELD
            return _HELD
        # What has changed during the comparison.
        self._own, _ = await advance(connection, self._index, own, seconds=_TURN_SECONDS)
        await indexes.search_in(connection, self._index, own)
        self._look_at = 0.0
        return None
