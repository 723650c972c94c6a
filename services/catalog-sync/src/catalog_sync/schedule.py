"""When the sources are read: at start and then at an interval, and each at once when an operator asks."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import httpx
import structlog
from prometheus_client import Gauge

from catalog_sync.domain.differences import Shares
from catalog_sync.domain.places import NOWHERE, Places
from catalog_sync.domain.reading import Kind, Reading, SourceAway
from catalog_sync.service import codes, decisions, sync
from catalog_sync.service.catalogue import Pace, sync_catalogue
from catalog_sync.service.sync import Outcome
from catalog_sync.settings import Settings
from catalog_sync.source import code_files, geography, guides
from kit.database import Sessions, is_transient

log = structlog.get_logger(__name__)

HELD_RUNS = Gauge("vf_sync_held_runs", "Runs that wait for an operator's decision", ["source"])
REJECTED_ROWS = Gauge("vf_sync_rejected_rows", "Source rows that cannot be used", ["source"])
READ_AGE_SECONDS = Gauge("vf_sync_read_age_seconds", "Since the source was last read completely", ["source"])

_SAMPLE_SECONDS = 15.0


class Clockwork:
    """Reads every source again and again."""

    def __init__(self, given: Settings, sessions: Sessions, client: httpx.AsyncClient) -> None:
        self._given = given
        self._sessions = sessions
        self._client = client
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""
        self.has_read = False
        """True once every source has been read since this process started."""
        self.held: list[tuple[int, str]] = []
        """Runs of the latest round that changed nothing of a source that was read, and why."""
        self._pause = 0.0
        """How long a source has asked to be left alone."""

    async def run(self) -> None:
        """Until cancelled. A source or database that is away is tried again a little later; nothing is lost by that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sample_for_ever())
            group.create_task(self._read_for_ever())

    async def _read_for_ever(self) -> None:
        due = time.monotonic()
        while True:
            self.beat = time.monotonic()
            if self.beat >= due:
                fine = await self._read_all_beating()
                self.has_read = self.has_read or fine
                pause = max(self._given.retry_seconds, self._pause)
                due = time.monotonic() + (self._given.sync_seconds if fine else pause)
            await asyncio.sleep(1)

    async def _read_all_beating(self) -> bool:
        # A slow source is no reason to restart the process.
        reading = asyncio.ensure_future(self.read_all())
        try:
            while not (await asyncio.wait([reading], timeout=1))[0]:
                self.beat = time.monotonic()
        finally:
            reading.cancel()
        try:
            return reading.result()
        except Exception as error:  # sorted by is_transient, everything else goes on to the caller
            if not is_transient(error):
                raise
            log.warning("waiting for an engine", engine="postgresql", reason=type(error).__name__)
            return False

    async def read_all(self, *, whole: bool = False) -> bool:
        """Read every source once, `whole` or what has changed; False when one could not be read."""
        self.held, self._pause = [], 0.0
        fine = True
        survey = None
        try:
            if (folder := self._given.geography_files) is not None:
                survey = await asyncio.to_thread(geography.look, folder)
        except SourceAway as error:
            # Read without it, every repaired address would look changed.
            log.warning("source away", source=geography.NAME, reason=str(error))
            return False
        # Codes first: the rest hangs on them.
        if self._given.code_files is not None or survey is not None:
            fine &= await self._read(code_files.NAME, self._codes(survey))
        places = survey.places if survey is not None else NOWHERE
        return await self._read("catalogue", self._catalogue(places, whole)) and fine

    async def _read(self, source: str, work: Awaitable[Outcome]) -> bool:
        try:
            outcome = await work
        except SourceAway as error:
            log.warning("source away", source=source, reason=str(error))
            self._pause = max(self._pause, error.wait_seconds)
            return False
        if outcome.held is not None:
            self.held.append((outcome.run, f"{outcome.source}: {outcome.held}"))
        return True

    async def _codes(self, survey: geography.Survey | None) -> Outcome:
        """Code files and places as one reading, so that neither takes the other's codes for gone."""
        folder = self._given.code_files
        reading = await codes.read(self._sessions, folder) if folder is not None else Reading()
        if survey is not None:
            geography.add(reading, survey)
        share = self._shares.ended
        return await sync.sync(self._sessions, code_files.NAME, [Kind.CODE], reading, largest_share=share)

    async def _catalogue(self, places: Places, whole: bool) -> Outcome:
        pace = Pace(timedelta(seconds=self._given.full_sync_seconds), timedelta(seconds=self._given.overlap_seconds))
        guide = await guides.guide_of(self._client, self._given.catalogue_guide, places)
        return await sync_catalogue(self._sessions, self._client, guide, self._shares, pace, whole=whole)

    @property
    def _shares(self) -> Shares:
        return Shares(self._given.largest_share, self._given.largest_changed_share)

    async def _sample_for_ever(self) -> None:
        while True:
            try:
                await self.sample()
            except Exception as error:  # a database that is away is told by the outbox and by readiness
                if not is_transient(error):
                    raise
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def sample(self) -> None:
        """Bring the metrics of runs up to date: a decision may have been made in another process."""
        now = datetime.now(UTC)
        for one in await decisions.standing(self._sessions):
            HELD_RUNS.labels(one.source).set(one.held)
            REJECTED_ROWS.labels(one.source).set(one.rejected)
            if one.read_at is not None:
                READ_AGE_SECONDS.labels(one.source).set((now - one.read_at).total_seconds())
