"""How fast a consumer goes through a topic when nothing is applied, beside aiokafka alone."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiokafka import AIOKafkaConsumer
from sqlalchemy.ext.asyncio import AsyncSession

from bench.plumbing import apart, backlog
from bench.plumbing.apart import Ready
from bench.plumbing.ground import Ground
from bench.plumbing.meter import Meter, Pids, Spent
from bench.plumbing.relay import send_all
from bench.plumbing.rounds import Contender, Run, in_turn, told
from bench.plumbing.sizes import Sizes
from contracts import CareOfferingUpdated, reader
from kit import database
from kit.consumer import Consumer, Handler, Record

_BATCH = 4000
"""Records a look, the same for all."""


async def measure(ground: Ground, sizes: Sizes) -> dict[str, Any]:
    """Ours without and with our contract, and the ceiling, in turn. The backlog has been made."""
    topic = await ground.topic("consumed")
    await send_all(ground, topic, sizes.consumed_times)
    records = sizes.outbox_rows * sizes.consumed_times

    def taking(number: int, decoded: bool) -> Contender:
        return lambda: _turn(ground, topic, number, consume, decoded=decoded)

    contenders: dict[str, Contender] = {
        "ours": taking(records, decoded=False),
        "ceiling": lambda: _turn(ground, topic, records, read),
        "ours_with_contract": taking(sizes.outbox_rows, decoded=True),
    }
    return told(
        await in_turn("consumer", contenders, sizes.rounds),
        "events/s",
        records=records,
        value_bytes=backlog.VALUE_BYTES,
        ours_is="kit.consumer.Consumer in one process, from the first batch to the last; decode gives the value back",
        ours_with_contract_is="the same, each value decoded and checked by its contract",
        ceiling_is="aiokafka alone: getmany and a commit a batch, batches of the same size",
    )


async def _turn(ground: Ground, topic: str, records: int, work: Any, **arguments: Any) -> Run:
    group = f"bench-{time.time_ns()}"
    common = {"bootstrap": ground.kafka, "topic": topic, "group": group, "records": records, "pids": ground.pids()}
    if work is consume:
        common["database_url"] = ground.database_url(backlog.DATABASE)
    answer = await apart.done(ground.home, work, **common, **arguments)
    spent = Spent(**answer["spent"])
    return Run(round(answer["counted"] / spent.seconds), spent)


class _Count:
    """Counts from the end of the first batch, so that joining the group and the first fetch are left out."""

    def __init__(self, records: int, pids: Pids) -> None:
        self._left = records
        self._pids = pids
        self._meter: Meter | None = None
        self._counted = 0
        self.answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def add(self, number: int) -> None:
        self._left -= number
        if self._meter is None:
            self._meter = Meter({"ours": [os.getpid()], **self._pids})
            return
        self._counted += number
        if self._left <= 0 and not self.answer.done():
            self.answer.set_result({"counted": self._counted, "spent": asdict(self._meter.stop())})


async def consume(
    _: Ready, bootstrap: str, topic: str, group: str, records: int, database_url: str, decoded: bool, pids: Pids
) -> dict[str, Any]:
    """Apart: our consumer through the whole topic."""
    count = _Count(records, pids)

    def given(record: Record) -> bytes:
        return record.value

    async def apply(_: AsyncSession, events: Sequence[Any]) -> None:
        count.add(len(events))

    engine = database.connect(database_url)
    handler = Handler(reader(CareOfferingUpdated) if decoded else given, apply)
    consumer = Consumer(group, bootstrap, database.sessions(engine), {topic: handler})
    running = asyncio.create_task(consumer.run())
    await asyncio.wait({running, asyncio.ensure_future(count.answer)}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    running.cancel()
    await asyncio.wait([running])
    await engine.dispose()
    return count.answer.result()


async def read(_: Ready, bootstrap: str, topic: str, group: str, records: int, pids: Pids) -> dict[str, Any]:
    """Apart: aiokafka alone through the whole topic."""
    count = _Count(records, pids)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=_BATCH,
    )
    await consumer.start()
    try:
        while not count.answer.done():
            found = await consumer.getmany(timeout_ms=200, max_records=_BATCH)
            if found:
                await consumer.commit()
                count.add(sum(map(len, found.values())))
    finally:
        await consumer.stop()
    return await count.answer
