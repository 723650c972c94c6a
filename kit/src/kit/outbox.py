"""The outbox: facts are written in the transaction of the change, and a relay sends them in order, at least once."""

import asyncio
import time
from asyncio import FIRST_COMPLETED
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg
import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, MetaData, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from kit import kafka, telemetry
from kit.database import DRIVER_ERRORS

log = structlog.get_logger(__name__)

# Advisory locks are per database, so one number serves every service.
_LOCK = 71_001
_BATCH = 1000
_BATCHES = 30
# What is acknowledged goes and what is next comes in one round trip.
_EXCHANGE = f"""
WITH gone AS (DELETE FROM outbox WHERE seq = ANY($1::bigint[]))
SELECT seq, aggregatetype, aggregateid, payload, headers::text FROM outbox WHERE seq > $2 ORDER BY seq LIMIT {_BATCH}"""
_WAITING = text(
    "SELECT count(*), coalesce(extract(epoch FROM now() - (SELECT created_at FROM outbox ORDER BY seq LIMIT 1)), 0)"
    " FROM outbox"
)
_SHORTEST_IDLE_SECONDS, _LONGEST_IDLE_SECONDS = 0.002, 0.05
_STANDBY_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_SAMPLE_SECONDS = 5.0
_LONGEST_SILENCE_SECONDS = 60.0
_GRACE_SECONDS = 2.0
# What a broker takes by default. Refused here, the change is refused with it; later, all behind it would wait.
_LARGEST_BYTES = 1_000_000


class TooLarge(ValueError):
    """An event is larger than a broker takes."""


