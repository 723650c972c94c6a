"""What ends: agreements whose last day has passed, who is told of those that soon will, and what is kept for a time."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Row, Table, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Agreement, State
from agreements.store import agreements
from agreements.store.tables import agreement, draft, listed, notice, tables

_idempotency: Table = tables.tables["idempotency"]
_TELL = text("""
INSERT INTO agreement_notice (agreement_id, valid_to, days, region, at)
SELECT agreement_id, valid_to, (
    SELECT min(number) FROM unnest(CAST(:days AS integer[])) AS number WHERE valid_to <= CAST(:today AS date) + number
  ), region, :now
FROM agreement_listed
WHERE side = 'public' AND valid_to BETWEEN :today AND CAST(:today AS date) + CAST(:earliest AS integer)
ON CONFLICT DO NOTHING
RETURNING region, days
""")


async def over(session: AsyncSession, today: date, limit: int) -> list[Agreement]:
    """Public agreements whose last day has passed, locked; those that another worker has locked are left to it."""
    ended = select(listed.c.agreement_id).where(listed.c.side == "public", listed.c.valid_to < today)
    query = select(agreement.c.id).where(agreement.c.id.in_(ended), agreement.c.public_state == State.PUBLISHED)
    ids = await session.scalars(query.order_by(agreement.c.id).limit(limit).with_for_update(skip_locked=True))
    return list((await agreements.lock_all(session, list(ids))).values())


async def tell(session: AsyncSession, today: date, now: datetime, days: Sequence[int]) -> list[tuple[str, int]]:
    """Write the notices that are due and not written yet: (region, days before) of each new one.

    Only the last one that is due: where the clock was away, or an end is near from the first day, it is told once.
    """
    given = {"today": today, "now": now, "days": list(days), "earliest": max(days)}
    return [(row.region, row.days) for row in await session.execute(_TELL, given)]


async def notices(
    session: AsyncSession, region: str, days: int | None, *, limit: int, offset: int
) -> tuple[list[Row[tuple[str, str, str, date, int, datetime]]], int]:
    """The notices of a region's agreements that still end as told, the nearest end first; one page and the total."""
    where = [notice.c.region == region, listed.c.side == "public", listed.c.valid_to == notice.c.valid_to]
    if days is not None:
        where.append(notice.c.days == days)
    joined = notice.join(listed, listed.c.agreement_id == notice.c.agreement_id)
    total = await session.scalar(select(func.count()).select_from(joined).where(*where))
    columns = (notice.c.agreement_id, listed.c.number, listed.c.name, notice.c.valid_to, notice.c.days, notice.c.at)
    query = select(*columns).select_from(joined).where(*where)
    order = (notice.c.valid_to, notice.c.agreement_id, notice.c.days)
    return list(await session.execute(query.order_by(*order).limit(limit).offset(offset))), total or 0


async def forget_drafts(session: AsyncSession, before: datetime) -> int:
    """Delete drafts that nobody has saved since; how many."""
    found = await session.execute(delete(draft).where(draft.c.changed_at < before).returning(draft.c.id))
    return len(found.all())


async def forget_answers(session: AsyncSession, before: datetime) -> int:
    """Delete kept answers of repeated requests, which hold content; how many."""
    old = delete(_idempotency).where(_idempotency.c.created_at < before)
    return len((await session.execute(old.returning(_idempotency.c.key))).all())
