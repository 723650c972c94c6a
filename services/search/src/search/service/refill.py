"""A new index filled from the rows, compared with them, and searched from then on."""

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from search.domain.document import offer_id
from search.index.engine import Index
from search.service import indexes
from search.service.following import advance, documents
from search.service.indexing import looking_up
from search.service.rebuild import Progress, Refused
from search.store import followed, offers
from search.store.followed import Followed

_SAMPLE = 500


async def refill(engine: AsyncEngine, index: Index, progress: Progress) -> tuple[str, int, int]:
    """Fill a new index from the rows, compare, lead searches to it; its name, and how many documents it holds, refuses.

    Raises Refused when it does not agree with the rows, and EngineAway.
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
            wrong = await indexes.complete(connection, index, made) if caught_up else None
            if wrong is not None:
                raise Refused(f"{made.name} is not searched: {wrong}")
        differing = await _differing(connection, index, made)
        if differing:
            raise Refused(f"{made.name} is not searched: of a sample, {differing} documents differ from the rows")
        # What has changed during the comparison, and until the worker has seen the switch.
        made, _ = await advance(connection, index, made)
        held = await index.count(made.name)
        await indexes.search_in(connection, index, made)
        await advance(connection, index, made)
        return made.name, held, await followed.refuses(connection, made.name)


async def _drop_leftovers(connection: asyncpg.Connection, index: Index) -> None:
    """Remove what an interrupted rebuild has left; not an index that a worker is filling for another mapping."""
    known, existing = await followed.known(connection), await index.existing()
    searched = {name for name, one in existing.items() if one.searched}
    if any(one.name in searched and one.shape == index.shape for one in known):
        for name in {one.name for one in known} - set(await followed.last_searched(connection)):
            await indexes.drop(connection, index, name)


async def _differing(connection: asyncpg.Connection, index: Index, one: Followed) -> int:
    """How many documents of a sample are not as the rows have them. Those refused or changed since do not count."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        batch = await offers.sample(connection, one.cursor, _SAMPLE)
        built, _ = await documents(connection, batch)
        refused = await followed.refused(connection, one.name)
    held = await index.read(one.name, [offer_id(row.unit, row.code_key) for row in built])
    differing = 0
    for row, document in built.items():
        revision, found = held.get(offer_id(row.unit, row.code_key), (0, None))
        if revision > row.revision or (row.unit, row.code_key) in refused:
            continue
        wanted = {"deleted": True} if document is None else orjson.loads(orjson.dumps(document))
        differing += (revision, found) != (row.revision, wanted)
    return differing
