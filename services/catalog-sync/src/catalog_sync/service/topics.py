"""The state topics of this service as reconcile asks for them: which part of the service tells each."""

from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.service import announce, profiles
from kit.consumer import Record

TOPICS = (*announce.TOPICS, profiles.TOPIC)
"""Every state topic this service writes."""


def version_told(record: Record) -> int:
    """The version in a record of one of the topics. Raises Unreadable."""
    return profiles.version_told(record) if record.topic == profiles.TOPIC else announce.version_told(record)


async def versions_to_tell(session: AsyncSession, topic: str, keys: Collection[str] | None) -> dict[str, int]:
    """What a topic must tell of each thing; with keys: of those alone, and nobody may change them meanwhile."""
    if topic == profiles.TOPIC:
        return await profiles.versions_to_tell(session, keys)
    return await announce.versions_to_tell(session, topic, keys)


async def announce_anew(session: AsyncSession, topic: str, versions: Mapping[str, int]) -> None:
    """Announce things as they are, at new versions. Nobody may change them meanwhile."""
    if topic == profiles.TOPIC:
        await profiles.announce_anew(session, versions)
    else:
        await announce.announce_anew(session, topic, versions)
