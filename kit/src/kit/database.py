"""PostgreSQL through SQLAlchemy: connections, one transaction per request or batch, migrations, versions."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import Depends, Request
from sqlalchemy import ARRAY, JSON, Row, Table, Text, bindparam, cast, func, make_url, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.sql.dml import ReturningInsert

Sessions = async_sessionmaker[AsyncSession]

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises where it is asked without SQLAlchemy; the last when the server goes away in mid-answer."""

# Serialisation failure, deadlock, lock time-out; a server that is starting, stopping, read-only or out of something; a
# broken connection; a database, right, table or column that is not there yet. None of these is the fault of the data.
_PASSING = ("40001", "40P01", "55P03", "57P0", "53", "58", "25006", "08", "28", "3D000", "42501", "42P01", "42703")


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine for `postgresql://…`; dispose it when done. A restart of the server fails one call, not more."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        # Beyond the pool requests wait: connections made for a moment cost more than the wait.
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": 5, "server_settings": {"timezone": "UTC"}},
    )


def sessions(engine: AsyncEngine) -> Sessions:
    """The session factory. Sessions never load anything behind the reader's back after a commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions.begin() as session:
        yield session


Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""One transaction per request, committed before the answer is sent: a failed commit is a failed response."""


def next_version(previous: int | None) -> int:
    """max(previous + 1, clock in µs): rises per key even after a restore. Take it under the row's lock."""
    now = time.time_ns() // 1000
    return now if previous is None else max(previous + 1, now)


async def upsert_newer(
    session: AsyncSession, table: Table, rows: Sequence[Mapping[str, Any]], *, mend: bool = False
) -> list[Row[Any]]:
    """Insert rows or overwrite lower `version`s, in key order against deadlocks; primary keys of the rows changed.

    JSON columns take text that is JSON already, or what can be dumped. `mend` overwrites equal versions too.
    """
    keys = [column.name for column in table.primary_key.columns]
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = tuple([row[name] for name in keys])
        if key not in newest or newest[key]["version"] < row["version"]:
            newest[key] = row
    if not newest:
        return []
    ordered = [newest[key] for key in sorted(newest)]
    given = {name: [row.get(name) for row in ordered] for name in ordered[0]}
    for name in given:
        if isinstance(table.c[name].type, JSON):
            given[name] = [one if isinstance(one, str | None) else orjson.dumps(one).decode() for one in given[name]]
    return list((await session.execute(_upsert(table, tuple(given), mend), given)).all())


@cache
def _upsert(table: Table, names: tuple[str, ...], mend: bool) -> ReturningInsert[Any]:
    # One array a column: a third of the work of one parameter a value, for Python and for the server.
    types = [Text() if isinstance(table.c[name].type, JSON) else table.c[name].type for name in names]
    arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in zip(names, types, strict=True)]
    rows = func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    statement = insert(table).from_select(names, select(*(cast(rows.c[name], table.c[name].type) for name in names)))
    keys = list(table.primary_key.columns)
    compared = statement.excluded.version >= table.c.version if mend else statement.excluded.version > table.c.version
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: statement.excluded[name] for name in names if not table.c[name].primary_key},
        where=compared,
    ).returning(*keys)


def is_transient(error: BaseException) -> bool:
    """True when the same work may succeed later: the engine is away or not set up, or there was a race."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        lost = isinstance(error, OperationalError | InterfaceError) and not state
        return lost or error.connection_invalidated or state.startswith(_PASSING)
    return isinstance(error, OSError | PoolTimeout)
