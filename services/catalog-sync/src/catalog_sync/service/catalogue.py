"""Syncing with a FHIR catalogue: page by page into the mirror, from there to proposals, and on to announcements.

Every step is kept: after a crash a run goes on with the page, the batch or the change that is next.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import structlog

from catalog_sync.domain.differences import Shares
from catalog_sync.domain.reading import Guide, Rejected
from catalog_sync.service import applying
from catalog_sync.service.collecting import Collecting
from catalog_sync.service.comparing import compare
from catalog_sync.service.sync import Outcome, alone, outcome_of
from catalog_sync.store import rejections, runs
from catalog_sync.store.runs import State
from kit.database import Sessions
from upkeep import polite

log = structlog.get_logger(__name__)

# What was read longer ago may have changed too much to go on with.
_OLDEST = timedelta(hours=6)


@dataclass(frozen=True)
class Pace:
    """How a catalogue is read."""

    whole_every: timedelta
    """A whole reading at least that often: only it finds what was removed."""
    overlap: timedelta
    """How far before the latest reading the next one begins, so that late and simultaneous changes are met."""


async def sync_catalogue(
    sessions: Sessions,
    client: httpx.AsyncClient,
    guide: Guide,
    shares: Shares,
    pace: Pace,
    *,
    whole: bool = False,
) -> Outcome:
    """Go on with the run that was interrupted, or begin one: of what has changed, or of everything when it is time.

    Raises SourceAway: the run stays as far as it came, and the next call goes on.
    """
    async with alone(sessions):
        number = await _run_to_do(sessions, client, guide, pace, whole=whole)
        run = await runs.as_it_is(sessions, number)
        if run.state == State.READING:
            await Collecting(sessions, client, guide, run).everything(shares.ended)
        if (await runs.as_it_is(sessions, number)).state == State.COMPARING:
            await compare(sessions, guide, number, whole=run.whole)
            await applying.judge(sessions, number, shares)
        if (await runs.as_it_is(sessions, number)).state == State.APPLYING:
            await applying.apply(sessions, number)
    async with sessions() as session:
        listed = await rejections.listed(session, guide.name, None)
    return await outcome_of(sessions, number, [Rejected(row.resource, row.reason) for row in listed])


async def _run_to_do(sessions: Sessions, client: httpx.AsyncClient, guide: Guide, pace: Pace, *, whole: bool) -> int:
    now = datetime.now(UTC)
    while True:
        async with sessions.begin() as session:
            run = await runs.unfinished(session, guide.name)
            if run is None:
                begun, clock = await runs.last_read(session, guide.name)
                since = None
                if begun is not None and clock is not None and now - begun < pace.whole_every and not whole:
                    since = clock - pace.overlap
                return await runs.begin(session, guide.name, now, state=State.READING, whole=since is None, since=since)
            too_old = now - run.started_at > _OLDEST
            # The source has moved since: the old host may never answer again.
            moved = polite.is_elsewhere(client, (run.place or {}).get("address") or "")
            # A whole one that was asked for is not served by half of another.
            if run.state == State.READING and (too_old or moved or whole):
                await runs.give_up(session, run.id, now, State.ABANDONED)
                continue
        if run.state != State.APPLYING:
            log.info("run goes on", source=guide.name, run=run.id, state=run.state)
            return int(run.id)
        await applying.apply(sessions, run.id)
