"""When the sources are read: at start and then at an interval, and each at once when an operator asks."""

import asyncio
import time

import httpx
import structlog

from catalog_sync import service
from catalog_sync.domain import Kind
from catalog_sync.settings import Settings
from catalog_sync.source import code_files, national_catalogue
from catalog_sync.source.fhir_pages import SourceAway
from kit.database import Sessions

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

    async def run(self) -> None:
        """Until cancelled. A source that is away is tried again a little later; nothing is lost by that."""
        due = time.monotonic()
        while True:
            self.beat = time.monotonic()
            if self.beat >= due:
                fine = await self.read_all()
                self.has_read = self.has_read or fine
                due = time.monotonic() + (self._given.sync_seconds if fine else self._given.retry_seconds)
            await asyncio.sleep(1)

    async def read_all(self) -> bool:
        """Read every source once; False when one could not be read."""
        if self._given.code_files is not None:
            # Codes first: the rest hangs on them.
            reading = await asyncio.to_thread(code_files.read, self._given.code_files)
            async with self._sessions.begin() as session:
                await service.sync(
                    session, code_files.NAME, [Kind.CODE], reading, largest_share=self._given.largest_share
                )
        try:
            reading = await national_catalogue.read(self._client)
        except SourceAway as error:
            log.warning("source away", source=national_catalogue.NAME, reason=str(error))
            return False
        async with self._sessions.begin() as session:
            await service.sync(
                session,
                national_catalogue.NAME,
                [Kind.UNIT, Kind.OFFERING],
                reading,
                largest_share=self._given.largest_share,
            )
        return True
