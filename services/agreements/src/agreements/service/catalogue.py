"""Keeps the copies of the catalogue that agreements are judged by."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store import catalogue as store


async def copy_codes(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what is needed to judge codes."""
    await store.keep_codes(session, rows)


async def copy_units(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what is needed to judge units."""
    await store.keep_units(session, rows)


async def may_begin(session: AsyncSession) -> bool:
    """True when intake may begin: the copies of the catalogue are complete."""
    return await store.catalogue_is_complete(session)


async def catalogue_copied(session: AsyncSession, now: datetime) -> None:
    """The copies hold everything that was announced when the worker started: intake may begin."""
    await store.mark_catalogue_complete(session, now)
