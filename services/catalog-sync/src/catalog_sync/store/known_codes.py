"""Codes as last told, by code system and by care area."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Text, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Kind
from catalog_sync.store.tables import fact

_SYSTEM = func.split_part(fact.c.key, "|", 1)
_FIELDS = ("system", "code", "status", "text", "release", "valid_from", "valid_to", "maps", "designations")


async def of_systems(session: AsyncSession, systems: Sequence[str]) -> list[dict[str, Any]]:
    """Every code of some systems, without its place and care area."""
    fields = [fact.c.content[name].label(name) for name in _FIELDS]
    query = select(*fields).where(fact.c.kind == Kind.CODE, _SYSTEM.in_(systems))
    return [dict(row._mapping) for row in await session.execute(query)]


async def contents(session: AsyncSession, keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """The whole codes behind some keys (`system|code`)."""
    named = any_(cast(list(keys), ARRAY(Text)))
    query = select(fact.c.key, fact.c.content).where(fact.c.kind == Kind.CODE, fact.c.key == named)
    return {row.key: row.content for row in await session.execute(query)}


async def whole_systems(session: AsyncSession, systems: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The whole codes of some small systems, by key."""
    query = select(fact.c.key, fact.c.content).where(fact.c.kind == Kind.CODE, _SYSTEM.in_(systems))
    return {row.key: row.content for row in await session.execute(query)}


async def counts(session: AsyncSession) -> dict[str, int]:
    """How many codes of each system are known, ended ones too."""
    query = select(_SYSTEM.label("system"), func.count().label("codes")).where(fact.c.kind == Kind.CODE)
    rows = await session.execute(query.group_by(_SYSTEM).order_by(_SYSTEM))
    return {row.system: row.codes for row in rows}
