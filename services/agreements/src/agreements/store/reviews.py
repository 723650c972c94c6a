"""The queue of what waits for a gate, by the working side of the list."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import State
from agreements.store.tables import agreement, history, listed, submission_verdict


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


async def replaced_edits(session: AsyncSession, ids: Collection[str]) -> dict[str, datetime]:
    """Of agreements that a file, push or pull wrote last: when what it replaced was written in the form."""
    of = history.c
    latest = func.row_number().over(partition_by=of.agreement_id, order_by=of.seq.desc()).label("latest")
    steps = (
        select(of.agreement_id, of.action, of.state, of.at, latest)
        .where(of.agreement_id.in_(ids), of.action.in_(("register", "edit", "take")))
        .subquery()
    )
    before = steps.alias()
    # What the form registers is a draft; what is sent is never one.
    by_form = (before.c.action == "edit") | ((before.c.action == "register") & (before.c.state == State.DRAFT))
    query = select(steps.c.agreement_id, before.c.at).where(
        steps.c.latest == 1,
        steps.c.action == "take",
        before.c.agreement_id == steps.c.agreement_id,
        before.c.latest == 2,
        by_form,
    )
    return {row.agreement_id: row.at for row in await session.execute(query)}
