"""A new index filled from the rows, compared with them, and searched from then on."""

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from search.index.engine import Index
from search.service import indexes
from search.service.comparing import Comparison, compare
from search.service.following import advance
from search.service.indexing import looking_up
from search.service.rebuild import Held, Progress, Refused
from search.store import followed, offers


async def refill(engine: AsyncEngine, index: Index, progress: Progress, *, may_hide: bool = False) -> Comparison:
    """Fill a new index from the rows, compare it, lead searches to it; what the comparison found.

    Raises Refused when it does not agree with the rows, Held when more offers would disappear from the search than may
    do so unasked (`may_hide` asks for it), and EngineAway.
    """
    async with looking_up(engine) as connection:
        await _drop_leftovers(connection, index)
        made = await indexes.make(connection, index)
        written = 0

        def moved(number: int) -> None:
            nonlocal written
            written += number
            progress("documents indexed", written, max(written, of))

        of = await offers.count(connection)
        caught_up = False
        while not caught_up:
            made, caught_up = await advance(connection, index, made, moved=moved)
        found = await compare(connection, index, made, progress)
        if found.wrong is not None:
            raise Refused(f"{made.name} is not searched: {found.wrong}")
        if found.loses is not None and not may_hide:
            raise Held(f"{made.name} is not searched: {found.loses}; if they shall, say --may-hide", found)
        # What has changed during the comparison, and until the worker has seen the switch.
        made, _ = await advance(connection, index, made)
        await indexes.search_in(connection, index, made)
        await advance(connection, index, made)
        return found


async def _drop_leftovers(connection: asyncpg.Connection, index: Index) -> None:
    """Remove what an interrupted rebuild has left; not an index that a worker is filling for another mapping."""
    known, existing = await followed.known(connection), await index.existing()
    searched = {name for name, one in existing.items() if one.searched}
    if any(one.name in searched and one.shape == index.shape for one in known):
        for name in {one.name for one in known} - set(await followed.last_searched(connection)):
            await indexes.drop(connection, index, name)
