"""An agreement's life, step by step: register, edit, and every action of the table of transitions."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Agreement, State, Way, is_over, may_read
from agreements.domain.moving import moved, publishes
from agreements.domain.transitions import Action, Refused, check_region, transition
from agreements.service.announcing import announce
from agreements.service.checking import PERIOD_OVER, Faulty, Found, check
from agreements.service.review_settings import free_since, gates_of
from agreements.service.validating import NUMBER_TAKEN, right_content
from agreements.store import agreements as store
from kit.database import next_version
from rules.agreements import text_faults
from rules.calendar import swedish_day
from rules.regions import REGIONS

_NO_SUCH = "there is no such agreement"
_ONWARDS = frozenset({Action.SUBMIT, Action.APPROVE})


async def register(session: AsyncSession, actor: Actor, content: Mapping[str, Any]) -> Agreement:
    """Register a new agreement as a draft of the actor's region. Raises Refused, Faulty, NotReady.

    A number that was withdrawn before it was ever public may be used again: the agreement begins a new life.
    """
    _check_whose(content, actor)
    now = datetime.now(UTC)
    right = await right_content(session, actor, content)
    body = right.body
    new = Agreement(
        id=str(uuid4()),
        region=body["region"],
        number=body["number"],
        state=State.DRAFT,
        version=next_version(None),
        author=actor.subject,
        body=body,
        way=Way.FORM,
        revision=right.revision,
        sent_digest=None,
        edited_at=now,
        public_body=None,
        public_state=None,
        public_version=None,
        public_at=None,
        ended_on=None,
        published_at=None,
        created_at=now,
        changed_at=now,
    )
    if not await store.insert_new(session, new):
        taken = await store.id_of(session, new.region, new.number)
        old = await store.lock(session, taken) if taken is not None else None
        if old is not None and old.is_free:
            return await edit(session, actor, old.id, old.version, content)
        raise Faulty([NUMBER_TAKEN])
    await store.remember(session, new, "register", actor.subject, None)
    return new


async def edit(
    session: AsyncSession, actor: Actor, agreement_id: str, expected_version: int, content: Mapping[str, Any]
) -> Agreement:
    """Replace the content, if it still is the version the editor has read; a published one stays public meanwhile.

    `revision` is the region's own, and never falls; None leaves it. Raises as `register`.
    """
    old = await locked(session, agreement_id, actor)
    check_region(old.region, actor)
    if old.version != expected_version:
        raise Refused(412, "somebody else has changed it since you read it: read it again, nothing was overwritten")
    row = transition(old, Action.EDIT, actor, None)
    if content.get("region", old.region) != old.region:
        raise Faulty([Found("region", "cannot be changed")])
    now = datetime.now(UTC)
    right = await right_content(session, actor, content, old.id)
    body, revision = right.body, right.revision
    if body["number"] != old.number:
        raise Faulty([Found("number", "cannot be changed: withdraw this one and register another")])
    if revision is not None and revision < (old.revision or 0):
        raise Faulty([Found("revision", f"must not fall: {old.revision} has been told before")])
    changed = dataclasses.replace(
        old,
        revision=revision if revision is not None else old.revision,
        state=row.after or old.state,
        body=body,
        way=Way.FORM,
        version=next_version(old.version),
        author=actor.subject,
        edited_at=now,
        changed_at=now,
    )
    await store.update(session, changed)
    await store.remember(session, changed, Action.EDIT, actor.subject, None)
    return changed


async def act(
    session: AsyncSession,
    actor: Actor,
    agreement_id: str,
    action: Action,
    reason: str | None,
    expected_version: int | None = None,
) -> Agreement:
    """Take an agreement one step on, and announce it when the public sees a difference. Raises Refused, Faulty."""
    old = await locked(session, agreement_id, actor)
    now = datetime.now(UTC)
    gates = (await gates_of(session, [old.region], swedish_day(now)))[old.region]
    row = transition(old, action, actor, reason, gates)
    if expected_version is not None and old.version != expected_version:
        raise Refused(412, "it has changed since you read it: read it again, nothing was done")
    if row.another_person:
        free = await free_since(session, {old.region: gates})
        check_another(actor, await store.writers(session, [old.id]), old, free)
    check_reason(reason)
    if ends_up_nowhere(old, action, now):
        raise Faulty([PERIOD_OVER])
    if publishes(old, row, gates):
        # Codes are retired and units closed while an agreement waits for its gates.
        await check(session, old.body, swedish_day(now))
    changed = moved(old, row, next_version(old.version), now, gates)
    await store.update(session, changed)
    await store.remember(session, changed, action, actor.subject, reason)
    if changed.public_version != old.public_version:
        await announce(session, [changed], now)
    return changed


def ends_up_nowhere(old: Agreement, action: Action, now: datetime) -> bool:
    """True for a step towards publication of what is over: no later gate could do anything but reject it."""
    return action in _ONWARDS and is_over(old.body, swedish_day(now))


def _check_whose(content: Mapping[str, Any], actor: Actor) -> None:
    region = content.get("region")
    if actor.region is None or (isinstance(region, str) and region in REGIONS):
        check_region(str(region), actor)


def check_another(
    actor: Actor, writers: Mapping[str, Mapping[str, datetime]], one: Agreement, free: Mapping[str, datetime]
) -> None:
    """The region's review is by another person than all who wrote what the public has not seen. Raises Refused.

    Where the region has chosen otherwise (`free`: since when), that holds for whoever wrote nothing before.
    """
    wrote = writers.get(one.id, {}).get(actor.subject)
    if wrote is not None and (one.region not in free or wrote < free[one.region]):
        raise Refused(403, "the region's review must be made by another person than those who wrote it")


def check_reason(reason: str | None) -> None:
    """A reason is kept and shown: nobody may be identified in it. Raises Faulty."""
    if found := [Found(*fault) for fault in text_faults("reason", reason)]:
        raise Faulty(found)


async def locked(session: AsyncSession, agreement_id: str, actor: Actor | None = None) -> Agreement:
    """The agreement with its row locked. Raises Refused, also where the actor may not read it: it must not be told."""
    found = await store.lock(session, agreement_id)
    if found is None or (actor is not None and not may_read(found, actor)):
        raise Refused(404, _NO_SUCH)
    return found
