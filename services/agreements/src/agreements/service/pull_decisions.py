"""The yes or no to what is gone from a region's own interface."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor
from agreements.domain.pulling import RunState
from agreements.domain.transitions import Action, Refused
from agreements.service import life
from agreements.service.pulling import Busy
from agreements.store import agreements as agreements_store
from agreements.store import pulls
from kit.database import Sessions
from rules.roles import Role

log = structlog.get_logger(__name__)

_AT_ONCE = 50


class NoSuchRun(Exception):
    """A run that is not there, or does not wait for a decision; in words."""


async def approve(sessions: Sessions, number: int, by: str, why: str) -> Counter[str]:
    """End what a held run lists as gone, as the region's administrator; what was done, by word. Raises NoSuchRun, Busy.

    One that has been changed since it was listed stays as it is.
    """
    region = await _region_of(sessions, number)
    async with pulls.trying_alone(sessions, region) as alone:
        if not alone:
            raise Busy(f"region {region} is being read just now: try again shortly")
        await _waits(sessions, number)
        actor = Actor(by, frozenset({Role.AGREEMENT_ADMIN}), region)
        reason = f"finns inte kvar i regionens gränssnitt (hämtning {number})" + (f": {why}" if why else "")
        while True:
            async with sessions.begin() as session:
                rows = await pulls.gone(session, number, undecided=True, limit=_AT_ONCE)
                for row in rows:
                    done = await _end(session, row, actor, reason)
                    await pulls.note_outcome(session, number, row.agreement_id, done)
                if not rows:
                    outcomes = Counter(row.outcome for row in await pulls.gone(session, number))
                    ended = sum(outcomes.values()) - outcomes["changed meanwhile"]
                    await _decided(session, number, RunState.APPROVED, by, why, ended=ended)
                    break
    log.info("pull decided", run=number, region=region, decision="approved", by=by)
    return outcomes


async def _end(session: AsyncSession, row: Row[Any], actor: Actor, reason: str) -> str:
    found = await agreements_store.get(session, row.agreement_id)
    if found is None or found.version != row.version:
        return "changed meanwhile"
    action = Action.TERMINATE if found.has_been_public else Action.WITHDRAW
    try:
        changed = await life.act(session, actor, found.id, action, reason, expected_version=row.version)
    except Refused:
        return "changed meanwhile"
    return str(changed.state)


async def discard(sessions: Sessions, number: int, by: str, why: str) -> None:
    """Leave everything as it is; a later whole reading may list the same. Raises NoSuchRun."""
    await _waits(sessions, number)
    async with sessions.begin() as session:
        await _decided(session, number, RunState.DISCARDED, by, why)
    log.info("pull decided", run=number, decision="discarded", by=by)


async def _region_of(sessions: Sessions, number: int) -> str:
    async with sessions() as session:
        run = await pulls.one(session, number)
    if run is None:
        raise NoSuchRun(f"there is no run {number}")
    return str(run.region)


async def _waits(sessions: Sessions, number: int) -> None:
    async with sessions() as session:
        run = await pulls.one(session, number)
    if run is None:
        raise NoSuchRun(f"there is no run {number}")
    if run.state != RunState.HELD:
        reason = {
            RunState.SUPERSEDED: "a later whole reading has looked at everything anew",
            RunState.APPROVED: f"it was approved by {run.decided_by}",
            RunState.DISCARDED: f"it was discarded by {run.decided_by}",
        }.get(RunState(run.state), f"it is {run.state}")
        raise NoSuchRun(f"run {number} does not wait for a decision: {reason}")


async def _decided(session: AsyncSession, number: int, state: RunState, by: str, why: str, **more: int) -> None:
    now = datetime.now(UTC)
    decided = {"decision": state.value, "decided_by": by, "decided_at": now, "decided_why": why or None}
    await pulls.note(session, number, state=state, finished_at=now, **decided, **more)
