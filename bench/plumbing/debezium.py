"""A peer: Debezium's PostgreSQL connector with its outbox router, in a standalone Kafka Connect worker."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.plumbing import backlog, latency
from bench.plumbing.failed import BenchError
from bench.plumbing.ground import PARTITIONS, Ground
from bench.plumbing.meter import Meter
from bench.plumbing.relay import run_of
from bench.plumbing.rounds import Contender, Run, say
from bench.plumbing.sizes import Sizes
from engines import eventually, jars, java, jvm, observe, ports
from engines.process import Child, launch, tail

_JAVA = 17
_WITHIN_SECONDS = 300
_SLOT, _PUBLICATION = "debezium", "debezium"
# What one would change first for a relay that is to be fast, and one that is to be prompt.
_FAST = {
    "max.batch.size": "8192",
    "max.queue.size": "32768",
    "poll.interval.ms": "50",
    "producer.override.compression.type": "zstd",
    "producer.override.linger.ms": "5",
    "producer.override.batch.size": "262144",
}
_PROMPT = {"poll.interval.ms": "5"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Connect:
    """A running worker."""

    child: Child
    log: Path
    http: httpx.AsyncClient

    async def post(self, config: Mapping[str, str]) -> str:
        """Start a connector; its name."""
        # Never a name again: the worker keeps the position by it, and a new slot has no old positions.
        name = f"debezium{next(_numbers)}"
        answer = await self.http.post("/connectors", json={"name": name, "config": {**config, "topic.prefix": name}})
        if answer.is_error:
            raise BenchError(f"the connector was refused: {answer.text[:500]}")
        return name

    async def delete(self, name: str) -> None:
        """End a connector."""
        await self.http.delete(f"/connectors/{name}")

    async def until(self, check: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until the check holds. Raises BenchError with the end of the worker's log when it does not."""

        async def holds() -> bool:
            if not self.child.alive():
                raise BenchError(f"Kafka Connect has ended: {tail(self.log, 15)}")
            return await check()

        try:
            await eventually(holds, within=_WITHIN_SECONDS)
        except AssertionError:
            raise BenchError(f"Debezium is not {what}: {tail(self.log, 15)}") from None

    async def running(self, name: str) -> bool:
        """Whether it runs. Raises BenchError with its reason when it has failed."""
        answer = await self.http.get(f"/connectors/{name}/status")
        tasks = answer.json()["tasks"] if answer.is_success else []
        for task in tasks:
            if task["state"] == "FAILED":
                raise BenchError(f"the connector failed: {task.get('trace', '')[:1500]}")
        return bool(tasks) and all(task["state"] == "RUNNING" for task in tasks)


@asynccontextmanager
async def worker(ground: Ground) -> AsyncIterator[Connect]:
    """Kafka Connect with Debezium as its only plugin; ends with this context."""
    libraries = await asyncio.to_thread(jars.fetch, "connect", say)
    plugin = await asyncio.to_thread(jars.fetch, "debezium", say)
    home = ground.home / "connect"
    (home / "plugins").mkdir(parents=True)
    (home / "plugins" / "debezium").symlink_to(plugin)
    claim = ports.claim(ports.GENERAL)
    address = f"http://127.0.0.1:{claim.port}"
    settings = home / "worker.properties"
    settings.write_text(
        f"bootstrap.servers={ground.kafka}\n"
        f"listeners={address}\n"
        f"plugin.path={home / 'plugins'}\n"
        "plugin.discovery=only_scan\n"
        f"offset.storage.file.filename={home / 'offsets'}\n"
        "key.converter=org.apache.kafka.connect.storage.StringConverter\n"
        "value.converter=org.apache.kafka.connect.storage.StringConverter\n"
        "connector.client.config.override.policy=All\n"
    )
    log = home / "log.txt"
    argv = [
        str(java.find(_JAVA).path),
        *["-Xms256m", "-Xmx2g"],
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        *["-cp", jars.classpath(libraries)],
        "org.apache.kafka.connect.cli.ConnectStandalone",
        str(settings),
    ]
    child = launch(argv, log=log, env=jvm.environment(), death_signal=signal.SIGKILL)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as http:
            connect = Connect(child, log, http)

            async def listening() -> bool:
                return ports.answers(claim.port)

            await connect.until(listening, "listening")
            yield connect
    finally:
        await asyncio.to_thread(child.end, signal.SIGTERM)
        claim.release()


