"""Documents as they were shown at the ends of days, how far the history is, and how far its indexes are.

One writer at a time: the active indexer, on the connection that holds its lock. So revisions of rows commit in order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import next_version
from search.domain.history import Standing
from search.store.offers import Cursor, Offer
from search.store.sources import Pair
from search.store.tables import historian, history_index, purged_agreement

_PART = 5000


class Shown(NamedTuple):
    """A row: a document and the days it was shown. `content` is JSON; None: shown at the end of no day."""

    unit: str
    code_key: str
    shown_from: date
    shown_to: date | None
    content: str | None
    revision: int


class New(NamedTuple):
    """A document that is shown from a day on."""

    unit: str
    code_key: str
    shown_from: date
    digest: str
    agreements: Sequence[str]
    content: str


class Ended(NamedTuple):
    """A standing document that is not shown at the end of a day."""

    unit: str
    code_key: str
    shown_from: date
    shown_to: date


@dataclass(frozen=True)
class Reach:
    """Which days can be asked for."""

    since: date | None
    complete_to: datetime | None
    searched: bool
    """There is an index that is searched."""
    clean: bool
    """Nothing of an agreement that became confidential is left, in the rows and in that index."""


async def cursor(connection: asyncpg.Connection) -> Cursor:
    """The last offer that was looked at."""
    return Cursor._make(await connection.fetchrow("SELECT revision, unit, code_key FROM historian"))


async def move(connection: asyncpg.Connection, to: Cursor) -> None:
    """Every offer up to here has been looked at."""
    await connection.execute("UPDATE historian SET revision = $1, unit = $2, code_key = $3", *to)


async def complete(connection: asyncpg.Connection, to: datetime, day: date) -> None:
    """Everything that was shown until a time can be found. At first, `day` is the first day that can be asked for."""
    await connection.execute(
        "UPDATE historian SET complete_to = greatest(complete_to, $1), since = coalesce(since, $2)", to, day
    )


async def complete_to(connection: asyncpg.Connection) -> datetime | None:
    """Until when everything that was shown can be found."""
    at: datetime | None = await connection.fetchval("SELECT complete_to FROM historian")
    return at


async def reach(session: AsyncSession) -> Reach:
    """Which days can be asked for now."""
    last_purge = select(func.coalesce(func.max(purged_agreement.c.revision), 0)).scalar_subquery()
    searched = (
        select(history_index.c.revision)
        .where(history_index.c.searched_at.is_not(None))
        .order_by(history_index.c.searched_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    clean = (historian.c.purged >= last_purge) & (func.coalesce(searched, 0) >= historian.c.cleaned)
    found = select(historian.c.since, historian.c.complete_to, searched.is_not(None), clean)
    return Reach(*(await session.execute(found)).one())


async def standing(connection: asyncpg.Connection, batch: Sequence[Offer]) -> dict[Pair, Standing]:
    """The documents of some offers that are still shown."""
    rows = await connection.fetch(
        "SELECT unit, code_key, shown_from, digest FROM unnest($1::text[], $2::text[]) AS asked (unit, code_key)"
        " JOIN shown_document USING (unit, code_key) WHERE shown_to IS NULL",
        [one.unit for one in batch],
        [one.code_key for one in batch],
    )
    return {(row["unit"], row["code_key"]): Standing(row["shown_from"], row["digest"]) for row in rows}


async def next_revision(connection: asyncpg.Connection) -> int:
    """Higher than that of any row; the ones after it are free too."""
    return next_version(await connection.fetchval("SELECT max(revision) FROM shown_document"))


async def end(connection: asyncpg.Connection, revision: int, ended: Sequence[Ended]) -> None:
    """These standing documents are shown no more; one that began that very day is emptied."""
    await connection.execute(
        "UPDATE shown_document AS one SET shown_to = ended.day, revision = $5 + ended.number - 1,"
        " content = CASE WHEN shown_from < ended.day THEN content END,"
        " agreements = CASE WHEN shown_from < ended.day THEN agreements ELSE '{}' END"
        " FROM unnest($1::text[], $2::text[], $3::date[], $4::date[]) WITH ORDINALITY"
        " AS ended (unit, code_key, began, day, number)"
        " WHERE (one.unit, one.code_key, one.shown_from) = (ended.unit, ended.code_key, ended.began)",
        *_columns(ended),
        revision,
    )


async def begin(connection: asyncpg.Connection, revision: int, new: Sequence[New]) -> None:
    """These are shown from a day on, each in place of what began on that day before."""
    # A row at a time, sent together: arrays within an array would have to be of equal length.
    await connection.executemany(
        "INSERT INTO shown_document (unit, code_key, shown_from, digest, agreements, content, revision)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (unit, code_key, shown_from) DO UPDATE"
        " SET shown_to = NULL, digest = $4, agreements = $5, content = $6, revision = $7",
        [(*one, revision + number) for number, one in enumerate(new)],
    )


async def after(connection: asyncpg.Connection, revision: int, limit: int) -> list[Shown]:
    """Rows that changed after one, in the order of changes."""
    rows = await connection.fetch(
        "SELECT unit, code_key, shown_from, shown_to, content::text, revision FROM shown_document"
        " WHERE revision > $1 ORDER BY revision LIMIT $2",
        revision,
        limit,
    )
    return [Shown._make(row) for row in rows]


async def last(connection: asyncpg.Connection) -> int:
    """The revision of the row that changed last; 0 where there is none."""
    return int(await connection.fetchval("SELECT coalesce(max(revision), 0) FROM shown_document"))


async def has(connection: asyncpg.Connection, revision: int) -> bool:
    """There is a row of just this revision."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM shown_document WHERE revision = $1)", revision))


