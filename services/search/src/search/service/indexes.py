"""Which indexes there are: made, compared with the offers, searched, kept, removed."""

from dataclasses import replace

import asyncpg
import structlog

from search.index.engine import Index
from search.store import followed, offers, purges
from search.store.followed import Followed

log = structlog.get_logger(__name__)

# The one that is searched and the one before it: a release that is taken back goes on from there.
_KEPT = 2


async def to_follow(connection: asyncpg.Connection, index: Index) -> tuple[Followed, Followed | None]:
    """The index of this code's mapping, made when there is none, and another one that is searched until it is full."""
    known = await followed.known(connection)
    # Asked after the rows were read: an index that another process makes meanwhile has no row here yet.
    existing = await index.existing()
    there: list[Followed] = []
    for one in known:
        found = existing.get(one.name)
        if found is not None and found.uuid == one.uuid:
            there.append(replace(one, searched=found.searched))
        else:
            log.warning("index lost", index=one.name)
            await followed.forget(connection, one.name)
    searched = next((one for one in there if one.searched), None)
    if searched is not None and searched.shape == index.shape:
        return searched, None
    own = next((one for one in there if one.shape == index.shape), None)
    return own or await make(connection, index), searched


async def make(connection: asyncpg.Connection, index: Index) -> Followed:
    """A new index that has followed nothing yet."""
    name, uuid = await index.create()
    made = Followed(name, uuid, index.shape, offers.BEGINNING)
    await followed.add(connection, made)
    return made


async def complete(connection: asyncpg.Connection, index: Index, one: Followed) -> str | None:
    """None when an index holds as many offers as there are up to its cursor, else the numbers that differ."""
    refused = await followed.refuses(connection, one.name)
    left = await offers.left(connection, one.cursor)
    least = await offers.count(connection) - left - refused
    held = await index.count(one.name)
    # Offers come and change meanwhile, and none is ever removed.
    most = await offers.count(connection)
    return None if least <= held <= most else f"{held} documents in the index, {least} to {most} offers"


async def search_in(connection: asyncpg.Connection, index: Index, one: Followed) -> None:
    """Lead searches to an index; all but this one and the one before it are removed."""
    await followed.searched(connection, one.name)
    await index.search_in(one.name)
    for name in (await followed.last_searched(connection))[_KEPT:]:
        await drop(connection, index, name)


async def drop_before_purges(connection: asyncpg.Connection, index: Index) -> None:
    """Remove an index that was searched once and follows no more, where an agreement was purged after it stopped.

    It is kept for a release that is taken back, and would show then what became confidential. That release makes a new
    one. Raises EngineAway.
    """
    purged = await purges.last(connection)
    stopped = [one for one in await followed.known(connection) if one.cursor.revision < purged]
    if not stopped:
        return
    existing, once = await index.existing(), set(await followed.last_searched(connection))
    for one in stopped:
        if one.name in once and one.name in existing and not existing[one.name].searched:
            log.warning("index removed for a purge", index=one.name)
            await drop(connection, index, one.name)


async def drop(connection: asyncpg.Connection, index: Index, name: str) -> None:
    """Remove an index and what is remembered of it."""
    await index.remove(name)
    await followed.forget(connection, name)
