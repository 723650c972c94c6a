"""The catalogue is copied from real topics: only the newest version of each thing, and intake begins when all is in."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agreements.consumer import HANDLERS
from agreements.service import catalogue as copies
from agreements.store import tables
from contracts import CareUnitUpdated, CodeUpdated, encode
from engines import eventually
from kit import database, kafka
from kit.consumer import Consumer
from upkeep.topics import create_topics

pytestmark = pytest.mark.engine

EXAMPLES = Path(__file__).parents[3] / "contracts/examples"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def example(kind: Any, file: str, /, **changed: Any) -> Any:
    value = json.loads((EXAMPLES / kind.topic.name / "v1" / f"{file}.json").read_text())["value"]
    return kind.model_validate({**value, **changed})


@pytest.fixture
async def topics(kafka_address, unique):
    """This test's own topic for each that the service reads, and where bad records are parked."""
    names = {name: f"{unique}-{name}" for name in HANDLERS}
    parked = [f"{name}-parked-{unique}" for name in names.values()]
    rows = [{"name": name, "partitions": 2, "config": {}} for name in (*names.values(), *parked)]
    await create_topics(kafka_address, rows)
    return names


@pytest.fixture
async def send(kafka_address, topics):
    producer = kafka.producer(kafka_address)
    await producer.start()

    async def to_topic(*messages: Any) -> None:
        for message in messages:
            event = encode(message, at=NOW)
            headers = [(name, value.encode()) for name, value in event.headers.items()]
            await producer.send_and_wait(topics[event.topic], event.value, key=event.key.encode(), headers=headers)

    yield to_topic
    await producer.stop()


@pytest.fixture
async def sessions(new_database):
    engine = database.connect(await new_database("agreements"))
    yield database.sessions(engine)
    await engine.dispose()


@pytest.fixture
async def copying(kafka_address, topics, sessions, unique):
    """Starts the consumer, with this test's topics in the place of the service's."""
    running = []

    def start() -> Consumer:
        handlers = {topics[name]: handler for name, handler in HANDLERS.items()}
        consumer = Consumer(unique, kafka_address, sessions, handlers)
        running.append(asyncio.create_task(consumer.run()))
        return consumer

    yield start
    for task in running:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def rows(sessions, table) -> list[dict[str, Any]]:
    async with sessions() as session:
        return [row._asdict() for row in await session.execute(select(table).order_by(*table.primary_key.columns))]


async def test_the_newest_version_of_each_code_and_unit_is_kept_whatever_order_they_come_in(send, copying, sessions):
    unit = example(CareUnitUpdated, "full", version=5, name="Nyaste namnet")
    await send(
        unit,
        unit.model_copy(update={"version": 3, "name": "Gammalt"}),
        unit,
        example(CodeUpdated, "kva-with-maps", version=9, text="Ny text"),
        example(CodeUpdated, "kva-with-maps", version=8, text="Gammal text"),
        example(CodeUpdated, "postal-code"),
        example(CodeUpdated, "care-area"),
    )
    consumer = copying()
    await asyncio.wait_for(consumer.caught_up.wait(), 30)
    (kept,) = await rows(sessions, tables.known_unit)
    assert (kept["hsa_id"], kept["version"], kept["name"]) == (unit.hsa_id, 5, "Nyaste namnet")
    assert kept["care_provider"] == unit.care_provider.hsa_id
    (code,) = await rows(sessions, tables.known_code)
    assert (code["key"], code["version"], code["text"]) == ("kva|CJE20", 9, "Ny text"), "places are not copied"
    await send(unit.model_copy(update={"version": 6, "status": "closed", "closed_on": NOW.date()}))

    async def closed() -> bool:
        (kept,) = await rows(sessions, tables.known_unit)
        return (kept["version"], kept["status"], kept["closed_on"]) == (6, "closed", NOW.date())

    await eventually(closed)


async def test_intake_may_begin_once_everything_announced_before_has_been_copied(send, copying, sessions):
    await send(*(example(CareUnitUpdated, "full", hsa_id=f"SE5561234567-A{number}") for number in range(300)))
    async with sessions() as session:
        assert not await copies.may_begin(session)
    consumer = copying()
    await asyncio.wait_for(consumer.caught_up.wait(), 30)
    async with sessions.begin() as session:
        await copies.catalogue_copied(session, NOW)
        await copies.catalogue_copied(session, NOW)
        assert await copies.may_begin(session)
    assert len(await rows(sessions, tables.known_unit)) == 300
    assert len(await rows(sessions, tables.catalogue_copy)) == 1


async def test_an_empty_catalogue_does_not_open_the_intake(sessions):
    async with sessions.begin() as session:
        await copies.catalogue_copied(session, NOW)
        assert not await copies.may_begin(session)


async def test_every_topic_that_is_read_names_this_service_among_its_readers():
    for kind in (CodeUpdated, CareUnitUpdated):
        assert "agreements" in kind.topic.consumers
    assert set(HANDLERS) == {CodeUpdated.topic.name, CareUnitUpdated.topic.name}
