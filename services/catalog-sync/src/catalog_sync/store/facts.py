"""Facts as last told: read, kept, numbered."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Fact, Kind
from catalog_sync.store.tables import fact
from kit.database import upsert_newer


@dataclass(frozen=True)
class Known:
    """What is needed to tell whether a fact is new: its stored version and fingerprint, and whether it has ended."""

    version: int
    fingerprint: str
    ended: bool
    reference: str | None
    """The row in the source that it was read from."""


async def lock_sync(session: AsyncSession) -> None:
    """One run at a time, across processes, until the transaction ends. It stands in for locking each row."""
    await session.execute(text("SELECT pg_advisory_xact_lock(71002)"))


async def known(session: AsyncSession, kinds: Iterable[Kind]) -> dict[tuple[Kind, str], Known]:
    """What is stored of some kinds, by kind and key."""
    reference = fact.c.content["source"]["reference"].astext.label("reference")
    query = select(fact.c.kind, fact.c.key, fact.c.version, fact.c.fingerprint, fact.c.ended, reference)
    rows = await session.execute(query.where(fact.c.kind.in_(list(kinds))))
    return {(Kind(row.kind), row.key): Known(row.version, row.fingerprint, row.ended, row.reference) for row in rows}


async def versions(session: AsyncSession, kind: Kind, keys: Collection[str] | None) -> dict[str, int]:
    """The stored version of each fact of a kind, or of some keys of it."""
    query = select(fact.c.key, fact.c.version).where(fact.c.kind == kind)
    if keys is not None:
        query = query.where(fact.c.key.in_(keys))
    return {row.key: row.version for row in await session.execute(query)}


async def renumber(session: AsyncSession, kind: Kind, new: Mapping[str, int]) -> None:
    """Store new versions of facts that stay as they are."""
    statement = fact.update().where(fact.c.kind == kind, fact.c.key == bindparam("of")).values(version=bindparam("to"))
    connection = await session.connection()
    await connection.execute(statement, [{"of": key, "to": version} for key, version in new.items()])


async def contents(session: AsyncSession, kind: Kind, keys: Sequence[str]) -> list[Fact]:
    """The stored facts behind some keys."""
    rows = await session.execute(select(fact).where(fact.c.kind == kind, fact.c.key.in_(keys)))
    return [Fact(kind, row.key, row.content) for row in rows]


async def keep(session: AsyncSession, facts: Sequence[Fact], versions: Sequence[int], *, ended: bool) -> None:
    """Store facts at their versions."""
    rows = [
        {
            "kind": one.kind,
            "key": one.key,
            "version": version,
            "fingerprint": one.fingerprint,
            "ended": ended,
            "content": one.content,
        }
        for one, version in zip(facts, versions, strict=True)
    ]
    await upsert_newer(session, fact, rows)
