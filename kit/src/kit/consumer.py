"""One batch subscriber per service: decode, one transaction per batch, offsets after it; bad records are parked."""

import asyncio
import dataclasses
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy.ext.asyncio import AsyncSession

from kit import kafka, telemetry
from kit.database import Sessions, is_transient
from kit.parking import Parking, Raw, Refused

log = structlog.get_logger(__name__)

# Well below max_poll_interval_ms (5 minutes): a batch that cannot be done is given back to be fetched again.
_LONGEST_WAIT_SECONDS = 120.0
_LONGEST_PAUSE_SECONDS = 5.0
_GRACE_SECONDS = 15.0
_ANSWER_SECONDS = 10.0
_PROMPT_SECONDS = 2.0


class Record(NamedTuple):
    """One record as it arrived: headers are text, undecodable ones left out; when it was written, in ms since 1970."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]
    timestamp: int = 0


class Handler(NamedTuple):
    """What a service does with one topic. Either part raises ValueError for what it can never read or accept.

    `apply` gets a batch in order and works in the transaction it is given; it must be harmless to repeat.
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
        self._bootstrap, self._sessions, self._after_batch = bootstrap, sessions, after_batch
        self._handlers = dict(handlers)
        self._parking = Parking(group, bootstrap)
        self._at_hand: dict[tuple[str, int], int] = {}
        self._measured: set[TopicPartition] = set()
        self._awaited: dict[TopicPartition, int] | None = None
        self._away: str | None = None
        self._silent = False
        self.caught_up = asyncio.Event()
        """Set once the group has processed everything that was on the topics at start-up."""
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""
        self._broker = KafkaBroker(
            bootstrap,
            logger=None,
            allow_auto_create_topics=False,
            client_id=group,
            graceful_timeout=_GRACE_SECONDS,
            # A topic that was away and is back is unread until the next look.
            metadata_max_age_ms=10_000,
        )
        self._subscriber = self._broker.subscriber(
            *self._handlers,
            group_id=group,
            batch=True,
            max_records=4000,
            # It also is the pause after a look that found nothing.
            batch_timeout_ms=50,
            fetch_max_wait_ms=200,  # questions about offsets queue behind a fetch that waits for records
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            # Without it FastStream answers to whatever topic the sender's reply_to header names.
            no_reply=True,
            parser=_sanitise,
            decoder=lambda _: None,
        )
        self._subscriber(self._on_batch)

    async def ready(self) -> str | None:
        """None while there are partitions and no engine is waited for, else why processing stands still."""
        if self._away or self._silent:
            return f"waiting for {self._away or 'kafka'}"
        consumer = self._subscriber.consumer
        return None if consumer is not None and consumer.assignment() else "no partitions assigned yet"

    async def run(self) -> None:
        """Consume until cancelled, then finish the batch at hand."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._join())
                while True:
                    await self._look_around()
                    await asyncio.sleep(1 if self.caught_up.is_set() else 0.2)
        finally:
            await self._broker.stop()
            await self._parking.stop()

    async def _join(self) -> None:
        """Connect and join the group. After the crash of another member that takes until its session has expired."""
        while not self._broker.running:
            with suppress(KafkaError, OSError):
                # FastStream leaves open what it could not connect.
                await kafka.ask(self._bootstrap)
                await self._broker.start()
            await asyncio.sleep(1)

    async def _look_around(self) -> None:
        measuring = asyncio.ensure_future(self._measure())
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if not (await asyncio.wait([measuring], timeout=_PROMPT_SECONDS))[0]:
                    # It is told at once that nobody listens, while a consumer would try again and again.
                    await kafka.ask(self._bootstrap)
                await measuring
            self._silent = False
        except (KafkaError, OSError) as error:
            if not self._silent:
                log.warning("kafka does not answer", reason=type(error).__name__)
            self._silent = True
        finally:
            measuring.cancel()
        if not self._at_hand:  # a batch that hangs must show as silence
            self.beat = time.monotonic()

    async def _measure(self) -> None:
        consumer = self._subscriber.consumer
        if consumer is None or not consumer.assignment():
            await kafka.ask(self._bootstrap)
            return
        own = consumer.assignment()
        ends = await consumer.end_offsets(own)
        lags = {part: ends[part] - self._at_hand.get(part, await consumer.position(part)) for part in own}
        for part in self._measured - own:  # a process may have other consumers
            telemetry.CONSUMER_LAG.remove(part.topic, part.partition)
        self._measured = set(own)
        for part, lag in lags.items():
            telemetry.CONSUMER_LAG.labels(part.topic, part.partition).set(max(0, lag))
        if not self.caught_up.is_set():
            await self._see_how_far(consumer)

    async def _see_how_far(self, consumer: AIOKafkaConsumer) -> None:
        """Whether what was there at start-up is committed by the group, other workers' partitions included."""
        if self._awaited is None:
            numbers = {topic: consumer.partitions_for_topic(topic) for topic in self._handlers}
            if not all(numbers.values()):
                return
            parts = [TopicPartition(topic, number) for topic in numbers for number in numbers[topic] or ()]
            begins, ends = await asyncio.gather(consumer.beginning_offsets(parts), consumer.end_offsets(parts))
            self._awaited = {part: end for part, end in ends.items() if begins[part] < end}
        done = {part: await consumer.committed(part) or 0 for part in self._awaited}
        self._awaited = {part: end for part, end in self._awaited.items() if done[part] < end}
        if not self._awaited:
            self.caught_up.set()

    async def _on_batch(self, message: KafkaMessage) -> None:
        records = tuple(message.raw_message)
        for item in reversed(records):
            self._at_hand[item.topic, item.partition] = item.offset
        telemetry.CONSUMER_BATCH_RECORDS.observe(len(records))
        try:
            with telemetry.CONSUMER_BATCH_SECONDS.time():
                await self._process(records)
        finally:
            self._at_hand = {}
        self._after_batch()

    async def _process(self, records: Sequence[Raw]) -> None:
        good: list[tuple[Raw, Any]] = []
        bad: list[Refused] = []
        for item in records:
            if item.value is None:
                telemetry.CONSUMER_RECORDS.labels(item.topic, "ignored").inc()
                continue
            try:
                good.append((item, self._handlers[item.topic].decode(record(item))))
            except Exception as error:  # what decode trips over is as unreadable as what it refuses
                bad.append((item, error))
        refused = await self._apply_all(good) if good else []
        if bad or refused:
            await self._patiently("kafka", lambda: self._parking.park([*bad, *refused]))

    async def _apply_all(self, good: list[tuple[Raw, Any]]) -> list[Refused]:
        """Apply a batch in one transaction; where the data is at fault, halve it until the bad record stands alone."""
        try:
            await self._patiently("postgresql", lambda: self._apply(good))
        except Exception as error:  # whatever a record provokes, it must not stop those behind it
            if _may_pass(error):
                raise
            if len(good) == 1:
                return [(good[0][0], error)]
            middle = len(good) // 2
            return await self._apply_all(good[:middle]) + await self._apply_all(good[middle:])
        _tell([item for item, _ in good])
        return []

    async def _apply(self, good: list[tuple[Raw, Any]]) -> None:
        by_topic: dict[str, list[Any]] = {}
        for item, event in good:
            by_topic.setdefault(item.topic, []).append(event)
        async with self._sessions.begin() as session:
            # Topics in one order everywhere: two workers that share rows cannot lock each other out.
            for topic in sorted(by_topic):
                await self._handlers[topic].apply(session, by_topic[topic])

    async def _patiently(self, engine: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, waiting with growing pauses while its engine is away; after two minutes give the batch back."""
        pause, until = 0.1, time.monotonic() + _LONGEST_WAIT_SECONDS
        while True:
            self.beat = time.monotonic()
            try:
                await work()
                self._away = None
                return
            except Exception as error:  # what cannot pass by itself goes on to the caller
                if not _may_pass(error):
                    raise
                self._away = engine
                telemetry.CONSUMER_PAUSES.labels(engine).inc()
                log.warning("waiting for an engine", engine=engine, reason=type(error).__name__, pause_seconds=pause)
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _may_pass(error: Exception) -> bool:
    return is_transient(error) or isinstance(error, KafkaError)


def _tell(processed: Sequence[Raw]) -> None:
    newest: dict[str, Raw] = {item.topic: item for item in processed}
    for topic, number in Counter(item.topic for item in processed).items():
        telemetry.CONSUMER_RECORDS.labels(topic, "processed").inc(number)
        telemetry.LAST_EVENT_TIMESTAMP_SECONDS.labels(topic).set(newest[topic].timestamp / 1000)
        with suppress(KeyError, ValueError, TypeError):  # whoever sent it may have given no time, or none with a zone
            changed = datetime.fromisoformat(_text(newest[topic])["ce_time"])
            telemetry.EVENT_AGE_SECONDS.labels(topic).set((datetime.now(UTC) - changed).total_seconds())


def record(item: Raw) -> Record:
    """What a handler decodes, of a record as Kafka gives it."""
    return Record(item.topic, item.partition, item.offset, item.key, item.value, _text(item), item.timestamp)


def _text(item: Raw) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in item.headers}
    except (AttributeError, UnicodeDecodeError):
        found = {}
        for name, value in item.headers:
            with suppress(UnicodeDecodeError):
                found[name] = (value or b"").decode()
        return found


async def _sanitise(message: tuple[Raw, ...], original: Callable[[Any], Awaitable[Any]]) -> Any:
    """Null or non-UTF-8 headers make FastStream's own parser raise, and the records are then committed past.

    It is given one record without headers: what it would read of the others nobody asks for.
    """
    parsed = await original((dataclasses.replace(message[0], headers=()),))
    parsed.raw_message = message
    return parsed
