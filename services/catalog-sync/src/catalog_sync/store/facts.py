"""Facts as last told: read, kept, numbered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.differences import is_final
from catalog_sync.domain.reading import Fact, Kind
from catalog_sync.store.tables import fact, one_of, proposed, rejected, resource
from kit.database import upsert_newer


@dataclass(frozen=True)
class Known:
    """What is needed to tell whether a fact is new."""

    version: int
    fingerprint: str
    ended: bool
    reference: str
    """The row in the source that it was read from."""
    closed_on: str | None


async def lock_sync(session: AsyncSession) -> None:
    """Nothing else changes facts until the transaction ends. It stands in for locking each row."""
    # Plans made while tables were empty would be kept while a first run fills them, and read them from end to end.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(71002), set_config('plan_cache_mode', 'force_custom_plan', true)")
    )


async def known(session: AsyncSession, kind: Kind, keys: Collection[str]) -> dict[str, Known]:
    """What is stored of some keys of a kind."""
    closed_on = fact.c.content["closed_on"].astext.label("closed_on")
    query = select(fact.c.key, fact.c.version, fact.c.fingerprint, fact.c.ended, fact.c.reference, closed_on)
    rows = await session.execute(query.where(fact.c.kind == kind, one_of(fact.c.key, keys)))
    return {row[0]: Known(*row[1:]) for row in rows}


async def alive(session: AsyncSession, kind: Kind) -> int:
    """How many things of a kind are known and have not ended."""
    query = select(func.count()).select_from(fact).where(fact.c.kind == kind, ~fact.c.ended)
    return await session.scalar(query) or 0


async def alive_keys(session: AsyncSession, kind: Kind) -> list[tuple[str, str]]:
    """Key and reference of everything of a kind that has not ended."""
    rows = await session.execute(select(fact.c.key, fact.c.reference).where(fact.c.kind == kind, ~fact.c.ended))
    return [(row[0], row[1]) for row in rows]


async def told_by(
    session: AsyncSession, kinds: Collection[Kind], references: Collection[str]
) -> list[tuple[Kind, str, str]]:
    """(kind, key, reference) of what some rows of the source tell, as far as it has not ended."""
    query = select(fact.c.kind, fact.c.key, fact.c.reference)
    mine = one_of(fact.c.kind, kinds) & one_of(fact.c.reference, references) & ~fact.c.ended
    return [(Kind(row[0]), row[1], row[2]) for row in await session.execute(query.where(mine))]


async def untold(session: AsyncSession, source: str, run: int, kind: Kind) -> list[str]:
    """Keys of what has not ended although no row of the mirror tells of it. A row that the run rejected still does."""
    there = exists().where(resource.c.source == source, resource.c.reference == fact.c.reference, ~resource.c.gone)
    met = (rejected.c.source == source) & (rejected.c.run == run)
    by_row = exists().where(met, rejected.c.resource == fact.c.reference)
    by_key = exists().where(met, rejected.c.resource == fact.c.key)
    named = exists().where(proposed.c.run == run, proposed.c.kind == fact.c.kind, proposed.c.key == fact.c.key)
    query = select(fact.c.key).where(fact.c.kind == kind, ~fact.c.ended, ~there, ~by_row, ~by_key, ~named)
    return list(await session.scalars(query.order_by(fact.c.key)))


async def move(session: AsyncSession, kind: Kind, references: Mapping[str, str]) -> None:
    """Another row of the source tells of these keys now, and tells the same."""
    if references:
        statement = fact.update().where(fact.c.kind == kind, fact.c.key == bindparam("of"))
        rows = [{"of": key, "to": reference} for key, reference in references.items()]
        await (await session.connection()).execute(statement.values(reference=bindparam("to")), rows)


async def versions(session: AsyncSession, kind: Kind, keys: Collection[str] | None) -> dict[str, int]:
    """The stored version of each fact of a kind, or of some keys of it."""
    query = select(fact.c.key, fact.c.version).where(fact.c.kind == kind)
    if keys is not None:
        query = query.where(one_of(fact.c.key, keys))
    return {row.key: row.version for row in await session.execute(query)}


async def renumber(session: AsyncSession, kind: Kind, new: Mapping[str, int]) -> None:
    """Store new versions of facts that stay as they are."""
    statement = fact.update().where(fact.c.kind == kind, fact.c.key == bindparam("of")).values(version=bindparam("to"))
    connection = await session.connection()
    await connection.execute(statement, [{"of": key, "to": version} for key, version in new.items()])


async def contents(session: AsyncSession, kind: Kind, keys: Sequence[str]) -> list[Fact]:
    """The stored facts behind some keys."""
    rows = await session.execute(select(fact).where(fact.c.kind == kind, one_of(fact.c.key, keys)))
    return [Fact(kind, row.key, row.content) for row in rows]


async def keep(session: AsyncSession, facts: Sequence[Fact], versions: Sequence[int]) -> None:
    """Store facts at their versions."""
    rows = [
        {
            "kind": one.kind,
            "key": one.key,
            "version": version,
            "fingerprint": one.fingerprint,
            "ended": is_final(one),
            "reference": one.reference,
            "content": one.content,
        }
        for one, version in zip(facts, versions, strict=True)
    ]
    await upsert_newer(session, fact, rows)
