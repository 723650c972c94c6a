"""Copies of what is needed to judge an agreement's codes and units."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import catalogue_copy, known_code, known_unit, listed
from kit.database import upsert_newer


async def codes(session: AsyncSession, keys: Collection[str]) -> dict[str, Row[Any]]:
    """The known ones among `system|code` keys."""
    rows = await session.execute(select(known_code).where(known_code.c.key.in_(keys)))
    return {row.key: row for row in rows}


async def valid_codes_beginning(session: AsyncSession, prefix: str, today: date) -> list[str]:
    """Known codes that begin alike and may be used today, to suggest from."""
    query = select(known_code.c.key).where(known_code.c.key.startswith(prefix, autoescape=True), _usable(today))
    return list(await session.scalars(query.order_by(known_code.c.key).limit(200)))


async def units(session: AsyncSession, hsa_ids: Collection[str]) -> dict[str, Row[Any]]:
    """The known ones among HSA-ids of care units."""
    rows = await session.execute(select(known_unit).where(known_unit.c.hsa_id.in_(hsa_ids)))
    return {row.hsa_id: row for row in rows}


async def known_providers(session: AsyncSession, hsa_ids: Collection[str]) -> set[str]:
    """Those among care providers' HSA-ids that a known unit belongs to."""
    query = select(known_unit.c.care_provider).where(known_unit.c.care_provider.in_(hsa_ids)).distinct()
    return set(await session.scalars(query))


def _usable(today: date) -> ColumnElement[bool]:
    begun = or_(known_code.c.valid_from.is_(None), known_code.c.valid_from <= today)
    return begun & or_(
        known_code.c.valid_to >= today, known_code.c.valid_to.is_(None) & (known_code.c.status == "active")
    )


async def usable_codes(session: AsyncSession, systems: Collection[str], today: date) -> dict[str, dict[str, str]]:
    """The codes of each system that may be used today, and what they mean."""
    found: dict[str, dict[str, str]] = {system: {} for system in systems}
    where = or_(*(known_code.c.key.startswith(f"{system}|", autoescape=True) for system in systems))
    query = select(known_code.c.key, known_code.c.text).where(where, _usable(today)).order_by(known_code.c.key)
    for key, meaning in await session.execute(query):
        system, _, code = key.partition("|")
        found[system][code] = meaning
    return found


async def units_of(session: AsyncSession, region: str, owner: str, today: date) -> dict[str, str]:
    """Names, by HSA-id, of the open units a region works with: those its agreements name, those it has issued ids."""
    named = select(func.unnest(listed.c.units)).where(listed.c.region == region)
    of = known_unit.c
    theirs = of.hsa_id.startswith(f"SE{owner}-", autoescape=True) | of.hsa_id.in_(named)
    still = (of.status == "active") & or_(of.closed_on.is_(None), of.closed_on >= today)
    rows = await session.execute(select(of.hsa_id, of.name).where(theirs, still).order_by(of.hsa_id))
    return {row.hsa_id: row.name for row in rows}


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
