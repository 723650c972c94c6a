"""The queue of what waits for a gate, by the working side of the list."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import State
from agreements.store.tables import agreement, listed, submission_verdict


@dataclass(frozen=True)
class Waiting:
    """What waits for somebody: in which states, and there of which region (None: of all)."""

    states: tuple[tuple[State, str | None], ...]
    region: str | None = None
    """Only of this one."""
    care_provider: str | None = None
    number: str | None = None
    submission: str | None = None
    """Only what that submission has brought."""


async def page(session: AsyncSession, wanted: Waiting, *, limit: int, offset: int) -> tuple[list[str], int]:
    """Ids of what waits, what has waited longest first, and how many in all."""
    where = _where(wanted)
    total = await session.scalar(select(func.count()).select_from(listed).where(where))
    query = select(listed.c.agreement_id).where(where).order_by(listed.c.changed_at, listed.c.agreement_id)
    return list(await session.scalars(query.limit(limit).offset(offset))), total or 0


async def versions(session: AsyncSession, wanted: Waiting, limit: int) -> list[tuple[str, int]]:
    """Id and version of all that waits, what has waited longest first."""
    query = select(agreement.c.id, agreement.c.version).join(listed, listed.c.agreement_id == agreement.c.id)
    query = query.where(_where(wanted)).order_by(listed.c.changed_at, listed.c.agreement_id).limit(limit)
    return [(row.id, row.version) for row in await session.execute(query)]


async def counts(session: AsyncSession, wanted: Waiting) -> list[Row[tuple[str, str, int, datetime]]]:
    """How many wait in each state of each region, and since when: (state, region, waiting, oldest)."""
    columns: tuple[ColumnElement[Any], ...] = (listed.c.state, listed.c.region)
    query = select(*columns, func.count().label("waiting"), func.min(listed.c.changed_at).label("oldest"))
    return list(await session.execute(query.where(_where(wanted)).group_by(*columns).order_by(*columns)))


def _where(wanted: Waiting) -> ColumnElement[bool]:
    mine = [
        (listed.c.state == state) & (listed.c.region == region if region is not None else True)
        for state, region in wanted.states
    ]
    where = [listed.c.side == "working", or_(*mine) if mine else false()]
    if wanted.submission is not None:
        brought = select(submission_verdict.c.agreement_id).where(
            submission_verdict.c.submission_id == wanted.submission, submission_verdict.c.verdict == "accepted"
        )
        where.append(listed.c.agreement_id.in_(brought))
    narrowed = {name: getattr(wanted, name) for name in ("region", "care_provider", "number")}
    return and_(*where, *(listed.c[name] == value for name, value in narrowed.items() if value is not None))