def backlogs(ground: Ground, connect: Connect, sizes: Sizes) -> dict[str, Contender]:
    """Debezium's turns at the backlog: as it comes, and tuned."""
    return {
        "debezium": lambda: _backlog(ground, connect, sizes, {}),
        "debezium_tuned": lambda: _backlog(ground, connect, sizes, _FAST),
    }


def latencies(ground: Ground, connect: Connect, sizes: Sizes) -> dict[str, Contender]:
    """Debezium's turns at the steady rate: as it comes, and asking more often."""
    return {
        "debezium": lambda: _latency(ground, connect, sizes, {}),
        "debezium_tuned": lambda: _latency(ground, connect, sizes, _PROMPT),
    }


async def _backlog(ground: Ground, connect: Connect, sizes: Sizes, tuned: Mapping[str, str]) -> Run:
    """From the request that starts the connector to the last row on the topic."""
    topic = await ground.topic("debezium")
    async with _slot(ground):
        await backlog.commit(ground, topic, sizes.outbox_rows)
        meter = Meter({"ours": [connect.child.pid], **ground.pids()})
        name = await connect.post(_config(ground, tuned))
        try:
            await _sent(ground, connect, name, topic, sizes.outbox_rows)
            spent = meter.stop()
        finally:
            await connect.delete(name)
    return await run_of(ground, topic, sizes.outbox_rows, spent, {"worker_mb": observe.memory(connect.child.pid)})


async def _latency(ground: Ground, connect: Connect, sizes: Sizes, tuned: Mapping[str, str]) -> Run:
    topic = await ground.topic("debezium-latency")
    await ground.statements(backlog.DATABASE, "TRUNCATE outbox")
    async with _slot(ground):
        name = await connect.post(_config(ground, tuned))
        try:

            async def streaming() -> bool:
                return await connect.running(name) and await _streaming(ground)

            await connect.until(streaming, "streaming")
            return await latency.committing(ground, sizes, topic, connect.child.pid)
        finally:
            await connect.delete(name)


def _config(ground: Ground, tuned: Mapping[str, str]) -> dict[str, str]:
    database = urlsplit(ground.database_url(backlog.DATABASE))
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "database.hostname": str(database.hostname),
        "database.port": str(database.port),
        "database.user": str(database.username),
        "database.password": "unused",
        "database.dbname": backlog.DATABASE,
        "plugin.name": "pgoutput",
        "slot.name": _SLOT,
        "publication.name": _PUBLICATION,
        "publication.autocreate.mode": "disabled",
        "table.include.list": "public.outbox",
        "snapshot.mode": "no_data",
        "tombstones.on.delete": "false",
        # The payload is bytes already; the headers go along in one piece, the router cannot take them apart.
        "value.converter": "io.debezium.converters.BinaryDataConverter",
        "transforms": "outbox",
        "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
        "transforms.outbox.table.field.event.key": "aggregateid",
        "transforms.outbox.table.fields.additional.placement": "headers:header:headers,type:header:ce_type",
        "transforms.outbox.route.topic.replacement": "${routedByValue}",
        **tuned,
    }


@asynccontextmanager
async def _slot(ground: Ground) -> AsyncIterator[None]:
    """What the connector reads from is there before the rows are, so that all of them are to be sent."""
    await ground.statements(
        backlog.DATABASE,
        f"DROP PUBLICATION IF EXISTS {_PUBLICATION}",
        f"CREATE PUBLICATION {_PUBLICATION} FOR TABLE outbox",
        f"SELECT pg_create_logical_replication_slot('{_SLOT}', 'pgoutput')",
    )
    try:
        yield
    finally:

        async def free() -> bool:
            return not await _streaming(ground)

        await eventually(free, within=60)
        # An abandoned slot would keep every later row on the disk.
        await ground.statements(backlog.DATABASE, f"SELECT pg_drop_replication_slot('{_SLOT}')")


async def _streaming(ground: Ground) -> bool:
    connection = await asyncpg.connect(ground.database_url(backlog.DATABASE), ssl=None)
    try:
        found: Any = await connection.fetchval("SELECT active FROM pg_replication_slots WHERE slot_name = $1", _SLOT)
    finally:
        await connection.close()
    return bool(found)


async def _sent(ground: Ground, connect: Connect, name: str, topic: str, rows: int) -> None:
    parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=ground.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(parts)

        async def all_there() -> bool:
            await connect.running(name)
            return bool(sum((await consumer.end_offsets(parts)).values()) >= rows)

        await connect.until(all_there, "at the end of the outbox")
    finally:
        await consumer.stop()
