"""Reading topics as they stand, outside any consumer group: nothing is committed, nobody's place moves."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

Raw: TypeAlias = ConsumerRecord[Any, Any]
Span = tuple[int, int]
"""The offset of the first record there is, and the one behind the last."""

BATCH = 2000
"""Records in one batch at most."""

_SILENCE_SECONDS = 8.0
_ROUND_MS = 200


class Unreachable(RuntimeError):
    """A topic cannot be read: it does not exist, or the broker does not answer. Told in one line."""


async def everything(
    bootstrap: str,
    topics: Sequence[str],
    *,
    after: Mapping[TopicPartition, int] | None = None,
    seen: Callable[[int, int], None] = lambda read, of: None,
) -> AsyncGenerator[list[Raw], None]:
    """All records of the topics up to the ends noted at the start, in batches, each of one partition and in order.

    `after` gives the offset to begin with where it is not the earliest; `seen(read, of)` tells how far it is, in
    offsets. Raises Unreachable, at the latest after 8 s without an answer. Leave it early only through `aclosing`.
    """
    async with _connected(bootstrap) as consumer:
        spans = await _spans(consumer, topics)
        start = {part: max(begin, (after or {}).get(part, begin)) for part, (begin, _) in spans.items()}
        unread = {part: end for part, (_, end) in spans.items() if start[part] < end}
        of = sum(end - start[part] for part, end in unread.items())
        seen(0, of)
        consumer.assign(list(unread))
        for part in unread:
            consumer.seek(part, start[part])
        at, silent = dict(start), 0
        while unread:
            with _answering(f"Kafka at {bootstrap}"):
                async with asyncio.timeout(_SILENCE_SECONDS):
                    found = await consumer.getmany(timeout_ms=_ROUND_MS, max_records=BATCH)
                    places = {part: await consumer.position(part) for part in unread}
            # Compaction, transactions and retention leave gaps: the place tells how far it is, no count of records.
            silent = silent + 1 if all(places[part] == at[part] for part in unread) else 0
            if silent * _ROUND_MS > _SILENCE_SECONDS * 1000:
                names = ", ".join(sorted({part.topic for part in unread}))
                raise Unreachable(f"{names}: no more records came for {_SILENCE_SECONDS:.0f} s")
            at |= places
            ends = dict(unread)
            if done := [part for part, end in unread.items() if at[part] >= end]:
                for part in done:
                    del unread[part]
                consumer.pause(*done)
            for part, records in found.items():
                # A partition that is done may still deliver what was fetched before it was paused.
                if batch := [record for record in records if part in ends and record.offset < ends[part]]:
                    yield batch
            left = sum(max(0, end - at[part]) for part, end in unread.items())
            seen(of - left, of)


async def one(bootstrap: str, topic: str, partition: int, offset: int) -> Raw | None:
    """The record at a place, or None when it is not there any more. Raises Unreachable."""
    part = TopicPartition(topic, partition)
    async with _connected(bootstrap) as consumer:
        spans = await _spans(consumer, [topic])
        begin, end = spans.get(part, (0, 0))
        if not begin <= offset < end:
            return None
        consumer.assign([part])
        consumer.seek(part, offset)
        until = time.monotonic() + _SILENCE_SECONDS
        while time.monotonic() < until:
            with _answering(f"Kafka at {bootstrap}"):
                async with asyncio.timeout(_SILENCE_SECONDS):
                    found = await consumer.getmany(part, timeout_ms=_ROUND_MS, max_records=1)
                    place = await consumer.position(part)
            for record in found.get(part, []):
                return record if record.offset == offset else None
            if place > offset:
                return None
    raise Unreachable(f"{topic}: no record came for {_SILENCE_SECONDS:.0f} s")


async def spans(bootstrap: str, topics: Sequence[str]) -> dict[TopicPartition, Span]:
    """What there is to read of each partition of the topics now. Raises Unreachable."""
    async with _connected(bootstrap) as consumer:
        return await _spans(consumer, topics)


@asynccontextmanager
async def _connected(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=int(_SILENCE_SECONDS * 1000),
        fetch_max_wait_ms=_ROUND_MS,
    )
    try:
        with _answering(f"Kafka at {bootstrap}"):
            async with asyncio.timeout(_SILENCE_SECONDS):
                await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _spans(consumer: AIOKafkaConsumer, topics: Sequence[str]) -> dict[TopicPartition, Span]:
    with _answering("Kafka"):
        async with asyncio.timeout(_SILENCE_SECONDS):
            there = await consumer.topics()
            if absent := sorted(set(topics) - there):
                raise Unreachable(f"{', '.join(absent)}: no such topic, or it may not be read")
            # Only the names are known so far; asking for a topic that is absent could create it.
            await consumer._client.set_topics(topics)
            parts = [
                TopicPartition(topic, number)
                for topic in topics
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            begins = await consumer.beginning_offsets(parts)
            ends = await consumer.end_offsets(parts)
    return {part: (begins[part], ends[part]) for part in parts}


@contextmanager
def _answering(whom: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise Unreachable(f"{whom} does not answer within {_SILENCE_SECONDS:.0f} s") from None
    except (KafkaError, OSError) as error:
        if isinstance(error, KafkaConnectionError | OSError):
            raise Unreachable(f"{whom} cannot be reached") from None
        raise Unreachable(f"{whom}: {(str(error) or type(error).__name__).splitlines()[0]}") from None
