"""From the topics to the answer: what is announced is found."""

import asyncio
from pathlib import Path

import pytest

import contracts
from contracts import encode
from engines import eventually
from kit import kafka
from kit.consumer import Consumer
from search.consumer import HANDLERS
from search.service.indexing import Indexer
from upkeep.process import together
from upkeep.topics import create_topics, read_topics

pytestmark = pytest.mark.engine

WITHIN_SECONDS = 3.0


@pytest.fixture
async def announce(kafka_address, unique, make):
    """Sends messages to the topics they belong to; search's group has parked topics of its own."""
    rows = read_topics(Path(contracts.__file__).parent / "topics.yaml")
    parked = [{"name": f"{name}-parked-{unique}", "partitions": 1, "config": {}} for name in HANDLERS]
    await create_topics(kafka_address, [*rows, *parked])
    producer = kafka.producer(kafka_address)
    await producer.start()

    async def send(*messages):
        for message in messages:
            record = encode(message, at=make.now)
            headers = [(name, value.encode()) for name, value in record.headers.items()]
            await producer.send_and_wait(record.topic, record.value, key=record.key.encode(), headers=headers)

    yield send
    await producer.stop()


async def test_what_is_announced_is_found_by_a_navigator_within_seconds(world, make, kafka_address, unique, announce):
    suffix, service = unique.upper(), f"vt-demo|{unique}"
    indexer = Indexer(world.engine, world.index)
    consumer = Consumer(unique, kafka_address, world.sessions, HANDLERS, after_batch=indexer.wake)
    working = asyncio.ensure_future(together(consumer.run, indexer.run))

    async def found(number):
        answer = await world.http.get("/offers", params={"care_service": service, "patient_region": "14"})
        hits = answer.json().get("items", [])
        return [hit for hit in hits if number in {row["number"] for row in hit["agreements"]}]

    try:
        await eventually(lambda: consumer.caught_up.is_set(), within=20)
        await announce(make.code(service), make.unit(suffix), make.wait(suffix, 21, service))
        await announce(make.agreement(unique, "14", [suffix], [service]), make.announcement(unique, suffix, [service]))
        await eventually(lambda: found(unique), within=WITHIN_SECONDS)
        (hit,) = await eventually(lambda: _free(found, unique), within=WITHIN_SECONDS)

        await announce(make.agreement(unique, "14", [suffix], [service], version=2, status="terminated"))
        await eventually(lambda: _none(found, unique), within=WITHIN_SECONDS)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    assert hit["id"] == f"{make.hsa(suffix)}|{service}"
    assert hit["waits"][0]["days"] == 21
    assert hit["capacity"]["left"] == 4
    assert hit["explain"]["tier"]["id"] == "agreement"


async def _free(found, number):
    return [hit for hit in await found(number) if hit["capacity"] is not None]


async def _none(found, number):
    return await found(number) == []


def test_every_topic_that_names_search_as_its_reader_is_read():
    readers = {kind.topic.name for kind in contracts.MESSAGES if "search" in kind.topic.consumers}
    assert set(HANDLERS) == readers
