"""How far each index of the history has followed the rows."""

from dataclasses import dataclass, replace

import asyncpg


@dataclass(frozen=True)
class Kept:
    """An index of the history: `uuid` is the engine's, `shape` tells its mapping, `revision` the last row in it."""

    name: str
    uuid: str
    shape: str
    revision: int
    searched: bool = False
    """Searches are led to it."""

    def seen(self, *, searched: bool) -> "Kept":
        """The same as the engine shows it."""
        return replace(self, searched=searched)

    def moved(self, revision: int) -> "Kept":
        """The same with more rows findable."""
        return replace(self, revision=revision)


async def known(connection: asyncpg.Connection) -> list[Kept]:
    """Every index that has begun to follow, newest first."""
    rows = await connection.fetch("SELECT name, uuid, shape, revision FROM history_index ORDER BY made_at DESC, name")
    return [Kept(*row) for row in rows]


async def add(connection: asyncpg.Connection, name: str, uuid: str, shape: str) -> Kept:
    """An index begins to follow."""
    await connection.execute(
        "INSERT INTO history_index (name, uuid, shape, revision, made_at) VALUES ($1, $2, $3, 0, clock_timestamp())",
        name,
        uuid,
        shape,
    )
    return Kept(name, uuid, shape, 0)


async def move(connection: asyncpg.Connection, name: str, revision: int) -> None:
    """Rows up to this one are findable in it."""
    await connection.execute("UPDATE history_index SET revision = $2 WHERE name = $1 AND revision < $2", name, revision)


async def search(connection: asyncpg.Connection, name: str) -> None:
    """Searches are about to be led to this index."""
    await connection.execute("UPDATE history_index SET searched_at = clock_timestamp() WHERE name = $1", name)


async def forget(connection: asyncpg.Connection, name: str) -> None:
    """The index follows no more."""
    await connection.execute("DELETE FROM history_index WHERE name = $1", name)
