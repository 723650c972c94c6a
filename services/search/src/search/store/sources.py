"""Source things as the messages told them: kept when newer, with the offers they touch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Table, delete, func, select, text, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from search.domain.held import CodeMap, Meaning
from search.store.tables import announcement_line, care_unit, code, code_map, line, offering, region_profile, wait

Pair = tuple[str, str]
"""A unit's HSA-id and a `system|code` key."""


async def replace_lines(session: AsyncSession, table: Table, lines: Mapping[str, Iterable[Pair]]) -> set[Pair]:
    """Set what some agreements or announcements are about, in their `table`; the pairs they were or are about."""
    if not lines:
        return set()
    gone = delete(table).where(table.c.source == func.any(sorted(lines))).returning(table.c.unit, table.c.code_key)
    touched: set[Pair] = {(row.unit, row.code_key) for row in await session.execute(gone)}
    new = [(source, *pair) for source in sorted(lines) for pair in sorted(set(lines[source]))]
    if new:
        sources, units, codes = map(list, zip(*new, strict=True))
        await session.execute(
            text(
                f"INSERT INTO {table.name} (source, unit, code_key)"
                " SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:units AS text[]), CAST(:codes AS text[]))"
            ),
            {"sources": sources, "units": units, "codes": codes},
        )
    return touched | {(unit, key) for _, unit, key in new}


async def replace_maps(session: AsyncSession, maps: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, set[str]]:
    """Set what some codes map to; for each of them the target keys it did or does map to."""
    touched: dict[str, set[str]] = {source: {row["target"] for row in rows} for source, rows in maps.items()}
    if not maps:
        return touched
    gone = delete(code_map).where(code_map.c.source == func.any(sorted(maps)))
    for row in await session.execute(gone.returning(code_map.c.source, code_map.c.target)):
        touched[row.source].add(row.target)
    new = [row for source in sorted(maps) for row in maps[source]]
    if new:
        await session.execute(insert(code_map).on_conflict_do_nothing(), new)
    return touched


async def targets(session: AsyncSession, keys: Iterable[str]) -> dict[str, list[str]]:
    """What codes map to: the care services under which offers stand. A code without a map stands for itself."""
    wanted = sorted(set(keys))
    query = select(code_map.c.source, code_map.c.target).where(code_map.c.source == func.any(wanted))
    found: dict[str, list[str]] = {}
    for row in await session.execute(query):
        found.setdefault(row.source, []).append(row.target)
    return {key: found.get(key, [key]) for key in wanted}


async def units_with(session: AsyncSession, keys: Iterable[str]) -> set[Pair]:
    """The (unit, code) pairs that offerings, agreements and announcements have with some codes."""
    wanted = sorted(set(keys))
    told = [
        select(table.c.unit, table.c.code_key).where(table.c.code_key == func.any(wanted))
        for table in (line, offering, announcement_line)
    ]
    return {(row.unit, row.code_key) for row in await session.execute(union_all(*told))}


async def units_in(session: AsyncSession, municipalities: Iterable[str]) -> list[str]:
    """HSA-ids of the units in some municipalities."""
    wanted = sorted(set(municipalities))
    if not wanted:
        return []
    municipality = care_unit.c.content["place"]["municipality"].astext
    return list(await session.scalars(select(care_unit.c.hsa_id).where(municipality == func.any(wanted))))


async def wait_subjects(session: AsyncSession, keys: Sequence[str]) -> set[Pair]:
    """The (subject, code) pairs of some waits."""
    rows = await session.execute(select(wait.c.subject, wait.c.code_key).where(wait.c.key == func.any(list(keys))))
    return {(row.subject, row.code_key) for row in rows}


async def waits_with(session: AsyncSession, codes: Iterable[str]) -> set[Pair]:
    """The (subject, code) pairs of the waits for some codes."""
    query = select(wait.c.subject, wait.c.code_key).where(wait.c.code_key == func.any(sorted(set(codes))))
    return {(row.subject, row.code_key) for row in await session.execute(query)}


async def codes(session: AsyncSession, keys: Iterable[str]) -> dict[str, Row[Any]]:
    """Codes by key. Rows: key, text, place."""
    rows = await session.execute(select(code).where(code.c.key == func.any(sorted(set(keys)))))
    return {row.key: row for row in rows}


_MEANINGS = text("""
SELECT key, text, designations, (
    SELECT json_agg(json_build_array(target, equivalence, map) ORDER BY target) FROM code_map WHERE source = key
) AS maps FROM code WHERE key = ANY(:keys)
""")


async def meanings(session: AsyncSession, keys: Collection[str]) -> dict[str, Meaning]:
    """What is known of some codes, by key."""
    if not keys:
        return {}
    rows = await session.execute(_MEANINGS, {"keys": sorted(set(keys))})
    return {
        row.key: Meaning(row.text, row.designations, [CodeMap(row.key, *one) for one in row.maps or ()]) for row in rows
    }


async def profiles(session: AsyncSession, regions: Iterable[str]) -> dict[str, Any]:
    """What some regions have told of brokering, withdrawn or not, by region code."""
    query = select(region_profile.c.region, region_profile.c.content)
    rows = await session.execute(query.where(region_profile.c.region == func.any(sorted(set(regions)))))
    return {row.region: row.content for row in rows}


async def codes_like(session: AsyncSession, prefix: str) -> list[str]:
    """Known code keys that begin alike in whatever case, to suggest from."""
    query = select(code.c.key).where(func.lower(code.c.key).startswith(prefix.lower(), autoescape=True))
    return list(await session.scalars(query.order_by(code.c.key).limit(200)))


async def codes_beginning(session: AsyncSession, beginning: str) -> list[str]:
    """Known code keys that begin so, capitals and small letters told apart."""
    query = select(code.c.key).where(code.c.key.startswith(beginning, autoescape=True))
    return list(await session.scalars(query.order_by(code.c.key).limit(500)))
