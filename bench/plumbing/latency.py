"""From a commit to the topic and to a consumer at a steady rate, beside a bare producer at the same rate."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.plumbing import apart, backlog
from bench.plumbing.apart import Apart, Ready
from bench.plumbing.failed import BenchError
from bench.plumbing.ground import PARTITIONS, Ground
from bench.plumbing.meter import Meter
from bench.plumbing.rounds import Contender, Run, in_turn, told
from bench.plumbing.sizes import Sizes
from engines import eventually
from kit import database, kafka
from kit.outbox import Relay

_CONNECTIONS = 8
_INSERT = "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, headers) VALUES ($1, $2, $3, $4, $5, $6)"
_GRACE_SECONDS = 30.0


async def measure(ground: Ground, sizes: Sizes, peers: Mapping[str, Contender]) -> dict[str, Any]:
    """Ours, the ceiling and peers in turn. The backlog has been made."""
    contenders: dict[str, Contender] = {
        "ours": lambda: ours(ground, sizes),
        "ceiling": lambda: ceiling(ground, sizes),
        **peers,
    }
    return told(
        await in_turn("latency", contenders, sizes.latency_rounds),
        "ms, 99th percentile",
        more_is_better=False,
        commits_per_s=sizes.commits_per_s,
        seconds=sizes.latency_seconds - sizes.latency_skipped,
        connections=_CONNECTIONS,
        ours_is="from the writer seeing its commit of one row to a consumer having it; appended_: to the broker",
        ceiling_is="from giving a record to a bare producer to a consumer having it, at the same rate",
    )


async def ours(ground: Ground, sizes: Sizes) -> Run:
    """The relay's turn."""
    topic = await ground.topic("latency")
    url = ground.database_url(backlog.DATABASE)
    await ground.statements(backlog.DATABASE, "TRUNCATE outbox")
    async with apart.running(ground.home, relaying, database_url=url, bootstrap=ground.kafka) as relay:
        await relay.ready()
        return await committing(ground, sizes, topic, relay.pid)


async def committing(ground: Ground, sizes: Sizes, topic: str, relay: int) -> Run:
    """Commits at the rate, as a consumer sees them; a relay with this process id moves them to the topic."""
    return await _paced(ground, sizes, topic, commit, {"database_url": ground.database_url(backlog.DATABASE)}, relay)


async def ceiling(ground: Ground, sizes: Sizes) -> Run:
    """The bare producer's turn."""
    url = ground.database_url(backlog.DATABASE)
    arguments = {"database_url": url, "bootstrap": ground.kafka}
    return await _paced(ground, sizes, await ground.topic("latency-ceiling"), send, arguments, None)


async def _paced(
    ground: Ground,
    sizes: Sizes,
    topic: str,
    work: Callable[..., Awaitable[Any]],
    arguments: dict[str, Any],
    relay: int | None,
) -> Run:
    rate, count = sizes.commits_per_s, sizes.commits_per_s * sizes.latency_seconds
    receiving = apart.running(ground.home, receive, bootstrap=ground.kafka, topic=topic, count=count)
    async with receiving as receiver:
        await receiver.ready()
        writing = apart.running(ground.home, work, topic=topic, rate=rate, count=count, **arguments)
        async with writing as writer:
            await writer.ready()
            meter = Meter({"ours": [relay if relay is not None else writer.pid], **ground.pids()})
            written: list[float] = await writer.answer()
            spent = meter.stop()
        received = await _all(receiver, count)
    skipped = sizes.latency_skipped * rate
    pairs = [(at, *received[number]) for number, at in enumerate(written) if number >= skipped]
    there = _percentiles([1000 * (got - at) for at, _, got in pairs])
    appended = _percentiles([1000 * (put - at) for at, put, _ in pairs])
    achieved = round((len(pairs) - 1) / (max(at for at, *_ in pairs) - min(at for at, *_ in pairs)))
    more = {
        **there,
        **{f"appended_{name}": value for name, value in appended.items()},
        "achieved_per_s": achieved,
        "achieved_of_rate": round(achieved / rate, 2),
        "relay_share_of_a_core": round(spent.cpu["ours"] / spent.seconds, 3),
    }
    return Run(there["p99"], spent, more)


