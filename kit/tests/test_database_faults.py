"""Which faults of the database pass by themselves: each made for real."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engines import eventually
from kit import database
from kit.database import is_transient

pytestmark = pytest.mark.engine


async def _fault(work: Callable[[], Awaitable[Any]]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 the tests below look at what it is
        await work()
    return caught.value


async def test_a_terminated_connection_is_transient_and_the_next_call_succeeds(engine: AsyncEngine) -> None:
    async with engine.connect() as victim, engine.connect() as killer:
        pid = await victim.scalar(text("SELECT pg_backend_pid()"))
        sleeping = asyncio.create_task(victim.execute(text("SELECT pg_sleep(20)")))
        await eventually(lambda: killer.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid}))
        error = await _fault(lambda: sleeping)
        assert is_transient(error), error
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


async def test_a_deadlock_is_transient(engine: AsyncEngine, thing: Table) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL deadlock_timeout = '100ms'"))
        await connection.execute(thing.insert(), [{"id": "a", "version": 1}, {"id": "b", "version": 1}])
    met = asyncio.Barrier(2)

    async def take(first: str, second: str) -> None:
        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL deadlock_timeout = '100ms'"))
            await connection.execute(thing.update().where(thing.c.id == first).values(version=2))
            await met.wait()
            await connection.execute(thing.update().where(thing.c.id == second).values(version=2))

    results = await asyncio.gather(take("a", "b"), take("b", "a"), return_exceptions=True)
    (error,) = [result for result in results if result is not None]
    assert is_transient(error), error


async def test_a_serialisation_failure_is_transient(engine: AsyncEngine, thing: Table) -> None:
    async with engine.begin() as connection:
        await connection.execute(thing.insert(), {"id": "a", "version": 1})
    async with engine.connect() as slow:
        await slow.execution_options(isolation_level="REPEATABLE READ")
        await slow.execute(thing.select())
        async with engine.begin() as quick:
            await quick.execute(thing.update().values(version=2))
        assert is_transient(await _fault(lambda: slow.execute(thing.update().values(version=3))))


async def test_a_lock_timeout_and_a_read_only_server_are_transient(engine: AsyncEngine, thing: Table) -> None:
    async with engine.begin() as holder, engine.connect() as other:
        await holder.execute(text("LOCK TABLE thing"))
        await other.execute(text("SET lock_timeout = '20ms'"))
        assert is_transient(await _fault(lambda: other.execute(thing.select())))
    async with engine.connect() as demoted:
        await demoted.execute(text("SET TRANSACTION READ ONLY"))
        assert is_transient(await _fault(lambda: demoted.execute(thing.insert(), {"id": "a", "version": 1})))


async def test_a_server_that_is_away_full_or_not_set_up_is_transient(
    engine: AsyncEngine, postgres_url: str, silent_port: str
) -> None:
    async def connect(url: str) -> None:
        elsewhere = database.connect(url)
        try:
            async with elsewhere.connect():
                pass
        finally:
            await elsewhere.dispose()

    assert is_transient(await _fault(lambda: connect(f"postgresql://postgres@{silent_port}/any")))
    assert is_transient(await _fault(lambda: connect(f"{postgres_url}/there_is_none")))
    async with engine.connect() as connection:
        assert is_transient(await _fault(lambda: connection.execute(text("SELECT * FROM not_yet_migrated"))))
    full = create_async_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    async with full.connect():
        assert is_transient(await _fault(full.connect().start))
    await full.dispose()


async def test_faults_of_the_data_are_not_transient(engine: AsyncEngine, thing: Table) -> None:
    async def insert(**values: Any) -> None:
        async with engine.begin() as connection:
            await connection.execute(thing.insert(), values)

    await insert(id="a", version=1)
    for values in (
        {"id": "a", "version": 1},
        {"id": "b", "version": None},
        {"id": "b", "version": 2**70},
        {"id": "b\0", "version": 1},
        {"id": "b\ud800", "version": 1},
        {"id": 5, "version": 1},
    ):
        assert not is_transient(await _fault(lambda values=values: insert(**values))), values
    assert not is_transient(TypeError("a mistake"))
