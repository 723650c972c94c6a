"""The consumer and bad records: parked as they came, one by one, and the rest goes on."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

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


def _counted(topic: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("vf_consumer_records_total", {"topic": topic, "outcome": outcome}) or 0


async def test_unreadable_records_are_parked_as_they_came_and_those_behind_them_are_processed(
    make: Make,
    topic: Topic,
    producer: AIOKafkaProducer,
    read: Read,
    running: Running,
    stored: Callable[[], Awaitable[dict[str, int]]],
    unique: str,
) -> None:
    name = await topic("things", partitions=2)
    await topic(f"things-parked-{unique}")
    faults: dict[bytes, tuple[bytes, list[tuple[str, Any]]]] = {
        b"garbage": (b"\xff\xfe\x00garbage", [("ce_type", b"thing"), ("null", None), ("latin", b"\xe5")]),
        b"empty": (b"", []),
        b"unknown": (_thing("x"), [("ce_type", b"another")]),
        b"deep": (b"[" * 100_000, []),
        b"surrogate": (b'{"id": "\\ud800", "version": "x"}', []),
        b"keyless": (b"{}", []),
    }
    for key, (value, headers) in faults.items():
        await producer.send_and_wait(name, value, key=key, headers=headers, partition=0)
    # Harmless ones: headers that break FastStream's own parser, and a tombstone.
    await producer.send_and_wait(name, _thing("null-header"), key=b"a", headers=[("x", None)], partition=0)
    await producer.send_and_wait(name, _thing("latin-header"), key=b"a", headers=[("x", b"\xe5\xe4")], partition=0)
    await producer.send_and_wait(name, None, key=b"gone", partition=0)
    await producer.send_and_wait(name, _thing("last"), key=b"a", partition=1)
    consumer = make(name)
    running(consumer)
    await _caught_up(consumer)
    assert set(await stored()) == {"null-header", "latin-header", "last"}
    parked = {record.key: record for record in await read(f"{name}-parked-{unique}")}
    assert set(parked) == set(faults)
    for offset, (key, (value, headers)) in enumerate(faults.items()):
        assert parked[key].value == value
        found = list(parked[key].headers)
        assert found[: len(headers)] == headers
        context = {name: value.decode() for name, value in found[len(headers) :]}
        assert context.pop("parked-at").endswith("+00:00")
        assert context.pop("parked-reason")
        assert context == {
            "parked-topic": name,
            "parked-partition": "0",
            "parked-offset": str(offset),
            "parked-group": unique,
        }
    assert (_counted(name, "parked"), _counted(name, "ignored"), _counted(name, "processed")) == (len(faults), 1, 3)


async def test_a_record_too_large_to_park_whole_is_parked_without_its_value(
    make: Make, topic: Topic, producer: AIOKafkaProducer, read: Read, running: Running, unique: str
) -> None:
    name = await topic("things", **{"max.message.bytes": "4000000"})
    await topic(f"things-parked-{unique}")
    await _send(producer, name, b"x" * 3_000_000, _thing("a"))
    consumer = make(name)
    running(consumer)
    await _caught_up(consumer)
    (parked,) = await read(f"{name}-parked-{unique}")
    assert parked.value == b""
    assert dict(parked.headers)["parked-value"] == b"left out: too large"
    assert dict(parked.headers)["parked-offset"] == b"0"


async def test_one_bad_row_in_a_big_batch_is_parked_alone_and_nothing_of_it_is_logged(
    make: Make,
    topic: Topic,
    producer: AIOKafkaProducer,
    read: Read,
    running: Running,
    stored: Callable[[], Awaitable[dict[str, int]]],
    thing: Table,
    unique: str,
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    name = await topic("things")
    await topic(f"things-parked-{unique}")

    async def choosy(session: AsyncSession, things: Sequence[Any]) -> None:
        for row in things:
            if row["id"] == "n77":
                raise ValueError(f"will not have {row['value']}")
            if row["id"] == "n500":
                raise TypeError(f"a mistake with {row['value']}")
            # Counts how often it has taken effect; the database refuses the value of n300.
            value = "x\0" if row["id"] == "n300" else row["value"]
            await session.execute(thing.insert(), {"id": row["id"], "version": 1, "value": value})

    await _send(producer, name, *(_thing(f"n{number}", value=f"secret-{number}") for number in range(600)))
    consumer = make(name, apply=choosy)
    running(consumer)
    await _caught_up(consumer)
    # Inserted, not upserted: twice in effect would have been a fault of its own.
    assert set(await stored()) == {f"n{number}" for number in range(600)} - {"n77", "n300", "n500"}
    parked = await read(f"{name}-parked-{unique}")
    assert [json.loads(record.value)["id"] for record in parked] == ["n77", "n300", "n500"]
    reasons = [dict(record.headers)["parked-reason"].decode() for record in parked]
    assert reasons[0] == "will not have secret-77"
    assert reasons[1:] == ["DBAPIError: see the service's log", "TypeError: see the service's log"]
    told = [line for line in log_lines() if line["event"] == "record parked"]
    assert [(line["offset"], line["why"].split()[0]) for line in told] == [
        (77, "ValueError"),
        (300, "DBAPIError"),
        (500, "TypeError"),
    ]
    assert "secret" not in str(log_lines())


async def test_a_sender_cannot_make_the_consumer_write_to_a_topic_of_the_senders_choice(
    make: Make, topic: Topic, producer: AIOKafkaProducer, read: Read, running: Running
) -> None:
    name, victim = await topic("things"), await topic("victim")
    headers = [("reply_to", victim.encode()), ("correlation_id", b"1")]
    await producer.send_and_wait(name, _thing("a"), key=b"a", headers=headers)
    consumer = make(name)
    running(consumer)
    await _caught_up(consumer)
    assert await read(victim) == []


async def test_a_parked_topic_that_is_missing_makes_the_consumer_wait_not_lose(
    make: Make, topic: Topic, producer: AIOKafkaProducer, read: Read, running: Running, told: Told, unique: str
) -> None:
    name = await topic("things")
    await _send(producer, name, b"garbage")
    consumer = make(name)
    running(consumer)
    await told(consumer, None)
    await topic(f"things-parked-{unique}")
    await _caught_up(consumer)
    assert [record.value for record in await read(f"{name}-parked-{unique}")] == [b"garbage"]
