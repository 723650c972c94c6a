"""Drafts that are not complete: whatever a form holds so far, saved again and again."""

from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import draft


async def get(session: AsyncSession, draft_id: str, region: str) -> Row[Any] | None:
    """A region's draft, or None."""
    return (await session.execute(select(draft).where(draft.c.id == draft_id, draft.c.region == region))).first()


async def count(session: AsyncSession, region: str) -> int:
    """How many drafts a region has."""
    return await session.scalar(select(func.count()).select_from(draft).where(draft.c.region == region)) or 0


async def page(session: AsyncSession, region: str, *, limit: int, offset: int) -> list[Row[Any]]:
    """A region's drafts, the last saved first."""
    query = select(draft).where(draft.c.region == region).order_by(draft.c.changed_at.desc(), draft.c.id)
    return list(await session.execute(query.limit(limit).offset(offset)))


async def insert_new(session: AsyncSession, **values: Any) -> bool:
    """Insert a draft; False when there is one with that id already."""
    statement = insert(draft).values(**values).on_conflict_do_nothing().returning(draft.c.id)
    return (await session.execute(statement)).first() is not None


async def replace(session: AsyncSession, expected_version: int, **values: Any) -> bool:
    """Overwrite a region's draft that still is at a version; False when it is not."""
    where = (
        draft.c.id == values["id"],
        draft.c.region == values["region"],
        draft.c.version == expected_version,
    )
    statement = update(draft).where(*where).values(**values).returning(draft.c.id)
    return (await session.execute(statement)).first() is not None


async def remove(session: AsyncSession, draft_id: str, region: str) -> bool:
    """Delete a region's draft; False when there was none."""
    statement = delete(draft).where(draft.c.id == draft_id, draft.c.region == region).returning(draft.c.id)
    return (await session.execute(statement)).first() is not None
