"""The audit lines of what was refused for secrecy: all that is kept of it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import refusal


async def note(session: AsyncSession, rows: Sequence[tuple[datetime, str, str, str, str]]) -> None:
    """Append lines: when, whose region, by which way, who sent it, why. Neither a number nor any content."""
    names = ("at", "region", "way", "actor", "why")
    await session.execute(refusal.insert(), [dict(zip(names, row, strict=True)) for row in rows])
