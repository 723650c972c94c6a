"""Writes down what was shown on which days, behind the searched index; forgets what is too old or became secret."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import structlog
from prometheus_client import Gauge

from rules.calendar import swedish_day
from search.domain import history as days
from search.index.engine import EngineAway, Index
from search.service.following import Document, documents
from search.service.history_index import HistoryIndex
from search.store import followed, history, offers, purges
from search.store.followed import Followed
from search.store.history import Ended, New, Shown
from search.store.offers import Cursor, Offer

log = structlog.get_logger(__name__)

BEHIND_SECONDS = Gauge("vf_history_behind_seconds", "Since the moment up to which the history can be asked")

# Small: changes of today wait for one to be done.
_BATCH = 200
# A change has its time when its transaction begins, and is seen when that ends: so long is a projection waited for.
_MARGIN = timedelta(seconds=30)
_TELL_SECONDS = 5.0
_DAILY_SECONDS = 60.0
_PAUSE_SECONDS = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


class Historian:
    """Follows the offers up to where the searched index has come, by a cursor of its own that moves with the rows.

    So what the index never showed is not written down: what it refused, and what nothing can be built from, leaves what
    stood before standing. One at a time, on the connection that holds the indexer's lock.
    """

    def __init__(self, index: Index, keep_days: int, now: Callable[[], datetime] = _now) -> None:
        """`index` is the history's. Days longer ago than `keep_days` are forgotten."""
        self._follower = HistoryIndex(index)
        self._keep = timedelta(days=keep_days)
        self._now = now
        self._reached: tuple[int, datetime] | None = None
        self._seen: Cursor | None = None
        self._last: int | None = None
        self._began = now()
        self._tell_at = self._daily_at = self._again_at = 0.0
        self.behind = False
        """There was more to write down than one turn has done."""

    async def purge(self, connection: asyncpg.Connection) -> None:
        """Take agreements that became confidential out of the rows. Needs no index: it is done while that is away."""
        if time.monotonic() >= self._tell_at:
            self._tell_at = time.monotonic() + _TELL_SECONDS
            at = await history.complete_to(connection) or self._began
            BEHIND_SECONDS.set((self._now() - at).total_seconds())
        last = await purges.unpurged(connection)
        if last is not None:
            await self._clean(connection)
            await purges.purged(connection, last)

    async def turn(self, connection: asyncpg.Connection, shown: Followed, *, caught_up: bool) -> bool:
        """Write down one batch of what the searched index shows, and bring a batch into the history's index.

        True when there was something to do. An index of the history that cannot be written is tried again later: the
        offers' own does not wait for it.
        """
        moment = self._now() if caught_up else days.moment(shown.cursor.revision)
        moved = False
        if self.behind or shown.cursor != self._seen:
            recorded = await self._record(connection, shown)
            moved, self.behind, self._seen = recorded > 0, recorded == _BATCH, shown.cursor
        if not self.behind:
            # Nothing was left when it looked: what is findable up to the last row is complete to this moment.
            self._reached = await self._last_row(connection), min(moment, self._now()) - _MARGIN
        if time.monotonic() >= self._again_at:
            try:
                await self._daily(connection)
                moved = await self._follower.turn(connection, await self._last_row(connection)) or moved
                await self._complete(connection)
            except EngineAway as error:
                self._again_at = time.monotonic() + _PAUSE_SECONDS
                log.warning("the history's index waits", reason=type(error).__name__)
        return moved

    async def _last_row(self, connection: asyncpg.Connection) -> int:
        """Asked for again only when rows were written: nobody else writes any."""
        self._last = await history.last(connection) if self._last is None else self._last
        return self._last

    async def _record(self, connection: asyncpg.Connection, shown: Followed) -> int:
        # One snapshot: a document is that of the revision which tells its day. The cursor moves with the rows.
        async with connection.transaction(isolation="repeatable_read"):
            batch = await offers.after(connection, await history.cursor(connection), _BATCH, upto=shown.cursor)
            if batch:
                built, _ = await documents(connection, batch)
                refused = await followed.refused(connection, shown.name)
                kept = {one: built[one] for one in built if (one.unit, one.code_key) not in refused}
                await self._write(connection, kept)
                await history.move(connection, batch[-1])
        return len(batch)

    async def _write(self, connection: asyncpg.Connection, built: Mapping[Offer, Document | None]) -> None:
        standing = await history.standing(connection, list(built))
        ended, new = [], []
        for one, document in built.items():
            made = _new(one, document) if document is not None else None
            pair = (one.unit, one.code_key)
            change = days.change(
                standing.get(pair), days.day_of(one.revision), made.digest if made is not None else None
            )
            if change is None:
                continue
            if change.ends is not None:
                ended.append(Ended(*pair, standing[pair].shown_from, change.ends))
            if change.begins is not None and made is not None:
                new.append(made._replace(shown_from=change.begins))
        if ended or new:
            revision = await history.next_revision(connection)
            if ended:
                await history.end(connection, revision, ended)
            await history.begin(connection, revision + len(ended), new)
            self._last = None

    async def _clean(self, connection: asyncpg.Connection) -> None:
        """Every row that shows an agreement which is purged, whenever that was: a table may come from a backup."""
        while True:
            self._last = None
            async with connection.transaction(isolation="repeatable_read"):
                rows = await purges.showing_purged(connection, _BATCH)
                if not rows:
                    return
                present, _ = await documents(connection, [Offer(0, *pair) for pair in _pairs(row for row, _ in rows)])
                now_shown = {(one.unit, one.code_key): document for one, document in present.items()}
                cleaned = [(row, _cleaned(row, gone, now_shown.get((row.unit, row.code_key)))) for row, gone in rows]
                await purges.clean(connection, await history.next_revision(connection), cleaned)
            log.info("history cleaned for a purge", rows=len(rows))

    async def _daily(self, connection: asyncpg.Connection) -> None:
        """Forget the days that are too long ago, in the index and then in the rows; and look for what was purged."""
        if time.monotonic() < self._daily_at:
            return
        first = swedish_day(self._now()) - self._keep
        if await history.keep_from(connection, first):
            await self._clean(connection)
            await self._follower.remove_ended(connection, first)
            log.info("history forgotten", before=str(first), rows=await history.remove_ended(connection, first))
        elif self._daily_at == 0.0:
            await self._clean(connection)
        self._daily_at = time.monotonic() + _DAILY_SECONDS

    async def _complete(self, connection: asyncpg.Connection) -> None:
        reached = self._follower.reached
        if self._reached is None or reached is None or reached < self._reached[0]:
            return
        (_, moment), self._reached = self._reached, None
        at = await history.complete_to(connection)
        if at is None or moment - at >= timedelta(seconds=_TELL_SECONDS):
            await history.complete(connection, moment, swedish_day(self._now()))


def _new(one: Offer, document: Document) -> New:
    content = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return New(
        one.unit,
        one.code_key,
        days.day_of(one.revision),
        days.digest_of(content),
        sorted(days.agreements_of(document)),
        content.decode(),
    )


def _pairs(rows: Iterable[Shown]) -> list[tuple[str, str]]:
    return sorted({(row.unit, row.code_key) for row in rows})


def _cleaned(row: Shown, purged: set[str], present: Document | None) -> New | None:
    assert row.content is not None  # noqa: S101 what shows an agreement shows something
    left: dict[str, Any] | None = days.without(orjson.loads(row.content), purged, present)
    made = _new(Offer(0, row.unit, row.code_key), left) if left is not None else None
    return made._replace(shown_from=row.shown_from) if made is not None else None
