"""Tells the topic what the public sees of an agreement: the one door by which facts leave."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Agreement, State
from agreements.store import agreements as store
from contracts import AgreementRegistered, Envelope, encode, reader
from contracts.agreement_form import AgreementForm
from contracts.agreements import purged
from contracts.audience import owner_fields
from kit import outbox, telemetry
from kit.consumer import Record

_KEPT_HERE = owner_fields(AgreementForm)


async def announce(session: AsyncSession, changed: Sequence[Agreement], now: datetime) -> None:
    """Put the public state of agreements in the outbox, in the transaction that changed them; their rows are locked."""
    await outbox.add(session, [_told(one, now) for one in changed])


def _told(one: Agreement, now: datetime) -> Envelope:
    assert one.public_version is not None  # noqa: S101 only what the public has seen is announced
    if one.public_state is State.PURGED:
        message = purged(one.id, one.region, one.public_version, now)
    else:
        assert one.public_body is not None  # noqa: S101 emptied by a purge alone
        message = AgreementRegistered.model_validate(
            {
                **{name: value for name, value in one.public_body.items() if name not in _KEPT_HERE},
                "agreement_id": one.id,
                "version": one.public_version,
                "status": one.public_state,
                "ended_on": one.ended_on,
                "published_at": one.published_at,
                "changed_at": one.public_at,
            }
        )
    return encode(message, at=now, traceparent=telemetry.traceparent())


def version_told(record: Record) -> int:
    """The version in a record of this service's topic. Raises Unreadable."""
    return reader(AgreementRegistered)(record).version


async def versions_to_tell(session: AsyncSession, topic: str, keys: Collection[str] | None) -> dict[str, int]:
    """What its topic must tell of each agreement that has been public; with keys: of those alone, their rows locked."""
    return await store.public_versions(session, keys)


async def announce_anew(session: AsyncSession, topic: str, versions: Mapping[str, int]) -> None:
    """Announce agreements as they are, at new versions. Their rows are locked, and they have been public."""
    now = datetime.now(UTC)
    for agreement_id, version in versions.items():
        found = await store.lock(session, agreement_id)
        assert found is not None  # noqa: S101 its row is locked
        changed = dataclasses.replace(found, public_version=version, version=max(version, found.version))
        await store.update(session, changed)
        # The agreement is as it was; its history tells when it was announced anew.
        await store.remember(session, dataclasses.replace(changed, changed_at=now), "announce", "reconcile", None)
        await announce(session, [changed], now)
