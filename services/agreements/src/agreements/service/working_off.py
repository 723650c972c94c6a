"""Works submissions off in the background: read, checked and taken in chunks, each with its verdicts in one commit.

Killed at any moment it goes on behind the last chunk; of two workers one has the submission. Nothing is done twice.
"""

import asyncio
import io
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

import structlog
from prometheus_client import Gauge
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

import intake
from agreements.domain.agreement import Actor, Way
from agreements.service import checking
from agreements.service.intake import Sent, Verdict, take
from agreements.service.sent_form import check
from agreements.service.submissions import KEPT_DAYS, Status
from agreements.store import submissions as store
from agreements.store.catalogue import catalogue_is_complete
from contracts.agreements import Answer
from intake import Checked, Finding, Reading, UnreadableFile
from kit.database import is_transient, sessions
from kit.logging import where
from rules.calendar import swedish_day

log = structlog.get_logger(__name__)

WAITING = Gauge("vf_submissions_waiting", "Submissions received and not yet worked off")
OLDEST_SECONDS = Gauge("vf_submission_oldest_seconds", "Since the oldest submission not worked off was received")

_CHUNK = 100
_IDLE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_TIDY_SECONDS = 3600.0
_OURS = "could not be judged for a fault of ours, which is logged: send it again, or ask the service's operators"


class _Lost(Exception):
    """Somebody else works the submission off."""


class _Item(NamedTuple):
    sent: intake.Sent
    checked: Checked


class WorkingOff:
    """One per worker process; run as many as you like."""

    def __init__(self, engine: AsyncEngine, *, chunk: int = _CHUNK) -> None:
        self._engine = engine
        self._sessions = sessions(engine)
        self._chunk = chunk
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    async def run(self) -> None:
        """Until cancelled. While the database is away, or the catalogue is not copied, it waits and tries again."""
        pause, tidied = _IDLE_SECONDS, float("-inf")
        while True:
            self.beat = time.monotonic()
            try:
                if time.monotonic() - tidied > _TIDY_SECONDS:
                    await self._tidy()
                    tidied = time.monotonic()
                pause = 0.0 if await self.work_one() else _IDLE_SECONDS
            except checking.NotReady:
                pause = _IDLE_SECONDS
            except Exception as error:
                if not is_transient(error):
                    raise
                pause = min(max(pause, 0.1) * 2, _LONGEST_PAUSE_SECONDS)
                log.warning("submissions wait", where=where(error), pause_seconds=pause)
            await asyncio.sleep(pause)

    async def work_one(self) -> bool:
        """Work the oldest one off that nobody else has; False when there is none."""
        async with self._sessions() as session:
            waiting = await store.waiting(session)
            ready = bool(waiting) and await catalogue_is_complete(session)
        WAITING.set(len(waiting))
        OLDEST_SECONDS.set((datetime.now(UTC) - waiting[0].received_at).total_seconds() if waiting else 0)
        if not ready:
            return False
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                for submission_id in (row.id for row in waiting):
                    if await store.claim(connection, submission_id) and await self._work(submission_id):
                        return True
            finally:
                if not connection.closed and not connection.invalidated:
                    # It goes back to the pool, and would keep its claim there.
                    await connection.invalidate()
        return False

    async def _work(self, submission_id: str) -> bool:
        async with self._sessions() as session:
            found = await store.get(session, submission_id)
            if found is None or found.finished_at is not None:
                return False
            file = io.BytesIO()
            async for piece in store.upload(session, submission_id):
                file.write(piece)
        began = time.monotonic()
        status, findings = Status.DONE, []
        try:
            await self._judge(found, file)
        except UnreadableFile as error:
            status, findings = Status.FAILED, [one.as_json() for one in error.findings]
        except _Lost:
            log.info("submission is somebody else's", submission=submission_id)
            return False
        except Exception as error:
            if is_transient(error) or isinstance(error, checking.NotReady):
                raise
            # It would meet the same fault again and again, and those behind it would wait for ever.
            log.error("submission not worked off", submission=submission_id, where=where(error))
            status, findings = Status.FAILED, [Finding("", _OURS).as_json()]
        async with self._sessions.begin() as session:
            ended: dict[str, Any] = {"status": status, "finished_at": datetime.now(UTC)}
            await store.finish(session, submission_id, ended | ({"findings": findings} if findings else {}))
        seconds = round(time.monotonic() - began, 2)
        log.info("submission worked off", submission=submission_id, status=status, seconds=seconds)
        return True

    async def _judge(self, found: Row[Any], file: io.BytesIO) -> None:
        """All that is not judged yet. Raises UnreadableFile, NotReady, _Lost."""
        # In threads: the catalogue's copy and the outbox go on while a large file is read.
        reading = await asyncio.to_thread(intake.read, file, mapping=found.mapping, remembered=True)
        begun = {"status": Status.CHECKING, "format": reading.format, "rows": reading.rows}
        async with self._sessions.begin() as session:
            notes = [note.as_json() for note in reading.notes]
            await store.begin(session, found.id, {**begun, "findings": notes})
        working = _Working(found, reading, found.agreements_done, Counter(found.counts))
        await asyncio.to_thread(working.skip)
        while chunk := await asyncio.to_thread(working.next, self._chunk):
            self.beat = time.monotonic()
            await self._commit(working, chunk)

    async def _commit(self, working: "_Working", chunk: Sequence[_Item]) -> None:
        """One chunk; where a fault of ours meets one agreement, that one alone is left behind."""
        try:
            await self._take(working, chunk)
        except (_Lost, checking.NotReady):
            raise
        except Exception as error:
            if is_transient(error):
                raise
            if len(chunk) == 1:
                log.error("submitted agreement not judged", submission=working.found.id, where=where(error))
                await self._take(working, chunk, broken=True)
                return
            middle = len(chunk) // 2
            await self._commit(working, chunk[:middle])
            await self._commit(working, chunk[middle:])

    async def _take(self, working: "_Working", chunk: Sequence[_Item], *, broken: bool = False) -> None:
        found = working.found
        actor = Actor(found.actor, frozenset(found.roles), found.region)
        judged = [item.checked for item in chunk]
        right = [place for place, one in enumerate(judged) if one.form is not None or one.confidential]
        verdicts: dict[int, Verdict] = {}
        async with self._sessions.begin() as session:
            if not broken:
                sent = [_for_taking(chunk[place]) for place in right]
                taken = await take(session, working.way, found.region, actor, sent, sent_at=found.received_at)
                verdicts = dict(zip(right, taken, strict=True))
            rows = [_row(item, verdicts.get(place), broken=broken) for place, item in enumerate(chunk)]
            counts = working.counts + Counter(str(row["verdict"]) for row in rows)
            if not await store.go_on(session, found.id, working.done, rows, counts):
                raise _Lost
            if found.name is not None and any(one.confidential for one in judged):
                # What people call a file may tell what is in it.
                await store.forget_name(session, found.id)
        working.done += len(chunk)
        working.counts = counts

    async def _tidy(self) -> None:
        async with self._sessions.begin() as session:
            gone = await store.forget_before(session, datetime.now(UTC) - timedelta(days=KEPT_DAYS))
        if gone:
            log.info("old submissions deleted", number=gone)


