"""What each region has chosen for its gates and notices; every choice is kept."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import region_settings as chosen

# One region's choices are made one after the other; an append-only table has no row to lock before the first.
_LOCKS = 7_100_600


async def latest(session: AsyncSession, regions: Collection[str]) -> dict[str, Row[Any]]:
    """What counts now, for those of the regions that have ever chosen."""
    query = select(chosen).where(chosen.c.region.in_(regions)).ext(distinct_on(chosen.c.region))
    rows = await session.execute(query.order_by(chosen.c.region, chosen.c.version.desc()))
    return {row.region: row for row in rows}


async def off_since(session: AsyncSession, regions: Collection[str]) -> dict[str, datetime]:
    """Since when each of the regions has left the other person out, without a break."""
    asked_for = chosen.alias()
    last = select(func.max(asked_for.c.version)).where(
        asked_for.c.region == chosen.c.region, asked_for.c.another_person.is_(True)
    )
    query = select(chosen.c.region, func.min(chosen.c.at)).where(
        chosen.c.region.in_(regions), chosen.c.version > func.coalesce(last.scalar_subquery(), 0)
    )
    rows = await session.execute(query.group_by(chosen.c.region))
    return {row[0]: row[1] for row in rows}


async def append_after(session: AsyncSession, version: int, values: Mapping[str, Any]) -> bool:
    """Add a choice, if the version is still the region's latest (0: it has none); False when it is not."""
    region = values["region"]
    await session.execute(select(func.pg_advisory_xact_lock(_LOCKS + int(region))))
    newest = await session.scalar(select(func.max(chosen.c.version)).where(chosen.c.region == region))
    if (newest or 0) != version:
        return False
    await session.execute(insert(chosen).values(**values))
    return True


async def history(session: AsyncSession, region: str) -> list[Row[Any]]:
    """Every choice of a region, the newest first."""
    query = select(chosen).where(chosen.c.region == region).order_by(chosen.c.version.desc()).limit(100)
    return list(await session.execute(query))
