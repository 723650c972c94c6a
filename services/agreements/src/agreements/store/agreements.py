"""Agreements and their history."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ARRAY, JSON, Row, Table, Text, bindparam, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Agreement, State, Way
from agreements.store import listing
from agreements.store.tables import agreement, history


async def insert_new(session: AsyncSession, new: Agreement) -> bool:
    """Insert an agreement; False when the region already has one with that number."""
    statement = insert(agreement).values(**_columns(new)).on_conflict_do_nothing(constraint="agreement_region_number")
    if (await session.execute(statement.returning(agreement.c.id))).first() is None:
        return False
    await listing.refresh(session, [new.id])
    return True


async def insert_all(session: AsyncSession, new: Sequence[Agreement]) -> set[str]:
    """Insert agreements of one region; the numbers of those inserted: others have been registered meanwhile."""
    if not new:
        return set()
    # In one order everywhere, so that two who register the same numbers wait for each other only one way.
    rows, names = _given(agreement, [_columns(one) for one in sorted(new, key=lambda one: one.number)])
    statement = insert(agreement).from_select(names, select(*(rows.c[name] for name in names)))
    statement = statement.on_conflict_do_nothing(constraint="agreement_region_number")
    found = (await session.execute(statement.returning(agreement.c.id, agreement.c.number))).all()
    await listing.refresh(session, [row.id for row in found])
    return {row.number for row in found}


async def update_all(session: AsyncSession, changed: Sequence[Agreement]) -> None:
    """Overwrite agreements whose rows are locked."""
    if not changed:
        return
    rows, names = _given(agreement, [_columns(one) for one in changed])
    values = {name: rows.c[name] for name in names if name != "id"}
    await session.execute(agreement.update().where(agreement.c.id == rows.c.id).values(values))
    await listing.refresh(session, [one.id for one in changed])


async def step_all(
    session: AsyncSession, done: Sequence[Agreement], action: str, actor: str, reason: str | None = None
) -> None:
    """Write and remember one step of many agreements that changes no content; their rows are locked.

    Contents stay where they are: a just published one is copied, and history's is taken, inside the database.
    """
    if not done:
        return
    rows, names = _given(agreement, [_columns(one, without=("body", "public_body")) for one in done])
    values = {name: rows.c[name] for name in names if name != "id"}
    published = (rows.c.public_version == rows.c.version) & (rows.c.public_state == State.PUBLISHED)
    values["public_body"] = case((published, agreement.c.body), else_=agreement.c.public_body)
    await session.execute(agreement.update().where(agreement.c.id == rows.c.id).values(values))
    ids = [one.id for one in done]
    said = (literal(action, Text), literal(actor, Text), literal(reason, Text))
    now = agreement.c
    steps = select(now.id, now.version, now.state, now.body, now.changed_at, *said).where(now.id.in_(ids))
    names = ["agreement_id", "version", "state", "body", "at", "action", "actor", "reason"]
    await session.execute(history.insert().from_select(names, steps))
    await listing.refresh(session, ids)


async def remember_all(
    session: AsyncSession, steps: Sequence[tuple[Agreement, str]], actor: str, reason: str | None = None
) -> None:
    """Append what one actor did to agreements, in order: each as it was after the action, and the action."""
    if not steps:
        return
    done = [
        {
            "agreement_id": now.id,
            "version": now.version,
            "action": action,
            "state": now.state,
            "actor": actor,
            "reason": reason,
            "body": now.body,
            "at": now.changed_at,
        }
        for now, action in steps
    ]
    rows, names = _given(history, done)
    given = select(*(rows.c[name] for name in names)).order_by(rows.c.place)
    await session.execute(history.insert().from_select(names, given))


async def lock(session: AsyncSession, agreement_id: str) -> Agreement | None:
    """The agreement with its row locked until the transaction ends."""
    row = (await session.execute(select(agreement).where(agreement.c.id == agreement_id).with_for_update())).first()
    return _agreement(row) if row is not None else None


async def lock_all(session: AsyncSession, ids: Collection[str]) -> dict[str, Agreement]:
    """Agreements by their ids, with their rows locked in one order until the transaction ends."""
    query = select(agreement).where(agreement.c.id.in_(ids)).order_by(agreement.c.id).with_for_update()
    return {row.id: _agreement(row) for row in await session.execute(query)}


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
    await listing.refresh(session, [changed.id])


async def remember(session: AsyncSession, now: Agreement, action: str, actor: str, reason: str | None) -> None:
    """Append what was done to the agreement's history, which is never changed."""
    await remember_all(session, [(now, action)], actor, reason)


