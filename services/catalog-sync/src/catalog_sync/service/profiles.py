"""Regions' profiles: read, replaced by the own region's administrator, and announced."""

import dataclasses
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.profiles import Profile, Refused, check_region, check_version
from catalog_sync.store import profiles
from contracts import RegionProfileUpdated, encode, reader
from kit import outbox, telemetry
from kit.consumer import Record
from kit.database import next_version

TOPIC = RegionProfileUpdated.topic.name


async def every(session: AsyncSession) -> list[Profile]:
    """All profiles that have been told, in the order of region codes."""
    return await profiles.every(session)


async def one(session: AsyncSession, region: str) -> Profile:
    """One region's profile. Raises Refused 404 where it has told none."""
    found = await profiles.get(session, region)
    if found is None:
        raise Refused(404, 'the region has told no profile yet; its administrator writes the first with If-Match "0"')
    return found


async def replace(
    session: AsyncSession,
    region: str,
    body: Mapping[str, Any],
    *,
    expected_version: int,
    actor: str,
    actors_region: str | None,
) -> Profile:
    """Replace a region's profile as a whole, if it still is the version the editor has read, and announce it.

    Raises Refused: 403 another region's, 412 changed meanwhile.
    """
    check_region(region, actors_region)
    old = await profiles.lock(session, region)
    check_version(expected_version, old)
    version = next_version(old.version if old is not None else None)
    changed = Profile(region, version, body, datetime.now(UTC))
    if old is not None:
        await profiles.update(session, changed)
    elif not await profiles.insert_new(session, changed):
        # Two wrote the first one at the same moment; the other's is committed by now.
        check_version(expected_version, await profiles.lock(session, region))
    await profiles.remember(session, changed, "edit" if old is not None else "register", actor)
    await announce(session, changed, datetime.now(UTC))
    return changed


async def announce(session: AsyncSession, changed: Profile, now: datetime) -> None:
    """Put the profile in the outbox, in the transaction that changed it."""
    message = RegionProfileUpdated.model_validate(
        {**changed.body, "region": changed.region, "version": changed.version, "changed_at": changed.changed_at}
    )
    await outbox.add(session, [encode(message, at=now, traceparent=telemetry.traceparent())])


def version_told(record: Record) -> int:
    """The version in a record of the topic. Raises Unreadable."""
    return reader(RegionProfileUpdated)(record).version


async def versions_to_tell(session: AsyncSession, regions: Collection[str] | None) -> dict[str, int]:
    """What the topic must tell of each profile; with regions: of those alone, their rows locked."""
    return await profiles.versions(session, regions)


async def announce_anew(session: AsyncSession, versions: Mapping[str, int]) -> None:
    """Announce profiles as they are, at new versions. Their rows are locked."""
    now = datetime.now(UTC)
    for region, version in versions.items():
        found = await profiles.lock(session, region)
        if found is not None:
            changed = dataclasses.replace(found, version=version)
            await profiles.update(session, changed)
            # The profile is as it was; its history tells when it was announced anew.
            await profiles.remember(session, dataclasses.replace(changed, changed_at=now), "announce", "reconcile")
            await announce(session, changed, now)
