"""Reading whole topics: every record once, in order, to the ends noted at the start, whatever the topic looks like."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from engines import eventually
from upkeep import reading
from upkeep.reading import Raw, Unreachable, everything

pytestmark = pytest.mark.engine

Topic = Callable[..., Awaitable[str]]


async def _all(bootstrap: str, *topics: str, **more: Any) -> list[Raw]:
    return [record async for batch in everything(bootstrap, topics, **more) for record in batch]


async def _fill(producer: AIOKafkaProducer, topic: str, number: int, partitions: int = 1, width: int = 0) -> None:
    values = [str(one).zfill(width).encode() for one in range(number)]
    sent = [await producer.send(topic, values[one], partition=one % partitions) for one in range(number)]
    await asyncio.gather(*sent)


async def test_every_record_of_every_partition_comes_once_and_in_order_as_it_was_sent(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    first, second = await topic("first", partitions=3), await topic("second")
    await _fill(producer, first, 5000, partitions=3)
    odd: list[tuple[str, Any]] = [("null", None), ("latin", b"\xe5")]
    await producer.send_and_wait(second, b"\xff\x00", key=None, headers=odd)
    await producer.send_and_wait(second, None, key=b"gone")
    told: list[tuple[int, int]] = []
    batches = [batch async for batch in everything(kafka_address, [first, second], seen=lambda *far: told.append(far))]
    assert max(map(len, batches)) <= reading.BATCH
    by_place: dict[tuple[str, int], list[Raw]] = {}
    for batch in batches:
        for record in batch:
            by_place.setdefault((record.topic, record.partition), []).append(record)
    for partition in range(3):
        expected = [number for number in range(5000) if number % 3 == partition]
        assert [int(record.value) for record in by_place.pop((first, partition))] == expected
    (whole, gone) = by_place.pop((second, 0))
    assert (whole.value, whole.key, list(whole.headers)) == (b"\xff\x00", None, odd)
    assert (gone.value, gone.key) == (None, b"gone")
    assert by_place == {}
    assert told[0] == (0, 5002)
    assert told[-1] == (5002, 5002)
    assert told == sorted(told)


async def test_what_is_sent_after_the_start_is_left_for_the_next_time(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    name = await topic("busy")
    # More than one fetch: the last one brings what was sent meanwhile, too.
    await _fill(producer, name, 3000, width=1000)
    found: list[Raw] = []
    async with aclosing(everything(kafka_address, [name])) as batches:
        async for batch in batches:
            await _fill(producer, name, 500)
            found += batch
    assert [record.offset for record in found] == list(range(3000))
    later = await _all(kafka_address, name, after={TopicPartition(name, 0): 3000})
    assert later[0].offset == 3000


async def test_an_empty_topic_and_a_topic_all_of_whose_records_have_expired_give_nothing(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    empty, expired = await topic("empty", partitions=2), await topic("expired", partitions=2)
    await _fill(producer, expired, 100, partitions=2)
    await _delete_before(kafka_address, expired, 0, 50)
    await _delete_before(kafka_address, expired, 1, 20)
    assert await _all(kafka_address, empty) == []
    assert [(record.partition, record.offset) for record in await _all(kafka_address, expired)] == [
        (1, offset) for offset in range(20, 50)
    ]


async def test_a_start_that_retention_moves_while_reading_does_not_stop_it(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await topic("moving")
    # Larger than what is fetched ahead: the rest is gone when it is asked for.
    sent = [await producer.send(name, b"x" * 100_000, key=b"%d" % number) for number in range(100)]
    await asyncio.gather(*sent)
    found: list[int] = []
    async with aclosing(everything(kafka_address, [name])) as batches:
        async for batch in batches:
            if not found:
                await _delete_before(kafka_address, name, 0, 90)
            found += [record.offset for record in batch]
    assert found[-10:] == list(range(90, 100))
    assert len(found) < 100


async def test_gaps_of_compaction_and_markers_of_transactions_do_not_hold_it_up(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer, unique: str
) -> None:
    settings = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"}
    name = await topic("compacted", **settings)
    for number in range(50):
        await producer.send_and_wait(name, b"%d" % number, key=b"same")

    async def cleaned() -> bool:
        # A new segment begins with a later record; the cleaner leaves the newest one alone.
        await producer.send_and_wait(name, b"later", key=b"other")
        return len(await _all(kafka_address, name)) < 50

    await eventually(cleaned, within=40)
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka_address, transactional_id=unique) as transactional,
        transactional.transaction(),
    ):
        await transactional.send_and_wait(name, b"committed", key=b"t")
    found = await _all(kafka_address, name)
    assert {record.key: record.value for record in found}[b"same"] == b"49"
    assert found[-1].value == b"committed"
    (span,) = (await reading.spans(kafka_address, [name])).values()
    assert span[1] == found[-1].offset + 2, "the last offset is the marker's"


async def test_a_topic_that_does_not_exist_is_named(kafka_address: str, topic: Topic, unique: str) -> None:
    there = await topic("there")
    with pytest.raises(Unreachable, match=f"^{unique}-absent: no such topic"):
        await _all(kafka_address, there, f"{unique}-absent")


async def test_a_broker_that_is_away_or_never_answers_is_told_and_not_waited_for(
    silent_port: str, mute_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unreachable, match=f"^Kafka at {silent_port} cannot be reached$"):
        await asyncio.wait_for(_all(silent_port, "x"), 20)
    monkeypatch.setattr(reading, "_SILENCE_SECONDS", 0.5)
    with pytest.raises(Unreachable, match=f"Kafka at {mute_broker} does not answer within"):
        await asyncio.wait_for(_all(mute_broker, "x"), 20)


async def test_one_record_is_read_where_it_stands_and_is_none_where_it_is_gone(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    name = await topic("single")
    await _fill(producer, name, 10)
    await _delete_before(kafka_address, name, 0, 4)
    found = await reading.one(kafka_address, name, 0, 7)
    assert found is not None
    assert found.value == b"7"
    assert await reading.one(kafka_address, name, 0, 3) is None
    assert await reading.one(kafka_address, name, 0, 10) is None
    assert await reading.one(kafka_address, name, 5, 0) is None


async def test_reading_leaves_no_consumer_group_behind(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer, admin: AIOKafkaAdminClient
) -> None:
    name = await topic("quiet")
    await _fill(producer, name, 10)
    before = await admin.list_consumer_groups()
    await _all(kafka_address, name)
    assert await admin.list_consumer_groups() == before


async def test_a_topic_deleted_while_it_is_read_ends_in_a_clear_error(
    kafka_address: str, topic: Topic, producer: AIOKafkaProducer, admin: AIOKafkaAdminClient, monkeypatch: Any
) -> None:
    monkeypatch.setattr(reading, "_SILENCE_SECONDS", 2.0)
    name = await topic("vanishing")
    sent = [await producer.send(name, b"x" * 100_000) for _ in range(100)]
    await asyncio.gather(*sent)

    async def read_and_recreate() -> None:
        recreated = False
        async for _ in everything(kafka_address, [name]):
            if not recreated:
                await admin.delete_topics([name])
                await eventually(lambda: _created(admin, name), within=20)
                recreated = True

    with pytest.raises(Unreachable, match=name):
        await read_and_recreate()


async def _created(admin: AIOKafkaAdminClient, name: str) -> bool:
    if name not in await admin.list_topics():
        await admin.create_topics([NewTopic(name, 1, 1)])
    return name in await admin.list_topics()


@pytest.fixture
async def admin(kafka_address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    made = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def mute_broker() -> AsyncIterator[str]:
    """host:port of something that accepts and never answers."""
    done = asyncio.Event()

    async def mute(_: Any, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    done.set()
    server.close()
    await server.wait_closed()


async def _delete_before(kafka_address: str, topic: str, partition: int, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=offset)})
    await admin.close()
