"""Pages of a FHIR source that came with an ETag: what was on them, should the source say that they are the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.store.tables import page


@dataclass(frozen=True)
class Remembered:
    """A page as it was."""

    etag: str
    following: str | None
    references: Sequence[str]


async def remembered(session: AsyncSession, source: str, address: str) -> Remembered | None:
    """The page at an address."""
    query = select(page.c.etag, page.c.following, page.c.holds)
    row = (await session.execute(query.where(page.c.source == source, page.c.address == address))).one_or_none()
    return Remembered(row.etag, row.following, row.holds) if row is not None else None


async def remember(session: AsyncSession, run: int, source: str, address: str, now: Remembered) -> None:
    """Remember a page as met in this run."""
    values = {"etag": now.etag, "following": now.following, "holds": list(now.references), "run": run}
    statement = insert(page).values(source=source, address=address, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["source", "address"], set_=values))


async def forget_others(session: AsyncSession, run: int, source: str) -> None:
    """Forget the pages that a whole reading has not met."""
    await session.execute(delete(page).where(page.c.source == source, page.c.run != run))
