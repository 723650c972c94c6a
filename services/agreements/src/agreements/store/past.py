"""An agreement's history, for those who may read it."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import history


async def steps(session: AsyncSession, agreement_id: str) -> list[Row[Any]]:
    """Every step of an agreement, the first one first."""
    query = select(history).where(history.c.agreement_id == agreement_id).order_by(history.c.seq)
    return list(await session.execute(query))
