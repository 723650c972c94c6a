"""Keeps the codes in memory in line with the tables: looks every second, and reads what has changed."""

import asyncio
import time

import structlog

from catalog_sync.domain.codes import Code
from catalog_sync.service.code_index import CodeIndex
from catalog_sync.store import codes
from kit.database import Sessions, is_transient

log = structlog.get_logger(__name__)


class Following:
    """The codes as of the latest look. Answers go on from what is known while the database is away."""

    def __init__(self, sessions: Sessions, *, every_seconds: float = 1.0) -> None:
        self._sessions = sessions
        self._every_seconds = every_seconds
        self._known: dict[str, tuple[int, Code]] = {}
        self._mark: codes.Mark | None = None
        self.index: CodeIndex | None = None
        """None until the codes have been read."""
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    async def run(self) -> None:
        """Until cancelled. A database that is away is asked again."""
        while True:
            try:
                await self.look()
            except Exception as error:  # sorted by is_transient, everything else ends the loop
                if not is_transient(error):
                    log.error("codes are followed no more", reason=type(error).__name__)
                    raise
                log.warning("waiting for an engine", engine="postgresql", reason=type(error).__name__)
            self.beat = time.monotonic()
            await asyncio.sleep(self._every_seconds)

    async def look(self) -> None:
        """Read what has changed since the last look, if anything has."""
        async with self._sessions() as session:
            # One view of the table for the mark and the rows.
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            found = await codes.mark(session)
            if found == self._mark:
                return
            since = self._mark.newest if self._mark is not None else -1
            changed = {one.key: (version, one) async for part in codes.newer(session, since) for version, one in part}
            known = {**self._known, **changed}
            if _mark_of(known) != found:
                # Restored from a backup, or a clock was turned back: versions below those seen have changed.
                known = {one.key: (version, one) async for part in codes.newer(session, -1) for version, one in part}
        index = await asyncio.to_thread(CodeIndex, [one for _, one in known.values()])
        self._known, self._mark, self.index = known, found, index
        log.info("codes read", codes=found.count, changed=len(changed))

    async def ready(self) -> str | None:
        """For readiness: None when questions can be answered."""
        if self.index is None:
            return "the codes have not been read yet"
        return None if self.index.codes else "no codes are known yet"


def _mark_of(known: dict[str, tuple[int, Code]]) -> codes.Mark:
    versions = [version for version, _ in known.values()]
    return codes.Mark(len(versions), max(versions, default=0), sum(versions))
