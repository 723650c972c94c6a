"""Kafka clients with the settings that keep order and lose nothing, and topics created from the declared list."""

from pathlib import Path
from typing import Any

import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

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


def declared(file: Path) -> list[Declared]:
    """The topics in a topics.yaml."""
    rows: list[Declared] = yaml.safe_load(file.read_text(encoding="utf-8"))["topics"]
    return rows


async def create_topics(bootstrap: str, rows: list[Declared], *, replication_factor: int = 1) -> list[str]:
    """Create the declared topics that do not exist; the names created. Existing ones are never changed.

    Raises TopicsRefused where the broker refuses, or where an existing topic has another number of partitions (keys
    would land elsewhere, and order per key would be lost).
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        known = [row for row in rows if row["name"] in existing]
        for topic in await admin.describe_topics([row["name"] for row in known]) if known else []:
            wanted = next(row["partitions"] for row in known if row["name"] == topic["topic"])
            if len(topic["partitions"]) != wanted:
                found = len(topic["partitions"])
                raise TopicsRefused(f"{topic['topic']} has {found} partitions, declared are {wanted}")
        new = [
            NewTopic(row["name"], row["partitions"], replication_factor, topic_configs=row["config"])
            for row in rows
            if row["name"] not in existing
        ]
        answer = await admin.create_topics(new) if new else None
    finally:
        await admin.close()
    for name, code, *reason in answer.topic_errors if answer is not None else []:
        # Another process may have created it between the listing and now.
        if code and for_code(code).__name__ != "TopicAlreadyExistsError":
            raise TopicsRefused(f"{name}: {for_code(code).__name__} {' '.join(filter(None, map(str, reason)))}".strip())
    return [topic.name for topic in new]
