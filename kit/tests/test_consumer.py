"""The consumer and what goes away: PostgreSQL, Kafka, its own process. Nothing is lost."""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

import engines
from engines import eventually
from kit import consumer as consumer_room
from kit.consumer import Consumer
from upkeep.topics import create_topics

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


async def test_a_batch_that_was_not_committed_comes_again_to_the_next_consumer(
    make: Make,
    topic: Topic,
    producer: AIOKafkaProducer,
    running: Running,
    store: Apply,
    stored: Callable[[], Awaitable[dict[str, int]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer_room, "_GRACE_SECONDS", 0.1)
    name = await topic("things")
    await _send(producer, name, _thing("a"), _thing("b"))
    entered = asyncio.Event()

    async def hang(session: AsyncSession, things: Sequence[Any]) -> None:
        await store(session, things)
        entered.set()
        await asyncio.Event().wait()

    first = make(name, apply=hang)
    task = running(first)
    await asyncio.wait_for(entered.wait(), 20)
    assert not first.caught_up.is_set()
    task.cancel()
    await asyncio.wait([task])
    assert await stored() == {}
    second = make(name)
    running(second)
    await _caught_up(second)
    assert await stored() == {"a": 1, "b": 1}


async def test_a_stop_finishes_the_batch_at_hand_and_commits_it(
    make: Make,
    topic: Topic,
    producer: AIOKafkaProducer,
    running: Running,
    store: Apply,
    stored: Callable[[], Awaitable[dict[str, int]]],
) -> None:
    name = await topic("things")
    await _send(producer, name, _thing("a"))
    entered, go_on = asyncio.Event(), asyncio.Event()
    batches: list[int] = []

    async def slow(session: AsyncSession, things: Sequence[Any]) -> None:
        batches.append(len(things))
        await store(session, things)
        entered.set()
        await go_on.wait()

    task = running(make(name, apply=slow))
    await asyncio.wait_for(entered.wait(), 20)
    task.cancel()
    await asyncio.wait([task], timeout=0.2)
    assert not task.done()
    go_on.set()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    assert await stored() == {"a": 1}
    again = make(name, apply=slow)
    running(again)
    await _caught_up(again)
    assert batches == [1]


async def test_while_postgresql_is_away_the_consumer_waits_parks_nothing_and_then_goes_on(
    make: Make,
    topic: Topic,
    producer: AIOKafkaProducer,
    read: Read,
    running: Running,
    told: Told,
    store: Apply,
    stored: Callable[[], Awaitable[dict[str, int]]],
    unique: str,
) -> None:
    name = await topic("things")
    await topic(f"things-parked-{unique}")
    attempts, away = 0, True

    async def cut_off(session: AsyncSession, things: Sequence[Any]) -> None:
        nonlocal attempts
        attempts += 1
        await store(session, things)
        if away:
            # Its own connection is terminated: what a restart of the server looks like from here.
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await _send(producer, name, *(_thing(f"n{number}") for number in range(20)))
    consumer = make(name, apply=cut_off)
    running(consumer)
    begun = asyncio.get_running_loop().time()
    await told(consumer, "waiting for postgresql")
    await eventually(lambda: attempts >= 3)
    lag = await eventually(
        lambda: REGISTRY.get_sample_value("vf_consumer_lag_records", {"topic": name, "partition": "0"})
    )
    assert lag == 20
    seconds = asyncio.get_running_loop().time() - begun
    # Pauses of 0.1, 0.2, 0.4, ... s: few attempts, however long it takes.
    assert attempts <= 4 + seconds
    assert await stored() == {}
    assert not consumer.caught_up.is_set()
    away = False
    await _caught_up(consumer)
    assert await consumer.ready() is None
    assert len(await stored()) == 20
    assert await read(f"{name}-parked-{unique}") == []


async def test_tables_that_are_not_there_yet_are_waited_for(
    make: Make,
    topic: Topic,
    producer: AIOKafkaProducer,
    running: Running,
    told: Told,
    engine: AsyncEngine,
    thing: Table,
) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(thing.drop)
    name = await topic("things")
    await _send(producer, name, _thing("a"))
    consumer = make(name)
    running(consumer)
    await told(consumer, "waiting for postgresql")
    async with engine.begin() as connection:
        await connection.run_sync(thing.create)
    await _caught_up(consumer)


@pytest.mark.slow
async def test_a_new_worker_takes_over_from_one_that_was_killed(
    make: Make,
    topic: Topic,
    producer: AIOKafkaProducer,
    running: Running,
    stored: Callable[[], Awaitable[dict[str, int]]],
    kafka_address: str,
    unique: str,
) -> None:
    name = await topic("things")
    await _send(producer, name, _thing("a"))
    program = f"""
import asyncio
from kit import database
from kit.consumer import Consumer, Handler

async def hang(session, things):
    print("at hand", flush=True)
    await asyncio.Event().wait()

handlers = {{{name!r}: Handler(lambda record: record, hang)}}
engine = database.connect("postgresql://postgres@nowhere/any")
asyncio.run(Consumer({unique!r}, {kafka_address!r}, database.sessions(engine), handlers).run())
"""
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert killed.stdout is not None
    assert await asyncio.wait_for(killed.stdout.readline(), 20) == b"at hand\n"
    killed.kill()
    await killed.wait()
    # The broker keeps the dead one's place for its session (10 s); waiting for it is neither a fault nor silence.
    consumer = make(name)
    running(consumer)
    beats: set[float] = set()
    unready: set[str | None] = set()

    async def caught_up() -> bool:
        beats.add(consumer.beat)
        unready.add(await consumer.ready())
        return consumer.caught_up.is_set()

    await eventually(caught_up, within=25)
    assert len(beats) > 5
    assert unready <= {None, "no partitions assigned yet"}
    assert await stored() == {"a": 1}


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_broker_that_goes_and_comes_back_makes_the_consumer_unready_and_then_go_on(
    make: Make,
    stored: Callable[[], Awaitable[dict[str, int]]],
    running: Running,
    told: Told,
    tmp_path: Path,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("KAFKA_BOOTSTRAP", "ENGINES_PROVIDER"):
        monkeypatch.delenv(variable, raising=False)
    # Only that nobody listens can be told in time.
    monkeypatch.setattr(consumer_room, "_ANSWER_SECONDS", 60.0)
    with await asyncio.to_thread(engines.start, ["kafka"], home=tmp_path / "engines") as own:
        address = str(own.addresses.kafka)
        rows = [{"name": name, "partitions": 1, "config": {}} for name in ("things", f"things-parked-{unique}")]
        await create_topics(address, rows)
        consumer = make("things", bootstrap=address)
        running(consumer)
        await _caught_up(consumer)
        await asyncio.to_thread(own.kill, "kafka")
        await told(consumer, "waiting for kafka")
        beat = consumer.beat
        await eventually(lambda: consumer.beat > beat)
        await asyncio.to_thread(own.restart, "kafka")
        async with AIOKafkaProducer(bootstrap_servers=address) as producer:
            await _send(producer, "things", b"garbage", _thing("a"))

        async def processed() -> bool:
            return await stored() == {"a": 1} and await consumer.ready() is None

        await eventually(processed, within=40)


async def test_without_a_broker_the_consumer_tells_so_and_stops_when_asked(
    make: Make, silent_port: str, running: Running, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiokafka")
    consumer = make("any", bootstrap=silent_port)
    task = running(consumer)
    await told(consumer, "waiting for kafka")
    beat = consumer.beat
    await eventually(lambda: consumer.beat > beat)
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
