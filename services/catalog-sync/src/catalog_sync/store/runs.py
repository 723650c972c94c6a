"""What each run did, with every row it could not use."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Rejected
from catalog_sync.store.tables import run


async def note_run(
    session: AsyncSession,
    source: str,
    now: datetime,
    *,
    read: int,
    changed: int,
    ended: int,
    held: str | None,
    rejected: Sequence[Rejected],
) -> None:
    """Remember what a run did, with every row it could not use."""
    rows = [{"resource": one.resource, "reason": one.reason} for one in rejected]
    await session.execute(
        run.insert().values(
            source=source, finished_at=now, read=read, changed=changed, ended=ended, held=held, rejected=rows
        )
    )


async def latest(session: AsyncSession, limit: int) -> list[Row[Any]]:
    """The latest runs, newest first."""
    return list(await session.execute(select(run).order_by(run.c.id.desc()).limit(limit)))
