"""The ground all stand on: engines of this run alone, databases and topics made for one measurement."""

import asyncio
import itertools
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

import engines
from bench.plumbing.failed import BenchError
from engines import ports
from engines.process import Child, launch, tail
from upkeep.topics import create_topics

PARTITIONS = 6
_READY_SECONDS = 90
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Service:
    """A real process of one of our services."""

    name: str
    child: Child
    port: int

    async def answers(self, path: str) -> bool:
        """Whether its health address says that all is well; False while it does not listen."""
        return (await self._get(path)) is not None

    async def metrics(self) -> dict[str, float]:
        """Its metrics by name and labels; none while it does not listen."""
        lines = (await self._get("metrics") or "").splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    async def _get(self, path: str) -> str | None:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}/{path}")
        except httpx.HTTPError:
            return None
        return answer.text if answer.is_success else None


@dataclass(frozen=True)
class Ground:
    """Running engines and a folder for logs."""

    engines: engines.Engines
    home: Path

    @property
    def kafka(self) -> str:
        """Kafka's address."""
        assert self.engines.addresses.kafka is not None  # noqa: S101 always started
        return self.engines.addresses.kafka

    @property
    def opensearch(self) -> str:
        """OpenSearch's address."""
        if self.engines.addresses.opensearch is None:
            raise BenchError("opensearch was not started")
        return self.engines.addresses.opensearch

    def database_url(self, name: str) -> str:
        """The address of one database."""
        return f"{self.engines.addresses.postgres}/{name}"

    def pids(self) -> dict[str, list[int]]:
        """The engines' processes, for a meter."""
        return {row.name: [row.pid] for row in self.engines.status() if row.pid is not None}

    async def database(self, name: str) -> str:
        """A new, empty database instead of the one of that name; its address."""
        await self.statements("postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        return self.database_url(name)

    async def statements(self, database: str, *statements: str) -> None:
        """Statements outside of a transaction."""
        connection = await asyncpg.connect(self.database_url(database), ssl=None)
        try:
            for statement in statements:
                await connection.execute(statement, timeout=900)
        finally:
            await connection.close()

    async def topic(self, purpose: str) -> str:
        """A new topic whose records carry the time at which the broker took them; its name."""
        name = f"{purpose}-{next(_numbers)}"
        config = {"message.timestamp.type": "LogAppendTime"}
        await create_topics(self.kafka, [{"name": name, "partitions": PARTITIONS, "config": config}])
        return name

    async def appended(self, topic: str) -> list[float]:
        """When the broker took each record of a topic, in seconds since 1970, rising."""
        parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(parts)
            await consumer.seek_to_beginning(*parts)
            left = sum((await consumer.end_offsets(parts)).values())
            times: list[float] = []
            while len(times) < left:
                found = await consumer.getmany(timeout_ms=1000, max_records=5000)
                times += [record.timestamp / 1000 for records in found.values() for record in records]
            return sorted(times)
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def service(self, module: str, command: str, **environment: str) -> AsyncIterator[Service]:
        """`python -m MODULE COMMAND` on these engines; it ends with this context at the latest."""
        claim = ports.claim(ports.GENERAL)
        name = f"{module}-{command}-{next(_numbers)}"
        given = {
            "KAFKA_BOOTSTRAP": self.kafka,
            "OPENSEARCH_URL": self.engines.addresses.opensearch or "",
            # Workers answer no calls with tokens: nobody asks the issuer.
            "OIDC_ISSUER": self.engines.addresses.oidc or "http://127.0.0.1:1/unused",
            "WORKER_PORT": str(claim.port),
            "API_PORT": str(claim.port),
            **environment,
        }
        argv = [sys.executable, "-m", module, command]
        child = launch(argv, log=self._log(name), env=given, death_signal=signal.SIGKILL)
        try:
            yield Service(name, child, claim.port)
        finally:
            await asyncio.to_thread(child.end, signal.SIGTERM)
            claim.release()

    async def ready(self, service: Service) -> None:
        """Wait until it is ready. Raises BenchError with the end of its log when it is not."""
        await self.until(service, _READY_SECONDS, "ready", lambda: service.answers("readyz"))

    async def until(self, service: Service, within: float, what: str, check: Callable[[], Awaitable[bool]]) -> None:
        """Wait until the check holds. Raises BenchError with the end of the service's log when it does not."""

        async def holds() -> bool:
            if not service.child.alive():
                raise BenchError(f"{service.name} has ended: {tail(self._log(service.name), 15)}")
            return await check()

        try:
            await engines.eventually(holds, within)
        except AssertionError:
            raise BenchError(f"{service.name} is not {what}: {tail(self._log(service.name), 15)}") from None

    async def migrated(self, service: str) -> str:
        """A new database with the tables of a service; its address."""
        url = await self.database(service)
        async with self.service(service, "migrate", POSTGRES_URL=url) as process:
            if not await asyncio.to_thread(process.child.wait, _READY_SECONDS):
                raise BenchError(f"{process.name} does not end: {tail(self._log(process.name), 15)}")
        return url

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"


@contextmanager
def opened(names: list[str], *, logical: bool) -> Iterator[Ground]:
    """Engines of this run alone, stopped and removed with this context.

    They are durable: PostgreSQL waits for the disk. `logical` makes it write what logical replication needs.
    """
    # Never somebody's cluster: topics and databases are removed here.
    os.environ["ENGINES_PROVIDER"] = "local"
    with (
        tempfile.TemporaryDirectory(prefix="bench-plumbing-", ignore_cleanup_errors=True) as home,
        engines.start(names, home=Path(home) / "engines", durable=True) as started,
    ):
        ground = Ground(started, Path(home))
        if logical:
            asyncio.run(ground.statements("postgres", "ALTER SYSTEM SET wal_level = logical"))
            started.restart("postgres")
        yield ground
