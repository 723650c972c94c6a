"""How fast a relay empties an outbox, beside aiokafka alone sending the same records from memory."""

import asyncio
import gc
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import asyncpg
import orjson

from bench.plumbing import apart, backlog
from bench.plumbing.apart import Ready
from bench.plumbing.failed import BenchError
from bench.plumbing.ground import Ground
from bench.plumbing.meter import Meter, Pids, Spent
from bench.plumbing.rounds import Contender, Run, in_turn, told
from bench.plumbing.sizes import Sizes
from kit import database, kafka
from kit.outbox import Relay


async def measure(ground: Ground, sizes: Sizes, peers: Mapping[str, Contender]) -> dict[str, Any]:
    """Ours, the ceiling and peers in turn. The backlog has been made."""
    contenders: dict[str, Contender] = {
        "ours": lambda: ours(ground, sizes.outbox_rows),
        "ceiling": lambda: ceiling(ground, sizes.outbox_rows),
        **peers,
    }
    return told(
        await in_turn("relay", contenders, sizes.rounds, warm=sizes.warm_rounds),
        "rows/s",
        rows=sizes.outbox_rows,
        value_bytes=backlog.VALUE_BYTES,
        ours_is="kit.outbox.Relay in a process of its own, from its start to the outbox being empty",
        ceiling_is="aiokafka alone with the same producer settings, keys, values and headers, from memory",
    )


async def ours(ground: Ground, rows: int, times: int = 1) -> Run:
    """The relay's turn."""
    topic = await ground.topic("relay")
    await backlog.commit(ground, topic, rows, times)
    url = ground.database_url(backlog.DATABASE)
    spent = await apart.done(ground.home, drain, database_url=url, bootstrap=ground.kafka, pids=ground.pids())
    return await run_of(ground, topic, rows * times, Spent(**spent))


async def ceiling(ground: Ground, rows: int) -> Run:
    """The bare producer's turn."""
    topic = await ground.topic("ceiling")
    spent = await send_all(ground, topic)
    return await run_of(ground, topic, rows, spent)


async def send_all(ground: Ground, topic: str, times: int = 1) -> Spent:
    """Put the backlog on a topic, from memory, so many times over."""
    url = ground.database_url(backlog.DATABASE)
    arguments = {"database_url": url, "bootstrap": ground.kafka, "topic": topic, "times": times}
    return Spent(**await apart.done(ground.home, send, **arguments, pids=ground.pids()))


async def run_of(ground: Ground, topic: str, rows: int, spent: Spent, more: Mapping[str, float] | None = None) -> Run:
    """A turn as told by its topic: all rows must be there, once each."""
    times = await ground.appended(topic)
    if len(times) != rows:
        raise BenchError(f"{len(times)} records on {topic}, {rows} were to be sent")

    def between(begin: float, end: float) -> float:
        seconds = times[int(end * (rows - 1))] - times[int(begin * (rows - 1))]
        return round((end - begin) * rows / max(seconds, 0.001))

    tenths = {"from_10_to_90_percent": between(0.1, 0.9), "first_fifth": between(0, 0.2), "last_fifth": between(0.8, 1)}
    return Run(round(rows / spent.seconds), spent, {**tenths, **(more or {})})


async def drain(_: Ready, database_url: str, bootstrap: str, pids: Pids) -> dict[str, Any]:
    """Apart: a relay, from its start until it finds nothing more to send; what it took."""
    engine = database.connect(database_url)
    relay = Relay(engine, bootstrap)
    meter = Meter({"ours": [os.getpid()], **pids})
    running = asyncio.create_task(relay.run())
    while not relay.empty and not running.done():  # noqa: ASYNC110 a relay has no event for it
        await asyncio.sleep(0.005)
    spent = meter.stop()
    if running.done():
        running.result()
    running.cancel()
    await asyncio.wait([running])
    await engine.dispose()
    return asdict(spent)


async def send(_: Ready, database_url: str, bootstrap: str, topic: str, times: int, pids: Pids) -> dict[str, Any]:
    """Apart: read the backlog into memory, then send it all with a bare producer; what the sending took."""
    connection = await asyncpg.connect(database_url, ssl=None)
    rows = await connection.fetch("SELECT aggregateid, payload, headers::text FROM backlog ORDER BY n")
    await connection.close()
    records = [
        (key.encode(), value, [(name, text.encode()) for name, text in orjson.loads(headers).items()])
        for key, value, headers in rows
    ]
    del rows
    # A relay holds few rows at a time: the collector is not to look through these again and again.
    gc.collect()
    gc.freeze()
    producer = kafka.producer(bootstrap)
    meter = Meter({"ours": [os.getpid()], **pids})
    await producer.start()
    for _time in range(times):
        for key, value, headers in records:
            await producer.send(topic, value, key=key, headers=headers)
    await producer.flush()
    spent = meter.stop()
    await producer.stop()
    return asdict(spent)
