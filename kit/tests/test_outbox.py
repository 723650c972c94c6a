"""The outbox and its relay: what is committed is sent, in order per key, whatever goes away in between."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine

import engines
from engines import eventually
from kit import database, outbox
from kit.outbox import Relay
from upkeep.topics import create_topics

pytestmark = pytest.mark.engine

Topic = Callable[..., Awaitable[str]]
Read = Callable[..., Awaitable[list[Any]]]
Running = Callable[[Any], asyncio.Task[None]]


@dataclass(frozen=True)
class Event:
    topic: str
    key: str
    value: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"ce_type": "thing-changed"})
    event_id: str = field(default_factory=lambda: str(uuid4()))


async def _write(engine: AsyncEngine, *events: Event) -> None:
    async with database.sessions(engine).begin() as session:
        await outbox.add(session, events)


async def _rows(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM outbox")) or 0)


async def _sent(engine: AsyncEngine, within: float = 10.0) -> None:
    async def empty() -> bool:
        return await _rows(engine) == 0

    await eventually(empty, within=within)


def _values(records: list[Any], key: str) -> list[int]:
    return [int(record.value) for record in records if record.key == key.encode()]


async def test_a_committed_row_appears_with_key_and_headers_and_a_rolled_back_one_never(
    engine: AsyncEngine, kafka_address: str, topic: Topic, read: Read, running: Running
) -> None:
    name = await topic("facts")
    headers = {"ce_type": "thing-changed", "ce_time": "2026-01-01T00:00:00Z", "note": "åäö"}
    async with database.sessions(engine)() as session:
        await outbox.add(session, [Event(name, "a", b"rolled back")])
        await session.rollback()
    await _write(engine, Event(name, "a/å", b'{"x": 1}', headers))
    running(Relay(engine, kafka_address))
    await _sent(engine)
    (record,) = await read(name)
    assert (record.key, record.value) == ("a/å".encode(), b'{"x": 1}')
    assert {key: value.decode() for key, value in record.headers} == headers


async def test_order_per_key_is_the_order_of_commits_under_concurrent_writers(
    engine: AsyncEngine, thing: Table, kafka_address: str, topic: Topic, read: Read, running: Running
) -> None:
    name = await topic("facts", partitions=3)
    keys = [f"k{number}" for number in range(4)]
    async with engine.begin() as connection:
        await connection.execute(thing.insert(), [{"id": key, "version": 0} for key in keys])
    running(Relay(engine, kafka_address))

    async def writer(number: int) -> None:
        for turn in range(25):
            key = keys[(number + turn) % len(keys)]
            async with database.sessions(engine).begin() as session:
                row = (await session.execute(thing.select().where(thing.c.id == key).with_for_update())).one()
                await outbox.add(session, [Event(name, key, str(row.version + 1).encode())])
                await session.execute(thing.update().where(thing.c.id == key).values(version=row.version + 1))

    await asyncio.gather(*(writer(number) for number in range(8)))
    await _sent(engine)
    records = await read(name)
    for key in keys:
        assert _values(records, key) == list(range(1, 51))


async def test_a_row_that_commits_late_with_a_low_number_is_not_skipped(
    engine: AsyncEngine, kafka_address: str, topic: Topic, read: Read, running: Running
) -> None:
    name = await topic("facts")
    running(Relay(engine, kafka_address))
    async with database.sessions(engine).begin() as slow:
        await outbox.add(slow, [Event(name, "slow", b"1")])
        await _write(engine, Event(name, "quick", b"2"))
        await _sent(engine)
    await _sent(engine)
    assert [record.key for record in await read(name)] == [b"quick", b"slow"]


async def test_a_relay_stopped_and_started_again_loses_nothing(
    engine: AsyncEngine, kafka_address: str, topic: Topic, read: Read, running: Running
) -> None:
    name = await topic("facts")
    for part in range(3):
        relay = Relay(engine, kafka_address)
        task = running(relay)
        await eventually(lambda relay=relay: relay.empty)
        await _write(engine, *(Event(name, "a", str(part * 3000 + number).encode()) for number in range(3000)))

        async def begun() -> bool:
            return await _rows(engine) < 3000

        await eventually(begun)
        task.cancel()
        await asyncio.wait([task])
    running(Relay(engine, kafka_address))
    await _sent(engine)
    seen = _values(await read(name), "a")
    # At least once: a batch may be repeated as a whole, never out of order within itself and never in part.
    assert sorted(set(seen)) == list(range(9000))
    first_seen = list(dict.fromkeys(seen))
    assert first_seen == sorted(first_seen)


async def _holders(engine: AsyncEngine) -> list[int]:
    async with engine.connect() as connection:
        query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"  # noqa: E501
        return list((await connection.scalars(text(query))).all())


async def test_of_two_relays_one_is_active_and_the_other_takes_over_when_its_connection_dies(
    url: str,
    engine: AsyncEngine,
    kafka_address: str,
    topic: Topic,
    read: Read,
    running: Running,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "_STANDBY_SECONDS", 0.05)
    name = await topic("facts")
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE ROLE {unique} LOGIN SUPERUSER"))
    pools = [database.connect(address, pool_size=2) for address in (url.replace("postgres@", f"{unique}@"), url)]
    relays = [Relay(pool, kafka_address) for pool in pools]
    tasks = [running(relays[0])]
    (first,) = await eventually(lambda: _holders(engine))
    tasks.append(running(relays[1]))
    await eventually(lambda: relays[0].empty)
    beat = relays[1].beat
    await eventually(lambda: relays[1].beat > beat + 0.1)
    assert await _holders(engine) == [first]
    # Nothing waits to be sent: the one that stands by is as ready as the other.
    await eventually(lambda: relays[1].empty)
    await _write(engine, *(Event(name, "a", str(number).encode()) for number in range(100)))
    async with engine.begin() as connection:
        # The first one shall not be quicker to come back.
        await connection.execute(text(f"ALTER ROLE {unique} NOLOGIN"))
        await connection.execute(text("COMMIT"))
        await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
    await _write(engine, *(Event(name, "a", str(number).encode()) for number in range(100, 200)))
    await _sent(engine)
    assert first not in await _holders(engine)
    assert not tasks[0].done()
    assert list(dict.fromkeys(_values(await read(name), "a"))) == list(range(200))
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    for pool in pools:
        await pool.dispose()
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP ROLE {unique}"))


async def test_a_stopped_relay_leaves_the_lock_to_the_next_at_once(
    engine: AsyncEngine, kafka_address: str, running: Running
) -> None:
    relay = Relay(engine, kafka_address)
    task = running(relay)
    await eventually(lambda: relay.empty)
    assert await _holders(engine)
    task.cancel()
    await asyncio.wait([task])

    async def free() -> bool:
        return await _holders(engine) == []

    await eventually(free)


async def test_while_no_broker_answers_rows_wait_the_gauges_tell_and_the_loop_lives(
    engine: AsyncEngine,
    silent_port: str,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    monkeypatch.setattr(outbox, "_SAMPLE_SECONDS", 0.0)
    await _write(engine, *(Event("anything", "a", b"1") for _ in range(3)))
    failures = REGISTRY.get_sample_value("vf_outbox_failures_total") or 0
    relay = Relay(engine, silent_port)
    running(relay)
    await eventually(lambda: (REGISTRY.get_sample_value("vf_outbox_failures_total") or 0) >= failures + 2)
    assert REGISTRY.get_sample_value("vf_outbox_rows") == 3
    assert (REGISTRY.get_sample_value("vf_outbox_oldest_seconds") or 0) > 0
    assert await _rows(engine) == 3
    assert not relay.empty
    beat = relay.beat
    await eventually(lambda: relay.beat > beat)
    assert any(line["event"] == "outbox relay starts over" for line in log_lines())


async def test_an_event_too_large_for_any_broker_is_refused_with_the_change_it_tells_of(
    engine: AsyncEngine, thing: Table
) -> None:
    async def change() -> None:
        async with database.sessions(engine).begin() as session:
            await session.execute(thing.insert().values(id="a", version=1))
            await outbox.add(session, [Event("facts", "a", b"x" * 1_000_001)])

    with pytest.raises(outbox.TooLarge, match="facts: 1000001 bytes, at most 1000000 can be sent"):
        await change()
    async with engine.connect() as connection:
        assert (await connection.execute(thing.select())).all() == []
    assert await _rows(engine) == 0


async def test_a_record_its_topic_refuses_holds_back_those_behind_it_and_the_log_names_its_row(
    engine: AsyncEngine,
    kafka_address: str,
    topic: Topic,
    read: Read,
    running: Running,
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    name = await topic("facts", **{"max.message.bytes": "1000"})
    await _write(engine, Event(name, "a", b"1"), Event(name, "a", os.urandom(5000)), Event(name, "b", b"2"))
    running(Relay(engine, kafka_address))

    def told() -> list[dict[str, Any]]:
        return [line for line in log_lines() if line["event"] == "record not acknowledged"]

    line = (await eventually(told))[0]
    assert (line["level"], line["topic"]) == ("error", name)
    assert line["reason"].startswith("MessageSizeTooLargeError")
    assert await _rows(engine) >= 2
    # An operator takes it away, and what is behind it goes on.
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM outbox WHERE length(payload) = 5000"))
    await _sent(engine, within=30)
    first_seen = list(dict.fromkeys(record.value for record in await read(name)))
    assert first_seen == [b"1", b"2"]


async def test_a_backlog_of_several_batches_is_sent_in_order_and_late_rows_are_found_behind_it(
    engine: AsyncEngine, kafka_address: str, topic: Topic, read: Read, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_BATCHES", 3)
    name = await topic("facts", partitions=3)
    async with database.sessions(engine).begin() as slow:
        await outbox.add(slow, [Event(name, "late", b"0")])
        for part in range(9):
            await _write(
                engine,
                *(
                    Event(name, f"k{number % 7}", str(number).encode())
                    for number in range(part * 1000, part * 1000 + 1000)
                ),
            )
        running(Relay(engine, kafka_address))
        await _sent(engine)
    await _sent(engine)
    records = await read(name)
    assert len(records) == 9001
    for key in range(7):
        assert _values(records, f"k{key}") == list(range(key, 9000, 7))
    assert _values(records, "late") == [0]


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_broker_killed_under_writers_costs_no_row_and_no_order(
    engine: AsyncEngine, tmp_path: Path, read: Read, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("KAFKA_BOOTSTRAP", "ENGINES_PROVIDER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(outbox, "_SAMPLE_SECONDS", 0.1)
    with await asyncio.to_thread(engines.start, ["kafka"], home=tmp_path / "engines") as own:
        address = str(own.addresses.kafka)
        await create_topics(address, [{"name": "facts", "partitions": 2, "config": {}}])
        relay = Relay(engine, address)
        sending = running(relay)
        for number in range(600):
            if number == 200:
                await eventually(lambda: relay.empty)
                await asyncio.to_thread(own.kill, "kafka")
            await _write(engine, Event("facts", f"k{number % 5}", str(number).encode()))
        # A relay that waits for its broker still goes round, and the waiting rows are counted.
        await eventually(lambda: REGISTRY.get_sample_value("vf_outbox_rows") == 400, within=30)
        beat = relay.beat
        await eventually(lambda: relay.beat > beat, within=20)
        # It can be stopped while its broker is away, and another goes on.
        sending.cancel()
        await asyncio.wait([sending], timeout=15)
        assert sending.done()
        running(Relay(engine, address))
        await asyncio.to_thread(own.restart, "kafka")
        await _sent(engine, within=45)
        records = await read("facts", address)
    for key in range(5):
        first_seen = list(dict.fromkeys(_values(records, f"k{key}")))
        assert first_seen == list(range(key, 600, 5))
