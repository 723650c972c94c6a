"""From messages to rows, and from rows to the offers they touch. All in the caller's transaction.

Whatever order, repeats or gaps messages come in, the same last states leave the same rows and documents. With `mend`,
what has the same version is written again too: a damaged row becomes what was told.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from contracts import (
    AgreementRegistered,
    CapacityAnnounced,
    CareOfferingUpdated,
    CareUnitUpdated,
    CodeUpdated,
    Message,
    RegionProfileUpdated,
    WaittimeUpdated,
)
from contracts.agreements import AgreementStatus
from contracts.capacity import CapacityStatus, Direction
from contracts.types import System
from kit.database import upsert_newer
from search.store import offers, purges, sources
from search.store.sources import Pair
from search.store.tables import (
    agreement,
    announcement,
    announcement_line,
    care_unit,
    code,
    line,
    offering,
    region_profile,
    wait,
)

M = TypeVar("M", bound=Message)

_PLACES = frozenset({System.MUNICIPALITY, System.POSTAL_CODE})


async def units(session: AsyncSession, events: Sequence[CareUnitUpdated], *, mend: bool = False) -> None:
    """Care units: every offer of a changed unit changes."""
    revision = await offers.begin(session)
    rows = [{"hsa_id": event.hsa_id, "version": event.version, "content": _content(event)} for event in events]
    changed = await upsert_newer(session, care_unit, rows, mend=mend)
    await offers.touch_units(session, revision, [row.hsa_id for row in changed])


async def offerings(session: AsyncSession, events: Sequence[CareOfferingUpdated], *, mend: bool = False) -> None:
    """What units say they offer."""
    revision = await offers.begin(session)
    rows = [
        {
            "unit": event.unit,
            "code_key": event.care_service.key,
            "version": event.version,
            "content": _content(event),
        }
        for event in events
    ]
    changed = await upsert_newer(session, offering, rows, mend=mend)
    await _touch(session, revision, [(row.unit, row.code_key) for row in changed])


async def agreements(session: AsyncSession, events: Sequence[AgreementRegistered], *, mend: bool = False) -> None:
    """Agreements: each code at each unit is a basis for an offer."""
    revision = await offers.begin(session)
    rows = [{"id": event.key(), "version": event.version, "content": _kept(event)} for event in events]
    changed = _newest(events, [row.id for row in await upsert_newer(session, agreement, rows, mend=mend)])
    lines = {key: list(_pairs(event)) for key, event in changed.items()}
    await purges.add(session, revision, [key for key, event in changed.items() if _is_purged(event)])
    await _touch(session, revision, await sources.replace_lines(session, line, lines))


def _is_purged(event: AgreementRegistered) -> bool:
    return event.status == AgreementStatus.PURGED


def _kept(event: AgreementRegistered) -> Any:
    # Whatever came along with it: of one that became confidential only the status is kept, beside id and version.
    return purges.LEFT if _is_purged(event) else _content(event)


def _pairs(event: AgreementRegistered) -> Iterator[Pair]:
    for service in () if _is_purged(event) else event.services:
        yield from ((unit, code.key) for unit in service.units for code in service.care_services)


async def announcements(session: AsyncSession, events: Sequence[CapacityAnnounced], *, mend: bool = False) -> None:
    """Announcements of free capacity: while one is open, each of its codes at its unit is a basis for an offer."""
    revision = await offers.begin(session)
    rows = [{"id": event.key(), "version": event.version, "content": _content(event)} for event in events]
    changed = _newest(events, [row.id for row in await upsert_newer(session, announcement, rows, mend=mend)])
    lines = {key: list(_announced(event)) for key, event in changed.items()}
    await _touch(session, revision, await sources.replace_lines(session, announcement_line, lines))


def _announced(event: CapacityAnnounced) -> Iterator[Pair]:
    """What it offers; nothing when it asks for capacity, or has ended."""
    if event.status == CapacityStatus.OPEN and event.direction == Direction.OFFER and event.unit is not None:
        yield from ((event.unit, code.key) for code in event.care_services)


async def waits(session: AsyncSession, events: Sequence[WaittimeUpdated], *, mend: bool = False) -> None:
    """Waits decorate offers that exist; a wait alone is no ground to use care."""
    revision = await offers.begin(session)
    rows = [
        {
            "key": event.key(),
            "version": event.version,
            "subject": event.subject.id,
            "code_key": event.care_service.key,
            "content": _content(event),
        }
        for event in events
    ]
    changed = [row.key for row in await upsert_newer(session, wait, rows, mend=mend)]
    pairs = await sources.wait_subjects(session, changed)
    await offers.touch_existing(session, revision, await _mapped(session, pairs))


async def profiles(session: AsyncSession, events: Sequence[RegionProfileUpdated], *, mend: bool = False) -> None:
    """What regions tell of brokering. No offer changes: answers look it up."""
    # A rebuild removes rows in the belief that nobody else writes then.
    await offers.begin(session)
    rows = [{"region": event.region, "version": event.version, "content": _content(event)} for event in events]
    await upsert_newer(session, region_profile, rows, mend=mend)


async def codes(session: AsyncSession, events: Sequence[CodeUpdated], *, mend: bool = False) -> None:
    """Codes, their maps and places. A new map moves offers to another care service."""
    revision = await offers.begin(session)
    rows = [
        {
            "key": event.key(),
            "version": event.version,
            "text": event.text,
            "designations": list(event.designations),
            "place": _place(event),
        }
        for event in events
    ]
    changed = _newest(events, [row.key for row in await upsert_newer(session, code, rows, mend=mend)])
    named = [event.code for event in changed.values() if event.system == System.MUNICIPALITY]
    await offers.touch_units(session, revision, await sources.units_in(session, named))
    await _map(session, revision, {key: event for key, event in changed.items() if event.system not in _PLACES})


async def _map(session: AsyncSession, revision: int, changed: dict[str, CodeUpdated]) -> None:
    if not changed:
        return
    before_and_after = await sources.replace_maps(session, {key: _maps(event) for key, event in changed.items()})
    lines = await sources.units_with(session, changed)
    moved = {(unit, target) for unit, key in lines for target in before_and_after[key]}
    await offers.touch(session, revision, moved | await _mapped(session, lines))
    waits = await sources.waits_with(session, changed)
    moved = {(unit, target) for unit, key in waits for target in before_and_after[key]}
    await offers.touch_existing(session, revision, moved)
    # Its text may have changed, and offers that stood under the code itself may have moved.
    await offers.touch_services(session, revision, changed)


def _newest(events: Sequence[M], changed: Iterable[str]) -> dict[str, M]:
    """The newest event of each thing that changed: a batch may hold several, in any order."""
    kept = set(changed)
    ordered = sorted(events, key=lambda event: event.version)
    return {event.key(): event for event in ordered if event.key() in kept}


async def _touch(session: AsyncSession, revision: int, pairs: Iterable[Pair]) -> None:
    await offers.touch(session, revision, await _mapped(session, pairs))


async def _mapped(session: AsyncSession, pairs: Iterable[Pair]) -> set[Pair]:
    known = list(pairs)
    found = await sources.targets(session, (key for _, key in known))
    return {(unit, target) for unit, key in known for target in found[key]}


def _maps(event: CodeUpdated) -> list[dict[str, Any]]:
    return [
        {"source": event.key(), "target": row.target.key, "equivalence": row.equivalence, "map": row.map}
        for row in event.maps
    ]


def _place(event: CodeUpdated) -> dict[str, Any] | None:
    return event.place.model_dump(mode="json") if event.place is not None else None


def _content(event: Message) -> str:
    return event.model_dump_json()
