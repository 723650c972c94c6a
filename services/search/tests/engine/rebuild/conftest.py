"""A search with topics of its own, to be made anew from them."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

import contracts
import engines
from contracts import encode
from engines import eventually
from kit import kafka
from search.consumer import HANDLERS
from search.main import rebuild
from search.settings import Settings
from upkeep.topics import create_topics, read_topics


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory):
    """A Kafka whose topics these tests may empty, whatever address the environment gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINES_PROVIDER", "local")
        with engines.start(["kafka"], home=tmp_path_factory.mktemp("rebuild")) as running:
            yield running.addresses.kafka


async def without_topics(address, names):
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.delete_topics(list(names))

        async def gone():
            return not set(names) & set(await admin.list_topics())

        await eventually(gone, within=30)
    finally:
        await admin.close()


class Land:
    """A world with topics of its own."""

    def __init__(self, world, address, issuer, rows, at):
        self.world = world
        self.at = at
        self.address = address
        self.rows = rows
        self.settings = Settings(
            postgres_url=world.engine.url.render_as_string(hide_password=False).replace("+asyncpg", ""),
            kafka_bootstrap=address,
            opensearch_url=str(world.opensearch.base_url),
            oidc_issuer=issuer,
            index_name=world.name,
        )
        self.progress = []

    async def announce(self, *messages):
        producer = kafka.producer(self.address)
        await producer.start()
        try:
            for message in messages:
                record = encode(message, at=self.at)
                headers = [(name, value.encode()) for name, value in record.headers.items()]
                await producer.send(record.topic, record.value, key=record.key.encode(), headers=headers)
            await producer.flush()
        finally:
            await producer.stop()

    async def raw(self, topic, key, value):
        producer = kafka.producer(self.address)
        await producer.start()
        try:
            await producer.send_and_wait(topic, value, key=key)
        finally:
            await producer.stop()

    async def announce_and_tell(self, *messages):
        """As if a worker had read them all."""
        await self.announce(*messages)
        await self.world.tell(*messages)
        await self.world.settle()

    async def rebuild(self, source="topics", may_lose=(), **more):
        return await rebuild(self.settings, source, may_lose, lambda *told: self.progress.append(told), **more)

    async def answer(self):
        """What a search shows, without what only tells when."""
        await self.world.opensearch.post(f"/{self.world.name}/_refresh")
        items = (await self.world.ask(limit=100))["items"]
        return {item["id"]: item for item in items}

    async def searched(self):
        return list((await self.world.opensearch.get(f"/_alias/{self.world.name}")).json())

    @staticmethod
    def some(make):
        """A small Sweden: two units, maps, two agreements, an offering, waits."""
        return [
            make.municipality("0180"),
            make.code(make.katarakt),
            make.code("kva|CJE20"),
            make.unit("A"),
            make.unit("B"),
            make.agreement("1", "01", ["A", "B"], ["kva|CJE20"]),
            make.agreement("2", "01", ["B"], [make.brack]),
            make.offering("A", make.kna),
            make.wait("A", 40, "kva|CJE20"),
        ]

    async def lose(self, topic):
        """The topic is made anew, without its records."""
        await without_topics(self.address, [topic])
        await create_topics(self.address, self.rows)

    async def command(self, *arguments, **environment):
        """`python -m search rebuild` as an operator calls it: exit code, stdout, stderr."""
        given = {name.upper(): str(value) for name, value in self.settings.model_dump().items()}
        bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "search", "rebuild", *arguments),
            env={**bare, **given, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        return process.returncode, out.decode(), error.decode()


@pytest.fixture
async def land(world, own_kafka, oidc_issuer, make):
    """An empty search and empty topics."""
    rows = [
        row
        for row in read_topics(Path(contracts.__file__).parent / "topics.yaml")
        if row["name"] in HANDLERS or row["name"].endswith("-parked-search")
    ]
    await create_topics(own_kafka, rows)
    yield Land(world, own_kafka, oidc_issuer, rows, make.now)
    await without_topics(own_kafka, [row["name"] for row in rows])
