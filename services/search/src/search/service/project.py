"""From messages to rows, and from rows to the offers they touch. All in the caller's transaction.

Whatever order, repeats or gaps messages come in, the same last states leave the same rows and documents.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from contracts import AgreementRegistered, CareOfferingUpdated, CareUnitUpdated, CodeUpdated, Message, WaittimeUpdated
from contracts.types import System
from search.store import offers, sources
from search.store.sources import Pair

M = TypeVar("M", bound=Message)

_PLACES = frozenset({System.MUNICIPALITY, System.POSTAL_CODE})


async def units(session: AsyncSession, events: Sequence[CareUnitUpdated]) -> None:
    """Care units: every offer of a changed unit changes."""
    await sources.one_at_a_time(session)
    rows = [{"hsa_id": event.hsa_id, "version": event.version, "content": _content(event)} for event in events]
    await offers.touch_units(session, await sources.keep_units(session, rows))


async def offerings(session: AsyncSession, events: Sequence[CareOfferingUpdated]) -> None:
    """What units say they offer."""
    await sources.one_at_a_time(session)
    rows = [{"key": event.key(), "version": event.version, "content": _content(event)} for event in events]
    changed = _newest(events, await sources.keep_offerings(session, rows))
    lines = {key: [(event.unit, event.care_service.key)] for key, event in changed.items()}
    await _touch(session, await sources.replace_lines(session, "offering", lines))


async def agreements(session: AsyncSession, events: Sequence[AgreementRegistered]) -> None:
    """Agreements: each code at each unit is a basis for an offer."""
    await sources.one_at_a_time(session)
    rows = [{"id": event.key(), "version": event.version, "content": _content(event)} for event in events]
    changed = _newest(events, await sources.keep_agreements(session, rows))
    lines = {
        key: [
            (unit, code.key) for service in event.services for unit in service.units for code in service.care_services
        ]
        for key, event in changed.items()
    }
    await _touch(session, await sources.replace_lines(session, "agreement", lines))


async def waits(session: AsyncSession, events: Sequence[WaittimeUpdated]) -> None:
    """Waits decorate offers that exist; a wait alone is no ground to use care."""
    await sources.one_at_a_time(session)
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
    changed = await sources.keep_waits(session, rows)
    pairs = await sources.wait_subjects(session, changed)
    await offers.touch_existing(session, await _mapped(session, pairs))


async def codes(session: AsyncSession, events: Sequence[CodeUpdated]) -> None:
    """Codes, their maps and places. A new map moves offers to another care service."""
    await sources.one_at_a_time(session)
    rows = [
        {"key": event.key(), "version": event.version, "text": event.text, "place": _place(event)} for event in events
    ]
    changed = _newest(events, await sources.keep_codes(session, rows))
    named = [event.code for event in changed.values() if event.system == System.MUNICIPALITY]
    await offers.touch_units(session, await sources.units_in(session, named))
    await _map(session, {key: event for key, event in changed.items() if event.system not in _PLACES})


async def _map(session: AsyncSession, changed: dict[str, CodeUpdated]) -> None:
    before_and_after = await sources.replace_maps(session, {key: _maps(event) for key, event in changed.items()})
    lines = await sources.units_with(session, changed)
    await offers.touch(session, {(unit, target) for unit, key in lines for target in before_and_after[key]})
    await _touch(session, lines)
    waits = await sources.waits_with(session, changed)
    await offers.touch_existing(session, {(unit, target) for unit, key in waits for target in before_and_after[key]})
    # Its text may have changed, and offers that stood under the code itself may have moved.
    await offers.touch_services(session, changed)


def _newest(events: Sequence[M], changed: Iterable[str]) -> dict[str, M]:
    """The newest event of each thing that changed: a batch may hold several, in any order."""
    kept = set(changed)
    ordered = sorted(events, key=lambda event: event.version)
    return {event.key(): event for event in ordered if event.key() in kept}


async def _touch(session: AsyncSession, pairs: Iterable[Pair]) -> None:
    await offers.touch(session, await _mapped(session, pairs))


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


def _content(event: Message) -> dict[str, Any]:
    return event.model_dump(mode="json")
