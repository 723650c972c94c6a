"""Lists of agreements: filtered and sorted by a narrow row per agreement and side, which follows every write.

Bodies are kilobytes and mostly stored apart from their row: a list that read them would take seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, false, func, not_, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, State, is_owner
from agreements.store.tables import listed
from rules.roles import Role

_FORGET = text("DELETE FROM agreement_listed WHERE agreement_id = ANY(:ids)")
_REFRESH = text("""
INSERT INTO agreement_listed (agreement_id, side, region, number, state, name, kind, basis, care_provider, valid_from,
  valid_to, changed_at, units, codes, usable_by)
SELECT id, side, region, number, shown_state, content->>'name', content->>'kind', content->>'basis',
  content->'care_provider'->>'hsa_id', (content->>'valid_from')::date, (content->>'valid_to')::date, seen_at,
  ARRAY(SELECT DISTINCT jsonb_array_elements_text(service->'units')
        FROM jsonb_array_elements(content->'services') AS service),
  ARRAY(SELECT DISTINCT (code->>'system') || '|' || (code->>'code')
        FROM jsonb_array_elements(content->'services') AS service,
        jsonb_array_elements(service->'care_services') AS code),
  CASE WHEN content->'use_by_others'->>'use' = 'yes' THEN ARRAY['*'] ELSE ARRAY(
    SELECT jsonb_array_elements_text(content->'commissioning_regions')
    UNION SELECT jsonb_array_elements_text(content->'use_by_others'->'regions')) END
FROM (
  SELECT id, 'working' AS side, region, number, state AS shown_state, body AS content, changed_at AS seen_at
  FROM agreement WHERE id = ANY(:ids)
  UNION ALL
  SELECT id, 'public', region, number, public_state, public_body, public_at
  FROM agreement WHERE id = ANY(:ids) AND public_state = 'published'
) AS sides
""")

SORTS = ("number", "name", "valid_from", "valid_to", "changed_at")
"""What a list may be sorted by; with a - before it in falling order."""


@dataclass(frozen=True)
class Filters:
    """All hold together; None does not filter."""

    region: str | None = None
    state: str | None = None
    number: str | None = None
    kind: str | None = None
    basis: str | None = None
    care_provider: str | None = None
    unit: str | None = None
    care_service: str | None = None
    """`system|code`"""
    usable_by: str | None = None
    """A region: its own agreements, and others' that are open to it without asking."""
    valid_on: date | None = None
    expires_before: date | None = None
    changed_since: datetime | None = None
    q: str | None = None
    """Part of the number or the name, in whatever case."""


async def refresh(session: AsyncSession, ids: Sequence[str]) -> None:
    """Bring the list up to what the agreements' own rows say, in the transaction that wrote them."""
    await session.execute(_FORGET, {"ids": list(ids)})
    await session.execute(_REFRESH, {"ids": list(ids)})


async def find(
    session: AsyncSession, actor: Actor, filters: Filters, *, sort: str = "number", limit: int, offset: int
) -> tuple[list[str], int]:
    """Ids of the agreements this actor may read, as the actor sees them: one page and the total."""
    where = [_readable(actor), *_filtered(filters)]
    total = await session.scalar(select(func.count()).select_from(listed).where(and_(*where)))
    name = sort.removeprefix("-")
    by = listed.c[name].desc().nulls_last() if sort.startswith("-") else listed.c[name].asc().nulls_last()
    rest = (listed.c.region, listed.c.number, listed.c.agreement_id)
    order = rest if sort == "number" else (by, *rest)
    query: Select[Any] = select(listed.c.agreement_id).where(and_(*where)).order_by(*order)
    return list(await session.scalars(query.limit(limit).offset(offset))), total or 0


def _readable(actor: Actor) -> ColumnElement[bool]:
    # The same rule as domain.agreement.may_read_working, as SQL; tests hold the two against each other.
    allowed: list[ColumnElement[bool]] = []
    if actor.region is not None and is_owner(actor.region, actor):
        allowed.append(listed.c.region == actor.region)
    if Role.AGENCY_REVIEWER in actor.roles:
        waiting = select(listed.c.agreement_id).where(
            listed.c.side == "working", listed.c.state == State.REGION_APPROVED
        )
        allowed.append(listed.c.agreement_id.in_(waiting))
    working = or_(*allowed) if allowed else false()
    return (working & (listed.c.side == "working")) | (not_(working) & (listed.c.side == "public"))


def _filtered(wanted: Filters) -> list[ColumnElement[bool]]:
    where = [
        listed.c[name] == value
        for name in ("region", "state", "number", "kind", "basis", "care_provider")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.unit is not None:
        where.append(listed.c.units.contains([wanted.unit]))
    if wanted.care_service is not None:
        where.append(listed.c.codes.contains([wanted.care_service]))
    if wanted.usable_by is not None:
        where.append(listed.c.usable_by.overlap(cast(array(["*", wanted.usable_by]), ARRAY(Text))))
    if (day := wanted.valid_on) is not None:
        where.append((listed.c.valid_from <= day) & func.coalesce(listed.c.valid_to >= day, True))
    if wanted.expires_before is not None:
        where.append(listed.c.valid_to < wanted.expires_before)
    if wanted.changed_since is not None:
        where.append(listed.c.changed_at >= wanted.changed_since)
    if wanted.q is not None:
        where.append(
            listed.c.number.icontains(wanted.q, autoescape=True) | listed.c.name.icontains(wanted.q, autoescape=True)
        )
    return where
