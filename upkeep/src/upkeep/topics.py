"""Topics are created from the declared list, never by accident, and never changed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

_ANSWER_MS = 10_000

Declared = dict[str, Any]
"""One topic as topics.yaml declares it: name, partitions, config."""


class TopicsRefused(RuntimeError):
    """A declared topic could not be created, or exists with another number of partitions."""


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrator's connection. Raises KafkaError or OSError when no broker answers."""
    connected = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_ANSWER_MS)
    try:
        await connected.start()
        yield connected
    finally:
        await connected.close()


def read_topics(file: Path) -> list[Declared]:
    """The topics in a topics.yaml."""
    return list(yaml.safe_load(file.read_text(encoding="utf-8"))["topics"])


async def create_topics(bootstrap: str, rows: list[Declared], *, replication_factor: int = 1) -> list[str]:
    """Create the declared topics that do not exist; the names created. Existing ones are never changed.

    Raises TopicsRefused where the broker refuses, or an existing one has other partitions: keys would land elsewhere.
    """
    created: set[str] = set()
    async with admin(bootstrap) as connected:
        while True:
            absent = await _absent(connected, [row for row in rows if row["name"] not in created])
            if not absent:
                return [row["name"] for row in rows if row["name"] in created]
            new = [
                NewTopic(row["name"], row["partitions"], replication_factor, topic_configs=row["config"])
                for row in absent
            ]
            for name, code, *reason in (await connected.create_topics(new)).topic_errors:
                if not code:
                    created.add(name)
                # Another process made it a moment ago: once it is listed, it is looked at as all others are.
                elif for_code(code) is not TopicAlreadyExistsError:
                    words = " ".join(filter(None, map(str, reason)))
                    raise TopicsRefused(f"{name}: {for_code(code).__name__} {words}".strip())
            await asyncio.sleep(0.05)


async def _absent(connected: AIOKafkaAdminClient, rows: list[Declared]) -> list[Declared]:
    existing = set(await connected.list_topics())
    wanted = {row["name"]: row["partitions"] for row in rows if row["name"] in existing}
    for topic in await connected.describe_topics(list(wanted)) if wanted else []:
        if (found := len(topic["partitions"])) != wanted[topic["topic"]]:
            raise TopicsRefused(f"{topic['topic']} has {found} partitions, declared are {wanted[topic['topic']]}")
    return [row for row in rows if row["name"] not in existing]
