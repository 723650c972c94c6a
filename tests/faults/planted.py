"""Relays and projections with a bug planted in them, to prove that the checker finds it.

`python -m faults.planted NAME [--die FILE]`: run the part of that name on POSTGRES_URL and KAFKA_BOOTSTRAP. Once FILE
exists, a part that has a worst moment kills itself with SIGKILL at it.
"""

import argparse
import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from contracts import CareOfferingUpdated
from faults.offerings import TOPIC
from kit import kafka

Moment = Callable[[], None]

TABLE = "CREATE TABLE offering (key text PRIMARY KEY, version bigint NOT NULL, content jsonb NOT NULL)"
"""What the projections write to, with the columns of search's own that the laboratory looks at."""

_ROWS = "SELECT seq, aggregatetype, aggregateid, payload FROM outbox WHERE seq > $1 ORDER BY seq LIMIT 100"
_DELETE = "DELETE FROM outbox WHERE seq = ANY($1::bigint[])"
_TAKE_ONE = (
    "DELETE FROM outbox WHERE seq = (SELECT seq FROM outbox ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " RETURNING seq, aggregatetype, aggregateid, payload"
)


async def relay_that_deletes_first(database: asyncpg.Connection, producer: AIOKafkaProducer, worst: Moment) -> None:
    """Rows are gone before their records are acknowledged."""
    while True:
        rows = await database.fetch(_ROWS, 0)
        await database.execute(_DELETE, [row["seq"] for row in rows])
        if rows:
            worst()
        await _send(producer, rows)
        await asyncio.sleep(0.05)


async def relay_of_several_workers(database: asyncpg.Connection, producer: AIOKafkaProducer, _: Moment) -> None:
    """Each worker takes any row and sends it: nobody keeps the order per key."""

    async def worker() -> None:
        connection = await asyncpg.connect(os.environ["POSTGRES_URL"])
        while True:
            async with connection.transaction():
                rows = await connection.fetch(_TAKE_ONE)
                await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311
                await _send(producer, rows)

    await asyncio.gather(*(worker() for _ in range(4)))


async def relay_with_a_cursor(database: asyncpg.Connection, producer: AIOKafkaProducer, _: Moment) -> None:
    """What commits late has a lower number than what was sent already, and is never looked at."""
    last = 0
    while True:
        rows = await database.fetch(_ROWS, last)
        await _send(producer, rows)
        await database.execute(_DELETE, [row["seq"] for row in rows])
        last = rows[-1]["seq"] if rows else last
        await asyncio.sleep(0.02)


async def projection_that_commits_first(
    database: asyncpg.Connection, consumer: AIOKafkaConsumer, worst: Moment
) -> None:
    """The offsets are in Kafka before the rows are in the database."""
    while True:
        if records := await _batch(consumer):
            await consumer.commit()
            worst()
            await _project(database, records, gate=True)


async def projection_without_a_gate(database: asyncpg.Connection, consumer: AIOKafkaConsumer, _: Moment) -> None:
    """Whatever comes last is taken for the newest."""
    while True:
        if records := await _batch(consumer):
            await _project(database, records, gate=False)
            await consumer.commit()


async def projection_as_it_should_be(database: asyncpg.Connection, consumer: AIOKafkaConsumer, worst: Moment) -> None:
    """No bug in this one: what shows that it is the bug that is found, not the part's smallness."""
    while True:
        if records := await _batch(consumer):
            await _project(database, records, gate=True)
            worst()
            await consumer.commit()


RELAYS = {
    "deletes-first": relay_that_deletes_first,
    "several-workers": relay_of_several_workers,
    "cursor": relay_with_a_cursor,
}
PROJECTIONS = {
    "commits-first": projection_that_commits_first,
    "no-gate": projection_without_a_gate,
    "as-it-should-be": projection_as_it_should_be,
}


async def _send(producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> None:
    sent = [await producer.send(row[1], row["payload"], key=row["aggregateid"].encode()) for row in rows]
    await asyncio.gather(*sent)


async def _batch(consumer: AIOKafkaConsumer) -> list[ConsumerRecord[bytes, bytes]]:
    found = await consumer.getmany(timeout_ms=50, max_records=50)
    return [record for records in found.values() for record in records]


async def _project(
    database: asyncpg.Connection, records: Sequence[ConsumerRecord[bytes, bytes]], *, gate: bool
) -> None:
    condition = "WHERE excluded.version > offering.version" if gate else ""
    query = (
        "INSERT INTO offering (key, version, content) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE"
        f" SET version = excluded.version, content = excluded.content {condition}"
    )
    async with database.transaction():
        for record in records:
            assert record.key is not None
            assert record.value is not None
            version = orjson.loads(record.value)["version"]
            await database.execute(query, record.key.decode(), version, record.value.decode())


async def _run(name: str, worst: Moment) -> None:
    database, bootstrap = await asyncpg.connect(os.environ["POSTGRES_URL"]), os.environ["KAFKA_BOOTSTRAP"]
    client: AIOKafkaProducer | AIOKafkaConsumer
    work: Awaitable[None]
    if name in RELAYS:
        client = kafka.producer(bootstrap)
        work = RELAYS[name](database, client, worst)
    else:
        group = os.environ["INDEX_NAME"]
        client = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
        )
        work = PROJECTIONS[name](database, client, worst)
    await client.start()
    if isinstance(client, AIOKafkaConsumer):
        # All partitions are its own: nothing waits for the session of one that was killed.
        client.assign([TopicPartition(TOPIC, number) for number in range(CareOfferingUpdated.topic.partitions)])
    await work


def main() -> None:
    """Run one part until it is killed."""
    parser = argparse.ArgumentParser(prog="python -m faults.planted")
    parser.add_argument("name", choices=[*RELAYS, *PROJECTIONS])
    parser.add_argument("--die", type=Path)
    asked = parser.parse_args()

    def worst() -> None:
        if asked.die is not None and asked.die.exists():
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(_run(asked.name, worst))


if __name__ == "__main__":
    main()
