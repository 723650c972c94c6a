"""The outbox: facts are written in the transaction of the change, and a relay sends them in order, at least once."""

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
_NEXT = text("SELECT seq, aggregatetype, aggregateid, payload, headers FROM outbox ORDER BY seq LIMIT 1000")
_WAITING = text("SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM outbox")
_IDLE_SECONDS = 0.05
_STANDBY_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0
_SAMPLE_SECONDS = 5.0


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


_TABLE = table(MetaData())


async def add(session: AsyncSession, events: Iterable[Outgoing]) -> None:
    """Write events in the caller's transaction, which must hold each thing's row lock: that makes the order per key."""
    rows: list[dict[str, Any]] = []
    for event in events:
        row = {"id": event.event_id, "aggregatetype": event.topic, "aggregateid": event.key, "payload": event.value}
        rows.append({**row, "type": event.headers["ce_type"], "headers": event.headers})
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
            except (KafkaError, SQLAlchemyError, OSError) as error:
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
                await self._look(connection)
                await asyncio.sleep(_STANDBY_SECONDS)
            producer = kafka.producer(self._bootstrap)
            try:
                await self._look(connection)
                await producer.start()
                log.info("outbox relay active")
                while True:
                    if not await self._send_batch(connection, producer):
                        await asyncio.sleep(_IDLE_SECONDS)
            finally:
                await kafka.stop(producer)
                if not connection.closed and not connection.invalidated:
                    # The connection goes back to the pool, and would keep the lock there.
                    await connection.invalidate()

    async def _send_batch(self, connection: AsyncConnection, producer: AIOKafkaProducer) -> bool:
        rows = (await connection.execute(_NEXT)).all()
        await self._look(connection)
        self.empty = not rows
        if not rows:
            return False
        sending = asyncio.ensure_future(_send(producer, rows))
        try:
            # An idempotent producer waits for its broker as long as it takes.
            while not (await asyncio.wait([sending], timeout=_SAMPLE_SECONDS))[0]:
                await self._look(connection)
        finally:
            sending.cancel()
        sent = rows[: sending.result()]
        await connection.execute(text("DELETE FROM outbox WHERE seq = ANY(:sent)"), {"sent": [row.seq for row in sent]})
        for row in sent:
            telemetry.OUTBOX_SENT.labels(row.aggregatetype).inc()
        if len(sent) < len(rows):
            raise KafkaError(f"{len(rows) - len(sent)} records were not acknowledged")
        return True

    async def _look(self, connection: AsyncConnection) -> None:
        self.beat = time.monotonic()
        if time.monotonic() - self._sampled < _SAMPLE_SECONDS:
            return
        self._sampled = time.monotonic()
        count, age = (await connection.execute(_WAITING)).one()
        telemetry.OUTBOX_ROWS.set(count)
        telemetry.OUTBOX_AGE_SECONDS.set(float(age))


async def _send(producer: AIOKafkaProducer, rows: Sequence[Row[Any]]) -> int:
    """Send rows in order; how many were acknowledged before the first failure."""
    waiting: list[asyncio.Future[Any]] = []
    refused: list[KafkaError] = []
    for row in rows:
        headers = [(name, str(value).encode()) for name, value in row.headers.items()]
        key = row.aggregateid.encode()
        try:
            waiting.append(await producer.send(row.aggregatetype, row.payload, key=key, headers=headers))
        except KafkaError as error:
            refused.append(error)
            break
    results = [*await asyncio.gather(*waiting, return_exceptions=True), *refused]
    for number, (row, result) in enumerate(zip(rows, results, strict=False)):
        if isinstance(result, BaseException):
            log.error("record not acknowledged", topic=row.aggregatetype, seq=row.seq, reason=_reason(result))
            return number
    return len(results)


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
