"""What a FHIR source holds, as last read: filled page by page, and what of it is to be looked at in a run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from sqlalchemy import TextClause, delete, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.store.tables import one_of, rejected, resource, touched


class Kept(Protocol):
    """A row to be kept; `content` is JSON."""

    @property
    def reference(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def refers(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Stored:
    """A kept row."""

    reference: str
    type: str
    content: dict[str, Any]
    refers: list[str]
    gone: bool


# One array a column, as in kit.database; references hold no spaces. Old rows are looked up one by one: a plan for all
# would be made before there are statistics, and read the whole table for every page.
_KEEP = text("""
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:references AS text[]), CAST(:types AS text[]), CAST(:digests AS text[]),
        CAST(:contents AS text[]), CAST(:refers AS text[])) AS g (reference, type, digest, content, refers)
), old AS MATERIALIZED (
    SELECT r.* FROM given g CROSS JOIN LATERAL (
        SELECT reference, digest, refers, gone FROM resource
        WHERE source = :source AND reference = g.reference OFFSET 0
    ) r
), kept AS (
    INSERT INTO resource (source, reference, type, digest, content, refers)
    SELECT :source, g.reference, g.type, g.digest, CAST(g.content AS json), string_to_array(g.refers, ' ')
    FROM given g LEFT JOIN old USING (reference)
    WHERE old.reference IS NULL OR old.gone OR old.digest <> g.digest ORDER BY g.reference
    ON CONFLICT (source, reference) DO UPDATE SET type = excluded.type, digest = excluded.digest,
        content = excluded.content, refers = excluded.refers, gone = false
    RETURNING reference
)
SELECT kept.reference, old.refers FROM kept LEFT JOIN old USING (reference)
""")

_PAIRS = "unnest(CAST(:targets AS text[]), CAST(:types AS text[]), CAST(:references AS text[]))"
_POINT = text(
    f"INSERT INTO pointing (source, target, type, reference) SELECT :source, * FROM {_PAIRS} ON CONFLICT DO NOTHING"
)
_POINT_NO_MORE = text(
    f"DELETE FROM pointing WHERE source = :source AND (target, type, reference) IN (SELECT * FROM {_PAIRS})"
)

_TOUCH = text("""
INSERT INTO touched (run, reference, type, beside)
SELECT :run, * FROM unnest(CAST(:references AS text[]), CAST(:types AS text[]), CAST(:beside AS text[]))
ON CONFLICT DO NOTHING
""")


async def keep(session: AsyncSession, source: str, rows: Collection[Kept]) -> dict[str, list[str]]:
    """Keep rows, each reference once. What was new or has changed, each with what it pointed to before."""
    if not rows:
        return {}
    given = {
        "source": source,
        "references": [row.reference for row in rows],
        "types": [row.type for row in rows],
        "digests": [row.digest for row in rows],
        "contents": [row.content for row in rows],
        "refers": [" ".join(row.refers) for row in rows],
    }
    changed = {row.reference: row.refers or [] for row in await session.execute(_KEEP, given)}
    now = {row.reference: set(row.refers) for row in rows}
    left = [(to, reference) for reference, before in changed.items() for to in before if to not in now[reference]]
    await _point(session, _POINT_NO_MORE, source, left)
    new = [(to, reference) for reference, before in changed.items() for to in now[reference].difference(before)]
    await _point(session, _POINT, source, new)
    return changed


async def _point(session: AsyncSession, how: TextClause, source: str, pairs: Sequence[tuple[str, str]]) -> None:
    if pairs:
        targets, references = [to for to, _ in pairs], [reference for _, reference in pairs]
        types = [reference.partition("/")[0] for reference in references]
        given = {"targets": targets, "types": types, "references": references}
        await session.execute(how, {"source": source, **given})


async def touch(session: AsyncSession, run: int, rows: Collection[tuple[str, str]]) -> None:
    """Have rows looked at in this run: (reference, what it points to first)."""
    if rows:
        references = [reference for reference, _ in rows]
        types = [reference.partition("/")[0] for reference in references]
        given = {"references": references, "types": types, "beside": [beside for _, beside in rows]}
        await session.execute(_TOUCH, {"run": run, **given})


async def touch_kept(session: AsyncSession, run: int, source: str, references: Collection[str]) -> None:
    """Have rows looked at in this run, as far as they are kept."""
    query = select(resource.c.reference, resource.c.refers)
    mine = (resource.c.source == source) & one_of(resource.c.reference, references) & ~resource.c.gone
    found = await session.execute(query.where(mine))
    await touch(session, run, [(row.reference, next(iter(row.refers), "")) for row in found])


async def touch_rejected(session: AsyncSession, run: int, source: str, reason: str | None = None) -> int:
    """Have rejected rows looked at again: what was wrong may have been mended elsewhere. Their number."""
    query = select(resource.c.reference, resource.c.refers).join(
        rejected, (rejected.c.source == resource.c.source) & (rejected.c.resource == resource.c.reference)
    )
    query = query.where(resource.c.source == source)
    if reason is not None:
        query = query.where(rejected.c.reason == reason, rejected.c.run == run)
    found = [(row.reference, next(iter(row.refers), "")) for row in await session.execute(query)]
    await touch(session, run, found)
    return len(found)


async def touch_dependent(session: AsyncSession, run: int, source: str, beside: Sequence[str]) -> None:
    """Have everything looked at that points, directly or through others, to a row that is to be looked at.

    Rows of the types `beside` only describe others: what points to them does not depend on them.
    """
    query = select(touched.c.reference).where(touched.c.run == run, touched.c.type.not_in(beside))
    frontier = list(await session.scalars(query))
    known = set(frontier)
    while frontier:
        part, frontier = frontier[:1000], frontier[1000:]
        depending = await session.execute(_DEPENDING, {"source": source, "references": part})
        found = [row for row in depending if row.reference not in known]
        await touch(session, run, [(row.reference, next(iter(row.refers), "")) for row in found])
        known.update(row.reference for row in found)
        frontier += [row.reference for row in found if row.type not in beside]


async def unseen(session: AsyncSession, run: int, source: str, resource_type: str) -> tuple[list[str], int]:
    """The rows of a type that a whole reading has not met, and how many there are in all."""
    mine = (resource.c.source == source) & (resource.c.type == resource_type) & ~resource.c.gone
    met = exists().where(touched.c.run == run, touched.c.reference == resource.c.reference)
    missing = list(await session.scalars(select(resource.c.reference).where(mine, ~met).order_by(resource.c.reference)))
    return missing, await session.scalar(select(func.count()).select_from(resource).where(mine)) or 0


async def mark_gone(session: AsyncSession, run: int, source: str, references: Sequence[str]) -> None:
    """The source has these rows no more; this run is to look at what that means."""
    mine = (resource.c.source == source) & one_of(resource.c.reference, references)
    await session.execute(update(resource).where(mine).values(gone=True))
    await touch(session, run, [(reference, "") for reference in references])


async def refresh_statistics(session: AsyncSession) -> None:
    """Let the planner know how much there is now: it would go on as if tables that a run fills were empty."""
    await session.execute(text("ANALYZE resource, pointing, touched, proposed, fact"))


async def next_touched(session: AsyncSession, run: int, resource_type: str, limit: int) -> list[str]:
    """The next rows of a type to look at; those that point to the same stand together."""
    query = select(touched.c.reference).where(touched.c.run == run, touched.c.type == resource_type)
    return list(await session.scalars(query.order_by(touched.c.beside, touched.c.reference).limit(limit)))


async def looked_at(session: AsyncSession, run: int, source: str, references: Sequence[str]) -> None:
    """These rows have been looked at. Those that are gone are forgotten."""
    await session.execute(delete(touched).where(touched.c.run == run, one_of(touched.c.reference, references)))
    mine = (resource.c.source == source) & one_of(resource.c.reference, references)
    gone = delete(resource).where(mine, resource.c.gone).returning(resource.c.reference, resource.c.refers)
    pairs = [(to, row.reference) for row in await session.execute(gone) for to in row.refers]
    await _point(session, _POINT_NO_MORE, source, pairs)


_COLUMNS = "SELECT reference, type, CAST(content AS text), refers, gone FROM resource WHERE source = :source AND"
_BY_REFERENCE = text(f"{_COLUMNS} reference = ANY(CAST(:references AS text[])) ORDER BY reference")
_DESCRIBING = text("""
SELECT DISTINCT ON (r.reference) r.reference, r.type, CAST(r.content AS text), r.refers, r.gone
FROM pointing p JOIN resource r USING (source, reference)
WHERE p.source = :source AND p.target = ANY(CAST(:references AS text[])) AND p.type = ANY(CAST(:types AS text[]))
    AND NOT r.gone ORDER BY r.reference
""")
_DEPENDING = text("""
SELECT DISTINCT ON (r.reference) r.reference, r.type, r.refers FROM pointing p JOIN resource r USING (source, reference)
WHERE p.source = :source AND p.target = ANY(CAST(:references AS text[])) AND NOT r.gone ORDER BY r.reference
""")


async def by_reference(session: AsyncSession, source: str, references: Collection[str]) -> list[Stored]:
    """The kept rows of these references, by reference; those that are gone too."""
    found = await session.execute(_BY_REFERENCE, {"source": source, "references": list(references)})
    return [Stored(row[0], row[1], orjson.loads(row[2]), row[3], row[4]) for row in found]


async def pointing_to(
    session: AsyncSession, source: str, types: Sequence[str], references: Collection[str]
) -> list[Stored]:
    """The kept rows of some types that point to any of these references, by reference."""
    given = {"source": source, "types": list(types), "references": list(references)}
    return [
        Stored(row[0], row[1], orjson.loads(row[2]), row[3], row[4])
        for row in await session.execute(_DESCRIBING, given)
    ]
