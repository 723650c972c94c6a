"""When the sources are read: at start and then at an interval, and each at once when an operator asks."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable

import httpx
import structlog

from catalog_sync.domain.places import NOWHERE
from catalog_sync.domain.reading import Kind, Reading, SourceAway
from catalog_sync.service import codes, sync
from catalog_sync.settings import Settings
from catalog_sync.source import code_files, geography, guides, national_catalogue
from kit.database import Sessions, is_transient

log = structlog.get_logger(__name__)


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
        self.held: list[str] = []
        """Why the latest round changed nothing of a source that was read."""

    async def run(self) -> None:
        """Until cancelled. A source or database that is away is tried again a little later; nothing is lost by that."""
        due = time.monotonic()
        while True:
            self.beat = time.monotonic()
            if self.beat >= due:
                fine = await self._read_all_beating()
                self.has_read = self.has_read or fine
                due = time.monotonic() + (self._given.sync_seconds if fine else self._given.retry_seconds)
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

    async def read_all(self) -> bool:
        """Read every source once; False when one could not be read."""
        self.held = []
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
            fine &= await self._read(code_files.NAME, [Kind.CODE], self._codes(survey))
        places = survey.places if survey is not None else NOWHERE
        catalogue = guides.read(self._client, self._given.catalogue_guide, places)
        return await self._read(national_catalogue.NAME, [Kind.UNIT, Kind.OFFERING], catalogue) and fine

    async def _codes(self, survey: geography.Survey | None) -> Reading:
        """Code files and places as one reading, so that neither takes the other's codes for gone."""
        folder = self._given.code_files
        reading = await codes.read(self._sessions, folder) if folder is not None else Reading()
        if survey is not None:
            geography.add(reading, survey)
        return reading

    async def _read(self, source: str, kinds: list[Kind], work: Awaitable[Reading]) -> bool:
        try:
            reading = await work
        except SourceAway as error:
            log.warning("source away", source=source, reason=str(error))
            return False
        left_out = {str(rule): count for rule, count in Counter(rule for _, rule in reading.left_out).items()}
        log.info("read", source=source, left_out=left_out, noted=len(reading.noted))
        async with self._sessions.begin() as session:
            share = self._given.largest_share
            outcome = await sync.sync(session, source, kinds, reading, largest_share=share)
        if outcome.held is not None:
            self.held.append(f"{source}: {outcome.held}")
        return True
