"""Topics of a test's own, a small service that keeps things, and its command line."""

import asyncio
import contextlib
import io
import json
import logging as standard_logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from kit import database, logging, outbox
from kit.consumer import Consumer, Handler, Record
from upkeep import parked_arguments, parked_command, process
from upkeep.topics import create_topics

TABLES = MetaData()
THING = Table(
    "thing",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("value", Text, nullable=False, server_default=""),
)
outbox.table(TABLES)


@pytest.fixture
def thing() -> Table:
    """The service's table."""
    return THING


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
    async with AIOKafkaProducer(bootstrap_servers=kafka_address, max_request_size=8_000_000) as made:
        yield made


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


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What has been logged in this test, each line read as JSON."""
    root = standard_logging.getLogger()
    before, level = root.handlers, root.level
    stream = io.StringIO()
    logging.configure("upkeep-tests", to=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before, level


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Service:
    """Keeps things in a table, from one topic; refuses values on its list of dislikes."""

    bootstrap: str
    url: str
    engine: AsyncEngine
    group: str
    topic: str
    producer: AIOKafkaProducer
    capsys: pytest.CaptureFixture[str]
    dislikes: set[str] = field(default_factory=set)
    applied: list[str] = field(default_factory=list)

    @property
    def parked(self) -> str:
        return f"{self.topic}-parked-{self.group}"

    @property
    def handlers(self) -> dict[str, Handler]:
        return {self.topic: Handler(self._decode, self._apply)}

    def _decode(self, record: Record) -> dict[str, Any]:
        found = json.loads(record.value)
        if found.get("value", "") in self.dislikes - {"unstorable"}:
            raise ValueError("value: is disliked")
        return {"id": found["id"], "version": found["version"], "value": found.get("value", "")}

    async def _apply(self, session: AsyncSession, things: Sequence[Any]) -> None:
        if any(one["value"] == "unstorable" for one in things) and "unstorable" in self.dislikes:
            raise TypeError("cannot be stored")
        self.applied += [f"{one['id']}@{one['version']}" for one in things]
        await database.upsert_newer(session, THING, things)

    async def send(self, *things: dict[str, Any] | bytes, key: bytes = b"k", headers: Any = ()) -> None:
        """Put records on the topic, in order."""
        for one in things:
            value = one if isinstance(one, bytes) else json.dumps(one).encode()
            await self.producer.send_and_wait(self.topic, value, key=key, headers=list(headers), partition=0)

    async def consume(self) -> None:
        """Run the consumer until it has processed what is there."""
        consumer = Consumer(self.group, self.bootstrap, database.sessions(self.engine), self.handlers)
        running = asyncio.create_task(consumer.run())
        try:
            await asyncio.wait_for(consumer.caught_up.wait(), 30)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def stored(self) -> dict[str, int]:
        """The versions in the table."""
        async with self.engine.connect() as connection:
            return {row.id: row.version for row in await connection.execute(THING.select())}

    async def command(self, *argv: str, bootstrap: str | None = None, url: str | None = None) -> Answer:
        """`python -m things parked …`."""
        self.capsys.readouterr()
        asked = process.command(
            "things",
            "Things.",
            {"parked": parked_arguments.SENTENCE},
            ["parked", *argv],
            {"parked": parked_arguments.arguments},
        )
        given = (asked, self.group, bootstrap or self.bootstrap, url or self.url, self.handlers)
        code = await asyncio.to_thread(parked_command.run, *given)
        written = self.capsys.readouterr()
        return Answer(code, written.out, written.err)


@pytest.fixture
async def service(
    kafka_address: str,
    topic: Callable[..., Awaitable[str]],
    new_database: Callable[[str], Awaitable[str]],
    producer: AIOKafkaProducer,
    unique: str,
    capsys: pytest.CaptureFixture[str],
    log_lines: Callable[[], list[dict[str, Any]]],
) -> AsyncIterator[Service]:
    """A service with a topic, a parked topic and a database of its own; what it logs goes to `log_lines`."""
    url = await new_database("")
    engine = database.connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(TABLES.create_all)
    name = await topic("things", **{"max.message.bytes": "6000000"})
    await topic(f"things-parked-{unique}")
    yield Service(kafka_address, url, engine, unique, name, producer, capsys)
    await engine.dispose()
