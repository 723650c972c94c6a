"""The real topics, empty or filled with synthetic messages."""

import asyncio
from collections.abc import Iterable
from importlib.resources import as_file, files

from aiokafka.admin import AIOKafkaAdminClient

from bench.plumbing.ground import Ground
from contracts import Envelope
from engines import eventually
from kit import kafka
from upkeep.topics import create_topics, read_topics

_WITHIN_SECONDS = 30
_AT_ONCE = 5000


async def empty(ground: Ground) -> None:
    """The declared topics, made anew: a group that has read the old ones begins again."""
    with as_file(files("contracts") / "topics.yaml") as declared:
        rows = read_topics(declared)
    names = {row["name"] for row in rows}
    admin = AIOKafkaAdminClient(bootstrap_servers=ground.kafka)
    await admin.start()
    try:

        async def gone() -> bool:
            existing = names & set(await admin.list_topics())
            if existing:
                await admin.delete_topics(sorted(existing))
            return not existing

        await eventually(gone, within=_WITHIN_SECONDS)
    finally:
        await admin.close()
    await create_topics(ground.kafka, rows)


async def put(ground: Ground, events: Iterable[Envelope]) -> int:
    """Put messages on their topics, and wait until the broker has them; how many."""
    producer = kafka.producer(ground.kafka)
    await producer.start()
    number = 0
    try:
        sent = []
        for event in events:
            headers = [(name, value.encode()) for name, value in event.headers.items()]
            sent.append(await producer.send(event.topic, event.value, key=event.key.encode(), headers=headers))
            number += 1
            if len(sent) == _AT_ONCE:
                await asyncio.gather(*sent)
                sent = []
        await asyncio.gather(*sent)
    finally:
        await kafka.stop(producer)
    return number
