"""Words of Kafka in: copies of what is needed to judge an agreement's codes and units."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.service import catalogue
from contracts import CareUnitUpdated, CodeUpdated, reader
from contracts.types import System
from kit.consumer import Handler

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


HANDLERS: Mapping[str, Handler] = {
    CodeUpdated.topic.name: Handler(reader(CodeUpdated), _on_codes),
    CareUnitUpdated.topic.name: Handler(reader(CareUnitUpdated), _on_units),
}
