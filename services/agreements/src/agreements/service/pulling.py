"""Reading a region's own interface: page by page through the same intake as every other way; what is gone waits.

Every page is kept with the address of the next: after a crash a reading goes on. What the interface no longer tells is
listed with the run and ended by a yes alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Way
from agreements.domain.pulling import Item, Page, RunState, judge
from agreements.service import intake
from agreements.service.checking import Found
from agreements.service.intake import Sent, Verdict
from agreements.source import region_pages
from agreements.source.pull_sources import Source
from agreements.store import pulls
from contracts.agreements import Answer
from kit.database import Sessions
from rules.roles import Role
from upkeep.polite import Away, LinkExpired, Trail, is_elsewhere

log = structlog.get_logger(__name__)

_OVERLAP = timedelta(minutes=5)
# What was read longer ago may have changed too much to go on with.
_OLDEST = timedelta(hours=6)
_MOST_PAGES = 10_000
_MOST_BYTES = 2 * 1024**3
_KEPT = timedelta(days=90)
_TAKEN = frozenset({Answer.ACCEPTED, Answer.UNCHANGED})


class Busy(Exception):
    """Another process is at work with this region's runs."""


@dataclass(frozen=True)
class Outcome:
    """What a reading came to."""

    run: int
    held: str | None


async def pull(sessions: Sessions, client: httpx.AsyncClient, source: Source, *, whole: bool = False) -> Outcome:
    """Go on with the reading that was interrupted, or begin one: of what has changed, or of everything when it is time.

    Raises Away (the run stays as far as it came), NotReady, Busy.
    """
    async with pulls.trying_alone(sessions, source.region) as alone:
        if not alone:
            raise Busy(f"region {source.region} is being read by another process")
        number = await _run_to_do(sessions, client, source, whole=whole)
        run = await pulls.as_it_is(sessions, number)
        await _Reading(sessions, client, source, run).everything()
        await _finish(sessions, source.region, number)
        run = await pulls.as_it_is(sessions, number)
    log.info(
        "region read",
        region=source.region,
        run=number,
        state=run.state,
        **{name: getattr(run, name) for name in ("read", "accepted", "unchanged", "conflict", "rejected", "gone")},
    )
    return Outcome(number, run.held if run.state == RunState.HELD else None)


async def _run_to_do(sessions: Sessions, client: httpx.AsyncClient, source: Source, *, whole: bool) -> int:
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        run = await pulls.unfinished(session, source.region)
        if run is not None:
            # The interface may have moved since: the old host may never answer again.
            moved = run.format != source.format or is_elsewhere(client, run.place or "")
            if now - run.started_at <= _OLDEST and not moved and not (whole and not run.whole):
                return int(run.id)
            await pulls.note(session, run.id, state=RunState.ABANDONED, finished_at=now, place=None)
            await pulls.finish(session, run.id, source.region, whole=False)
        begun, clock = await pulls.last_read(session, source.region, source.format)
        since = None
        if begun is not None and clock is not None and now - begun < timedelta(hours=source.whole_every_hours):
            since = clock - _OVERLAP
        return await pulls.begin(session, source.region, source.format, now, None if whole else since)


