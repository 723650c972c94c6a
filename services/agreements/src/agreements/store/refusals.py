"""The audit lines of what was refused for secrecy: all that is kept of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import refusal


async def note(session: AsyncSession, rows: Sequence[tuple[datetime, str, str, str, str, str | None]]) -> None:
    """Append lines: when, whose region, by which way, who sent it, why, our id of what was registered. No content."""
    names = ("at", "region", "way", "actor", "why", "agreement_id")
    await session.execute(refusal.insert(), [dict(zip(names, row, strict=True)) for row in rows])


async def of_registered(session: AsyncSession, region: str, since: datetime, limit: int) -> list[Row[Any]]:
    """The marks that met an agreement registered here, of a region, the latest first."""
    query = select(refusal).where(
        refusal.c.region == region, refusal.c.agreement_id.is_not(None), refusal.c.at >= since
    )
    return list(await session.execute(query.order_by(refusal.c.at.desc(), refusal.c.seq.desc()).limit(limit)))
