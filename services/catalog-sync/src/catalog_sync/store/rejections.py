"""The rows that could not be used: each once, with its reason, when it was first met and when last."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Rejected
from catalog_sync.store.tables import one_of, rejected

_NOTE = text("""
INSERT INTO rejected (source, resource, reason, first_seen, last_seen, run)
SELECT :source, g.resource, g.reason, :now, :now, :run
FROM unnest(CAST(:resources AS text[]), CAST(:reasons AS text[])) AS g (resource, reason)
ON CONFLICT (source, resource) DO UPDATE SET reason = excluded.reason, last_seen = excluded.last_seen,
    run = excluded.run
""")


async def note(session: AsyncSession, source: str, run: int, found: Sequence[Rejected], now: datetime) -> None:
    """Put rows on the list. Of several reasons for one row the first is kept."""
    reasons: dict[str, str] = {}
    for row in found:
        reasons.setdefault(row.resource, row.reason)
    if reasons:
        given = {"resources": list(reasons), "reasons": list(reasons.values())}
        await session.execute(_NOTE, {"source": source, "run": run, "now": now, **given})


async def mended(session: AsyncSession, source: str, resources: Collection[str]) -> None:
    """Take rows off the list."""
    mine = (rejected.c.source == source) & one_of(rejected.c.resource, resources)
    await session.execute(delete(rejected).where(mine))


async def keep_only(session: AsyncSession, source: str, run: int) -> None:
    """Take off the list what a whole run has not met."""
    await session.execute(delete(rejected).where(rejected.c.source == source, rejected.c.run != run))


async def among(session: AsyncSession, source: str, resources: Collection[str]) -> set[str]:
    """Those of some rows that are on the list."""
    mine = (rejected.c.source == source) & one_of(rejected.c.resource, resources)
    return set(await session.scalars(select(rejected.c.resource).where(mine)))


async def counts(session: AsyncSession) -> Mapping[str, int]:
    """How many rows of each source are on the list."""
    query = select(rejected.c.source, func.count()).group_by(rejected.c.source)
    return {row[0]: row[1] for row in await session.execute(query)}


async def listed(session: AsyncSession, source: str | None, limit: int | None) -> list[Row[Any]]:
    """The list, what was met first before what came later."""
    query = select(rejected).order_by(rejected.c.first_seen, rejected.c.source, rejected.c.resource).limit(limit)
    return list(await session.execute(query if source is None else query.where(rejected.c.source == source)))
