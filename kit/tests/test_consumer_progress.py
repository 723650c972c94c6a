"""How far the consumer is: caught up, lag, signs of life."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncSession

from engines import eventually
from kit import consumer as consumer_room
from kit.consumer import Consumer

pytestmark = pytest.mark.engine

Topic = Callable[..., Awaitable[str]]
Read = Callable[..., Awaitable[list[Any]]]
Running = Callable[[Any], asyncio.Task[None]]
Apply = Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]
Make = Callable[..., Consumer]
Told = Callable[[Consumer, str | None], Awaitable[None]]


def _thing(key: str, version: int = 1, **more: Any) -> bytes:
    return json.dumps({"id": key, "version": version, **more}).encode()


async def _send(producer: AIOKafkaProducer, topic: str, *values: bytes) -> None:
    await asyncio.gather(*[await producer.send(topic, value, key=b"k") for value in values])


async def _caught_up(consumer: Consumer) -> None:
    await asyncio.wait_for(consumer.caught_up.wait(), 20)


async def test_catching_up_means_what_was_there_at_the_start_on_every_topic(
    make: Make, topic: Topic, producer: AIOKafkaProducer, running: Running, told: Told, store: Apply
) -> None:
    one, two, empty = await topic("one", partitions=3), await topic("two"), await topic("empty", partitions=2)
    await _send(producer, one, *(_thing(f"a{number}") for number in range(50)))
    await _send(producer, two, _thing("b"))
    gate = asyncio.Event()

    async def behind_the_gate(session: AsyncSession, things: Sequence[Any]) -> None:
        await gate.wait()
        await store(session, things)

    consumer = make(one, two, empty, apply=behind_the_gate)
    await told(consumer, "no partitions assigned yet")
    running(consumer)
    await told(consumer, None)
    beat = REGISTRY.get_sample_value("vf_consumer_batch_seconds_count")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(consumer.caught_up.wait(), 1.5)
    gate.set()
    await _caught_up(consumer)
    assert (REGISTRY.get_sample_value("vf_consumer_batch_seconds_count") or 0) > (beat or 0)


async def test_the_time_from_change_to_processed_is_told_of_the_newest_event_with_a_time(
    make: Make, topic: Topic, producer: AIOKafkaProducer, running: Running
) -> None:
    name = await topic("things")
    changed = datetime.now(UTC) - timedelta(seconds=30)
    for number, headers in enumerate(
        ([("ce_time", b"yesterday")], [], [("ce_time", changed.isoformat().replace("+00:00", "Z").encode())])
    ):
        await producer.send_and_wait(name, _thing(f"a{number}"), headers=headers)
    consumer = make(name)
    running(consumer)
    await _caught_up(consumer)
    assert 30 <= (REGISTRY.get_sample_value("vf_event_age_seconds", {"topic": name}) or 0) < 300
    assert (REGISTRY.get_sample_value("vf_consumer_batch_records_sum") or 0) >= 3


async def test_a_group_with_nothing_left_to_do_has_caught_up_at_once(
    make: Make, topic: Topic, producer: AIOKafkaProducer, running: Running
) -> None:
    name, empty = await topic("things", partitions=2), await topic("empty")
    await _send(producer, name, _thing("a"))
    first = make(name, empty)
    task = running(first)
    await _caught_up(first)
    task.cancel()
    await asyncio.wait([task])
    batches: list[int] = []

    async def count(session: AsyncSession, things: Sequence[Any]) -> None:
        batches.append(len(things))

    again = make(name, empty, apply=count)
    running(again)
    await _caught_up(again)
    assert batches == []


async def test_a_worker_has_not_caught_up_while_another_of_its_group_has_not(
    make: Make, topic: Topic, producer: AIOKafkaProducer, running: Running, told: Told, store: Apply
) -> None:
    name = await topic("things", partitions=2)
    for number in range(2):
        await producer.send_and_wait(name, _thing(f"p{number}"), key=b"k", partition=number)
    entered, gate = asyncio.Event(), asyncio.Event()

    async def behind_the_gate(session: AsyncSession, things: Sequence[Any]) -> None:
        entered.set()
        await gate.wait()
        await store(session, things)

    slow = make(name, apply=behind_the_gate)
    running(slow)
    await asyncio.wait_for(entered.wait(), 20)
    quick = make(name)
    running(quick)
    await told(slow, None)
    await told(quick, None)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(quick.caught_up.wait(), 1.5)
    gate.set()
    await _caught_up(quick)
    await _caught_up(slow)


async def test_the_lag_gauge_counts_what_is_not_processed_and_falls_to_zero(
    make: Make, topic: Topic, producer: AIOKafkaProducer, running: Running, store: Apply
) -> None:
    name = await topic("things")
    await _send(producer, name, *(_thing(f"n{number}") for number in range(30)))
    gate, calls = asyncio.Event(), 0

    async def behind_the_gate(session: AsyncSession, things: Sequence[Any]) -> None:
        await gate.wait()
        await store(session, things)

    def count() -> None:
        nonlocal calls
        calls += 1

    consumer = make(name, apply=behind_the_gate, after_batch=count)
    running(consumer)

    def lag() -> float | None:
        return REGISTRY.get_sample_value("vf_consumer_lag_records", {"topic": name, "partition": "0"})

    await eventually(lambda: lag() == 30, within=20)
    beat = consumer.beat
    assert calls == 0
    gate.set()
    await eventually(lambda: lag() == 0)
    assert calls == 1
    assert (REGISTRY.get_sample_value("vf_last_event_timestamp_seconds", {"topic": name}) or 0) > 1_700_000_000
    await eventually(lambda: consumer.beat > beat)


async def test_a_batch_that_hangs_shows_as_silence(
    make: Make, topic: Topic, producer: AIOKafkaProducer, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_room, "_GRACE_SECONDS", 0.1)
    name = await topic("things")
    await _send(producer, name, _thing("a"))
    entered = asyncio.Event()

    async def hang(session: AsyncSession, things: Sequence[Any]) -> None:
        entered.set()
        await asyncio.Event().wait()

    consumer = make(name, apply=hang)
    running(consumer)
    await asyncio.wait_for(entered.wait(), 20)
    beat = consumer.beat
    with pytest.raises(AssertionError):
        await eventually(lambda: consumer.beat > beat, within=1.5)
