"""Agreements that became confidential, and whether anything of them is left in a table."""

import json
from collections.abc import Iterable, Sequence

import asyncpg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from search.store.tables import purged_agreement

LEFT = {"status": "purged"}
"""All that is kept of such an agreement's content; its id and version stand beside, so that older ones stay refused."""


async def add(session: AsyncSession, revision: int, agreements: Iterable[str]) -> None:
    """These are purged: what this revision touches shows nothing of them."""
    rows = [{"id": one, "revision": revision} for one in sorted(set(agreements))]
    if rows:
        statement = insert(purged_agreement).values(rows)
        await session.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_={"revision": statement.excluded.revision})
        )


async def last(connection: asyncpg.Connection) -> int:
    """The revision of the latest purge; 0 where there was none."""
    return int(await connection.fetchval("SELECT coalesce(max(revision), 0) FROM purged_agreement"))


async def among(connection: asyncpg.Connection, agreements: Iterable[str]) -> set[str]:
    """Those of some agreements that are purged."""
    rows = await connection.fetch("SELECT id FROM purged_agreement WHERE id = ANY($1)", sorted(set(agreements)))
    return {row["id"] for row in rows}


async def state(session: AsyncSession, agreement: str) -> tuple[str, bool] | None:
    """The agreement's status, and whether nothing more than that is kept of it; None when we were never told of it."""
    query = "SELECT content->>'status' AS status, content::jsonb = CAST(:left AS jsonb) AS bare FROM agreement"
    asked = {"id": agreement, "left": json.dumps(LEFT)}
    row = (await session.execute(text(f"{query} WHERE id = :id"), asked)).first()
    return (row.status, row.bare) if row is not None else None


async def tables(session: AsyncSession) -> list[str]:
    """Every table there is, also those that this release knows nothing of."""
    query = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    return list(await session.scalars(text(f"{query} ORDER BY table_name")))


async def holding(session: AsyncSession, table: str, wanted: Sequence[str]) -> tuple[int, list[int]]:
    """How many rows a table has, and for each wanted text in how many of them it is; upper or lower case is the same.

    Looked for in the whole row as JSON, since a text may be in any column. Texts are given as JSON holds them.
    """
    found = [f"count(*) FILTER (WHERE position(lower(:w{number}) in row) > 0)" for number, _ in enumerate(wanted)]
    rows = f'SELECT lower(row_to_json(one)::text) AS row FROM "{table}" AS one'
    query = text(f"SELECT {', '.join(['count(*)', *found])} FROM ({rows}) AS rows")
    total, *counts = (await session.execute(query, {f"w{number}": one for number, one in enumerate(wanted)})).one()
    return total, counts