class Outgoing(Protocol):
    """What can be sent: an encoded event with its topic and key."""

    @property
    def event_id(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def value(self) -> bytes: ...
    @property
    def headers(self) -> dict[str, str]: ...


def table(tables: MetaData) -> Table:
    """The outbox table, for a service's own metadata; its columns are those of Debezium's outbox event router."""
    return Table(
        "outbox",
        tables,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Uuid(as_uuid=False), nullable=False, unique=True),
        Column("aggregatetype", Text, nullable=False, comment="topic"),
        Column("aggregateid", Text, nullable=False, comment="record key"),
        Column("type", Text, nullable=False, comment="CloudEvents type"),
        Column("payload", LargeBinary, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        # Rows live for milliseconds: without this, dead ones pile up until the default 20 % threshold.
        postgresql_with={"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "1000"},
    )


# One array a column: a third of the work of one parameter a value. Rows are numbered in the order given.
_ADD = text("""
INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, headers)
SELECT id, topic, key, type, payload, CAST(headers AS jsonb)
FROM unnest(CAST(:ids AS uuid[]), CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:types AS text[]),
    CAST(:payloads AS bytea[]), CAST(:headers AS text[])) WITH ORDINALITY
    AS given (id, topic, key, type, payload, headers, number)
ORDER BY number""")


async def add(session: AsyncSession, events: Iterable[Outgoing]) -> None:
    """Write events in the caller's transaction, which must hold each thing's row lock: that makes the order per key.

    Raises TooLarge for one that no broker takes.
    """
    rows = list(events)
    for event in rows:
        if len(event.value) > _LARGEST_BYTES:
            raise TooLarge(f"{event.topic}: {len(event.value)} bytes, at most {_LARGEST_BYTES} can be sent")
    if rows:
        given: dict[str, Any] = {"ids": [row.event_id for row in rows], "topics": [row.topic for row in rows]}
        given |= {"keys": [row.key for row in rows], "types": [row.headers["ce_type"] for row in rows]}
        given |= {"payloads": [row.value for row in rows]}
        given |= {"headers": [orjson.dumps(row.headers).decode() for row in rows]}
        await session.execute(_ADD, given)


class Relay:
    """Sends the outbox of one database to Kafka. Run one per worker process: a lock lets only one of them be active."""

    def __init__(self, engine: AsyncEngine, bootstrap: str) -> None:
        self._engine, self._bootstrap = engine, bootstrap
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""
        self.empty = False
        """True when the last look found nothing to send."""

    async def run(self) -> None:
        """Send until cancelled. Faults of Kafka or PostgreSQL are logged, and the loop starts over with a pause."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sample())
            group.create_task(self._send_for_ever())

    async def _send_for_ever(self) -> None:
        pause = 0.1
        while True:
            started = time.monotonic()
            try:
                await self._run_once()
            except (KafkaError, SQLAlchemyError, *DRIVER_ERRORS, OSError) as error:
                telemetry.OUTBOX_FAILURES.inc()
                log.warning("outbox relay starts over", reason=_reason(error), pause_seconds=round(pause, 1))
            # A relay that ran well for a while begins again with the shortest pause.
            pause = 0.1 if time.monotonic() - started > 60 else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            self.beat = time.monotonic()
            await asyncio.sleep(pause)

    async def _run_once(self) -> None:
        async with self._engine.connect() as connection:
            # Autocommit: no transaction stays open while waiting for Kafka.
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            producer = None
            try:
                # Waiting inside PostgreSQL would hold a snapshot, and dead rows could not be cleared away.
                while not await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                    self.beat = time.monotonic()
                    await asyncio.sleep(_STANDBY_SECONDS)
                # Nothing of a partition may pass a refused record; aiokafka itself would go on with those behind.
                producer = kafka.producer(self._bootstrap, halts=True)
                await producer.start()
                log.info("outbox relay active")
                driver = (await connection.get_raw_connection()).driver_connection
                await self._relay(_Lane(driver, producer, self))
            finally:
                if producer is not None:
                    await kafka.stop(producer)
                if not connection.closed and not connection.invalidated:
                    # The connection goes back to the pool, and would keep the lock there.
                    await connection.invalidate()

    async def _relay(self, lane: "_Lane") -> None:
        idle = _SHORTEST_IDLE_SECONDS
        while True:
            sending = asyncio.ensure_future(lane.send_waiting())
            try:
                found = await asyncio.shield(sending)
            except asyncio.CancelledError:
                # What is acknowledged shall not be sent again by the next relay.
                await asyncio.wait([sending], timeout=_GRACE_SECONDS)
                sending.cancel()
                raise
            self.empty = not found
            idle = _SHORTEST_IDLE_SECONDS if found else min(2 * idle, _LONGEST_IDLE_SECONDS)
            await asyncio.sleep(0 if found else idle)

    async def _sample(self) -> None:
        while True:
            with suppress(SQLAlchemyError, OSError):
                async with self._engine.connect() as connection:
                    count, age = (await connection.execute(_WAITING)).one()
                # For the one that stands by, too: it has nothing to do, and that is well.
                self.empty = not count
                telemetry.OUTBOX_ROWS.set(count)
                telemetry.OUTBOX_AGE_SECONDS.set(float(age))
            await asyncio.sleep(_SAMPLE_SECONDS)


@dataclass
class _Sending:
    """Rows given to the producer and what came, or will come, of each; fewer results where one was refused at once."""

    rows: Sequence[asyncpg.Record]
    results: list[asyncio.Future[Any]]
    begun: float


class _Lane:
    """What the active relay works with: the connection that holds the lock, and a producer. Over after one fault."""

    def __init__(self, connection: asyncpg.Connection, producer: AIOKafkaProducer, relay: Relay) -> None:
        self._connection = connection
        self._producer = producer
        self._relay = relay
        self._fault: asyncio.Future[KafkaError] = asyncio.get_running_loop().create_future()

    async def send_waiting(self) -> bool:
        """Send what waits, oldest first; False when there was nothing. Raises KafkaError when a row was not taken.

        While one full batch is sent the next is read, up to a number of batches. Then the reading begins anew: a row
        that committed late has a lower number than those already read.
        """
        rows = await self._exchange([], 0)
        before: _Sending | None = None
        done: list[int] = []
        found = bool(rows)
        for number in range(1, _BATCHES + 1):
            if not rows or self._fault.done():
                break
            reading = None
            if len(rows) == _BATCH and number < _BATCHES:
                reading = asyncio.ensure_future(self._exchange(done, rows[-1]["seq"]))
                done = []
                # The question goes out before the sending keeps this loop busy.
                await asyncio.sleep(0)
            sending = await self._give(rows)
            if before is not None:
                done += await self._taken(before)
            before = sending
            rows = await reading if reading is not None else []
        if before is not None:
            done += await self._taken(before)
            await self._connection.execute("DELETE FROM outbox WHERE seq = ANY($1::bigint[])", done)
        if self._fault.done():
            raise self._fault.result()
        return found

    async def _exchange(self, done: list[int], after: int) -> Sequence[asyncpg.Record]:
        self._relay.beat = time.monotonic()
        rows: Sequence[asyncpg.Record] = await self._connection.fetch(_EXCHANGE, done, after)
        return rows

    async def _give(self, rows: Sequence[asyncpg.Record]) -> _Sending:
        sending = _Sending(rows, [], time.monotonic())
        giving = asyncio.ensure_future(self._give_each(sending))
        # A producer that was stopped takes nothing more, and lets the giver wait.
        await asyncio.wait([giving, self._fault], return_when=FIRST_COMPLETED)
        if giving.done():
            giving.result()
        giving.cancel()
        return sending

    async def _give_each(self, sending: _Sending) -> None:
        try:
            for _, topic, key, payload, headers in sending.rows:
                pairs = [(name, value.encode()) for name, value in orjson.loads(headers).items()]
                result = await self._producer.send(topic, payload, key=key.encode(), headers=pairs)
                result.add_done_callback(self._stop_behind)
                sending.results.append(result)
        except KafkaError as error:
            self._stop(error)

    def _stop_behind(self, result: asyncio.Future[Any]) -> None:
        if not result.cancelled() and (error := result.exception()) is not None:
            self._stop(error if isinstance(error, KafkaError) else KafkaError(_reason(error)))

    def _stop(self, error: KafkaError) -> None:
        if not self._fault.done():
            self._fault.set_result(error)

    async def _taken(self, sending: _Sending) -> list[int]:
        """Wait until all is acknowledged or the lane has a fault; the numbers of the rows that are acknowledged."""
        waiting = asyncio.gather(*sending.results, return_exceptions=True)
        # An idempotent producer waits for its broker as long as it takes, and may wait for ever: it is made anew then.
        while not (await asyncio.wait([waiting, self._fault], timeout=_SAMPLE_SECONDS, return_when=FIRST_COMPLETED))[0]:
            self._relay.beat = time.monotonic()
            if self._relay.beat - sending.begun > _LONGEST_SILENCE_SECONDS:
                self._stop(KafkaError(f"no acknowledgement within {_LONGEST_SILENCE_SECONDS:.0f} s"))
        # Taken off even behind a refused record: order is a partition's own, and nothing passed the record there.
        pairs = list(zip(sending.rows, sending.results, strict=False))
        taken = [row for row, result in pairs if result.done() and not result.cancelled() and not result.exception()]
        refused = [row for row, result in pairs if result.done() and not result.cancelled() and result.exception()]
        for topic, number in Counter(row["aggregatetype"] for row in taken).items():
            telemetry.OUTBOX_SENT.labels(topic).inc(number)
        telemetry.OUTBOX_BATCH_ROWS.observe(len(taken))
        telemetry.OUTBOX_BATCH_SECONDS.observe(time.monotonic() - sending.begun)
        for row in [*refused, *sending.rows[len(pairs) :]][:1]:
            reason = _reason(self._fault.result())
            log.error("record not acknowledged", topic=row["aggregatetype"], seq=row["seq"], reason=reason)
        return [row["seq"] for row in taken]


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
