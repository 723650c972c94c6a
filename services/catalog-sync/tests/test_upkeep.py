"""The topics brought in line with what is known: each fact once, ended ones included, at a higher version."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text

import contracts
from catalog_sync.domain.reading import Kind, Reading
from catalog_sync.service import profiles, topics
from catalog_sync.store import facts, tables
from engines import eventually
from kit.consumer import record as readable
from kit.outbox import Relay
from upkeep.reading import everything
from upkeep.topics import create_topics, read_topics

pytestmark = pytest.mark.engine

UNITS = "care-unit-updated"


@pytest.fixture
async def anew(kafka_address):
    """Makes this service's topics anew, as declared."""
    rows = [row for row in read_topics(Path(contracts.__file__).parent / "topics.yaml") if row["name"] in topics.TOPICS]

    async def remake() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
        await admin.start()
        await admin.delete_topics([name for name in await admin.list_topics() if name in topics.TOPICS])

        async def made() -> bool:
            await create_topics(kafka_address, rows)
            return set(topics.TOPICS) <= set(await admin.list_topics())

        await eventually(made, within=20)
        await admin.close()

    await remake()
    return remake


async def _reconcile(ledger: Any, bootstrap: str, *argv: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and what was counted per topic without what is zero."""
    environment = {"POSTGRES_URL": ledger.url, "KAFKA_BOOTSTRAP": bootstrap, "CATALOGUE_URL": "http://x"}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "catalog_sync", "reconcile", "--json", *argv),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert out, err
    rows = json.loads(out)["topics"]
    return child.returncode or 0, {
        row.pop("topic"): {name: number for name, number in row.items() if number} for row in rows
    }


@asynccontextmanager
async def _relay(ledger: Any, bootstrap: str) -> AsyncIterator[None]:
    running = asyncio.create_task(Relay(ledger.engine, bootstrap).run())
    yield
    running.cancel()
    await asyncio.wait([running])


async def _sent(ledger: Any) -> None:
    async def empty() -> bool:
        return await ledger.count("outbox") == 0

    await eventually(empty, within=30)


async def _told(bootstrap: str) -> dict[str, tuple[int, str]]:
    """Version and status by key, of the last record of each unit."""
    found = {}
    async for batch in everything(bootstrap, [UNITS]):
        for one in batch:
            record = readable(one)
            found[record.key.decode()] = (topics.version_told(record), json.loads(record.value)["status"])
    return found


async def _known(ledger: Any) -> dict[str, int]:
    async with ledger.sessions() as session:
        return await facts.versions(session, Kind.UNIT, None)


async def test_topics_made_anew_get_every_fact_again_and_readers_take_the_higher_versions(
    ledger, unit, anew, kafka_address
):
    await ledger.sync(Reading([unit(number) for number in range(5)]))
    await ledger.sync(Reading([unit(number) for number in range(4)]))
    async with _relay(ledger, kafka_address):
        await _sent(ledger)
        before = await _told(kafka_address)
        assert await _reconcile(ledger, kafka_address) == (
            0,
            {UNITS: {"compared": 5, "agreeing": 5}, **{name: {} for name in topics.TOPICS if name != UNITS}},
        )
        await anew()
        code, counted = await _reconcile(ledger, kafka_address)
        assert (code, counted[UNITS]) == (0, {"compared": 5, "missing": 5, "announced": 5})
        await _sent(ledger)
        after = await _told(kafka_address)
    assert {key: version for key, (version, _) in after.items()} == await _known(ledger)
    assert sorted(status for _, status in after.values()) == ["active"] * 4 + ["closed"]
    assert all(after[key][0] > before[key][0] for key in before)
    assert (await ledger.sync(Reading([unit(number) for number in range(4)]))).changed == 0, (
        "to the sync nothing is new"
    )


async def test_after_a_restore_the_tables_win_and_what_they_have_lost_is_told(ledger, unit, anew, kafka_address):
    await ledger.sync(Reading([unit(1, name="Gammalt namn"), unit(2)]))
    async with ledger.sessions() as session:
        (backup, _) = await facts.contents(session, Kind.UNIT, list(await _known(ledger)))
    older = (await _known(ledger))[backup.key]
    await ledger.sync(Reading([unit(1, name="Nytt namn"), unit(2)]))
    async with _relay(ledger, kafka_address):
        await _sent(ledger)
        async with ledger.sessions.begin() as session:
            await session.execute(
                tables.fact.update()
                .where(tables.fact.c.key == backup.key)
                .values(version=older, content=backup.content, fingerprint=backup.fingerprint)
            )
            await session.execute(text("DELETE FROM fact WHERE key <> :key"), {"key": backup.key})
        ahead = (await _told(kafka_address))[backup.key][0]
        code, counted = await _reconcile(ledger, kafka_address)
        (lost,) = counted[UNITS].pop("unknown")
        assert (code, counted[UNITS]) == (1, {"compared": 1, "newer": 1, "announced": 1})
        assert lost != backup.key
        await _sent(ledger)
        told = await _told(kafka_address)
        assert told[backup.key][0] == (await _known(ledger))[backup.key] > ahead
        # The next sync finds the lost one again, and whoever knows it takes it over.
        await ledger.sync(Reading([unit(1, name="Nytt namn"), unit(2)]))
        await _sent(ledger)
        assert (await _reconcile(ledger, kafka_address))[0] == 0
        assert (await _told(kafka_address))[lost][0] > told[lost][0]


async def test_profiles_are_brought_in_line_like_everything_else(ledger, anew, kafka_address):
    body = dict.fromkeys(("office", "invoice", "care_paid_first_by", "travel", "lodging", "companion"))
    for region in ("01", "14"):
        async with ledger.sessions.begin() as session:
            told = {**body, "status": "active"}
            await profiles.replace(session, region, told, expected_version=0, actor="anna", actors_region=region)
    async with _relay(ledger, kafka_address):
        await _sent(ledger)
        assert (await _reconcile(ledger, kafka_address))[1][profiles.TOPIC] == {"compared": 2, "agreeing": 2}
        await anew()
        code, counted = await _reconcile(ledger, kafka_address)
        assert (code, counted[profiles.TOPIC]) == (0, {"compared": 2, "missing": 2, "announced": 2})
        await _sent(ledger)
        assert (await _reconcile(ledger, kafka_address))[1][profiles.TOPIC] == {"compared": 2, "agreeing": 2}
    assert await ledger.count("region_profile_history") == 4
