"""The outbox: facts are written in the transaction of the change, and a relay sends them in order, at least once.

Column names are those of Debezium's outbox event router, so that it could take the relay's place.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, MetaData, Row, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from kit import kafka, telemetry

log = structlog.get_logger(__name__)

# Advisory locks are per database, so one number serves every service.
_LOCK = 71_001
_BATCH = 1000
_IDLE_SECONDS = 0.05
_STANDBY_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0


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
    """The outbox table, for a service's own metadata."""
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


_TABLE = table(MetaData())


async def add(session: AsyncSession, events: Iterable[Outgoing]) -> None:
    """Write events in the caller's transaction.

    The caller must hold the lock of each thing's own row: then the order of rows per key is the order of commits.
    """
    rows = [
        {
            "id": event.event_id,
            "aggregatetype": event.topic,
            "aggregateid": event.key,
            "type": event.headers["ce_type"],
            "payload": event.value,
            "headers": event.headers,
        }
        for event in events
    ]
    if rows:
        await session.execute(_TABLE.insert(), rows)


class Relay:
    """Sends the outbox of one database to Kafka. Run one per worker process: a lock lets only one of them be active."""

    def __init__(self, engine: AsyncEngine, bootstrap: str) -> None:
        self._engine = engine
        self._bootstrap = bootstrap
        self._sampled = 0.0
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""
        self.empty = False
        """True when the last look found nothing to send."""

    async def run(self) -> None:
        """Send until cancelled. Faults of Kafka or PostgreSQL are logged, and the loop starts over with a pause."""
        pause = 0.1
        while True:
            started = time.monotonic()
            try:
                await self._run_once()
            except (KafkaError, SQLAlchemyError, OSError, TimeoutError) as error:
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
            while not await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                self.beat = time.monotonic()
                await asyncio.sleep(_STANDBY_SECONDS)
            producer = kafka.producer(self._bootstrap)
            try:
                await producer.start()
                log.info("outbox relay active")
                while True:
                    self.beat = time.monotonic()
                    if not await self._send_batch(connection, producer):
                        await asyncio.sleep(_IDLE_SECONDS)
            finally:
                await producer.stop()
                if not connection.closed and not connection.invalidated:
                    # The connection goes back to the pool, and would keep the lock there.
                    await connection.invalidate()

    async def _send_batch(self, connection: AsyncConnection, producer: AIOKafkaProducer) -> bool:
        rows = (
            await connection.execute(
                text(
                    f"SELECT seq, aggregatetype, aggregateid, payload, headers FROM outbox ORDER BY seq LIMIT {_BATCH}"
                )
            )
        ).all()
        await self._sample(connection)
        self.empty = not rows
        if not rows:
            return False
        acknowledged = await _send(producer, rows)
        await connection.execute(text("DELETE FROM outbox WHERE seq = ANY(:sent)"), {"sent": acknowledged})
        for row in rows[: len(acknowledged)]:
            telemetry.OUTBOX_SENT.labels(row.aggregatetype).inc()
        if len(acknowledged) < len(rows):
            raise KafkaError(f"{len(rows) - len(acknowledged)} records were not acknowledged")
        return True

    async def _sample(self, connection: AsyncConnection) -> None:
        if time.monotonic() - self._sampled < 5:
            return
        self._sampled = time.monotonic()
        query = text("SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM outbox")
        count, age = (await connection.execute(query)).one()
        telemetry.OUTBOX_ROWS.set(count)
        telemetry.OUTBOX_AGE_SECONDS.set(float(age))


async def _send(producer: AIOKafkaProducer, rows: Sequence[Row[Any]]) -> list[int]:
    """Send rows in order; the sequence numbers acknowledged before the first failure."""
    waiting: list[asyncio.Future[Any]] = []
    for row in rows:
        headers = [(name, str(value).encode()) for name, value in row.headers.items()]
        try:
            future = await producer.send(row.aggregatetype, row.payload, key=row.aggregateid.encode(), headers=headers)
        except KafkaError as error:
            log.error("record refused by the producer", topic=row.aggregatetype, seq=row.seq, reason=_reason(error))
            break
        waiting.append(future)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    acknowledged = []
    for row, result in zip(rows, results, strict=False):
        if isinstance(result, BaseException):
            log.error("record not acknowledged", topic=row.aggregatetype, seq=row.seq, reason=_reason(result))
            break
        acknowledged.append(row.seq)
    return acknowledged


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
