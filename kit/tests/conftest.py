"""Topics, tables, log lines and running parts for the tests of the plumbing."""

import asyncio
import io
import json
import logging as standard_logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from engines import eventually
from kit import database, idempotency, logging, outbox
from kit.consumer import Consumer, Handler, Record
from upkeep.topics import create_topics

Apply = Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]

TABLES = MetaData()
THING = Table(
    "thing",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("value", Text, nullable=False, server_default=""),
)
outbox.table(TABLES)
idempotency.table(TABLES)


@pytest.fixture
def thing() -> Table:
    """A versioned table of the engine's database."""
    return THING


@pytest.fixture
async def url(new_database: Callable[[str], Awaitable[str]]) -> str:
    """A database of this test's own, with the tables thing, outbox and idempotency."""
    made = await new_database("")
    engine = database.connect(made, pool_size=1)
    async with engine.begin() as connection:
        await connection.run_sync(TABLES.create_all)
    await engine.dispose()
    return made


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """Connections to it."""
    engine = database.connect(url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def running() -> AsyncIterator[Callable[[Any], asyncio.Task[None]]]:
    """Starts anything with a `run` in the background; it is cancelled when the test ends."""
    tasks: list[asyncio.Task[None]] = []

    def start(part: Any) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(part.run()))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert result is None or isinstance(result, asyncio.CancelledError), result


@pytest.fixture
async def topic(kafka_address: str, unique: str) -> Callable[..., Awaitable[str]]:
    """Creates topics: `await topic("events", partitions=3)` returns the full name."""

    async def create(name: str, partitions: int = 1, **config: str) -> str:
        row = {"name": f"{unique}-{name}", "partitions": partitions, "config": config}
        await create_topics(kafka_address, [row])
        return f"{unique}-{name}"

    return create


@pytest.fixture
async def producer(kafka_address: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer of somebody else's."""
    async with AIOKafkaProducer(bootstrap_servers=kafka_address, linger_ms=0, max_request_size=8_000_000) as producer:
        yield producer


@pytest.fixture
def read(kafka_address: str) -> Callable[..., Awaitable[list[ConsumerRecord[Any, Any]]]]:
    """Everything on a topic now, partition by partition."""

    async def read_all(topic: str, address: str = kafka_address) -> list[ConsumerRecord[Any, Any]]:
        async with AIOKafkaConsumer(bootstrap_servers=address, request_timeout_ms=5000) as consumer:
            await consumer._client.force_metadata_update()
            await consumer.topics()
            parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(parts)
            found: list[ConsumerRecord[Any, Any]] = []
            begins = await consumer.beginning_offsets(parts)
            for part, end in (await consumer.end_offsets(parts)).items():
                consumer.seek(part, begins[part])
                while await consumer.position(part) < end:
                    found += (await consumer.getmany(part, timeout_ms=1000)).get(part, [])
            return found

    return read_all


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What has been logged in this test, each line read as JSON."""
    root = standard_logging.getLogger()
    before, level = root.handlers, root.level
    logging.configure("kit-tests")
    stream = io.StringIO()
    for handler in root.handlers:
        assert isinstance(handler, standard_logging.StreamHandler)
        handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before, level


@pytest.fixture
def silent_port(unused_port: int) -> str:
    """host:port where nothing listens."""
    return f"127.0.0.1:{unused_port}"


@pytest.fixture
def unused_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _decoded(record: Record) -> dict[str, Any]:
    if record.headers.get("ce_type", "thing") != "thing":
        raise ValueError("ce_type is not thing")
    found = json.loads(record.value)
    return {"id": found["id"], "version": found["version"], "value": found.get("value", "")}


@pytest.fixture
def store() -> Apply:
    """Upserts things."""

    async def apply(session: AsyncSession, things: Sequence[Any]) -> None:
        await database.upsert_newer(session, THING, things)

    return apply


@pytest.fixture
def make(kafka_address: str, engine: AsyncEngine, unique: str, store: Apply) -> Callable[..., Consumer]:
    """A consumer of one topic, or of several, in a group of this test's own."""

    def build(*topics: str, apply: Apply = store, bootstrap: str = kafka_address, **more: Any) -> Consumer:
        handlers = dict.fromkeys(topics, Handler(_decoded, apply))
        return Consumer(unique, bootstrap, database.sessions(engine), handlers, **more)

    return build


@pytest.fixture
def told() -> Callable[[Consumer, str | None], Awaitable[None]]:
    """Waits until the consumer's readiness says so: `await told(consumer, "waiting for kafka")`, or None for ready."""

    async def wait(consumer: Consumer, words: str | None) -> None:
        async def said() -> bool:
            return await consumer.ready() == words

        await eventually(said, within=30)

    return wait


@pytest.fixture
def stored(engine: AsyncEngine) -> Callable[[], Awaitable[dict[str, int]]]:
    """The versions in the table."""

    async def versions() -> dict[str, int]:
        async with engine.connect() as connection:
            return {row.id: row.version for row in await connection.execute(THING.select())}

    return versions
