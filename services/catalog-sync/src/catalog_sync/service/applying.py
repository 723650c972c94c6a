"""From proposals to announcements: judged first, then applied in batches, each with its announcements."""

from datetime import UTC, datetime, timedelta

import structlog

from catalog_sync.domain.differences import Act, Shares, TooMuch, check_changed, check_ended
from catalog_sync.domain.reading import Kind
from catalog_sync.service.announce import announce
from catalog_sync.store import facts as known_facts
from catalog_sync.store import mirror, proposals, rejections, runs
from catalog_sync.store.proposals import Proposal
from catalog_sync.store.runs import State
from kit.database import Sessions, next_version

log = structlog.get_logger(__name__)

_BATCH = 1000
_LARGE = 4
_READABLE = timedelta(days=90)


async def judge(sessions: Sessions, number: int, shares: Shares) -> str | None:
    """Everything has been compared: the run may be applied, or is held for an operator; then the reason."""
    async with sessions.begin() as session:
        now = datetime.now(UTC)
        run = await runs.one(session, number)
        assert run is not None  # noqa: S101 the caller has it
        counted = await proposals.counts(session, number)
        reasons: list[str] = []
        for kind in Kind:
            of, known = counted.get(kind, {}), await known_facts.alive(session, kind)
            for act, check, share in (
                (Act.ENDED, check_ended, shares.ended),
                (Act.CHANGED, check_changed, shares.changed),
            ):
                try:
                    check(kind, of.get(act, 0), known, share)
                except TooMuch as error:
                    reasons.append(str(error))
        held = f"{'; '.join(reasons)}: nothing changed" if reasons else None
        new, changed, ended = (sum(of.get(act, 0) for of in counted.values()) for act in Act)
        values = {"new": new, "changed": changed, "ended": ended, "held": held}
        listed = await rejections.met(session, run.source, number)
        state = State.APPLYING if held is None else State.HELD
        await runs.note(session, number, state=state, rejected=listed, **values)
        earlier = await runs.waiting(session, run.source, number) if held is not None else None
        if earlier is not None and await proposals.same(session, earlier.id, number):
            # The operator's number stays, and nothing is kept twice.
            held = f"{held}; run {earlier.id} waits with the same"
            await proposals.renew(session, earlier.id)
            await runs.note(session, number, held=held)
            await runs.give_up(session, number, now, State.ABANDONED)
        elif run.whole:
            await runs.supersede(session, run.source, number, now)
            await runs.forget_old(session, now - _READABLE)
    if held is not None:
        log.error("sync held", source=run.source, run=number, reason=held)
    return held


async def apply(sessions: Sessions, number: int) -> None:
    """Apply what is left of a run. A crash costs nothing: each batch is one transaction with its announcements."""
    done = 0
    # Units before what they offer.
    for kind in Kind:
        after: str | None = ""
        while after is not None:
            after = await _apply_batch(sessions, number, kind, after)
            done += 1
            if done >= _LARGE and done & (done - 1) == 0:
                async with sessions.begin() as session:
                    await mirror.refresh_statistics(session)
    async with sessions.begin() as session:
        run = await runs.one(session, number)
        assert run is not None  # noqa: S101 the caller has it
        await rejections.settle(session, run.source, number, whole=run.whole)
        listed = (await rejections.counts(session)).get(run.source, 0)
        stale = await proposals.stale(session, number)
        # What was judged, less what stays as it is.
        values = {act.value: getattr(run, act.value) - stale.get(act, 0) for act in Act}
        values |= {"stale": sum(stale.values()), "rejected": listed}
        await runs.note(session, number, state=State.DONE, finished_at=datetime.now(UTC), **values)
        run = await runs.one(session, number)
        assert run is not None  # noqa: S101 runs are never removed
    counted = {name: getattr(run, name) for name in ("read", "new", "changed", "ended", "stale", "rejected")}
    log.info("synced", source=run.source, run=number, whole=run.whole, **counted)


async def _apply_batch(sessions: Sessions, number: int, kind: Kind, after: str) -> str | None:
    """Apply the next batch of a kind; its last key, None when nothing was left."""
    async with sessions.begin() as session:
        await known_facts.lock_sync(session)
        waiting = await proposals.next_to_apply(session, number, kind, after, _BATCH)
        if not waiting:
            return None
        known = await known_facts.known(session, kind, [one.fact.key for one in waiting])

        def outcome(one: Proposal) -> str:
            row = known.get(one.fact.key)
            return "applied" if (row.fingerprint if row is not None else None) == one.base else "stale"

        outcomes = {one.fact.key: outcome(one) for one in waiting}
        facts = [one.fact for one in waiting if outcomes[one.fact.key] == "applied"]
        versions = [next_version(row.version if (row := known.get(one.key)) else None) for one in facts]
        await known_facts.keep(session, facts, versions)
        await announce(session, facts, versions, datetime.now(UTC))
        await proposals.settle(session, number, kind, outcomes)
    return waiting[-1].fact.key
