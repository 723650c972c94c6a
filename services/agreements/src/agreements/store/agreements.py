"""Agreements and their history."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, not_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Agreement, State, Way, is_owner
from agreements.store.tables import agreement, history
from rules.roles import Role


async def insert_new(session: AsyncSession, new: Agreement) -> bool:
    """Insert an agreement; False when the region already has one with that number."""
    statement = insert(agreement).values(**_columns(new)).on_conflict_do_nothing(constraint="agreement_region_number")
    return (await session.execute(statement.returning(agreement.c.id))).first() is not None


async def lock(session: AsyncSession, agreement_id: str) -> Agreement | None:
    """The agreement with its row locked until the transaction ends."""
    row = (await session.execute(select(agreement).where(agreement.c.id == agreement_id).with_for_update())).first()
    return _agreement(row) if row is not None else None


async def lock_numbers(session: AsyncSession, region: str, numbers: Collection[str]) -> dict[str, Agreement]:
    """A region's agreements by their numbers, with their rows locked in one order until the transaction ends."""
    query = select(agreement).where(agreement.c.region == region, agreement.c.number.in_(numbers))
    rows = await session.execute(query.order_by(agreement.c.id).with_for_update())
    return {row.number: _agreement(row) for row in rows}


async def public_versions(session: AsyncSession, ids: Collection[str] | None) -> dict[str, int]:
    """What its topic last told of every agreement that has been public; with ids: of those alone, their rows locked."""
    query = select(agreement.c.id, agreement.c.public_version).where(agreement.c.public_version.is_not(None))
    if ids is not None:
        query = query.where(agreement.c.id.in_(ids)).order_by(agreement.c.id).with_for_update()
    return {row.id: row.public_version for row in await session.execute(query)}


async def update(session: AsyncSession, changed: Agreement) -> None:
    """Overwrite an agreement whose row is locked."""
    await session.execute(agreement.update().where(agreement.c.id == changed.id).values(**_columns(changed)))


async def remember(session: AsyncSession, now: Agreement, action: str, actor: str, reason: str | None) -> None:
    """Append what was done to the agreement's history, which is never changed."""
    await session.execute(
        history.insert().values(
            agreement_id=now.id,
            version=now.version,
            action=action,
            state=now.state,
            actor=actor,
            reason=reason,
            body=now.body,
            at=now.changed_at,
        )
    )


async def writers(session: AsyncSession, agreement_id: str) -> set[str]:
    """Everybody who has written any of its content."""
    wrote = history.c.action.in_(("register", "edit", "take"))
    return set(await session.scalars(select(history.c.actor).where(history.c.agreement_id == agreement_id, wrote)))


async def get(session: AsyncSession, agreement_id: str) -> Agreement | None:
    """The agreement, or None."""
    row = (await session.execute(select(agreement).where(agreement.c.id == agreement_id))).first()
    return _agreement(row) if row is not None else None


async def find(
    session: AsyncSession,
    actor: Actor,
    *,
    region: str | None,
    state: str | None,
    number: str | None,
    limit: int,
    offset: int,
) -> tuple[list[Agreement], int]:
    """The agreements this actor may read, by region and number; one page and the total."""
    working = _working(actor)
    where = [or_(agreement.c.public_state == State.PUBLISHED, working)]
    if region is not None:
        where.append(agreement.c.region == region)
    if state is not None:
        # What the reader is shown as its state.
        where.append((working & (agreement.c.state == state)) | (not_(working) & (agreement.c.public_state == state)))
    if number is not None:
        where.append(agreement.c.number == number)
    query: Select[Any] = select(agreement).where(and_(*where))
    total = await session.scalar(select(func.count()).select_from(agreement).where(and_(*where)))
    rows = await session.execute(query.order_by(agreement.c.region, agreement.c.number).limit(limit).offset(offset))
    return [_agreement(row) for row in rows], total or 0


def _working(actor: Actor) -> ColumnElement[bool]:
    # The same rule as domain.agreement.may_read_working, as SQL; tests hold the two against each other.
    allowed: list[ColumnElement[bool]] = []
    if actor.region is not None and is_owner(actor.region, actor):
        allowed.append(agreement.c.region == actor.region)
    if Role.AGENCY_REVIEWER in actor.roles:
        allowed.append(agreement.c.state == State.REGION_APPROVED)
    return or_(*allowed) if allowed else false()


def _columns(of: Agreement) -> dict[str, Any]:
    return {column.name: getattr(of, column.name) for column in agreement.columns}


def _agreement(row: Row[Any]) -> Agreement:
    values = dict(row._mapping)
    public = values["public_state"]
    return Agreement(
        **{
            **values,
            "state": State(values["state"]),
            "way": Way(values["way"]),
            "public_state": State(public) if public is not None else None,
        }
    )
