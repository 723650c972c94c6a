"""One batch subscriber per service over all its topics: decode, one transaction per batch, commit offsets after it.

Bad records go to `TOPIC-parked-GROUP` and the rest goes on; an engine that is away makes the consumer wait.
"""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy.ext.asyncio import AsyncSession

from kit import kafka, telemetry
from kit.database import Sessions, is_transient
from kit.logging import where

log = structlog.get_logger(__name__)

_MAX_RECORDS = 1000
# Well below max_poll_interval_ms (5 minutes): a batch that cannot be done is given back to be fetched again.
_LONGEST_WAIT_SECONDS = 120.0
_LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Record:
    """One record as it arrived: headers are text, undecodable ones left out; `at` is the broker's time."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]
    at: datetime


@dataclass(frozen=True)
class Handler:
    """What a service does with one topic.

    `decode` raises ValueError for a record that can never be read. `apply` gets a batch in order and works in the
    transaction it is given; it must be harmless to repeat, and raises ValueError for data it can never accept.
    """

    decode: Callable[[Record], Any]
    apply: Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]


class Consumer:
    """A consumer group of this service. `group` is the service's name, `handlers` say what is done per topic."""

    def __init__(
        self,
        group: str,
        bootstrap: str,
        sessions: Sessions,
        handlers: Mapping[str, Handler],
        *,
        after_batch: Callable[[], None] = lambda: None,
    ) -> None:
        self._group = group
        self._bootstrap = bootstrap
        self._sessions = sessions
        self._handlers = dict(handlers)
        self._after_batch = after_batch
        self._parking: AIOKafkaProducer | None = None
        self._awaited: dict[TopicPartition, int] | None = None
        self.caught_up = asyncio.Event()
        """Set once everything that was on the topics at start-up has been processed."""
        self.waiting_for: str | None = None
        """Why processing stands still, for readiness; None while it goes on."""
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""
        self._broker = KafkaBroker(
            bootstrap, logger=None, allow_auto_create_topics=False, client_id=group, graceful_timeout=15.0
        )
        self._subscriber = self._broker.subscriber(
            *self._handlers,
            group_id=group,
            batch=True,
            max_records=_MAX_RECORDS,
            batch_timeout_ms=200,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=_sanitise,
            decoder=_leave,
        )
        self._subscriber(self._on_batch)

    @property
    def assigned(self) -> bool:
        """True when the group has given this process partitions."""
        consumer = self._subscriber.consumer
        return consumer is not None and bool(consumer.assignment())

    async def run(self) -> None:
        """Consume until cancelled, then finish the batch at hand."""
        while True:
            try:
                await self._broker.start()
                break
            except (KafkaError, OSError, TimeoutError) as error:
                self.waiting_for = "kafka"
                log.warning("kafka cannot be reached", reason=type(error).__name__)
                await self._broker.stop()
                await asyncio.sleep(1)
        self.waiting_for = None
        try:
            while True:
                await self._look_around()
                await asyncio.sleep(1)
        finally:
            await self._broker.stop()
            if self._parking is not None:
                await self._parking.stop()

    async def _look_around(self) -> None:
        consumer = self._subscriber.consumer
        assignment = consumer.assignment() if consumer is not None else frozenset()
        if consumer is None or not assignment:
            return
        if self._awaited is None:
            self._awaited = await _unread(consumer, assignment)
        for part in assignment:
            end = consumer.highwater(part)
            if end is not None:
                lag = max(0, end - await consumer.position(part))
                telemetry.CONSUMER_LAG.labels(part.topic, part.partition).set(lag)
        if not self._awaited:
            self.caught_up.set()
        self.beat = time.monotonic()

    async def _on_batch(self, message: KafkaMessage) -> None:
        started = time.monotonic()
        raw = message.raw_message
        records = raw if isinstance(raw, tuple) else (raw,)
        good: list[tuple[Record, Any]] = []
        bad: list[tuple[ConsumerRecord[Any, Any], str]] = []
        for item in records:
            if item.value is None:
                telemetry.CONSUMER_RECORDS.labels(item.topic, "ignored").inc()
                continue
            record = _record(item)
            try:
                good.append((record, self._handlers[item.topic].decode(record)))
            except ValueError as error:
                bad.append((item, str(error)))
        refused = await self._apply_all(good)
        by_place = {(item.topic, item.partition, item.offset): item for item in records}
        bad += [(by_place[record.topic, record.partition, record.offset], reason) for record, reason in refused]
        if bad:
            await self._patiently("kafka", lambda: self._park(bad))
        for record, _ in good:
            telemetry.CONSUMER_RECORDS.labels(record.topic, "processed").inc()
            telemetry.LAST_EVENT_TIMESTAMP_SECONDS.labels(record.topic).set(record.at.timestamp())
        for item in records:
            part = TopicPartition(item.topic, item.partition)
            if self._awaited and item.offset + 1 >= self._awaited.get(part, item.offset + 2):
                del self._awaited[part]
        telemetry.CONSUMER_BATCH_SECONDS.observe(time.monotonic() - started)
        self._after_batch()

    async def _apply_all(self, good: list[tuple[Record, Any]]) -> list[tuple[Record, str]]:
        """Apply a batch in one transaction; where the data is at fault, halve it until the bad record stands alone."""
        if not good:
            return []
        try:
            await self._patiently("postgresql", lambda: self._apply(good))
        except Exception as error:  # whatever a record provokes, it must not stop those behind it
            if is_transient(error):
                raise
            if len(good) == 1:
                log.error("record refused", topic=good[0][0].topic, where=where(error))
                return [(good[0][0], f"{type(error).__name__}: {_first_line(error)}")]
            middle = len(good) // 2
            return await self._apply_all(good[:middle]) + await self._apply_all(good[middle:])
        return []

    async def _apply(self, good: list[tuple[Record, Any]]) -> None:
        by_topic: dict[str, list[Any]] = {}
        for record, event in good:
            by_topic.setdefault(record.topic, []).append(event)
        async with self._sessions.begin() as session:
            # Topics in one order everywhere: two workers that share rows cannot lock each other out.
            for topic in sorted(by_topic):
                await self._handlers[topic].apply(session, by_topic[topic])

    async def _patiently(self, engine: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, waiting with growing pauses while its engine is away; after two minutes give the batch back."""
        pause, until = 0.1, time.monotonic() + _LONGEST_WAIT_SECONDS
        while True:
            try:
                await work()
                break
            except Exception as error:  # sorted by is_transient, everything else goes on to the caller
                if not (is_transient(error) or isinstance(error, KafkaError)):
                    raise
                self.waiting_for = engine
                telemetry.CONSUMER_PAUSES.labels(engine).inc()
                log.warning("waiting for an engine", engine=engine, reason=type(error).__name__, pause_seconds=pause)
                if time.monotonic() > until:
                    raise
            self.beat = time.monotonic()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        self.waiting_for = None

    async def _park(self, bad: list[tuple[ConsumerRecord[Any, Any], str]]) -> None:
        """Send records, bytes unchanged and with the reason, to the group's parked topics; acknowledged on return."""
        if self._parking is None:
            producer = kafka.producer(self._bootstrap)
            await producer.start()
            self._parking = producer
        now = datetime.now(UTC).isoformat()
        sent = []
        for item, reason in bad:
            context = {
                "parked-topic": item.topic,
                "parked-partition": str(item.partition),
                "parked-offset": str(item.offset),
                "parked-group": self._group,
                "parked-reason": reason,
                "parked-at": now,
            }
            headers = [*item.headers, *((name, value.encode()) for name, value in context.items())]
            parked = f"{item.topic}-parked-{self._group}"
            sent.append(await self._parking.send(parked, item.value, key=item.key, headers=headers))
        await asyncio.gather(*sent)
        for item, reason in bad:
            telemetry.CONSUMER_RECORDS.labels(item.topic, "parked").inc()
            log.error("record parked", topic=item.topic, partition=item.partition, offset=item.offset, reason=reason)


async def _unread(consumer: AIOKafkaConsumer, parts: frozenset[TopicPartition]) -> dict[TopicPartition, int]:
    """The end offset of each partition that holds records this group has not yet processed."""
    begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
    done = {part: await consumer.committed(part) or 0 for part in parts}
    return {part: end for part, end in ends.items() if max(begins[part], done[part]) < end}


def _first_line(error: BaseException) -> str:
    # Database errors repeat the refused row on later lines, and a row may hold what must not be logged.
    return str(error).splitlines()[0][:300] if isinstance(error, ValueError) and str(error) else "see the service's log"


def _record(item: ConsumerRecord[Any, Any]) -> Record:
    return Record(
        topic=item.topic,
        partition=item.partition,
        offset=item.offset,
        key=item.key,
        value=item.value,
        headers={name: value.decode() for name, value in item.headers},
        at=datetime.fromtimestamp(item.timestamp / 1000, UTC),
    )


async def _sanitise(message: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    """Null or non-UTF-8 headers make FastStream's own parser raise, and the records are then committed past."""
    if isinstance(message, tuple):
        return await original(tuple(_readable(item) for item in message))
    return await original(_readable(message))


def _readable(item: ConsumerRecord[Any, Any]) -> ConsumerRecord[Any, Any]:
    headers = []
    for name, value in item.headers:
        try:
            (value or b"").decode()
        except UnicodeDecodeError:
            continue
        headers.append((name, value or b""))
    return dataclasses.replace(item, headers=tuple(headers))


async def _leave(message: KafkaMessage) -> None:
    """Nothing is decoded before the handler: it works on the raw records, one by one."""
