"""A mark of secrecy on what a region sends: refused, and the version that is registered here goes too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Way
from agreements.domain.purging import PurgeGround
from agreements.service import purging
from agreements.service.checking import MARKED, Found
from agreements.service.review_settings import choices
from agreements.store import agreements as store
from agreements.store import refusals

_MARKED = "marked as covered by secrecy"

_UNKNOWN = f"{MARKED.reason}; if an earlier version is registered here, have that one purged"
_GONE = f"{MARKED.reason}; the version registered here is purged with it"
_STANDS = f"{MARKED.reason}; an earlier version is registered here: have that one purged"


@dataclass(frozen=True, slots=True)
class Marked:
    """What is told of one that is refused."""

    found: Found
    standing: str | None = None
    """Our id of the earlier version, where it is still registered."""


async def refuse(session: AsyncSession, way: Way, region: str, actor: Actor, numbers: Sequence[object]) -> list[Marked]:
    """Refuse what is marked, of a region whose right to send was checked: what to tell of each, in order.

    `numbers` are the region's own, None where one cannot be told; they are looked up and not kept. An agreement that is
    registered under one is purged at once, unless the region has chosen otherwise: then whoever sends is told to have
    it purged. Each leaves an audit line without content; the line names our id of what was registered.
    """
    now = datetime.now(UTC)
    told = [number.strip() if isinstance(number, str) and "\x00" not in number else None for number in numbers]
    wanted = {number for number in told if number}
    known = await store.lock_numbers(session, region, wanted) if wanted and actor.region == region else {}
    purges = bool(known) and (await choices(session, [region]))[region].purge_when_marked
    why = f"{_MARKED}; the version registered here was purged" if purges else f"{_MARKED}; registered here, not purged"
    marked, lines = [], []
    for number in told:
        one = known.get(number) if number else None
        lines.append((now, region, way, actor.subject, why if one else _MARKED, one.id if one else None))
        reason = _UNKNOWN if one is None else _GONE if purges else _STANDS
        standing = one.id if one is not None and not purges else None
        marked.append(Marked(Found("confidential", reason), standing))
    for one in known.values() if purges else ():
        await purging.remove(session, one, actor.subject, PurgeGround.MARKED)
    await refusals.note(session, lines)
    return marked