class _Reading:
    """One reading under way."""

    def __init__(self, sessions: Sessions, client: httpx.AsyncClient, source: Source, run: Row[Any]) -> None:
        self._sessions = sessions
        self._client = client
        self._source = source
        self._run: int = run.id
        self._whole: bool = run.whole
        self._first = region_pages.first_page(source.format, run.since)
        self._place: str | None = run.place
        self._actor = Actor(f"pull-{source.region}", frozenset({Role.REGION_SYSTEM}), source.region)
        self._until = run.started_at + _OLDEST

    async def everything(self) -> None:
        """All pages, from where an interrupted reading stopped. Raises Away: what is read stays read."""
        try:
            await self._from(self._place or self._first, anew=False)
        except LinkExpired:
            if self._place is None:
                raise
            # The page's address was kept too long: from the beginning. What was met stays met.
            await self._from(self._first, anew=True)

    async def _from(self, address: str, *, anew: bool) -> None:
        following: str | None = address
        trail = Trail("the reading")
        while following is not None:
            trail.step(following)
            following = await self._page(following, anew=anew)
            self._place = following

    async def _page(self, address: str, *, anew: bool) -> str | None:
        before = None
        if self._whole and not anew:
            async with self._sessions() as session:
                before = await pulls.remembered(session, self._source.region, address)
        etag = before.etag if before is not None else None
        page = await region_pages.page(self._client, self._source.format, address, etag)
        async with self._sessions.begin() as session:
            if page is not None:
                following = page.following
                await self._take(session, address, page)
            else:
                assert before is not None  # noqa: S101 only then an ETag was sent
                following = before.following
                await pulls.meet(session, self._run, before.numbers)
                await pulls.remember(session, self._run, self._source.region, address, before)
                more = {"read": len(before.numbers), "unchanged": len(before.numbers), "pages": 1}
                await pulls.count(session, self._run, more)
            await pulls.note(session, self._run, place=following)
        run = await pulls.as_it_is(self._sessions, self._run)
        if following is not None and (run.pages >= _MOST_PAGES or run.bytes > _MOST_BYTES):
            raise Away("the interface has more pages than a reading takes")
        if following is not None and datetime.now(UTC) > self._until:
            raise Away("the reading takes longer than six hours")
        return following

    async def _take(self, session: AsyncSession, address: str, page: Page) -> None:
        """Give a page's agreements to intake, and keep what became of each."""
        region, now = self._source.region, datetime.now(UTC)
        run = await pulls.one(session, self._run)
        assert run is not None  # noqa: S101 runs are never removed
        wanted = [one for one in page.items if one.ended is None and one.passed is None]
        sent = [_sent(one, region) for one in wanted]
        verdicts = await intake.take(
            session, Way.PULL, region, self._actor, sent, sent_at=min(page.served_at or now, now)
        )
        met = {number for one, said in zip(wanted, verdicts, strict=True) if (number := _met(one, said)) is not None}
        met |= {one.number for one in page.items if one.passed is not None and one.number is not None}
        ended = {one.number: one.ended for one in page.items if one.ended is not None and one.number is not None}
        await pulls.meet(session, self._run, met | ended.keys())
        await pulls.list_ended(session, self._run, region, ended)
        rows = [
            {
                "reference": f"page {run.pages + 1}, {one.reference}" if " " in one.reference else one.reference,
                "number": said.number,
                "answer": said.answer,
                "agreement_id": said.agreement_id,
                "reasons": [_reason(found) for found in said.found],
            }
            for one, said in zip(wanted, verdicts, strict=True)
            # Those that are as they were are counted only.
            if said.answer is not Answer.UNCHANGED
        ]
        await pulls.keep_items(session, self._run, rows)
        counts = Counter(said.answer.value for said in verdicts)
        counts["passed"] = len(page.items) - len(wanted)
        more = {"read": len(page.items), "pages": 1, "bytes": page.size, **counts}
        await pulls.count(session, self._run, more)
        nameless = any(one.number is None for one in page.items)
        await pulls.note(session, self._run, clock=run.clock or page.served_at, nameless=run.nameless or nameless)
        if self._whole and page.etag is not None and len(met) == len(page.items) and all_taken(verdicts):
            now_known = pulls.Remembered(page.etag, page.following, sorted(met))
            await pulls.remember(session, self._run, region, address, now_known)


def all_taken(verdicts: Sequence[Verdict]) -> bool:
    """True when nothing of a page needs to be looked at again: a code may be known tomorrow."""
    return all(said.answer in _TAKEN for said in verdicts)


def _sent(one: Item, region: str) -> Sent:
    # FHIR has no word for whose interface it is; our own JSON names the region, and intake compares.
    content = one.content if "region" in one.content else {"region": region, **one.content}
    return Sent(content, tuple(Found(*fault) for fault in one.found), one.sent_at)


def _met(one: Item, said: Verdict) -> str | None:
    # What is refused for secrecy is kept nowhere, not even its number: it counts as gone.
    secret = any(found.field == "confidential" for found in said.found)
    return None if secret else one.number


def _reason(found: Found) -> dict[str, str | None]:
    return {"field": found.field, "reason": found.reason, "suggestion": found.suggestion}


async def _finish(sessions: Sessions, region: str, number: int) -> None:
    """Judge a reading that has come to its end: done, or held for what is gone."""
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        run = await pulls.one(session, number)
        assert run is not None  # noqa: S101 runs are never removed
        known = await pulls.count_known(session, region)
        if run.whole and not run.nameless:
            await pulls.list_gone(session, number, region)
        gone = await pulls.count_gone(session, number)
        judged = judge(gone, known, run.read, whole=run.whole)
        if run.whole:
            await pulls.supersede(session, region, number, now)
        state = RunState.HELD if judged.held is not None else RunState.DONE
        finished = {"finished_at": now} if state is RunState.DONE else {}
        await pulls.note(
            session,
            number,
            state=state,
            read_at=now,
            gone=gone,
            held=judged.held,
            suspicious=judged.suspicious,
            place=None,
            **finished,
        )
        await pulls.finish(session, number, region, whole=run.whole)
        await pulls.tidy(session, now - _KEPT)
    if judged.held is not None:
        log.warning("pull held", region=region, run=number, reason=judged.held)
