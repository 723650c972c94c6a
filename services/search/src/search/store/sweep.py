"""Rows that the topics do not tell of: found and removed. And offers touched, a part at a time."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, delete, exists, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Sessions
from search.store import offers
from search.store.tables import agreement, announcement, announcement_line, code, code_map, line

_PART = 5000


class Untold(NamedTuple):
    """Keys of a table's rows that no record tells of, and how many rows there are."""

    keys: list[tuple[str, ...]]
    rows: int


async def untold(session: AsyncSession, table: Table, told: set[str]) -> Untold:
    """Rows whose key no record has. A record's key is that of its row, with bars between the parts."""
    keys = await session.execute(select(*table.primary_key.columns))
    found = [tuple(row) for row in keys]
    return Untold([key for key in found if "|".join(key) not in told], len(found))


async def remove(session: AsyncSession, table: Table, keys: Iterable[tuple[str, ...]]) -> int:
    """Remove rows by key; how many there were."""
    columns = tuple_(*table.primary_key.columns)
    removed, wanted = 0, list(keys)
    for begin in range(0, len(wanted), _PART):
        part = delete(table).where(columns.in_(wanted[begin : begin + _PART]))
        removed += len((await session.execute(part.returning(*table.primary_key.columns))).all())
    return removed


async def remove_orphans(session: AsyncSession) -> int:
    """Remove lines of agreements and announcements, and maps of codes, that are not there; how many there were."""
    without: tuple[tuple[Table, ColumnElement[bool]], ...] = (
        (line, exists().where(agreement.c.id == line.c.source)),
        (announcement_line, exists().where(announcement.c.id == announcement_line.c.source)),
        (code_map, exists().where(code.c.key == code_map.c.source)),
    )
    return sum(
        [
            len((await session.execute(delete(table).where(~owner).returning(*table.primary_key.columns))).all())
            for table, owner in without
        ]
    )


async def count(session: AsyncSession, table: Table) -> int:
    """How many rows a table has."""
    return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def touch_below(sessions: Sessions, below: int) -> int:
    """Touch every offer with a lower revision, in short transactions; how many there were."""
    touched = 0
    while True:
        async with sessions.begin() as session:
            part = {"revision": await offers.begin(session), "below": below, "part": _PART}
            rows = (await session.execute(_TOUCH, part)).all()
        if not rows:
            return touched
        touched += len(rows)


# Those touched come no more: their revision is higher then.
_TOUCH = text(
    "UPDATE offer SET revision = :revision"
    " FROM (SELECT unit, code_key FROM offer WHERE revision < :below ORDER BY revision LIMIT :part) AS part"
    " WHERE (offer.unit, offer.code_key) = (part.unit, part.code_key) RETURNING offer.unit"
)
