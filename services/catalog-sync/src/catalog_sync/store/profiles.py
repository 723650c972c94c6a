"""Regions' profiles, and everything they have ever been."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.profiles import Profile
from catalog_sync.store.tables import region_profile, region_profile_history


async def every(session: AsyncSession) -> list[Profile]:
    """All profiles in the order of region codes."""
    return [_profile(row) for row in await session.execute(select(region_profile).order_by(region_profile.c.region))]


async def get(session: AsyncSession, region: str) -> Profile | None:
    """One region's profile; None where it has told none."""
    row = (await session.execute(select(region_profile).where(region_profile.c.region == region))).first()
    return None if row is None else _profile(row)


async def lock(session: AsyncSession, region: str) -> Profile | None:
    """The profile with its row locked until the transaction ends."""
    query = select(region_profile).where(region_profile.c.region == region).with_for_update()
    row = (await session.execute(query)).first()
    return None if row is None else _profile(row)


async def insert_new(session: AsyncSession, new: Profile) -> bool:
    """Insert a region's first profile; False where it has one."""
    statement = insert(region_profile).values(**_columns(new)).on_conflict_do_nothing()
    return (await session.execute(statement.returning(region_profile.c.region))).first() is not None


async def update(session: AsyncSession, changed: Profile) -> None:
    """Store a changed profile. Its row is locked."""
    await session.execute(
        region_profile.update().where(region_profile.c.region == changed.region).values(**_columns(changed))
    )


async def remember(session: AsyncSession, one: Profile, action: str, actor: str) -> None:
    """Add a line to the history: what it became, by whom and when."""
    await session.execute(region_profile_history.insert().values(**_columns(one) | {"action": action, "actor": actor}))


async def versions(session: AsyncSession, regions: Collection[str] | None) -> dict[str, int]:
    """Each profile's version; with regions: of those alone, their rows locked."""
    query = select(region_profile.c.region, region_profile.c.version).order_by(region_profile.c.region)
    if regions is not None:
        query = query.where(region_profile.c.region.in_(regions)).with_for_update()
    return {row.region: row.version for row in await session.execute(query)}


def _columns(one: Profile) -> dict[str, Any]:
    return {"region": one.region, "version": one.version, "body": dict(one.body), "changed_at": one.changed_at}


def _profile(row: Row[Any]) -> Profile:
    return Profile(row.region, row.version, row.body, row.changed_at)
