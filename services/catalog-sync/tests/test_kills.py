"""Killed without a word, in the middle of reading or of announcing: the next run goes on, and tells everything once."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import Response
from sqlalchemy import text

from engines import eventually

pytestmark = pytest.mark.engine

ELSEWHERE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> {own}"


@pytest.fixture
async def address(served) -> AsyncIterator[str]:
    """The small catalogue on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(served.app, port=0, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    served.base = f"http://127.0.0.1:{port}"
    yield f"{served.base}/fhir/"
    server.should_exit = True
    await running


async def sync(ledger, address: str) -> asyncio.subprocess.Process:
    environment = {"POSTGRES_URL": ledger.url, "KAFKA_BOOTSTRAP": "127.0.0.1:1", "CATALOGUE_URL": address}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "catalog_sync", "sync"),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_reading_goes_on_from_the_last_page_that_was_kept(ledger, served, address):
    served.answers = lambda asked: Response(status_code=503) if asked.startswith("HealthcareService") else None
    child = await sync(ledger, address)
    await eventually(lambda: any(asked.startswith("HealthcareService") for asked in served.asked), within=30)
    child.kill()
    await child.wait()
    before = [asked for asked in served.asked if not asked.startswith(("HealthcareService", "metadata"))]
    served.answers = lambda _: None
    served.asked.clear()
    child = await sync(ledger, address)
    assert await child.wait() == 0
    assert len(before) == 3
    again = [name for asked in served.asked if (name := asked.partition("?")[0]) != "metadata"]
    assert again == ["HealthcareService"], "no page is read twice"
    announced = await ledger.announced()
    assert len({message.key() for message in announced}) == len(announced) == 4
    assert [row.state for row in await ledger.rows("run")] == ["done"]


async def test_what_was_not_announced_yet_is_announced_and_nothing_twice(ledger, served, address):
    async with ledger.sessions.begin() as session:
        await session.execute(
            text(
                "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM pg_sleep(100); RETURN NEW; END $$"
            )
        )
        await session.execute(
            text(
                "CREATE TRIGGER stuck BEFORE INSERT ON outbox FOR EACH ROW"
                " WHEN (NEW.aggregatetype = 'care-offering-updated') EXECUTE FUNCTION stuck()"
            )
        )
    child = await sync(ledger, address)

    async def units_are_out() -> bool:
        return await ledger.count("outbox") == 2

    await eventually(units_are_out, within=30)
    child.kill()
    await child.wait()
    async with ledger.sessions.begin() as session:
        # What the killed one has left in the database is still at it.
        await session.execute(text(ELSEWHERE.format(own="pg_backend_pid()")))
    async with ledger.sessions.begin() as session:
        await session.execute(text("DROP TRIGGER stuck ON outbox"))
    served.asked.clear()
    child = await sync(ledger, address)
    assert await child.wait() == 0
    announced = await ledger.announced()
    assert (
        sorted(type(message).__name__ for message in announced) == ["CareOfferingUpdated"] * 2 + ["CareUnitUpdated"] * 2
    )
    assert len({message.key() for message in announced}) == 4
    assert [row.state for row in await ledger.rows("run")] == ["done", "done"], (
        "then it asks for what has changed since"
    )
