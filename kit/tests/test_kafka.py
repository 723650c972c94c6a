"""Topics from the declared list, and a producer that can always be stopped."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from kit import kafka
from upkeep import topics
from upkeep.topics import TopicsRefused, create_topics

pytestmark = pytest.mark.engine


@pytest.fixture
async def admin(kafka_address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    yield admin
    await admin.close()


async def test_topics_are_created_with_their_partitions_and_settings(
    kafka_address: str, admin: AIOKafkaAdminClient, unique: str
) -> None:
    rows = [
        {"name": f"{unique}-state", "partitions": 3, "config": {"cleanup.policy": "compact"}},
        {"name": f"{unique}-log", "partitions": 1, "config": {}},
    ]
    assert await create_topics(kafka_address, rows) == [row["name"] for row in rows]
    (state,) = await admin.describe_topics([f"{unique}-state"])
    assert len(state["partitions"]) == 3
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, f"{unique}-state")])
    found = {row[0]: row[1] for row in answer.resources[0][4]}
    assert found["cleanup.policy"] == "compact"


async def test_creating_topics_again_creates_only_what_is_missing(kafka_address: str, unique: str) -> None:
    first = {"name": f"{unique}-a", "partitions": 2, "config": {}}
    second = {"name": f"{unique}-b", "partitions": 1, "config": {}}
    await create_topics(kafka_address, [first])
    assert await create_topics(kafka_address, [first, second]) == [f"{unique}-b"]
    assert await create_topics(kafka_address, [first, second]) == []


async def test_two_processes_may_create_the_same_topics_at_once(kafka_address: str, unique: str) -> None:
    rows = [{"name": f"{unique}-{number}", "partitions": 1, "config": {}} for number in range(5)]
    await asyncio.gather(*(create_topics(kafka_address, rows) for _ in range(3)))


async def test_a_topic_with_another_number_of_partitions_is_refused(kafka_address: str, unique: str) -> None:
    await create_topics(kafka_address, [{"name": unique, "partitions": 2, "config": {}}])
    with pytest.raises(TopicsRefused, match=f"{unique} has 2 partitions, declared are 4"):
        await create_topics(kafka_address, [{"name": unique, "partitions": 4, "config": {}}])


async def test_what_the_broker_refuses_is_told_with_topic_and_reason(kafka_address: str, unique: str) -> None:
    with pytest.raises(TopicsRefused, match=f"{unique}: InvalidConfiguration.*cleanup"):
        await create_topics(
            kafka_address, [{"name": unique, "partitions": 1, "config": {"cleanup.policy": "whatever"}}]
        )
    with pytest.raises(TopicsRefused, match=f"{unique}: InvalidReplicationFactor"):
        await create_topics(kafka_address, [{"name": unique, "partitions": 1, "config": {}}], replication_factor=3)


@pytest.mark.parametrize(
    ("room", "question"), [(kafka, kafka.ask), (topics, lambda address: create_topics(address, []))]
)
async def test_a_broker_that_accepts_and_never_answers_is_given_up(
    room: ModuleType, question: Callable[[str], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asyncio.Event()

    async def mute(_: Any, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    monkeypatch.setattr(room, "_ANSWER_MS", 300)
    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(KafkaError):
        await asyncio.wait_for(question(address), 5)
    done.set()
    server.close()
    await server.wait_closed()


async def test_records_of_one_key_stay_in_order(
    kafka_address: str, topic: Callable[..., Awaitable[str]], read: Callable[..., Awaitable[Any]]
) -> None:
    name = await topic("ordered", partitions=4)
    producer = kafka.producer(kafka_address)
    await producer.start()
    sent = [
        await producer.send(name, str(number).encode(), key=str(number % 7).encode(), headers=[])
        for number in range(500)
    ]
    await asyncio.gather(*sent)
    await kafka.stop(producer)
    by_key: dict[bytes, list[int]] = {}
    for record in await read(name):
        by_key.setdefault(record.key, []).append(int(record.value))
    assert len(by_key) == 7
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert sum(map(len, by_key.values())) == 500
