"""Reading a FHIR catalogue into the mirror, page by page; each page is kept with the address of the next."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import structlog
from sqlalchemy import Row as Run
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.reading import Guide, LinkExpired, Rejected, SourceAway
from catalog_sync.source import fhir_pages
from catalog_sync.source.fhir_pages import Trail, first_page
from catalog_sync.source.fhir_rows import Row, row_of
from catalog_sync.store import mirror, pages, rejections, runs
from catalog_sync.store.runs import State
from kit.database import Sessions
from rules.fhir_fields import Unusable, own_reference
from upkeep import polite

log = structlog.get_logger(__name__)

# Missing rows are asked for one by one, unless there are so many that an operator is asked anyway.
_FEW = 20
_TOLD_PAGES = 50


class Collecting:
    """One reading under way, of everything or of what has changed since a moment."""

    def __init__(self, sessions: Sessions, client: httpx.AsyncClient, guide: Guide, run: Run[Any]) -> None:
        self._sessions = sessions
        self._client = client
        self._guide = guide
        self._run = run.id
        self._whole: bool = run.whole
        self._since: datetime | None = run.since
        self._place: dict[str, str | None] = run.place or {"type": guide.types[0], "address": None}

    async def everything(self, few_missing: float) -> None:
        """All types, from where an interrupted reading stopped. Raises SourceAway: what is read stays read.

        Up to the share `few_missing` of a type are asked for by name before they are taken for gone.
        """
        for resource_type in self._types_left():
            address, self._place["address"] = self._place["address"], None
            try:
                await self._read(resource_type, address)
            except LinkExpired:
                if address is None:
                    raise
                # The page's address was kept too long: this type from its beginning. What was met stays met.
                # Nor may a page that is still the same lead to it again.
                await self._read(resource_type, None, anew=True)
        async with self._sessions() as session:
            nameless = (await runs.as_it_is(self._sessions, self._run)).nameless
        if self._whole and not nameless:
            for resource_type in self._guide.types:
                await self._look_for_missing(resource_type, few_missing)
        async with self._sessions.begin() as session:
            if self._whole:
                await pages.forget_others(session, self._run, self._guide.name)
                await mirror.refresh_statistics(session)
            else:
                await mirror.touch_rejected(session, self._run, self._guide.name)
                await mirror.touch_dependent(session, self._run, self._guide.name, self._guide.beside)
            await runs.note(session, self._run, state=State.COMPARING, read_at=datetime.now(UTC), place=None)

    def _types_left(self) -> Sequence[str]:
        types, begun = self._guide.types, self._place["type"]
        if begun is None:
            return ()
        return types[types.index(begun) :] if begun in types else types

    async def _read(self, resource_type: str, address: str | None, *, anew: bool = False) -> None:
        following: str | None = address or first_page(resource_type, self._since)
        trail = Trail(resource_type)
        read = 0
        while following is not None:
            trail.step(following)
            following = await self._read_page(resource_type, following, anew=anew)
            read += 1
            if read % _TOLD_PAGES == 0:
                log.info("reading", source=self._guide.name, run=self._run, type=resource_type, pages=read)

    async def _read_page(self, resource_type: str, address: str, *, anew: bool) -> str | None:
        """Read and keep one page, `anew` even if it is still the same; the next one's address."""
        source = self._guide.name
        async with self._sessions() as session:
            before = await pages.remembered(session, source, address) if not anew else None
        if before is not None and polite.is_elsewhere(self._client, before.following or ""):
            # The source may have moved since.
            before = None
        page = await fhir_pages.page(self._client, address, before.etag if before is not None else None)
        async with self._sessions.begin() as session:
            if page is not None:
                rows = await self._keep(session, resource_type, page.rows)
                if page.etag is not None and len(rows) == len(page.rows):
                    references = [row.reference for row in rows]
                    now = pages.Remembered(page.etag, page.following, references)
                    await pages.remember(session, self._run, source, address, now)
                following, count = page.following, len(page.rows)
            elif before is not None:
                # Still the page that it was: its rows are met, and have not changed.
                await pages.remember(session, self._run, source, address, before)
                if self._whole:
                    await mirror.touch_kept(session, self._run, source, before.references)
                following, count = before.following, len(before.references)
            else:
                raise SourceAway("HTTP 304 although nothing was said to be known")
            await runs.advance(
                session,
                self._run,
                read=count,
                place={"type": resource_type if following else self._after(resource_type), "address": following},
                clock=page.served_at if page is not None else None,
            )
        return following

    def _after(self, resource_type: str) -> str | None:
        rest = self._guide.types[self._guide.types.index(resource_type) + 1 :]
        return next(iter(rest), None)

    async def _keep(self, session: AsyncSession, resource_type: str, found: Sequence[dict[str, Any]]) -> Sequence[Row]:
        """Keep rows in the mirror, and note what this run is to look at; the rows that could be told apart."""
        # By reference: a catalogue that changes while it is paged through may show a row twice.
        rows: dict[str, Row] = {}
        rejected: list[Rejected] = []
        for one in found:
            try:
                row = row_of(one, resource_type)
                rows[row.reference] = row
            except Unusable as error:
                rejected.append(Rejected(own_reference(one), str(error)))
        changed = await mirror.keep(session, self._guide.name, list(rows.values()))
        met = rows.values() if self._whole else [rows[reference] for reference in changed]
        await mirror.touch(session, self._run, [(row.reference, next(iter(row.refers), "")) for row in met])
        if not self._whole and resource_type in self._guide.beside:
            described = {to for reference, before in changed.items() for to in (*before, *rows[reference].refers)}
            await mirror.touch_kept(session, self._run, self._guide.name, sorted(described))
        if rejected:
            await rejections.note(session, self._guide.name, self._run, rejected, datetime.now(UTC))
            await runs.note(session, self._run, nameless=True)
        return list(rows.values())

    async def _look_for_missing(self, resource_type: str, few: float) -> None:
        """A row that no page showed may have moved between pages while they were read: only the source knows."""
        source = self._guide.name
        async with self._sessions() as session:
            missing, kept = await mirror.unseen(session, self._run, source, resource_type)
        if len(missing) > max(_FEW, few * kept):
            async with self._sessions.begin() as session:
                await mirror.mark_gone(session, self._run, source, missing)
            return
        for reference in missing:
            found = await fhir_pages.resource(self._client, reference)
            async with self._sessions.begin() as session:
                if found is not None:
                    await self._keep(session, resource_type, [found])
                else:
                    await mirror.mark_gone(session, self._run, source, [reference])
