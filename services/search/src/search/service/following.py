"""An index follows the offers: whole documents of what has changed, in the order of changes, each with its revision."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import structlog

from kit.logging import where
from search.domain.document import build, offer_id
from search.index.engine import Index
from search.store import followed, joined, offers, purges
from search.store.followed import Followed
from search.store.offers import Offer

log = structlog.get_logger(__name__)

Document = dict[str, Any]
Faults = dict[Offer, str]

_BATCH = 1000
_IN_FLIGHT = 2


@dataclass(frozen=True)
class _Flight:
    """A batch on its way to the index."""

    batch: Sequence[Offer]
    faults: Faults
    writing: "asyncio.Task[dict[str, str]]"


async def advance(
    connection: asyncpg.Connection,
    index: Index,
    one: Followed,
    *,
    seconds: float = float("inf"),
    moved: Callable[[int], None] = lambda _: None,
) -> tuple[Followed, bool]:
    """Follow until nothing is left or the time is over: how far it came, and whether nothing was left.

    The next batch is joined and built while the engine works on those before it. The cursor moves after the engine has
    taken a batch: after a crash some documents are written again, with revisions it has, which changes nothing. Raises
    EngineAway.
    """
    until = time.monotonic() + seconds
    flights: deque[_Flight] = deque()
    cursor, caught_up = one.cursor, False

    async def land() -> None:
        flight = flights.popleft()
        refused = await flight.writing
        reasons = flight.faults
        if refused:
            named = {offer_id(row.unit, row.code_key): row for row in flight.batch}
            reasons = {**reasons, **{named[name]: reason for name, reason in refused.items()}}
        if reasons or await followed.refuses(connection, one.name):
            await _hide_purged(connection, index, one.name, reasons)
            await followed.judge(connection, one.name, flight.batch, reasons)
        await followed.move(connection, one.name, flight.batch[-1])
        moved(len(flight.batch))

    try:
        while time.monotonic() < until:
            # One snapshot: the revision written is that of the rows the document was built from.
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                batch = await offers.after(connection, cursor, _BATCH)
                built, faults = await documents(connection, batch) if batch else ({}, {})
            if not batch:
                caught_up = True
                break
            if len(flights) == _IN_FLIGHT:
                await land()
            rows = [(offer_id(row.unit, row.code_key), row.revision, document) for row, document in built.items()]
            flights.append(_Flight(batch, faults, asyncio.ensure_future(index.write(one.name, rows))))
            cursor = batch[-1]
        while flights:
            await land()
    finally:
        for flight in flights:
            flight.writing.cancel()
        await asyncio.gather(*(flight.writing for flight in flights), return_exceptions=True)
    return replace(one, cursor=cursor), caught_up


async def _hide_purged(connection: asyncpg.Connection, index: Index, name: str, reasons: Faults) -> None:
    """What cannot be shown as it is stays as it was, unless that shows an agreement that became confidential."""
    named = {offer_id(one.unit, one.code_key): one for one in reasons}
    held = await index.read(name, list(named))
    shown = {
        offer: {basis["agreement_id"] for basis in document.get("bases", ()) if basis.get("agreement_id")}
        for offer, (_, document) in held.items()
    }
    purged = await purges.among(connection, {agreement for found in shown.values() for agreement in found})
    hidden = [(offer, named[offer].revision, None) for offer, found in shown.items() if found & purged]
    await index.write(name, hidden)


async def documents(
    connection: asyncpg.Connection, batch: Sequence[Offer]
) -> tuple[dict[Offer, Document | None], Faults]:
    """The offers' documents (None: nothing to show), and why some could not be built."""
    known = await joined.of(connection, batch)
    built: dict[Offer, Document | None] = {}
    faults: Faults = {}
    for one in batch:
        try:
            built[one] = build(known.sources(one))
        except (LookupError, TypeError, ValueError) as error:
            # A state that an older or newer release has stored: it must not stop the offers behind it.
            faults[one] = f"cannot be built: {type(error).__name__}: {error}"
            log.error("document not built", offer=offer_id(one.unit, one.code_key), where=where(error))
    return built, faults
