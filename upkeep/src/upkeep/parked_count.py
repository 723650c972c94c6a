"""How many parked records are open, as a metric of the worker whose group parked them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import aclosing

import structlog
from aiokafka import TopicPartition
from prometheus_client import Gauge

from kit import parking
from upkeep.parked import verdict_of
from upkeep.reading import Unreachable, everything, spans

log = structlog.get_logger(__name__)

PARKED_RECORDS = Gauge("vf_parked_records", "Records parked, and neither redriven nor discarded yet", ["topic"])

_EVERY_SECONDS = 15.0


class ParkedCount:
    """Keeps `vf_parked_records` of one group up to date. Each look reads only what was added since the last one."""

    def __init__(self, group: str, bootstrap: str, topics: Iterable[str]) -> None:
        self._bootstrap = bootstrap
        self._topics = {parking.name(topic, group): topic for topic in topics}
        self._read: dict[TopicPartition, int] = {}
        self._open: dict[TopicPartition, set[int]] = defaultdict(set)

    async def run(self) -> None:
        """Until cancelled. While Kafka is away, or a parked topic, the last known number stands."""
        while True:
            try:
                await self.look()
            except Unreachable as error:
                log.warning("parked records not counted", reason=str(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Bring the metric up to date now. Raises Unreachable."""
        found = await spans(self._bootstrap, list(self._topics))
        for part, (begin, end) in found.items():
            if end < self._read.get(part, 0):  # made anew
                self._read[part], self._open[part] = 0, set()
            self._open[part] = {offset for offset in self._open[part] if offset >= begin}
        moved = {part: end for part, (begin, end) in found.items() if max(begin, self._read.get(part, 0)) < end}
        if moved:
            await self._read_on(sorted({part.topic for part in moved}))
            # The last offset need not be a record's.
            self._read |= {part: max(end, self._read.get(part, 0)) for part, end in moved.items()}
        for name, topic in self._topics.items():
            number = sum(len(offsets) for part, offsets in self._open.items() if part.topic == name)
            PARKED_RECORDS.labels(topic).set(number)

    async def _read_on(self, names: list[str]) -> None:
        async with aclosing(everything(self._bootstrap, names, after=dict(self._read))) as batches:
            async for batch in batches:
                part = TopicPartition(batch[0].topic, batch[0].partition)
                for record in batch:
                    if (verdict := verdict_of(record)) is None:
                        self._open[part].add(record.offset)
                    else:
                        self._open[TopicPartition(part.topic, verdict.partition)].discard(verdict.offset)
                self._read[part] = batch[-1].offset + 1
