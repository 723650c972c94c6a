"""The reader: looks at the projection and the index all the time, as users do, and remembers what it saw."""

import asyncio
from collections.abc import Iterable, Mapping

import httpx
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from faults import places
from faults.checker import Seen
from faults.offerings import Offered

_PAUSE_SECONDS = 0.1


class Reader:
    """Looks until stopped. An engine that is away shows nothing."""

    def __init__(self, projection: AsyncEngine, index: httpx.AsyncClient, alias: str, things: Offered) -> None:
        self._projection = projection
        self._index = index
        self._alias = alias
        self._things = things
        self._last: dict[tuple[str, str], int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.seen: list[Seen] = []

    def start(self) -> None:
        """Begin to look."""
        self._tasks = [asyncio.create_task(self._look_at_rows()), asyncio.create_task(self._look_at_documents())]

    async def stop(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def note(self, place: str, versions: Mapping[str, int] | Iterable[tuple[str, int]]) -> None:
        """Remember what was seen in one look; what has not changed since the last one is not news."""
        for key, version in versions.items() if isinstance(versions, Mapping) else versions:
            if self._last.get((place, key)) != version:
                self._last[place, key] = version
                self.seen.append(Seen(place, key, version))

    async def _look_at_rows(self) -> None:
        while True:
            try:
                self.note("projection", await places.projection(self._projection, self._things))
            except (SQLAlchemyError, OSError):
                await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _look_at_documents(self) -> None:
        while True:
            try:
                self.note("index", await places.documents(self._index, self._alias, self._things, fresh=False))
            except httpx.HTTPError:
                await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)