async def writers(session: AsyncSession, ids: Collection[str]) -> dict[str, dict[str, datetime]]:
    """Everybody who has written any of the content that each agreement's public has not seen yet, and when first."""
    mine = history.alias()
    settled = select(func.max(mine.c.seq)).where(
        mine.c.agreement_id == history.c.agreement_id, mine.c.state.in_((State.PUBLISHED, State.EXPIRED))
    )
    query = select(history.c.agreement_id, history.c.actor, func.min(history.c.at)).where(
        history.c.agreement_id.in_(ids),
        history.c.action.in_(("register", "edit", "take")),
        history.c.seq > func.coalesce(settled.scalar_subquery(), 0),
    )
    found: dict[str, dict[str, datetime]] = {}
    for agreement_id, actor, at in await session.execute(query.group_by(history.c.agreement_id, history.c.actor)):
        found.setdefault(agreement_id, {})[actor] = at
    return found


async def get(session: AsyncSession, agreement_id: str) -> Agreement | None:
    """The agreement, or None."""
    row = (await session.execute(select(agreement).where(agreement.c.id == agreement_id))).first()
    return _agreement(row) if row is not None else None


async def id_of(session: AsyncSession, region: str, number: str) -> str | None:
    """The id of a region's agreement of a number, or None."""
    query = select(agreement.c.id).where(agreement.c.region == region, agreement.c.number == number)
    found: str | None = await session.scalar(query)
    return found


async def earlier(session: AsyncSession, region: str, care_provider: str | None, limit: int) -> list[Mapping[str, Any]]:
    """What a region's latest agreements say, the last written first; of one care provider, or of all."""
    query = select(agreement.c.body).where(
        agreement.c.region == region, agreement.c.state.not_in((State.PURGED, State.WITHDRAWN))
    )
    if care_provider is not None:
        query = query.where(agreement.c.body["care_provider"]["hsa_id"].astext == care_provider)
    return list(await session.scalars(query.order_by(agreement.c.edited_at.desc()).limit(limit)))


async def get_many(session: AsyncSession, ids: Sequence[str]) -> list[Agreement]:
    """Agreements in the order of their ids as given; missing ones left out."""
    rows = await session.execute(select(agreement).where(agreement.c.id.in_(ids)))
    found = {row.id: _agreement(row) for row in rows}
    return [found[one] for one in ids if one in found]


def _given(table: Table, given: Sequence[Mapping[str, Any]]) -> tuple[Any, list[str]]:
    """Rows as a table of one array a column, numbered in `place`, which takes a third of a parameter a value."""
    names = list(given[0])
    arrays = []
    for name in names:
        kind = table.c[name].type
        values = [row[name] for row in given]
        if isinstance(kind, JSON):
            values = [None if value is None else orjson.dumps(value).decode() for value in values]
        arrays.append(bindparam(None, values, type_=ARRAY(Text() if isinstance(kind, JSON) else kind)))
    rows = func.unnest(*arrays).table_valued(*names, with_ordinality="place", name="given").render_derived()
    cast_rows = select(*(cast(rows.c[name], table.c[name].type).label(name) for name in names), rows.c.place)
    return cast_rows.subquery("given_rows"), names


def _columns(of: Agreement, without: Collection[str] = ()) -> dict[str, Any]:
    return {column.name: getattr(of, column.name) for column in agreement.columns if column.name not in without}


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
