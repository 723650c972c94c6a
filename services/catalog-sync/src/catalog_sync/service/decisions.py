"""What an operator decides about runs that are held, and how things stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from catalog_sync.service import applying
from catalog_sync.service.sync import alone
from catalog_sync.store import rejections, runs
from catalog_sync.store.runs import State
from kit.database import Sessions

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A run that is not there, or cannot be decided about; in words."""


@dataclass(frozen=True)
class Standing:
    """How things stand with a source."""

    source: str
    held: int
    rejected: int
    read_at: datetime | None


async def approve(sessions: Sessions, number: int, by: str, why: str) -> Mapping[str, int]:
    """Apply a held run as it was proposed; `applied` and `stale`, those that have changed meanwhile and stay.

    Raises Refused.
    """
    async with alone(sessions):
        await _decide(sessions, number, State.APPLYING, "approved", by, why)
        await applying.apply(sessions, number)
    run = await runs.as_it_is(sessions, number)
    return {"applied": run.new + run.changed + run.ended, "stale": run.stale}


async def discard(sessions: Sessions, number: int, by: str, why: str) -> None:
    """Leave everything as it is known. A later whole reading may propose the same again. Raises Refused.

    A run that is stuck in reading is abandoned: the next one begins anew.
    """
    async with alone(sessions):
        await _decide(sessions, number, State.DISCARDED, "discarded", by, why)


async def _decide(sessions: Sessions, number: int, state: State, decision: str, by: str, why: str) -> None:
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        run = await runs.one(session, number)
        if run is None:
            raise Refused(f"there is no run {number}")
        stuck = run.state == State.READING and state is State.DISCARDED
        if run.state != State.HELD and not stuck:
            reason = {
                State.SUPERSEDED: "a later whole reading has looked at everything anew",
                State.DONE: "it is done",
                State.DISCARDED: f"it was discarded by {run.decided_by}",
            }.get(State(run.state), f"it is {run.state}")
            raise Refused(f"run {number} does not wait for a decision: {reason}")
        decided = {"decision": decision, "decided_by": by, "decided_at": now, "decided_why": why or None}
        finished = {"finished_at": now} if state is State.DISCARDED else {}
        await runs.note(session, number, state=state, **decided, **finished)
        if stuck:
            await runs.give_up(session, number, now, State.ABANDONED)
    log.info("run decided", run=number, source=run.source, decision=decision, by=by)


async def standing(sessions: Sessions) -> list[Standing]:
    """Every source that has had a run."""
    async with sessions() as session:
        held, listed, read_at = await runs.held(session), await rejections.counts(session), await runs.read_at(session)
        return [
            Standing(source, held.get(source, 0), listed.get(source, 0), read_at.get(source))
            for source in sorted({*await runs.names(session), *listed})
        ]
