"""The one door by which facts leave, and what reconcile asks of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Fact, Kind
from catalog_sync.store import facts as known_facts
from contracts import CareOfferingUpdated, CareUnitUpdated, CodeUpdated, Message, encode, reader
from kit import outbox
from kit.consumer import Record

MESSAGES: Mapping[Kind, type[Message]] = {
    Kind.UNIT: CareUnitUpdated,
    Kind.OFFERING: CareOfferingUpdated,
    Kind.CODE: CodeUpdated,
}
_READERS = {message.topic.name: reader(message) for message in MESSAGES.values()}

TOPICS: Mapping[str, Kind] = {message.topic.name: kind for kind, message in MESSAGES.items()}
"""The state topics of this service, and the kind of fact each tells of."""


async def announce(session: AsyncSession, facts: Sequence[Fact], versions: Sequence[int], now: datetime) -> None:
    """Put facts in the outbox, in the transaction that keeps them."""
    messages = [
        MESSAGES[fact.kind].model_validate({**fact.content, "version": version})
        for fact, version in zip(facts, versions, strict=True)
    ]
    await outbox.add(session, [encode(message, at=now) for message in messages])


def version_told(record: Record) -> int:
    """The version in a record of one of this service's topics. Raises Unreadable."""
    return _READERS[record.topic](record).version


async def versions_to_tell(session: AsyncSession, topic: str, keys: Collection[str] | None) -> dict[str, int]:
    """What a topic must tell of each fact; with keys: of those alone, and no sync may change them meanwhile."""
    if keys is not None:
        await known_facts.lock_sync(session)
    return await known_facts.versions(session, TOPICS[topic], keys)


async def announce_anew(session: AsyncSession, topic: str, versions: Mapping[str, int]) -> None:
    """Announce facts as they are, at new versions. No sync may change them meanwhile."""
    facts = await known_facts.contents(session, TOPICS[topic], list(versions))
    await known_facts.renumber(session, TOPICS[topic], versions)
    await announce(session, facts, [versions[fact.key] for fact in facts], datetime.now(UTC))