class _Working:
    """A submission that is being worked off, and how far it has come."""

    def __init__(self, found: Row[Any], reading: Reading, done: int, counts: Counter[str]) -> None:
        self.found = found
        self.done = done
        self.counts = counts
        # What systems write is JSON; tables are people's.
        self.way = Way.HTTP if reading.format == "json" else Way.FILE
        self._sent: Iterator[intake.Sent] = iter(reading)
        self._today = swedish_day(datetime.now(UTC))

    def skip(self) -> None:
        """Pass by what has its verdict."""
        for _ in islice(self._sent, self.done):
            pass

    def next(self, number: int) -> list[_Item]:
        """The next ones, checked by themselves; empty at the end."""
        return [_Item(sent, self._check(sent)) for sent in islice(self._sent, number)]

    def _check(self, sent: intake.Sent) -> Checked:
        return check(sent, self.found.region, self._today)


def _for_taking(item: _Item) -> Sent:
    if item.checked.confidential:
        return Sent({"confidential": True, "number": item.sent.marked_number})
    return Sent(item.checked.form)


def _row(item: _Item, verdict: Verdict | None, *, broken: bool) -> dict[str, Any]:
    """A verdict as it is kept: with the place of every finding, and of what is covered by secrecy only its rows."""
    sent, checked = item
    findings: list[Finding] = [*checked.findings]
    if broken and not findings:
        findings = [Finding("", _OURS, sent.rows[0] if sent.rows else None)]
    elif verdict is not None and checked.confidential:
        row = sent.rows[0] if sent.rows else None
        findings = [Finding(one.field, one.reason, row) for one in verdict.found]
    elif verdict is not None:
        findings += [intake.told(sent, one.field, one.reason, checking.suggested(one)) for one in verdict.found]
    # Of one that is refused nobody could tell them from the reasons.
    notes = [{**one.as_json(), "note": True} for one in checked.notes]
    return {
        "rows": list(sent.rows),
        "number": None if checked.confidential else sent.number,
        "verdict": verdict.answer if verdict is not None else Answer.REJECTED,
        "agreement_id": verdict.agreement_id if verdict is not None else None,
        "findings": [*(one.as_json() for one in findings), *notes],
    }
