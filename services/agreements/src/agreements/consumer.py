"""Words of Kafka in: copies of what is needed to judge an agreement's codes and units, and what regions push."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.service import catalogue, pushing
from agreements.service.pushing import Pushed
from contracts import CareUnitUpdated, CodeUpdated, reader
from contracts.agreements import SUBMITTED
from contracts.types import System
from kit.consumer import Handler, Record
from rules.regions import REGIONS

_CARE_SERVICE_SYSTEMS = frozenset({System.KVA, System.ICD10, System.CARE_SERVICE, System.CARE_SERVICE_DEMO})


async def _on_codes(session: AsyncSession, events: Sequence[CodeUpdated]) -> None:
    await catalogue.copy_codes(
        session,
        [
            {
                "key": event.key(),
                "version": event.version,
                "status": event.status,
                "text": event.text,
                "valid_from": event.valid_from,
                "valid_to": event.valid_to,
            }
            for event in events
            if event.system in _CARE_SERVICE_SYSTEMS
        ],
    )


async def _on_units(session: AsyncSession, events: Sequence[CareUnitUpdated]) -> None:
    await catalogue.copy_units(
        session,
        [
            {
                "hsa_id": event.hsa_id,
                "version": event.version,
                "status": event.status,
                "name": event.name,
                "care_provider": event.care_provider.hsa_id,
                "closed_on": event.closed_on,
            }
            for event in events
        ],
    )


def _pushed(record: Record) -> Pushed:
    """A region's record, whatever it holds: what is wrong with it is told in its receipt."""
    key = pushing.reference_of(record.key)
    return Pushed(record.value, key, record.partition, record.offset, _written_at(record))


def _written_at(record: Record) -> datetime | None:
    with suppress(KeyError, ValueError):
        told = datetime.fromisoformat(record.headers["ce_time"])
        if told.tzinfo is not None:
            return told.astimezone(UTC)
    with suppress(OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(record.timestamp / 1000, UTC) if record.timestamp > 0 else None
    return None


def _pushed_by(region: str) -> Handler:
    async def answer(session: AsyncSession, records: Sequence[Pushed]) -> None:
        await pushing.answer(session, region, records)

    return Handler(_pushed, answer)


HANDLERS: Mapping[str, Handler] = {
    CodeUpdated.topic.name: Handler(reader(CodeUpdated), _on_codes),
    CareUnitUpdated.topic.name: Handler(reader(CareUnitUpdated), _on_units),
}
"""The catalogue."""

PUSHED: Mapping[str, Handler] = {SUBMITTED.of_region(region): _pushed_by(region) for region in REGIONS}
"""What regions push: a subscription of its own, so that a flood of it never holds up the catalogue."""