async def count(connection: asyncpg.Connection, upto: int) -> int:
    """How many rows there are up to a revision."""
    return int(await connection.fetchval("SELECT count(*) FROM shown_document WHERE revision <= $1", upto))


async def keep_from(connection: asyncpg.Connection, day: date) -> bool:
    """Days before this one cannot be asked for any more; False where none of them could."""
    moved = await connection.fetchval("UPDATE historian SET since = $1 WHERE since < $1 RETURNING true", day)
    return moved is not None


async def remove_ended(connection: asyncpg.Connection, day: date) -> int:
    """Remove rows that were shown at the end of this day no more, in short transactions; how many there were."""
    removed = 0
    while True:
        part = await connection.fetch(
            "DELETE FROM shown_document WHERE (unit, code_key, shown_from) IN"
            " (SELECT unit, code_key, shown_from FROM shown_document WHERE shown_to <= $1 LIMIT $2) RETURNING 1",
            day,
            _PART,
        )
        removed += len(part)
        if len(part) < _PART:
            return removed


_TOLD = text(
    """
    WITH searched AS (
        SELECT name, revision FROM history_index WHERE searched_at IS NOT NULL ORDER BY searched_at DESC LIMIT 1
    )
    SELECT since, complete_to, searched.name AS index,
        (SELECT count(*) FROM shown_document WHERE content IS NOT NULL) AS documents,
        (SELECT count(*) FROM shown_document WHERE shown_to IS NULL) AS still_shown,
        (SELECT count(*) FROM shown_document WHERE revision > coalesce(searched.revision, 0)) AS rows_not_in_index,
        pg_total_relation_size('shown_document') AS bytes,
        purged < (SELECT coalesce(max(revision), 0) FROM purged_agreement)
            OR coalesce(searched.revision, 0) < cleaned AS purge_unfinished
    FROM historian LEFT JOIN searched ON true
    """
)


async def told(session: AsyncSession) -> Mapping[str, Any]:
    """What the history holds, for people on call."""
    return dict((await session.execute(_TOLD)).mappings().one())


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
