"""Disclosures: requests, the secrecy check of each agreement, archives in parts, the audit that is never changed."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import State
from agreements.domain.disclosing import Decision, DisclosureState
from agreements.store.tables import (
    agreement,
    disclosure,
    disclosure_audit,
    disclosure_decided,
    disclosure_decision,
    disclosure_key,
    disclosure_part,
    history,
)
from kit.database import Sessions

_AT_ONCE = 200


async def insert_new(session: AsyncSession, **values: Any) -> None:
    """A new request."""
    await session.execute(insert(disclosure).values(**values))


async def get(session: AsyncSession, identity: str, *, locked: bool = False) -> Row[Any] | None:
    """A request."""
    query = select(disclosure).where(disclosure.c.id == identity)
    return (await session.execute(query.with_for_update() if locked else query)).one_or_none()


async def note(session: AsyncSession, identity: str, **values: Any) -> None:
    """Change fields of a request."""
    await session.execute(update(disclosure).where(disclosure.c.id == identity).values(**values))


async def latest(session: AsyncSession, region: str | None, limit: int, offset: int) -> tuple[list[Row[Any]], int]:
    """What a region has asked for, or has to examine; None: what the agency has. Newest first, and how many."""
    seen: ColumnElement[bool]
    if region is None:
        seen = disclosure.c.region.is_(None)
    else:
        examined = select(disclosure_decision.c.disclosure).where(disclosure_decision.c.region == region)
        seen = or_(disclosure.c.region == region, disclosure.c.id.in_(examined))
    found = select(disclosure).where(seen).order_by(disclosure.c.created_at.desc(), disclosure.c.id)
    total = await session.scalar(select(func.count()).select_from(disclosure).where(seen)) or 0
    return list(await session.execute(found.limit(limit).offset(offset))), total


async def next_checked(session: AsyncSession) -> Row[Any] | None:
    """A request whose archive is to be made, locked until the transaction ends; one that another has is passed by."""
    query = select(disclosure).where(disclosure.c.state == DisclosureState.CHECKED).order_by(disclosure.c.created_at)
    return (await session.execute(query.limit(1).with_for_update(skip_locked=True))).one_or_none()


async def examine(
    session: AsyncSession, identity: str, regions: Collection[str], ids: Collection[str] | None
) -> set[str]:
    """Put agreements that are or have been public on the list of a secrecy check; which."""
    found: ColumnElement[bool] = and_(agreement.c.region.in_(regions), agreement.c.public_state.is_not(None))
    found &= agreement.c.state != State.PURGED
    # Without names: what is published; an ended one is asked for by its id.
    found &= agreement.c.id.in_(ids) if ids is not None else agreement.c.public_state == State.PUBLISHED
    rows = await session.execute(select(agreement.c.id, agreement.c.region).where(found))
    values = [{"disclosure": identity, "agreement_id": row.id, "region": row.region} for row in rows]
    for at in range(0, len(values), 5000):
        await session.execute(insert(disclosure_decision), values[at : at + 5000])
    return {value["agreement_id"] for value in values}


async def decisions(
    session: AsyncSession, identity: str, region: str | None, limit: int, offset: int
) -> tuple[list[Row[Any]], int]:
    """The secrecy check's list, of one region's agreements or of all, those to be decided first."""
    found: ColumnElement[bool] = disclosure_decision.c.disclosure == identity
    if region is not None:
        found &= disclosure_decision.c.region == region
    # Whoever examines may know which agreement it is: its number and name have been public.
    shown = (
        agreement.c.public_body["number"].astext.label("number"),
        agreement.c.public_body["name"].astext.label("name"),
    )
    query = (
        select(disclosure_decision, *shown)
        .outerjoin(agreement, agreement.c.id == disclosure_decision.c.agreement_id)
        .where(found)
    )
    query = query.order_by(disclosure_decision.c.decision.is_not(None), disclosure_decision.c.agreement_id)
    total = await session.scalar(select(func.count()).select_from(disclosure_decision).where(found)) or 0
    return list(await session.execute(query.limit(limit).offset(offset))), total


async def decide(
    session: AsyncSession, identity: str, ids: Collection[str] | None, region: str | None, values: Mapping[str, Any]
) -> int:
    """Decide about some agreements (None: about all that are left), of one region or any; how many."""
    found: ColumnElement[bool] = disclosure_decision.c.disclosure == identity
    left = disclosure_decision.c.decision.is_(None)
    found &= disclosure_decision.c.agreement_id.in_(ids) if ids is not None else left
    if region is not None:
        found &= disclosure_decision.c.region == region
    done = await session.execute(
        update(disclosure_decision)
        .where(found)
        .values(**values)
        .returning(disclosure_decision.c.agreement_id, disclosure_decision.c.region)
    )
    kept = {name: value for name, value in values.items() if name not in ("decided_by", "decided_at")}
    kept |= {"disclosure": identity, "actor": values["decided_by"], "at": values["decided_at"]}
    rows = [{**kept, "agreement_id": row.agreement_id, "region": row.region} for row in done]
    for at in range(0, len(rows), 5000):
        await session.execute(insert(disclosure_decided), rows[at : at + 5000])
    return len(rows)


async def overrides(session: AsyncSession, identity: str, ids: Collection[str] | None, side: str) -> bool:
    """Would a decision about these change what another side has refused or masked? What is left (None) was not."""
    found = disclosure_decision.c.decision.in_((Decision.REFUSED, Decision.MASKED)) & (
        disclosure_decision.c.side != side
    )
    found &= (disclosure_decision.c.disclosure == identity) & disclosure_decision.c.agreement_id.in_(ids or ())
    return await session.scalar(select(found.label("any")).where(found).limit(1)) is not None


async def decided(session: AsyncSession, identity: str, ids: Collection[str]) -> dict[str, list[Row[Any]]]:
    """Every decision about some agreements of a request, each one's in order."""
    query = select(disclosure_decided).where(
        disclosure_decided.c.disclosure == identity, disclosure_decided.c.agreement_id.in_(ids)
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in await session.execute(query.order_by(disclosure_decided.c.seq)):
        found.setdefault(row.agreement_id, []).append(row)
    return found


async def count_decisions(session: AsyncSession, identity: str) -> dict[str, int]:
    """How many agreements were decided which way; "undecided" for those that wait."""
    word = func.coalesce(disclosure_decision.c.decision, "undecided")
    query = select(word, func.count()).where(disclosure_decision.c.disclosure == identity).group_by(word)
    return {row[0]: row[1] for row in await session.execute(query)}


async def grounds(session: AsyncSession, identity: str) -> list[Row[Any]]:
    """On what grounds fields were masked or agreements refused, and how often."""
    columns = (
        disclosure_decision.c.decision,
        disclosure_decision.c.masked,
        disclosure_decision.c.legal_ground,
        disclosure_decision.c.reason,
    )
    query = select(*columns, func.count().label("agreements")).where(
        disclosure_decision.c.disclosure == identity,
        disclosure_decision.c.decision.in_((Decision.MASKED, Decision.REFUSED)),
    )
    return list(await session.execute(query.group_by(*columns).order_by(columns[0], columns[2])))


async def published(session: AsyncSession, regions: Sequence[str]) -> AsyncIterator[list[Row[Any]]]:
    """Published agreements of some regions, by region and number, some hundred at a time."""
    query = select(agreement).where(agreement.c.region.in_(regions), agreement.c.public_state == State.PUBLISHED)
    async for rows in _some(session, query):
        yield rows


async def all_of(session: AsyncSession, region: str) -> AsyncIterator[list[Row[Any]]]:
    """Every agreement of a region that has content."""
    query = select(agreement).where(agreement.c.region == region, agreement.c.state != State.PURGED)
    async for rows in _some(session, query):
        yield rows


async def allowed(session: AsyncSession, identity: str) -> AsyncIterator[list[Row[Any]]]:
    """Agreements that the secrecy check lets out, each with what is to be masked."""
    query = select(agreement, disclosure_decision.c.masked).join(
        disclosure_decision, disclosure_decision.c.agreement_id == agreement.c.id
    )
    query = query.where(
        disclosure_decision.c.disclosure == identity,
        disclosure_decision.c.decision.in_((Decision.WHOLE, Decision.MASKED)),
        agreement.c.public_state.is_not(None),
        agreement.c.state != State.PURGED,
    )
    async for rows in _some(session, query):
        yield rows


async def _some(session: AsyncSession, query: Select[Any]) -> AsyncIterator[list[Row[Any]]]:
    # By key, not by cursor: memory stays what one step needs.
    place = (agreement.c.region, agreement.c.number)
    query = query.order_by(*place).limit(_AT_ONCE)
    rows = list(await session.execute(query))
    while rows:
        yield rows
        if len(rows) < _AT_ONCE:
            return
        rows = list(await session.execute(query.where(tuple_(*place) > (rows[-1].region, rows[-1].number))))


async def history_of(session: AsyncSession, ids: Collection[str]) -> list[Row[Any]]:
    """The histories of some agreements, oldest first."""
    query = select(history).where(history.c.agreement_id.in_(ids))
    return list(await session.execute(query.order_by(history.c.agreement_id, history.c.seq)))


async def keep_part(session: AsyncSession, identity: str, part: int, content: bytes) -> None:
    """A part of an archive."""
    await session.execute(insert(disclosure_part).values(disclosure=identity, part=part, content=content))


async def drop_parts(session: AsyncSession, identity: str) -> None:
    """Delete an archive."""
    await session.execute(delete(disclosure_part).where(disclosure_part.c.disclosure == identity))


async def parts(sessions: Sessions, identity: str) -> AsyncIterator[bytes]:
    """An archive, part by part."""
    number = 0
    while True:
        async with sessions() as session:
            query = select(disclosure_part.c.content)
            found = disclosure_part.c.disclosure == identity, disclosure_part.c.part == number
            content = await session.scalar(query.where(*found))
        if content is None:
            return
        yield bytes(content)
        number += 1


async def expired(session: AsyncSession, now: datetime) -> list[Row[Any]]:
    """Archives whose time is over, locked."""
    query = select(disclosure).where(disclosure.c.state == DisclosureState.READY, disclosure.c.expires_at <= now)
    return list(await session.execute(query.with_for_update(skip_locked=True)))


async def with_region(session: AsyncSession, region: str) -> list[Row[Any]]:
    """Requests whose archives hold or may come to hold a region's agreements, locked: none is being made."""
    states = (DisclosureState.CHECKED, DisclosureState.READY)
    query = select(disclosure).where(disclosure.c.state.in_(states), disclosure.c.regions.contains([region]))
    return list(await session.execute(query.order_by(disclosure.c.id).with_for_update()))


async def forget_decisions(session: AsyncSession, agreement_id: str) -> list[str]:
    """Take an agreement off the lists of all secrecy checks; whose they were."""
    await session.execute(delete(disclosure_decided).where(disclosure_decided.c.agreement_id == agreement_id))
    found = delete(disclosure_decision).where(disclosure_decision.c.agreement_id == agreement_id)
    return list(await session.scalars(found.returning(disclosure_decision.c.disclosure)))


async def keep_key(session: AsyncSession, identity: str, public_key: str, now: datetime) -> None:
    """Tell a public key; an older one stays, for the archives it has signed."""
    statement = upsert(disclosure_key).values(id=identity, public_key=public_key, since=now)
    await session.execute(statement.on_conflict_do_nothing())


async def keys(session: AsyncSession) -> list[Row[Any]]:
    """Public keys, the newest first."""
    return list(await session.execute(select(disclosure_key).order_by(disclosure_key.c.since.desc())))


async def audit(session: AsyncSession, of: Row[Any], action: str, actor: str, now: datetime, **more: Any) -> None:
    """Append a line: who did what with a request, when and why."""
    names = ("kind", "regions", "asked_by", "purpose")
    values = {"at": now, "actor": actor, "action": action, "disclosure": of.id}
    values |= {name: getattr(of, name) for name in names}
    await session.execute(insert(disclosure_audit).values(**values, **more))
