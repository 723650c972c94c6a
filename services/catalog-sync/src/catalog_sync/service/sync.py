"""Syncing: what a source says now is compared with what is known, and every difference is announced."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Fact, Kind, Reading, Rejected, TooManyGone, check_share
from catalog_sync.store import facts as known_facts
from catalog_sync.store import runs
from contracts import CareOfferingUpdated, CareUnitUpdated, CodeUpdated, Message, encode, reader
from kit import outbox
from kit.consumer import Record
from kit.database import next_version
from rules.calendar import swedish_day

log = structlog.get_logger(__name__)

_MESSAGES: dict[Kind, type[Message]] = {
    Kind.UNIT: CareUnitUpdated,
    Kind.OFFERING: CareOfferingUpdated,
    Kind.CODE: CodeUpdated,
}
_READERS = {message.topic.name: reader(message) for message in _MESSAGES.values()}

TOPICS: Mapping[str, Kind] = {message.topic.name: kind for kind, message in _MESSAGES.items()}
"""The state topics of this service, and the kind of fact each tells of."""


@dataclass(frozen=True)
class Outcome:
    """What a run did."""

    read: int
    changed: int
    ended: int
    rejected: Sequence[Rejected]
    held: str | None


async def sync(
    session: AsyncSession, source: str, kinds: Sequence[Kind], reading: Reading, *, largest_share: float
) -> Outcome:
    """Bring what is known of some kinds in line with a full reading of their source, and announce the differences.

    What the source no longer has ends, with a final state; a row that cannot be read is not gone and stays as known.
    When more than `largest_share` of a kind would end, nothing is changed and the run is noted as held.
    """
    await known_facts.lock_sync(session)
    now = datetime.now(UTC)
    known = await known_facts.known(session, kinds)
    facts, rejected = _valid(reading)
    told = {(fact.kind, fact.key) for fact in facts}
    changed = [
        fact
        for fact in facts
        if (row := known.get((fact.kind, fact.key))) is None or row.fingerprint != fact.fingerprint
    ]
    unread = {row.resource for row in rejected}
    gone = [
        (kind, key)
        for (kind, key), row in known.items()
        if not (row.ended or reading.nameless or (kind, key) in told or unread & {key, row.reference})
    ]
    held = None
    try:
        for kind in kinds:
            alive = sum(1 for (of, _), row in known.items() if of is kind and not row.ended)
            check_share(kind, sum(1 for of, _ in gone if of is kind), alive, largest_share)
    except TooManyGone as error:
        held, changed, gone = str(error), [], []
        log.error("sync held", source=source, reason=held)
    ended = [
        fact for kind in kinds for fact in await _ended(session, kind, [key for of, key in gone if of == kind], now)
    ]
    for part, final in ((changed, False), (ended, True)):
        versions = [next_version(row.version if (row := known.get((fact.kind, fact.key))) else None) for fact in part]
        await known_facts.keep(session, part, versions, ended=final)
        await announce(session, part, versions, now)
    outcome = Outcome(len(facts), len(changed), len(ended), rejected, held)
    await runs.note_run(
        session,
        source,
        now,
        read=outcome.read,
        changed=outcome.changed,
        ended=outcome.ended,
        held=held,
        rejected=rejected,
    )
    log.info(
        "synced", source=source, read=outcome.read, changed=outcome.changed, ended=outcome.ended, rejected=len(rejected)
    )
    return outcome


async def announce(session: AsyncSession, facts: Sequence[Fact], versions: Sequence[int], now: datetime) -> None:
    """Put facts in the outbox, in the transaction that keeps them."""
    messages = [
        _MESSAGES[fact.kind].model_validate({**fact.content, "version": version})
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


def _valid(reading: Reading) -> tuple[list[Fact], list[Rejected]]:
    """The facts that make a message, each key once; the others join the rejected, with the field and the reason."""
    good: dict[tuple[Kind, str], Fact] = {}
    rejected = list(reading.rejected)
    for fact in reading.facts:
        resource = str((fact.content.get("source") or {}).get("reference") or fact.key)
        try:
            key = _MESSAGES[fact.kind].model_validate({**fact.content, "version": 1}).key()
        except ValidationError as error:
            row = error.errors(include_input=False)[0]
            rejected.append(Rejected(resource, f"{'.'.join(map(str, row['loc']))}: {row['msg']}"))
            continue
        if (fact.kind, key) in good:
            rejected.append(Rejected(resource, f"tells of the same {fact.kind} as another row"))
            continue
        good[fact.kind, key] = Fact(fact.kind, key, fact.content)
    return list(good.values()), rejected


async def _ended(session: AsyncSession, kind: Kind, keys: Sequence[str], now: datetime) -> list[Fact]:
    final = {
        Kind.UNIT: {"status": "closed", "closed_on": swedish_day(now).isoformat()},
        Kind.OFFERING: {"status": "ended"},
        Kind.CODE: {"status": "retired"},
    }[kind]
    return [Fact(kind, fact.key, {**fact.content, **final}) for fact in await known_facts.contents(session, kind, keys)]
