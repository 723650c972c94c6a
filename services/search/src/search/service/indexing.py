"""Brings the index in line with the rows: whole documents of dirty offers, written with their revision."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kit.database import Sessions, is_transient
from search.domain.document import Sources, build
from search.index.engine import EngineAway, Index
from search.store import offers, sources
from search.store.offers import Dirty

log = structlog.get_logger(__name__)

_BATCH = 500
_IDLE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 5.0


class Indexer:
    """Indexes dirty offers for ever. Several may run at once: the index keeps the highest revision."""

    def __init__(self, sessions: Sessions, index: Index) -> None:
        self._sessions = sessions
        self._index = index
        self._wake = asyncio.Event()
        self.waiting_for: str | None = None
        """Why indexing stands still, for readiness."""
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    def wake(self) -> None:
        """There may be dirty offers: look at once, not at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; an engine that is away is waited for."""
        pause = 0.1
        while True:
            self.beat = time.monotonic()
            self._wake.clear()
            try:
                await self._index.prepare()
                while await self.index_some():
                    self.beat = time.monotonic()
                self.waiting_for, pause = None, 0.1
            except (EngineAway, SQLAlchemyError, OSError, TimeoutError) as error:
                if not isinstance(error, EngineAway) and not is_transient(error):
                    raise
                self.waiting_for = str(error) if isinstance(error, EngineAway) else "postgresql"
                log.warning("indexing waits", reason=type(error).__name__, pause_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), _IDLE_SECONDS)
            except TimeoutError:
                continue

    async def index_some(self) -> int:
        """Index one batch of dirty offers; how many there were."""
        async with self._sessions() as session:
            # One snapshot: the revision written is that of the rows the document was built from.
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            batch = await offers.dirty(session, _BATCH)
            documents = await _documents(session, batch)
        if not batch:
            return 0
        faults = await self._index.write([(one.id, one.revision, documents[one.id]) for one in batch])
        async with self._sessions.begin() as session:
            await offers.mark_indexed(session, batch, faults)
        return len(batch)


async def _documents(session: Any, batch: Sequence[Dirty]) -> dict[str, dict[str, Any] | None]:
    if not batch:
        return {}
    pairs = [(one.unit, one.code_key) for one in batch]
    units = await sources.units(session, (unit for unit, _ in pairs))
    lines = await sources.about(session, pairs)
    offerings = await sources.offerings(session, (row.source for row in lines if row.kind == "offering"))
    agreements = await sources.agreements(session, (row.source for row in lines if row.kind == "agreement"))
    waits = await sources.waits(session, units)
    wait_targets = await sources.targets(session, (row.code_key for row in waits))
    municipalities = {f"municipality|{unit['place']['municipality']}" for unit in units.values()}
    codes = await sources.codes(
        session, {*municipalities, *(row.code_key for row in lines), *(key for _, key in pairs)}
    )
    documents: dict[str, dict[str, Any] | None] = {}
    for one in batch:
        unit = units.get(one.unit)
        mine = [row for row in lines if row.unit == one.unit and row.target == one.code_key]
        municipality = codes.get(f"municipality|{unit['place']['municipality']}") if unit is not None else None
        documents[one.id] = build(
            Sources(
                unit=unit,
                code_key=one.code_key,
                code_text=codes[one.code_key].text if one.code_key in codes else None,
                municipality=municipality.text if municipality is not None else None,
                offerings=[offerings[row.source] for row in mine if row.kind == "offering"],
                agreements=[
                    agreements[source] for source in sorted({row.source for row in mine if row.kind == "agreement"})
                ],
                waits=[
                    row.content
                    for row in waits
                    if row.subject == one.unit and one.code_key in wait_targets[row.code_key]
                ],
                codes={row.code_key: codes[row.code_key].text for row in mine if row.code_key in codes},
            )
        )
    return documents
