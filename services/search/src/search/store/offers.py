"""Offers as rows: which exist, and in which order they changed.

Every transaction that touches offers holds the projecting lock until its end, so that revisions commit in order: who
has read up to some (revision, unit, code) has missed nothing before it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import asyncpg
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import next_version
from search.store.sources import Pair
from search.store.tables import offer


class Cursor(NamedTuple):
    """A place in the order of changes."""

    revision: int
    unit: str
    code_key: str


BEGINNING = Cursor(0, "", "")

Offer = Cursor
"""An offer as the order of changes names it."""


async def begin(session: AsyncSession) -> int:
    """Wait until no other transaction projects; the revision of what this one touches, higher than any before.

    What a message touches depends on rows another worker may be about to commit: each would miss the other's.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('search.project'))"))
    return next_version(await session.scalar(select(func.max(offer.c.revision))))


async def touch(session: AsyncSession, revision: int, pairs: Iterable[Pair]) -> None:
    """These (unit, care service) offers have changed, or are new."""
    await _run(
        session,
        "INSERT INTO offer (unit, code_key, revision) SELECT unit, code_key, :revision FROM"
        " unnest(CAST(:units AS text[]), CAST(:codes AS text[])) AS touched (unit, code_key)"
        " ON CONFLICT (unit, code_key) DO UPDATE SET revision = excluded.revision",
        revision,
        pairs,
    )


async def touch_existing(session: AsyncSession, revision: int, pairs: Iterable[Pair]) -> None:
    """These offers have changed, where they exist."""
    await _run(
        session,
        "UPDATE offer SET revision = :revision FROM"
        " unnest(CAST(:units AS text[]), CAST(:codes AS text[])) AS touched (unit, code_key)"
        " WHERE offer.unit = touched.unit AND offer.code_key = touched.code_key",
        revision,
        pairs,
    )


async def _run(session: AsyncSession, statement: str, revision: int, pairs: Iterable[Pair]) -> None:
    wanted = sorted(set(pairs))
    if wanted:
        units, codes = map(list, zip(*wanted, strict=True))
        await session.execute(text(statement), {"revision": revision, "units": units, "codes": codes})


async def touch_units(session: AsyncSession, revision: int, units: Iterable[str]) -> None:
    """Every offer of these units has changed."""
    if wanted := sorted(set(units)):
        await session.execute(offer.update().where(offer.c.unit == func.any(wanted)).values(revision=revision))


async def touch_services(session: AsyncSession, revision: int, keys: Iterable[str]) -> None:
    """Every offer of these care services has changed."""
    if wanted := sorted(set(keys)):
        await session.execute(offer.update().where(offer.c.code_key == func.any(wanted)).values(revision=revision))


async def after(
    connection: asyncpg.Connection, cursor: Cursor, limit: int, upto: Cursor | None = None
) -> Sequence[Offer]:
    """What has changed after a place in the order of changes, and not after another one; first change first."""
    rows = await connection.fetch(
        "SELECT revision, unit, code_key FROM offer WHERE (revision, unit, code_key) > ($1, $2, $3)"
        f"{' AND (revision, unit, code_key) <= ($5, $6, $7)' if upto is not None else ''}"
        " ORDER BY revision, unit, code_key LIMIT $4",
        *cursor,
        limit,
        *(upto or ()),
    )
    return [Offer._make(row) for row in rows]


async def left(connection: asyncpg.Connection, cursor: Cursor) -> int:
    """How many offers come after a place."""
    return int(
        await connection.fetchval("SELECT count(*) FROM offer WHERE (revision, unit, code_key) > ($1, $2, $3)", *cursor)
    )


async def more_left(connection: asyncpg.Connection, cursor: Cursor, number: int) -> bool:
    """More than so many offers come after a place."""
    found = await connection.fetchval(
        "SELECT true FROM offer WHERE (revision, unit, code_key) > ($1, $2, $3)"
        " ORDER BY revision, unit, code_key OFFSET $4 LIMIT 1",
        *cursor,
        number,
    )
    return found is not None


async def count(connection: asyncpg.Connection) -> int:
    """How many offers there are or were."""
    return int(await connection.fetchval("SELECT count(*) FROM offer"))


async def sample(connection: asyncpg.Connection, cursor: Cursor, number: int) -> Sequence[Offer]:
    """Some offers up to a place, at random."""
    rows = await connection.fetch(
        "SELECT revision, unit, code_key FROM offer WHERE (revision, unit, code_key) <= ($1, $2, $3)"
        " ORDER BY random() LIMIT $4",
        *cursor,
        number,
    )
    return [Offer._make(row) for row in rows]