async def _all(receiver: Apart, count: int) -> list[tuple[float, float]]:
    # It has got them all a moment after the last was written, or never.
    try:
        found = await receiver.answer(_GRACE_SECONDS)
    except BenchError:
        found = await receiver.stop()
    missing = sum(one is None for one in found)
    if missing:
        raise BenchError(f"{missing} of {count} records were not received within {_GRACE_SECONDS:.0f} s")
    return [(put, got) for put, got in found]


def _percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(max(values), 1)}


async def relaying(ready: Ready, database_url: str, bootstrap: str) -> None:
    """Apart: a relay, until it is told to end; ready once it has looked into the outbox."""
    engine = database.connect(database_url)
    relay = Relay(engine, bootstrap)
    running = asyncio.create_task(relay.run())
    try:
        await eventually(lambda: relay.empty or running.done(), within=60)
        ready()
        await running
    finally:
        running.cancel()
        await asyncio.wait([running])
        await engine.dispose()


async def receive(ready: Ready, bootstrap: str, topic: str, count: int) -> list[tuple[float, float] | None]:
    """Apart: when the broker took each record and when it was here, in the order of their keys, which are numbers."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    found: list[tuple[float, float] | None] = [None] * count
    left = count
    try:
        parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        await consumer.end_offsets(parts)
        ready()
        while left:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                now = time.time()
                for record in records:
                    left -= found[int(record.key)] is None
                    found[int(record.key)] = found[int(record.key)] or (record.timestamp / 1000, now)
    except asyncio.CancelledError:
        # Told that no more will come: what there is will be the answer.
        return found
    finally:
        await consumer.stop()
    return found


async def commit(ready: Ready, database_url: str, topic: str, rate: int, count: int) -> list[float]:
    """Apart: commit single rows at the rate from several connections; when each commit was seen."""
    # The driver alone: with an ORM in between, two cores would measure the writer.
    pool = [await asyncpg.connect(database_url, ssl=None) for _ in range(_CONNECTIONS)]
    rows = await pool[0].fetch("SELECT type, payload, headers FROM backlog ORDER BY n LIMIT 5000")
    statements = [await connection.prepare(_INSERT) for connection in pool]
    ready()
    seen = [0.0] * count
    due = _due(count, rate)

    async def work(statement: Any) -> None:
        for number, at in due:
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            kind, payload, headers = rows[number % len(rows)]
            await statement.fetch(uuid4(), topic, str(number), kind, payload, headers)
            seen[number] = time.time()

    await asyncio.gather(*map(work, statements))
    for connection in pool:
        await connection.close()
    return seen


async def send(ready: Ready, database_url: str, bootstrap: str, topic: str, rate: int, count: int) -> list[float]:
    """Apart: send single records at the rate with a bare producer; when each was given to it."""
    connection = await asyncpg.connect(database_url, ssl=None)
    rows = await connection.fetch("SELECT payload FROM backlog ORDER BY n LIMIT 5000")
    await connection.close()
    producer = kafka.producer(bootstrap)
    await producer.start()
    ready()
    given = [0.0] * count
    for number, at in _due(count, rate):
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        given[number] = time.time()
        await producer.send(topic, rows[number % len(rows)]["payload"], key=str(number).encode())
    await producer.flush()
    await producer.stop()
    return given


def _due(count: int, rate: int) -> Iterator[tuple[int, float]]:
    """The numbers from 0 and when each is due, by the monotonic clock. What is late is done at once."""
    begin = time.monotonic() + 0.1
    return ((number, begin + number / rate) for number in range(count))
