"""Confidentiality that comes later: everything of an agreement is removed, and a check proves it."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Agreement, State
from agreements.domain.moving import moved
from agreements.domain.purging import ASKED_FOR, PurgeGround, telling
from agreements.domain.transitions import Action, transition
from agreements.service import disclosure
from agreements.service.announcing import announce
from agreements.service.checking import Faulty, Found
from agreements.service.life import locked
from agreements.store import agreements as store
from agreements.store import pulls
from agreements.store import purging as traces
from contracts import AgreementRegistered, reader
from contracts.agreements import AgreementStatus
from contracts.topics import parked
from kit.consumer import record
from kit.database import Sessions, next_version
from rules.roles import Role
from upkeep.reading import Raw, Unreachable, everything

_TOPIC = AgreementRegistered.topic


async def purge(session: AsyncSession, actor: Actor, agreement_id: str, reason: str | None) -> Agreement:
    """Remove all content here, and announce a state without any where the public has seen one. Raises Refused, Faulty.

    One line is kept: who, when, which id of which region, and on which of the grounds that there are.
    """
    # The agency may purge by the id alone: secrecy does not wait until it may read it again.
    old = await locked(session, agreement_id, None if Role.AGENCY_REVIEWER in actor.roles else actor)
    transition(old, Action.PURGE, actor, reason)
    return await remove(session, old, actor.subject, _ground(reason))


def _ground(reason: str | None) -> PurgeGround:
    told = (reason or "").strip()
    if told not in ASKED_FOR:
        # The line outlives the agreement: words of one's own could repeat what is to go.
        raise Faulty([Found("reason", f"must be one of {', '.join(sorted(ASKED_FOR))}: no other words are kept")])
    return PurgeGround(told)


async def remove(session: AsyncSession, old: Agreement, subject: str, ground: PurgeGround) -> Agreement:
    """Remove an agreement whose row is locked, for somebody whose right to it was checked."""
    now = datetime.now(UTC)
    region = Actor(subject, frozenset({Role.AGREEMENT_ADMIN}), old.region)
    row = transition(old, Action.PURGE, region, ground)
    emptied = moved(old, row, next_version(old.version), now)
    await _forget_drafts(session, old)
    await traces.forget(session, old)
    await pulls.forget(session, old.region, old.number, old.id)
    await disclosure.forget(session, old.region, old.id)
    await store.update(session, emptied)
    await store.remember(session, emptied, Action.PURGE, subject, ground)
    if emptied.public_version != old.public_version:
        await announce(session, [emptied], now)
    return emptied


async def _forget_drafts(session: AsyncSession, old: Agreement) -> None:
    """Drafts that began as its copy, and those that say the same as any version of it where that is telling."""
    versions = [old.body, old.public_body or {}, *await traces.versions(session, old.id)]
    said = {text for version in versions for text in telling(version)}
    copies = [
        draft_id
        for draft_id, content, copied_from in await traces.drafts(session, old.region)
        if copied_from == old.id or not said.isdisjoint(telling(content))
    ]
    await traces.forget_drafts(session, copies)


@dataclass
class Proof:
    """What is left of an agreement that was purged. Nothing of its content is repeated here."""

    agreement_id: str
    state: State | None
    """As the table says; None where it knows no such agreement."""
    left: list[str] = field(default_factory=list)
    """Places that hold something they should not."""
    older_records: int = 0
    """Records with content that lie on the topic before the last one: compaction takes them."""
    gone_by: datetime | None = None
    """When compaction may take the youngest of them at the latest."""

    @property
    def holds(self) -> bool:
        """True when nothing is left but what compaction is about to take."""
        return self.state is State.PURGED and not self.left


async def prove(
    sessions: Sessions,
    bootstrap: str,
    agreement_id: str,
    words: Sequence[str] = (),
    seen: Callable[[int, int], None] = lambda read, of: None,
) -> Proof:
    """Look for an agreement in every table and column here, and on its topic. Raises Unreachable.

    `words`: look for these texts as well, such as the region's own number, the name and the address of the document;
    another agreement may hold them too. What was found is told by its place in the list.
    """
    async with sessions() as session:
        found = await store.get(session, agreement_id)
        proof = Proof(agreement_id, found.state if found is not None else None)
        if found is not None:
            proof.left += _in_row(found)
        waits = await traces.waiting_to_be_sent(session, agreement_id)
        if waits:
            proof.left.append(f"outbox: {waits} announcement not sent yet; the running worker sends it")
        lines = await traces.lines_kept(session, agreement_id)
        if content := sum(holds for _, holds in lines):
            proof.left.append(f"agreement_history.body: {content} rows")
        if others := sum(action not in (Action.PURGE, "announce") for action, _ in lines):
            proof.left.append(f"agreement_history: {others} lines of what was done before")
        for one in await traces.traces(session, agreement_id, is_id=True):
            if one.table != "outbox":
                proof.left.append(f"{one.table}.{one.column}: {one.rows} rows with its id")
        for place, word in enumerate(words, 1):
            said = await traces.traces(session, word, is_id=False)
            proof.left += [f"{one.table}.{one.column}: {one.rows} rows with word {place}" for one in said]
    await _on_topic(bootstrap, proof, found, seen)
    return proof


def _in_row(found: Agreement) -> list[str]:
    kept = {
        "number": found.number != found.id,
        "author": bool(found.author),
        "body": bool(found.body),
        "public_body": bool(found.public_body),
        "revision": found.revision is not None,
        "sent_digest": found.sent_digest is not None,
    }
    return [f"agreement.{name}" for name, holds in kept.items() if holds]


async def _on_topic(bootstrap: str, proof: Proof, found: Agreement | None, seen: Callable[[int, int], None]) -> None:
    last: AgreementRegistered | None = None
    with_content: list[Raw] = []
    read = reader(AgreementRegistered)
    async with aclosing(everything(bootstrap, [_TOPIC.name], seen=seen)) as batches:
        async for batch in batches:
            for raw in batch:
                if raw.key == proof.agreement_id.encode():
                    last = read(record(raw))
                    with_content += [raw] if last.status != AgreementStatus.PURGED else []
    if with_content and last is not None and last.status == AgreementStatus.PURGED:
        proof.older_records = len(with_content)
        youngest = datetime.fromtimestamp(max(raw.timestamp for raw in with_content) / 1000, UTC)
        proof.gone_by = youngest + timedelta(milliseconds=int(_TOPIC.config["max.compaction.lag.ms"]))
        if proof.gone_by < datetime.now(UTC):
            proof.left.append(
                f"{_TOPIC.name}: {len(with_content)} older records that compaction should have taken by "
                f"{proof.gone_by:%Y-%m-%d %H:%M} UTC"
            )
    elif with_content:
        proof.left.append(f"{_TOPIC.name}: its last record has content: run reconcile")
    elif last is None and found is not None and found.has_been_public:
        proof.left.append(f"{_TOPIC.name}: no record says that it was purged: run reconcile")
    for group in _TOPIC.consumers:
        await _in_parked(bootstrap, parked(_TOPIC.name, group), proof)


async def _in_parked(bootstrap: str, topic: str, proof: Proof) -> None:
    count = 0
    try:
        async with aclosing(everything(bootstrap, [topic])) as batches:
            async for batch in batches:
                count += sum(raw.key == proof.agreement_id.encode() for raw in batch)
    except Unreachable:
        # Made when something is parked for the first time, where nobody has made it before.
        return
    if count:
        proof.left.append(f"{topic}: {count} records")
