"""Kafka clients with the settings that keep order and lose nothing, and topics created from the declared list."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

_STOP_SECONDS = 5.0
_ANSWER_MS = 10_000

Declared = dict[str, Any]
"""One topic as topics.yaml declares it: name, partitions, config."""


class TopicsRefused(RuntimeError):
    """A declared topic could not be created, or exists with another number of partitions."""


def producer(bootstrap: str) -> AIOKafkaProducer:
    """An idempotent producer, acknowledged by all replicas. Start it, send record by record with a key, stop it."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_batch_size=131_072,
        max_request_size=2 * 1024 * 1024,
        compression_type="zstd",
    )


async def stop(leaving: AIOKafkaProducer) -> None:
    """Stop a producer within a few seconds, broker or no broker; what is not acknowledged by then is given up."""
    try:
        await asyncio.wait_for(leaving.stop(), _STOP_SECONDS)
    except TimeoutError:
        # An idempotent producer flushes for ever while its broker is away.
        await leaving._sender.close()
        await leaving.client.close()


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_ANSWER_MS)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def ask(bootstrap: str) -> None:
    """Return when a broker answers. Raises KafkaError or OSError when none does."""
    async with _admin(bootstrap):
        pass


def declared(file: Path) -> list[Declared]:
    """The topics in a topics.yaml."""
    return list(yaml.safe_load(file.read_text(encoding="utf-8"))["topics"])


async def create_topics(bootstrap: str, rows: list[Declared], *, replication_factor: int = 1) -> list[str]:
    """Create the declared topics that do not exist; the names created. Existing ones are never changed.

    Raises TopicsRefused where the broker refuses, or an existing one has other partitions: keys would land elsewhere.
    """
    async with _admin(bootstrap) as admin:
        existing = set(await admin.list_topics())
        wanted = {row["name"]: row["partitions"] for row in rows if row["name"] in existing}
        absent = [row for row in rows if row["name"] not in existing]
        for topic in await admin.describe_topics(list(wanted)) if wanted else []:
            if (found := len(topic["partitions"])) != wanted[topic["topic"]]:
                raise TopicsRefused(f"{topic['topic']} has {found} partitions, declared are {wanted[topic['topic']]}")
        new = [
            NewTopic(row["name"], row["partitions"], replication_factor, topic_configs=row["config"]) for row in absent
        ]
        answer = await admin.create_topics(new) if new else None
    for name, code, *reason in answer.topic_errors if answer is not None else []:
        # Another process may have created it between the listing and now.
        if code and for_code(code).__name__ != "TopicAlreadyExistsError":
            raise TopicsRefused(f"{name}: {for_code(code).__name__} {' '.join(filter(None, map(str, reason)))}".strip())
    return [topic.name for topic in new]
