"""Codes read for the terminology service: everything once, then what has changed since."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import BigInteger, Numeric, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.codes import Code, read
from catalog_sync.domain.reading import Kind
from catalog_sync.store.tables import fact

_BATCH = 2000


@dataclass(frozen=True)
class Mark:
    """Equal when nothing has changed: how many codes there are, the newest version, and the sum of all versions."""

    count: int
    newest: int
    total: int


async def mark(session: AsyncSession) -> Mark:
    """The state of all codes, cheaply: an index holds all of it."""
    versions = cast(func.sum(cast(fact.c.version, Numeric)), Numeric)
    query = select(func.count(), func.coalesce(func.max(fact.c.version), 0), func.coalesce(versions, 0))
    count, newest, total = (await session.execute(query.where(fact.c.kind == Kind.CODE))).one()
    return Mark(count, newest, int(total))


async def newer(session: AsyncSession, than: int) -> AsyncIterator[list[tuple[int, Code]]]:
    """Codes whose version is higher than one, each with its version, in batches: few are in memory as rows at once."""
    query = select(cast(fact.c.version, BigInteger), fact.c.content)
    rows = await session.stream(query.where(fact.c.kind == Kind.CODE, fact.c.version > than))
    async for part in rows.partitions(_BATCH):
        yield [(version, read(content)) for version, content in part]
