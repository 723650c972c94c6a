"""What a region chooses of its own gate and its notices, within what the profile of the day leaves to it."""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor
from agreements.domain.transitions import Gates, Refused, check_region
from agreements.service.profile import profile_on
from agreements.store import review_settings as store
from kit.database import next_version
from rules.calendar import swedish_day

_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Choice:
    """A region's own choice. The careful one holds where nobody has chosen: version 0."""

    region: str
    version: int = 0
    region_review: bool = True
    another_person: bool = True
    notices_to: dict[str, str] | None = None
    """A function's channel and value: where the region wants to be told of what ends."""
    purge_when_marked: bool = True
    actor: str | None = None
    at: datetime | None = None


async def choices(session: AsyncSession, regions: Collection[str]) -> dict[str, Choice]:
    """What counts for each of the regions."""
    known = await store.latest(session, regions)
    return {region: _choice(known[region]) if region in known else Choice(region) for region in regions}


async def gates_of(session: AsyncSession, regions: Collection[str], day: date) -> dict[str, Gates]:
    """The gates that stand between a draft of each region and the public on a day."""
    return {region: gates(choice, day) for region, choice in (await choices(session, regions)).items()}


def gates(choice: Choice, day: date) -> Gates:
    """The region's choice where the profile leaves it one, else the profile's."""
    reviews = profile_on(day).reviews
    if reviews.region_may_switch_off:
        return Gates(choice.region_review, choice.another_person, reviews.agency)
    return Gates(reviews.region, reviews.another_person, reviews.agency)


async def free_since(session: AsyncSession, gates_now: Mapping[str, Gates]) -> dict[str, datetime]:
    """For the regions where the reviewer may be who wrote: since when. What was written before needs another person."""
    free = [region for region, now in gates_now.items() if not now.another_person]
    chosen = await store.off_since(session, free) if free else {}
    # Where the profile alone says so, it has no moment.
    return {region: chosen.get(region, _ALWAYS) for region in free}


async def read(session: AsyncSession, actor: Actor, region: str) -> tuple[Choice, list[Choice]]:
    """What the actor's region has chosen: what counts, and all that was chosen, the newest first. Raises Refused."""
    check_region(region, actor)
    every = [_choice(row) for row in await store.history(session, region)]
    return (every[0] if every else Choice(region)), every


async def choose(
    session: AsyncSession,
    actor: Actor,
    region: str,
    expected_version: int,
    chosen: Mapping[str, Any],
) -> Choice:
    """Choose for the actor's region, if nobody else has since it was read; the rest stays as it is. Raises Refused.

    The gates that are on the way count from the next step on: nothing that waits is moved by it.
    """
    check_region(region, actor)
    now = datetime.now(UTC)
    profile = profile_on(swedish_day(now))
    left_out = [name for name in ("region_review", "another_person") if not chosen.get(name, True)]
    if left_out and not profile.reviews.region_may_switch_off:
        raise Refused(422, f"cannot be left out: the profile {profile.name} demands it", left_out[0])
    old = (await choices(session, [region]))[region]
    made = {"version": next_version(old.version), "actor": actor.subject, "at": now}
    new = dataclasses.replace(old, **{**chosen, **made})
    if old.version != expected_version or not await store.append_after(session, old.version, vars(new)):
        raise Refused(412, "somebody else has changed it since you read it: read it again, nothing was overwritten")
    return new


def _choice(row: Any) -> Choice:
    return Choice(**row._mapping)
