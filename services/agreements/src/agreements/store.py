"""Tables and every SQL statement of agreements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain import Actor, Agreement, State
from kit import idempotency, outbox
from kit.database import upsert_newer
from rules.roles import Role

tables = MetaData()

agreement = Table(
    "agreement",
    tables,
    Column("id", Text, primary_key=True),
    Column("region", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("region", "number", name="agreement_region_number"),
    Index("agreement_state", "state", "region", "number"),
)

history = Table(
    "agreement_history",
    tables,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("agreement_id", Text, nullable=False, index=True),
    Column("version", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("body", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

known_code = Table(
    "known_code",
    tables,
    Column("key", Text, primary_key=True, comment="system|code"),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
)

known_unit = Table(
    "known_unit",
    tables,
    Column("hsa_id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("care_provider", Text, nullable=False, index=True),
    Column("closed_on", Date),
)

catalogue_copy = Table(
    "catalogue_copy",
    tables,
    Column("name", Text, primary_key=True),
    Column("complete_since", DateTime(timezone=True), nullable=False),
)

outbox.table(tables)
idempotency.table(tables)


async def insert_new(session: AsyncSession, new: Agreement) -> bool:
    """Insert an agreement; False when the region already has one with that number."""
    statement = insert(agreement).values(**_columns(new)).on_conflict_do_nothing(constraint="agreement_region_number")
    return (await session.execute(statement.returning(agreement.c.id))).first() is not None


async def lock(session: AsyncSession, agreement_id: str) -> Agreement | None:
    """The agreement with its row locked until the transaction ends."""
    row = (await session.execute(select(agreement).where(agreement.c.id == agreement_id).with_for_update())).first()
    return _agreement(row) if row is not None else None


async def public_versions(session: AsyncSession, ids: Collection[str] | None) -> dict[str, int]:
    """The version of every agreement that has been public; with ids: of those among them alone, their rows locked."""
    query = select(agreement.c.id, agreement.c.version).where(agreement.c.published_at.is_not(None))
    if ids is not None:
        query = query.where(agreement.c.id.in_(ids)).order_by(agreement.c.id).with_for_update()
    return {row.id: row.version for row in await session.execute(query)}


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
    wrote = history.c.action.in_(("register", "edit"))
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
    where = [_readable(actor)]
    if region is not None:
        where.append(agreement.c.region == region)
    if state is not None:
        where.append(agreement.c.state == state)
    if number is not None:
        where.append(agreement.c.number == number)
    query: Select[Any] = select(agreement).where(and_(*where))
    total = await session.scalar(select(func.count()).select_from(agreement).where(and_(*where)))
    rows = await session.execute(query.order_by(agreement.c.region, agreement.c.number).limit(limit).offset(offset))
    return [_agreement(row) for row in rows], total or 0


def _readable(actor: Actor) -> Any:
    # The same rule as domain.may_read, as SQL; tests hold the two against each other.
    allowed = [agreement.c.state == State.PUBLISHED]
    if Role.AGREEMENT_ADMIN in actor.roles and actor.region is not None:
        allowed.append(agreement.c.region == actor.region)
    if Role.AGENCY_REVIEWER in actor.roles:
        allowed.append(agreement.c.state == State.REGION_APPROVED)
    return or_(*allowed)


async def codes(session: AsyncSession, keys: Sequence[str]) -> dict[str, Row[Any]]:
    """The known ones among `system|code` keys."""
    rows = await session.execute(select(known_code).where(known_code.c.key.in_(keys)))
    return {row.key: row for row in rows}


async def valid_codes_beginning(session: AsyncSession, prefix: str, today: date) -> list[str]:
    """Known codes that begin alike and may be used today, to suggest from."""
    begun = or_(known_code.c.valid_from.is_(None), known_code.c.valid_from <= today)
    usable = begun & or_(
        known_code.c.valid_to >= today, known_code.c.valid_to.is_(None) & (known_code.c.status == "active")
    )
    query = select(known_code.c.key).where(known_code.c.key.startswith(prefix, autoescape=True), usable)
    return list(await session.scalars(query.order_by(known_code.c.key).limit(200)))


async def units(session: AsyncSession, hsa_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The known ones among HSA-ids of care units."""
    rows = await session.execute(select(known_unit).where(known_unit.c.hsa_id.in_(hsa_ids)))
    return {row.hsa_id: row for row in rows}


async def provider_is_known(session: AsyncSession, hsa_id: str) -> bool:
    """True when a known unit belongs to the care provider."""
    return (
        await session.scalar(select(known_unit.c.hsa_id).where(known_unit.c.care_provider == hsa_id).limit(1))
        is not None
    )


async def keep_codes(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Copy codes, the newest version of each."""
    await upsert_newer(session, known_code, rows)


async def keep_units(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Copy units, the newest version of each."""
    await upsert_newer(session, known_unit, rows)


async def catalogue_is_complete(session: AsyncSession) -> bool:
    """True once all that was announced when the worker first started has been copied, and that was not nothing."""
    return bool(await session.scalar(select(exists(select(catalogue_copy)) & exists(select(known_unit)))))


async def mark_catalogue_complete(session: AsyncSession, now: datetime) -> None:
    """Remember that the copies are complete; they only grow from here on."""
    statement = insert(catalogue_copy).values(name="catalogue", complete_since=now)
    await session.execute(statement.on_conflict_do_nothing())


def _columns(of: Agreement) -> dict[str, Any]:
    return {column.name: getattr(of, column.name) for column in agreement.columns}


def _agreement(row: Row[Any]) -> Agreement:
    values = dict(row._mapping)
    return Agreement(**{**values, "state": State(values["state"])})
