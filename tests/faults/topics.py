"""Topics of a laboratory's broker: made as declared, made to refuse for a while, deleted and made anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import as_file, files

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from engines import eventually
from faults.offerings import TOPIC
from upkeep.topics import Declared, admin, create_topics, read_topics

# Room for a record that search cannot park whole.
_LARGEST = "6000000"


def declared() -> list[Declared]:
    """Search's topics as they are declared, and its parked ones."""
    with as_file(files("contracts") / "topics.yaml") as file:
        rows = read_topics(file)
    chosen = [row for row in rows if "search" in row["consumers"] or row["name"].endswith("-parked-search")]
    for row in chosen:
        if row["name"] == TOPIC:
            row["config"] = {**row["config"], "max.message.bytes": _LARGEST}
    return chosen


async def create(bootstrap: str) -> None:
    """Create those that do not exist."""
    await create_topics(bootstrap, declared())


async def delete(bootstrap: str, topic: str) -> None:
    """Delete a topic with all that stands on it; it is gone on return."""
    async with admin(bootstrap) as connected:
        await connected.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await connected.list_topics()

        await eventually(gone, within=30)


@asynccontextmanager
async def limited(bootstrap: str, topic: str, *, largest: int) -> AsyncIterator[None]:
    """For a while the topic takes no batch larger than so many bytes."""
    config = next(row["config"] for row in declared() if row["name"] == topic)
    async with admin(bootstrap) as connected:
        await _set(connected, topic, {**config, "max.message.bytes": str(largest)})
        try:
            yield
        finally:
            await _set(connected, topic, config)


async def _set(connected: AIOKafkaAdminClient, topic: str, config: dict[str, str]) -> None:
    answer = await connected.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    assert all(row[0] == 0 for one in answer for row in one.resources), answer
