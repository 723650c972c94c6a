"""The laboratory: a writer, a relay, search's worker, a reader, and in the end the checker's report."""

import asyncio
import itertools
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from aiokafka import AIOKafkaProducer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import CareOfferingUpdated, reader
from engines import eventually, ports
from faults import offerings, places
from faults.checker import Evidence, Report, Seen, Write, check, newest
from faults.offerings import Offered
from faults.processes import Processes
from faults.reader import Reader
from faults.writer import THING, Announce, Writer
from kit import database, kafka, outbox
from upkeep.reconcile import Outcome, reconcile

_numbers = itertools.count(1)
decode = reader(CareOfferingUpdated)


@dataclass(frozen=True)
class At:
    """Where a laboratory's engines are. `source` and `search` are databases of its own, search's with its tables."""

    kafka: str
    opensearch: str
    source: str
    search: str


class Laboratory:
    """One run of the system under a fault. Its keys and databases are its own; topics are shared, one run at a time."""

    def __init__(
        self,
        at: At,
        home: Path,
        *,
        things: int = 40,
        pause: float = 0.02,
        announce: Announce = outbox.add,
        projected: bool = True,
        indexed: bool = True,
    ) -> None:
        """`pause`: seconds between two transactions of one of the writer's tasks. Not `projected` or not `indexed`:
        this laboratory has nothing that reads the topic, or nothing that writes an index."""
        self.at = at
        self._projected, self._indexed = projected, projected and indexed
        self.things: Offered = offerings.offered(next(_numbers), things)
        self.armed = home / "armed"
        self.alias = f"offers-{home.name}".lower()
        self._claim = ports.claim(ports.GENERAL)
        self.processes = Processes(
            home,
            {
                "KAFKA_BOOTSTRAP": at.kafka,
                "OPENSEARCH_URL": at.opensearch,
                "OIDC_ISSUER": "http://127.0.0.1:9/",
                "INDEX_NAME": self.alias,
                "WORKER_PORT": str(self._claim.port),
            },
        )
        self.writer = Writer(at.source, self.things, pause=pause, announce=announce)
        self._source = database.connect(at.source, pool_size=2)
        self._search = database.connect(at.search, pool_size=3)
        self._index = httpx.AsyncClient(base_url=at.opensearch, timeout=30, trust_env=False)
        self._worker = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._claim.port}", timeout=5, trust_env=False)
        self.reader = Reader(self._search, self._index, self.alias, self.things)
        self.seconds = 0.0
        """From the end of the fault until everything acknowledged by then was everywhere."""

    async def open(self) -> None:
        """Everything but the processes: tables, what is announced before, the reader."""
        await asyncio.gather(self.writer.prepare(), places.watch_effects(self._search), self._announce_first())
        self.reader.start()

    async def start(self) -> None:
        """All of it as it is meant to be, the writer too; returns when the first writes are found."""
        self.start_relay()
        self.start_worker()
        await self.ready()
        self.writer.start()
        await self.writer.wrote(20)
        await self.everywhere()

    def arm(self) -> None:
        """From now on what was started with the `armed` file dies at its worst moment."""
        self.armed.touch()

    def start_relay(self, name: str = "relay", *arguments: str) -> None:
        """Start a relay."""
        self.processes.start(name, "faults.relay", *arguments, POSTGRES_URL=self.at.source)

    async def relay_active(self, name: str = "relay") -> None:
        """Wait until a relay says that it is the one that sends."""
        await eventually(lambda: "outbox relay active" in self.processes.said(name), within=30)

    def started_over(self, name: str = "relay") -> int:
        """How often a relay has begun anew after a fault."""
        return self.processes.log(name).read_text().count("outbox relay starts over")

    def start_planted(self, name: str, *arguments: str, relay: bool = False) -> None:
        """Start a part with a planted bug; one that projects where it is no `relay`."""
        database_of_its_own = self.at.source if relay else self.at.search
        self.processes.start(name, "faults.planted", name, *arguments, POSTGRES_URL=database_of_its_own)

    def start_worker(self, *arguments: str) -> None:
        """Start search's worker; with arguments, the one that something is done to."""
        module, given = ("faults.worker", arguments) if arguments else ("search", ("worker",))
        self.processes.start("worker", module, *given, POSTGRES_URL=self.at.search)

    async def readiness(self) -> dict[str, str] | None:
        """What search's worker says of its engines; None when it does not answer."""
        try:
            answer = await self._worker.get("/readyz")
        except httpx.HTTPError:
            return None
        return dict(answer.json()["checks"])

    async def ready(self, within: float = 60.0) -> None:
        """Wait until search's worker says that it is ready."""

        async def well() -> bool:
            said = await self.readiness()
            assert said is not None, self.processes.said("worker")
            assert set(said.values()) == {"ok"}, said
            return True

        await eventually(well, within=within)

    async def says(self, check: str, expected: str, within: float = 60.0) -> None:
        """Wait until search's worker says this of one of its engines."""

        async def said() -> bool:
            return (await self.readiness() or {}).get(check) == expected

        await eventually(said, within=within)

    async def waiting(self) -> int:
        """How many rows wait in the outbox."""
        return await places.waiting(self._source)

    async def everywhere(self, within: float = 90.0) -> None:
        """Wait until what is acknowledged by now is in the projection and in the index."""
        wanted = newest(self.writer.acknowledged)

        async def there() -> bool:
            try:
                rows = await places.projection(self._search, self.things)
                documents = newest(await self._documents()) if self._indexed else rows
                waiting = await self.waiting()
            except (httpx.HTTPError, SQLAlchemyError) as error:
                raise AssertionError(f"an engine does not answer: {type(error).__name__}") from None
            late = [key for key, one in wanted.items() if min(rows.get(key, 0), documents.get(key, 0)) < one]
            assert not late, f"{len(late)} of {len(wanted)} keys are late, {waiting} rows wait"
            return True

        await eventually(there, within=within)

    async def sent(self, within: float = 60.0) -> None:
        """Stop the writer and wait until the outbox is empty."""
        await self.writer.stop()

        async def empty() -> bool:
            return not await self.waiting()

        await eventually(empty, within=within)

    async def recovered(self, since: float, within: float = 90.0) -> None:
        """Note how long after `since`, the end of the fault, all was everywhere; the writer may go on."""
        await self.everywhere(within)
        self.seconds = time.monotonic() - since

    async def reconcile(self) -> list[Outcome]:
        """What `python -m SERVICE reconcile` does, with the writer's table: what the topic lacks is announced anew."""
        announced: list[Write] = []

        async def versions(session: AsyncSession, _: str, keys: Collection[str] | None) -> dict[str, int]:
            query = THING.select().where(THING.c.version > 0)
            if keys is not None:
                query = query.where(THING.c.key.in_(keys)).with_for_update()
            return {row.key: row.version for row in await session.execute(query)}

        async def announce(session: AsyncSession, _: str, new: Mapping[str, int]) -> None:
            for key, version in new.items():
                await session.execute(THING.update().where(THING.c.key == key).values(version=version))
                await outbox.add(session, [self.things.event(key, version)])
                announced.append(Write(key, version))

        outcomes = await reconcile(
            self.at.kafka,
            database.sessions(self._source),
            [offerings.TOPIC],
            lambda record: decode(record).version,
            versions,
            announce,
        )
        self.writer.acknowledged += announced
        return outcomes

    async def rebuild(self) -> None:
        """`python -m search rebuild --from topics`. It writes all rows again: effects are not counted from here on."""
        await places.watch_effects_no_more(self._search)
        self.processes.start("rebuild", "search", "rebuild", "--from", "topics", POSTGRES_URL=self.at.search)
        await self.processes.ended("rebuild", within=60)
        assert "is searched" in self.processes.said("rebuild"), self.processes.said("rebuild")

    async def report(self, *, whole_topic: bool = True, quiet: float = 15.0) -> Report:
        """Stop the writer, wait until the places agree or nothing has moved for `quiet` seconds; the checker's report.

        The topic is not `whole_topic` when records were taken from it.
        """
        await self.writer.stop()
        await self._settled(quiet)
        await self.reader.stop()
        effects = await places.effects(self._search, self.things)
        # Each step the projection took, not only those the reader happened to see.
        steps = [Seen("projection, each step", key, version) for key, version in effects]
        return check(
            Evidence(
                acknowledged=self.writer.acknowledged,
                ambiguous=self.writer.ambiguous,
                rows=await places.rows(self._source),
                records=await places.records(self.at.kafka, self.things),
                projection=await places.projection(self._search, self.things) if self._projected else None,
                documents=await self._documents() if self._indexed else None,
                seen=[*self.reader.seen, *steps],
                effects=effects,
                whole_topic=whole_topic,
            )
        )

    async def put(self, *records: tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]) -> None:
        """Put (key, value, headers) on the topic, one after the other, as somebody else."""
        async with AIOKafkaProducer(bootstrap_servers=self.at.kafka, max_request_size=8_000_000) as producer:
            for key, value, headers in records:
                await producer.send_and_wait(offerings.TOPIC, value, key=key, headers=[*headers, places.FOREIGN])

    async def close(self) -> None:
        """End everything."""
        await self.writer.close()
        await self.reader.stop()
        await self.processes.stop()
        await self._index.aclose()
        await self._worker.aclose()
        await self._source.dispose()
        await self._search.dispose()
        self._claim.release()

    async def _announce_first(self) -> None:
        producer = kafka.producer(self.at.kafka)
        await producer.start()
        try:
            for event in self.things.first():
                headers = [(name, value.encode()) for name, value in event.headers.items()]
                await producer.send(event.topic, event.value, key=event.key.encode(), headers=headers)
            await producer.flush()
        finally:
            await producer.stop()

    async def _settled(self, quiet: float) -> None:
        before: object = None
        moved = time.monotonic()

        async def agreed() -> bool:
            nonlocal before, moved
            rows, waiting = await places.rows(self._source), await self.waiting()
            projection = await places.projection(self._search, self.things) if self._projected else rows
            documents = newest(await self._documents()) if self._indexed else rows
            if (now := (waiting, rows, projection, documents)) != before:
                before, moved = now, time.monotonic()
            return now == (0, rows, rows, rows) or time.monotonic() - moved > quiet

        await eventually(agreed, within=120)

    async def _documents(self) -> list[Write]:
        return await places.documents(self._index, self.alias, self.things, fresh=True)
