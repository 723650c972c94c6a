"""Many agreements through a gate at once: each by the version that was seen, each with a verdict of its own."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Agreement, State, may_read
from agreements.domain.moving import moved, publishes
from agreements.domain.transitions import Action, Gates, Refused, Transition, transition
from agreements.service.announcing import announce
from agreements.service.checking import PERIOD_OVER, Found, check_all
from agreements.service.life import check_another, check_reason, ends_up_nowhere
from agreements.service.review_settings import free_since, gates_of
from agreements.store import agreements as store
from kit.database import Sessions, next_version
from rules.calendar import swedish_day
from rules.roles import Role

_AT_ONCE = 250
"""Agreements in one transaction: rows stay locked for parts of a second, and a broken connection loses no more."""


class Gate(StrEnum):
    """Whose review."""

    REGION = "region"
    AGENCY = "agency"


class Verdict(StrEnum):
    """What became of one agreement."""

    DONE = "done"
    CHANGED = "changed"
    """It is not what was seen: nothing was done."""
    REFUSED = "refused"
    """Not by this person, or not in this state."""
    FAULTY = "faulty"
    """What it says does not hold any more."""
    MISSING = "missing"


@dataclass(frozen=True)
class Decision:
    """The verdict of one agreement, and where it stands now."""

    id: str
    verdict: Verdict
    state: State | None = None
    version: int | None = None
    found: tuple[Found, ...] = ()


def waiting_for(actor: Actor, gate: Gate | None = None) -> tuple[tuple[State, str | None], ...]:
    """The states whose agreements wait for this actor, and of which region (None: of all)."""
    states: list[tuple[State, str | None]] = []
    if Role.AGREEMENT_ADMIN in actor.roles and actor.region is not None and gate in (None, Gate.REGION):
        states.append((State.SUBMITTED, actor.region))
    if Role.AGENCY_REVIEWER in actor.roles and gate in (None, Gate.AGENCY):
        states.append((State.REGION_APPROVED, None))
    return tuple(states)


def gate_of(state: State) -> Gate | None:
    """The gate that an agreement waits for in a state."""
    return {State.SUBMITTED: Gate.REGION, State.REGION_APPROVED: Gate.AGENCY}.get(state)


async def decide(
    sessions: Sessions, actor: Actor, action: Action, seen: Mapping[str, int], reason: str | None
) -> AsyncGenerator[list[Decision], None]:
    """Approve or reject agreements, each if its version is still the one that was seen; part by part, in order.

    Each part is committed when it is told: repeated after a fault, what was done already is told as changed. Raises
    Faulty for the reason, and NotReady, before the first part.
    """
    check_reason(reason)
    for part in _parts(list(seen)):
        async with sessions.begin() as session:
            decided = await _decide(session, actor, action, {one: seen[one] for one in part}, reason)
        yield decided


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


async def _decide(
    session: AsyncSession, actor: Actor, action: Action, seen: Mapping[str, int], reason: str | None
) -> list[Decision]:
    now = datetime.now(UTC)
    known = await store.lock_all(session, list(seen))
    gates = await gates_of(session, {one.region for one in known.values()}, swedish_day(now))
    reviewed = [one.id for one in known.values() if one.state is State.SUBMITTED]
    free = await free_since(session, gates) if reviewed else {}
    writers = await store.writers(session, reviewed) if reviewed else {}
    decisions: dict[str, Decision] = {}
    rows: dict[str, Transition] = {}
    for one_id, version in seen.items():
        old = known.get(one_id)
        if old is None or not may_read(old, actor):
            decisions[one_id] = Decision(one_id, Verdict.MISSING)
        elif old.version != version:
            decisions[one_id] = _told(old, Verdict.CHANGED)
        else:
            try:
                rows[one_id] = transition(old, action, actor, reason, gates[old.region])
                if rows[one_id].another_person:
                    check_another(actor, writers, old, free)
                if ends_up_nowhere(old, action, now):
                    rows.pop(one_id)
                    decisions[one_id] = _told(old, Verdict.FAULTY, PERIOD_OVER)
            except Refused as why:
                rows.pop(one_id, None)
                decisions[one_id] = _told(old, Verdict.REFUSED, Found(why.field or "", why.reason))
    publishing = [known[one] for one, row in rows.items() if publishes(known[one], row, gates[known[one].region])]
    for old, found in zip(publishing, await _faults(session, publishing, now), strict=True):
        if found:
            del rows[old.id]
            decisions[old.id] = _told(old, Verdict.FAULTY, *found)
    done = await _move(session, actor, action, [(known[one], row) for one, row in rows.items()], gates, reason, now)
    decisions |= {one.id: _told(one, Verdict.DONE) for one in done}
    return [decisions[one] for one in seen]


async def _move(
    session: AsyncSession,
    actor: Actor,
    action: Action,
    steps: Sequence[tuple[Agreement, Transition]],
    gates: Mapping[str, Gates],
    reason: str | None,
    now: datetime,
) -> list[Agreement]:
    done = [moved(old, row, next_version(old.version), now, gates[old.region]) for old, row in steps]
    await store.step_all(session, done, action, actor.subject, reason)
    await announce(session, [one for one in done if one.public_version == one.version], now)
    return done


async def _faults(session: AsyncSession, some: Sequence[Agreement], now: datetime) -> list[list[Found]]:
    return await check_all(session, [one.body for one in some], swedish_day(now)) if some else []


def _told(one: Agreement, verdict: Verdict, *found: Found) -> Decision:
    return Decision(one.id, verdict, one.state, one.version, found)
