"""Source things as the messages told them: kept when newer, with the offers they touch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, func, select, text, tuple_, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import upsert_newer
from search.store.tables import agreement, care_unit, code, code_map, line, offering, wait

Pair = tuple[str, str]
"""A unit's HSA-id and a `system|code` key."""


async def one_at_a_time(session: AsyncSession) -> None:
    """Wait until no other transaction projects, until the end of this one.

    What a message touches depends on rows another worker may be about to commit: each would miss the other's.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('search.project'))"))


async def keep_units(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """HSA-ids of the units that changed."""
    return [row.hsa_id for row in await upsert_newer(session, care_unit, rows)]


async def keep_waits(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys of the waits that changed."""
    return [row.key for row in await upsert_newer(session, wait, rows)]


async def keep_offerings(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys of the offerings that changed."""
    return [row.key for row in await upsert_newer(session, offering, rows)]


async def keep_agreements(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Ids of the agreements that changed."""
    return [row.id for row in await upsert_newer(session, agreement, rows)]


async def keep_codes(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys of the codes that changed."""
    return [row.key for row in await upsert_newer(session, code, rows)]


async def replace_lines(session: AsyncSession, kind: str, lines: Mapping[str, Iterable[Pair]]) -> set[Pair]:
    """Set what some sources are about; the pairs they were or are about."""
    if not lines:
        return set()
    sources = sorted(lines)
    gone = delete(line).where(line.c.kind == kind, line.c.source.in_(sources)).returning(line.c.unit, line.c.code_key)
    touched: set[Pair] = {(row.unit, row.code_key) for row in await session.execute(gone)}
    new = [
        {"kind": kind, "source": source, "unit": unit, "code_key": key}
        for source in sources
        for unit, key in sorted(set(lines[source]))
    ]
    if new:
        await session.execute(insert(line), new)
    return touched | {(row["unit"], row["code_key"]) for row in new}


async def replace_maps(session: AsyncSession, maps: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, set[str]]:
    """Set what some codes map to; for each of them the target keys it did or does map to."""
    touched: dict[str, set[str]] = {source: {row["target"] for row in rows} for source, rows in maps.items()}
    if not maps:
        return touched
    gone = delete(code_map).where(code_map.c.source.in_(sorted(maps))).returning(code_map.c.source, code_map.c.target)
    for row in await session.execute(gone):
        touched[row.source].add(row.target)
    new = [row for source in sorted(maps) for row in maps[source]]
    if new:
        await session.execute(insert(code_map).on_conflict_do_nothing(), new)
    return touched


async def targets(session: AsyncSession, keys: Iterable[str]) -> dict[str, list[str]]:
    """What codes map to: the care services under which offers stand. A code without a map stands for itself."""
    wanted = sorted(set(keys))
    rows = await session.execute(select(code_map.c.source, code_map.c.target).where(code_map.c.source.in_(wanted)))
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.source, []).append(row.target)
    return {key: found.get(key, [key]) for key in wanted}


async def units_with(session: AsyncSession, keys: Iterable[str]) -> set[Pair]:
    """The (unit, code) pairs that offerings and agreements have with some codes."""
    rows = await session.execute(select(line.c.unit, line.c.code_key).where(line.c.code_key.in_(sorted(set(keys)))))
    return {(row.unit, row.code_key) for row in rows}


async def units_in(session: AsyncSession, municipalities: Iterable[str]) -> list[str]:
    """HSA-ids of the units in some municipalities."""
    wanted = sorted(set(municipalities))
    if not wanted:
        return []
    municipality = care_unit.c.content["place"]["municipality"].astext
    return list(await session.scalars(select(care_unit.c.hsa_id).where(municipality.in_(wanted))))


async def wait_subjects(session: AsyncSession, keys: Sequence[str]) -> set[Pair]:
    """The (subject, code) pairs of some waits."""
    rows = await session.execute(select(wait.c.subject, wait.c.code_key).where(wait.c.key.in_(keys)))
    return {(row.subject, row.code_key) for row in rows}


async def waits_with(session: AsyncSession, codes: Iterable[str]) -> set[Pair]:
    """The (subject, code) pairs of the waits for some codes."""
    query = select(wait.c.subject, wait.c.code_key).where(wait.c.code_key.in_(sorted(set(codes))))
    return {(row.subject, row.code_key) for row in await session.execute(query)}


async def about(session: AsyncSession, pairs: Sequence[Pair]) -> list[Any]:
    """Every line that leads to some (unit, care service) pairs: by a code that maps there, or by its own unmapped one.

    Rows: kind, source, unit, code_key, target.
    """
    unmapped = ~exists().where(code_map.c.source == line.c.code_key)
    direct = select(line, line.c.code_key.label("target")).where(
        tuple_(line.c.unit, line.c.code_key).in_(pairs), unmapped
    )
    mapped = (
        select(line, code_map.c.target)
        .join(code_map, code_map.c.source == line.c.code_key)
        .where(tuple_(line.c.unit, code_map.c.target).in_(pairs))
    )
    return list(await session.execute(union(direct, mapped)))


async def units(session: AsyncSession, hsa_ids: Iterable[str]) -> dict[str, Any]:
    """Units by HSA-id, as told."""
    rows = await session.execute(select(care_unit).where(care_unit.c.hsa_id.in_(sorted(set(hsa_ids)))))
    return {row.hsa_id: row.content for row in rows}


async def offerings(session: AsyncSession, keys: Iterable[str]) -> dict[str, Any]:
    """Offerings by key, as told."""
    rows = await session.execute(select(offering).where(offering.c.key.in_(sorted(set(keys)))))
    return {row.key: row.content for row in rows}


async def agreements(session: AsyncSession, ids: Iterable[str]) -> dict[str, Any]:
    """Agreements by id, as told."""
    rows = await session.execute(select(agreement).where(agreement.c.id.in_(sorted(set(ids)))))
    return {row.id: row.content for row in rows}


async def waits(session: AsyncSession, subjects: Iterable[str]) -> list[Any]:
    """Current waits of some units, not of a provider or region with the same id. Rows: subject, code_key, content."""
    query = select(wait.c.subject, wait.c.code_key, wait.c.content).where(
        wait.c.subject.in_(sorted(set(subjects))),
        wait.c.content["status"].astext == "current",
        wait.c.content["subject"]["kind"].astext == "unit",
    )
    return list(await session.execute(query.order_by(wait.c.key)))


async def codes(session: AsyncSession, keys: Iterable[str]) -> dict[str, Any]:
    """Codes by key. Rows: key, text, place."""
    rows = await session.execute(select(code).where(code.c.key.in_(sorted(set(keys)))))
    return {row.key: row for row in rows}


async def codes_like(session: AsyncSession, prefix: str) -> list[str]:
    """Known code keys that begin alike in whatever case, to suggest from."""
    query = select(code.c.key).where(func.lower(code.c.key).startswith(prefix.lower(), autoescape=True))
    return list(await session.scalars(query.order_by(code.c.key).limit(200)))
