"""How far each index has followed the offers, and which documents it would not take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from search.store.offers import Cursor, Offer
from search.store.sources import Pair


@dataclass(frozen=True)
class Followed:
    """An index that follows the offers: `uuid` is the engine's, `shape` tells its mapping."""

    name: str
    uuid: str
    shape: str
    cursor: Cursor
    searched: bool = False
    """Searches are led to it."""


async def known(connection: asyncpg.Connection) -> list[Followed]:
    """Every index that has begun to follow, newest first."""
    rows = await connection.fetch("SELECT * FROM followed_index ORDER BY made_at DESC, name")
    return [
        Followed(row["name"], row["uuid"], row["shape"], Cursor(row["revision"], row["unit"], row["code_key"]))
        for row in rows
    ]


async def add(connection: asyncpg.Connection, one: Followed) -> None:
    """An index begins to follow."""
    await connection.execute(
        "INSERT INTO followed_index (name, uuid, shape, revision, unit, code_key, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())",
        one.name,
        one.uuid,
        one.shape,
        *one.cursor,
    )


async def move(connection: asyncpg.Connection, name: str, cursor: Cursor) -> None:
    """The index has everything up to here. Never back: two that follow at once have each written what they passed."""
    await connection.execute(
        "UPDATE followed_index SET revision = $2, unit = $3, code_key = $4"
        " WHERE name = $1 AND (revision, unit, code_key) < ($2, $3, $4)",
        name,
        *cursor,
    )


async def searched(connection: asyncpg.Connection, name: str) -> None:
    """Searches are about to be led to this index."""
    await connection.execute("UPDATE followed_index SET searched_at = clock_timestamp() WHERE name = $1", name)


async def last_searched(connection: asyncpg.Connection) -> list[str]:
    """Names of the indexes that searches have been led to, latest first."""
    rows = await connection.fetch(
        "SELECT name FROM followed_index WHERE searched_at IS NOT NULL ORDER BY searched_at DESC"
    )
    return [row["name"] for row in rows]


async def forget(connection: asyncpg.Connection, name: str) -> None:
    """The index follows no more."""
    await connection.execute("DELETE FROM followed_index WHERE name = $1", name)
    await connection.execute("DELETE FROM refused_document WHERE index_name = $1", name)


async def refuses(connection: asyncpg.Connection, name: str) -> int:
    """How many documents the index has refused and not taken since."""
    return int(await connection.fetchval("SELECT count(*) FROM refused_document WHERE index_name = $1", name))


async def judge(
    connection: asyncpg.Connection, name: str, batch: Sequence[Offer], reasons: Mapping[Offer, str]
) -> None:
    """Remember what the index refused of a batch, and forget earlier refusals of what it took."""
    await connection.execute(
        "DELETE FROM refused_document USING unnest($2::text[], $3::text[]) AS written (unit, code_key)"
        " WHERE index_name = $1 AND refused_document.unit = written.unit"
        " AND refused_document.code_key = written.code_key",
        name,
        [one.unit for one in batch],
        [one.code_key for one in batch],
    )
    await connection.executemany(
        "INSERT INTO refused_document (index_name, revision, unit, code_key, reason) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (index_name, unit, code_key) DO UPDATE SET revision = $2, reason = $5",
        [(name, *one, reason) for one, reason in reasons.items()],
    )


async def refused(connection: asyncpg.Connection, name: str) -> set[Pair]:
    """The offers the index does not show as they are."""
    rows = await connection.fetch("SELECT unit, code_key FROM refused_document WHERE index_name = $1", name)
    return {(row["unit"], row["code_key"]) for row in rows}
