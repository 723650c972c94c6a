"""Agreements that became confidential: taken out of the history, and whether anything of them is left in a table."""

import json
from collections.abc import Iterable, Sequence

import asyncpg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from search.store.history import New, Shown
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


async def unpurged(connection: asyncpg.Connection) -> int | None:
    """The revision of the last purge, where the rows may still show something of its agreement."""
    last_purge: int | None = await connection.fetchval(
        "SELECT max(purged_agreement.revision) FROM purged_agreement, historian HAVING"
        " max(purged_agreement.revision) > max(historian.purged)"
    )
    return last_purge


async def showing_purged(connection: asyncpg.Connection, limit: int) -> list[tuple[Shown, set[str]]]:
    """Some of the rows that show agreements which are purged, and which ones."""
    purged = {row["id"] for row in await connection.fetch("SELECT id FROM purged_agreement")}
    rows = await connection.fetch(
        "SELECT unit, code_key, shown_from, shown_to, content::text, revision, agreements FROM shown_document"
        " WHERE agreements && $1::text[] LIMIT $2",
        sorted(purged),
        limit,
    )
    return [(Shown._make(tuple(row)[:6]), purged.intersection(row["agreements"])) for row in rows]


async def clean(connection: asyncpg.Connection, revision: int, cleaned: Sequence[tuple[Shown, New | None]]) -> None:
    """Each row as it is without an agreement, or emptied and shown at the end of no day; one revision each."""
    await connection.executemany(
        "UPDATE shown_document SET digest = $4, agreements = $5, content = $6, revision = $7,"
        " shown_to = CASE WHEN $6::json IS NULL THEN shown_from ELSE shown_to END"
        " WHERE (unit, code_key, shown_from) = ($1, $2, $3)",
        [
            (
                *row[:3],
                *((new.digest, new.agreements, new.content) if new is not None else ("", [], None)),
                revision + number,
            )
            for number, (row, new) in enumerate(cleaned)
        ],
    )
    await connection.execute("UPDATE historian SET cleaned = $1", revision + len(cleaned) - 1)


async def purged(connection: asyncpg.Connection, revision: int) -> None:
    """No row shows anything of agreements purged up to this revision."""
    await connection.execute("UPDATE historian SET purged = greatest(purged, $1)", revision)


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
