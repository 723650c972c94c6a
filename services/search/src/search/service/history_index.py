"""The indexes of the history: made from its rows, kept up with them, searched, and made anew for another mapping."""

import time
from dataclasses import dataclass
from datetime import date

import asyncpg
import orjson
import structlog

from search.domain.document import offer_id
from search.index import history as documents
from search.index.engine import Index, IndexGone
from search.store import history, history_indexes
from search.store.history import Shown
from search.store.history_indexes import Kept

log = structlog.get_logger(__name__)

# A change writes two rows, that which ends and that which begins.
_BATCH = 400
_LOOK_SECONDS = 5.0
# Nobody asks for the end of a day before it is over.
_REFRESH_SECONDS = 5.0
_AGAIN_SECONDS = 60.0


@dataclass
class _Followed:
    """An index on its way: rows up to `written` are in it, those up to its own revision are findable."""

    kept: Kept
    written: int
    refresh_at: float = 0.0


class HistoryIndex:
    """Makes the index of this code's mapping follow the history's rows, and leads searches to it when it has them all.

    Until then the one that is searched follows too. No other is kept: it is made anew from the rows at any time.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._followed: dict[str, _Followed] = {}
        self._looked = False
        self._look_at = 0.0

    async def turn(self, connection: asyncpg.Connection, last: int) -> bool:
        """A batch of rows for each index, up to the `last` there is; True when there was one. Raises EngineAway."""
        if time.monotonic() >= self._look_at:
            await self._look(connection)
            self._look_at = time.monotonic() + _LOOK_SECONDS
        moved = False
        try:
            for one in sorted(self._followed.values(), key=lambda one: not one.kept.searched):
                moved = await self._advance(connection, one, last) or moved
        except IndexGone:
            self._look_at = 0.0
            raise
        return moved

    @property
    def reached(self) -> int | None:
        """The last row that is findable in the index that is searched; None while there is none."""
        return next((one.kept.revision for one in self._followed.values() if one.kept.searched), None)

    async def remove_ended(self, connection: asyncpg.Connection, day: date) -> None:
        """Remove what was shown at the end of this day no more. Raises EngineAway."""
        for one in await history_indexes.known(connection):
            if one.name in await self._index.existing():
                await self._index.remove_where(one.name, documents.ended_by(day))

    async def _look(self, connection: asyncpg.Connection) -> None:
        known, existing = await history_indexes.known(connection), await self._index.existing()
        there = [one for one in known if one.name in existing and existing[one.name].uuid == one.uuid]
        there = [one.seen(searched=existing[one.name].searched) for one in there]
        if not self._looked:
            for one in there:
                if await self._is_ahead(connection, one):
                    # The rows came from a backup: what they do not know of must not be found.
                    log.warning("the history's index is ahead of its rows, and is made anew", index=one.name)
                    await self._index.remove(one.name)
                    existing.pop(one.name)
            there = [one for one in there if one.name in existing]
            self._looked = True
        for one in known:
            if one.name not in {other.name for other in there}:
                log.warning("index lost", index=one.name)
                await history_indexes.forget(connection, one.name)
        own = next((one for one in there if one.shape == self._index.shape), None)
        own = own or await history_indexes.add(connection, *await self._index.create(), self._index.shape)
        for one in there:
            if one.name != own.name and (own.searched or not one.searched):
                await self._index.remove(one.name)
                await history_indexes.forget(connection, one.name)
        followed = [own, *(one for one in there if one.searched and not own.searched)]
        self._followed = {
            one.name: _Followed(one, before.written, before.refresh_at)
            if (before := self._followed.get(one.name)) is not None and before.kept.uuid == one.uuid
            else _Followed(one, one.revision)
            for one in followed
        }

    async def _is_ahead(self, connection: asyncpg.Connection, one: Kept) -> bool:
        """It holds a row that the table does not. After a crash it may hold more than was noted, of rows there are."""
        highest = await self._index.highest(one.name, "revision")
        return highest > one.revision and not await history.has(connection, highest)

    async def _advance(self, connection: asyncpg.Connection, one: _Followed, last: int) -> bool:
        rows = await history.after(connection, one.written, _BATCH) if one.written < last else []
        if rows:
            written = [(_id(row), row.revision, _document(row)) for row in rows]
            refused = await self._index.write(one.kept.name, written)
            # What it held before in its place may be what a purge has taken out of the rows.
            await self._index.write(
                one.kept.name, [(name, revision, None) for name, revision, _ in written if name in refused]
            )
            one.written = rows[-1].revision
        if one.written > one.kept.revision and time.monotonic() >= one.refresh_at:
            await self._index.refresh(one.kept.name)
            one.refresh_at = time.monotonic() + _REFRESH_SECONDS
            one.kept = one.kept.moved(one.written)
            await history_indexes.move(connection, one.kept.name, one.written)
        if len(rows) < _BATCH and one.kept.revision == one.written and not one.kept.searched:
            await self._search_in(connection, one)
        return bool(rows)

    async def _search_in(self, connection: asyncpg.Connection, one: _Followed) -> None:
        """Lead searches to an index that has every row."""
        rows, held = await history.count(connection, one.written), await self._index.count(one.kept.name)
        if held != rows:
            log.error("the history's index differs from its rows, and is made anew", index=one.kept.name, found=held)
            await self._index.remove(one.kept.name)
            await history_indexes.forget(connection, one.kept.name)
            del self._followed[one.kept.name]
            self._look_at = time.monotonic() + _AGAIN_SECONDS
            return
        await history_indexes.search(connection, one.kept.name)
        await self._index.search_in(one.kept.name)
        one.kept = one.kept.seen(searched=True)
        self._look_at = 0.0


def _id(row: Shown) -> str:
    return documents.document_id(offer_id(row.unit, row.code_key), row.shown_from)


def _document(row: Shown) -> dict[str, object]:
    """As the index holds it. What was shown at the end of no day is hidden until its days are forgotten."""
    shown_to = {"shown_to": row.shown_to.isoformat()} if row.shown_to is not None else {}
    content = orjson.loads(row.content) if row.content is not None else {"deleted": True}
    return {**content, "shown_from": row.shown_from.isoformat(), **shown_to, "revision": row.revision}
