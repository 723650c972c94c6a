"""The rows that could not be used: each once, with its reason, when it was first met and when last."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Rejected
from catalog_sync.store.tables import one_of, rejected, resource

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


async def settle(session: AsyncSession, source: str, run: int, *, whole: bool) -> None:
    """An applied run takes off the list what it has looked at and not met again, or what it has not met as a whole one.

    A run that is only judged takes nothing off: what it has read may be broken.
    """
    mine = (rejected.c.source == source) & (rejected.c.run < run)
    if not whole:
        # It has looked at every row on the list that could be kept, but not at what cannot be told apart.
        mine &= exists().where(resource.c.source == source, resource.c.reference == rejected.c.resource)
    await session.execute(delete(rejected).where(mine))


async def met(session: AsyncSession, source: str, run: int) -> int:
    """How many rows on the list this run was the latest to meet."""
    mine = (rejected.c.source == source) & (rejected.c.run == run)
    return await session.scalar(select(func.count()).select_from(rejected).where(mine)) or 0


async def among(session: AsyncSession, source: str, run: int, resources: Collection[str]) -> set[str]:
    """Those of some rows that this run could not use."""
    mine = (rejected.c.source == source) & (rejected.c.run == run) & one_of(rejected.c.resource, resources)
    return set(await session.scalars(select(rejected.c.resource).where(mine)))


async def counts(session: AsyncSession) -> Mapping[str, int]:
    """How many rows of each source are on the list."""
    query = select(rejected.c.source, func.count()).group_by(rejected.c.source)
    return {row[0]: row[1] for row in await session.execute(query)}


async def listed(session: AsyncSession, source: str | None, limit: int | None) -> list[Row[Any]]:
    """The list, what was met first before what came later."""
    query = select(rejected).order_by(rejected.c.first_seen, rejected.c.source, rejected.c.resource).limit(limit)
    return list(await session.execute(query if source is None else query.where(rejected.c.source == source)))
