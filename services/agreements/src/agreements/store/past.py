"""An agreement's history, for those who may read it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import history


async def steps(session: AsyncSession, agreement_id: str) -> list[Row[Any]]:
    """Every step of an agreement, the first one first."""
    query = select(history).where(history.c.agreement_id == agreement_id).order_by(history.c.seq)
    return list(await session.execute(query))


async def rejections(session: AsyncSession, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The rejection that each of some drafts came back by, if it did: who, when and why; edits since leave it."""
    of = history.c
    last = select(func.max(of.seq)).where(of.agreement_id.in_(ids), of.action != "edit").group_by(of.agreement_id)
    query = select(of.agreement_id, of.reason, of.at, of.actor).where(of.seq.in_(last), of.action == "reject")
    rows: list[Row[Any]] = list(await session.execute(query))
    return {row.agreement_id: row for row in rows}
