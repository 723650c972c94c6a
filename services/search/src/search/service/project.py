"""From messages to rows, and from rows to the offers they touch. All in the caller's transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from contracts import AgreementRegistered, CareOfferingUpdated, CareUnitUpdated, CodeUpdated, Message, WaittimeUpdated
from search.store import offers, sources
from search.store.sources import Pair

_PLACES = frozenset({"municipality", "postal-code"})


async def units(session: AsyncSession, events: Sequence[CareUnitUpdated]) -> None:
    """Care units: every offer of a changed unit changes."""
    rows = [{"hsa_id": event.hsa_id, "version": event.version, "content": _content(event)} for event in events]
    await offers.touch_units(session, await sources.keep_units(session, rows))


async def offerings(session: AsyncSession, events: Sequence[CareOfferingUpdated]) -> None:
    """What units say they offer."""
    rows = [{"key": event.key(), "version": event.version, "content": _content(event)} for event in events]
    changed = set(await sources.keep_offerings(session, rows))
    lines = {event.key(): [(event.unit, event.care_service.key)] for event in events if event.key() in changed}
    await _touch(session, await sources.replace_lines(session, "offering", lines))


async def agreements(session: AsyncSession, events: Sequence[AgreementRegistered]) -> None:
    """Agreements: each code at each unit is a basis for an offer."""
    rows = [{"id": event.key(), "version": event.version, "content": _content(event)} for event in events]
    changed = set(await sources.keep_agreements(session, rows))
    newest: dict[str, AgreementRegistered] = {}
    for event in events:
        if event.key() in changed and (event.key() not in newest or newest[event.key()].version < event.version):
            newest[event.key()] = event
    lines = {
        key: [
            (unit, code.key) for service in event.services for unit in service.units for code in service.care_services
        ]
        for key, event in newest.items()
    }
    await _touch(session, await sources.replace_lines(session, "agreement", lines))


async def waits(session: AsyncSession, events: Sequence[WaittimeUpdated]) -> None:
    """Waits decorate offers that exist; a wait alone is no ground to use care."""
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
    rows = [
        {"key": event.key(), "version": event.version, "text": event.text, "place": _place(event)} for event in events
    ]
    changed = set(await sources.keep_codes(session, rows))
    relevant = [event for event in events if event.key() in changed and event.system not in _PLACES]
    maps = {event.key(): _maps(event) for event in relevant}
    before_and_after = await sources.replace_maps(session, maps)
    pairs = await sources.units_with(session, maps)
    await offers.touch(session, {(unit, target) for unit, _ in pairs for target in before_and_after})
    await _touch(session, pairs)
    # Its text has changed, perhaps; and offers that stood under the code itself may have moved.
    await offers.touch_services(session, maps)


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
