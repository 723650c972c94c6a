"""Lists of agreements: filtered and sorted by a narrow row per agreement and side, which follows every write.

Bodies are kilobytes and mostly stored apart from their row: a list that read them would take seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select, text, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from agreements.domain.agreement import Actor, State, is_owner
from agreements.store.tables import agreement, listed
from rules.roles import Role

_FORGET = text("DELETE FROM agreement_listed WHERE agreement_id = ANY(:ids)")
_REFRESH = text("""
INSERT INTO agreement_listed (agreement_id, side, region, number, state, name, words, kind, basis, care_provider,
  valid_from, valid_to, changed_at, units, codes, usable_by)
SELECT id, side, region, number, shown_state, content->>'name',
  lower((number || ' ' || coalesce(content->>'name', '')) COLLATE "sv-x-icu"), content->>'kind', content->>'basis',
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
    session: AsyncSession,
    actor: Actor,
    filters: Filters,
    *,
    sort: str = "number",
    limit: int,
    offset: int,
    side: str | None = None,
) -> tuple[list[str], int]:
    """Ids of the agreements this actor may read, as the actor sees them (`side` public: as all do); page and total."""
    where = and_(*_filtered(filters))
    parts = [and_(part, where) for part in (_readable(actor) if side is None else [listed.c.side == side])]
    counts = [select(func.count()).select_from(listed).where(part).scalar_subquery() for part in parts]
    total = await session.scalar(select(sum(counts[1:], counts[0])))
    # Each part is read in order from an index; one condition for both would be read whole and sorted.
    pages = [
        select(listed).where(part).order_by(*_order(listed.c, sort)).limit(limit + offset).subquery() for part in parts
    ]
    both = union_all(*(select(page) for page in pages)).subquery()
    query = select(both.c.agreement_id).order_by(*_order(both.c, sort))
    return list(await session.scalars(query.limit(limit).offset(offset))), total or 0


def _order(columns: ReadOnlyColumnCollection[str, Any], sort: str) -> list[ColumnElement[Any]]:
    """What has no last day goes on for ever, so it sorts as the latest; region and number make every order one."""
    name = sort.removeprefix("-")
    keys = [columns[key] for key in (["region", "number"] if name == "number" else [name, "region", "number"])]
    return [key.desc() for key in keys] if sort.startswith("-") else keys


def _readable(actor: Actor) -> list[ColumnElement[bool]]:
    """The rows an actor sees, in parts that share none: what is worked on where it may, else what is public."""
    # The same rule as domain.agreement.may_read_working, as SQL; tests hold the two against each other.
    working, public = [listed.c.side == "working"], [listed.c.side == "public"]
    allowed: list[ColumnElement[bool]] = []
    if actor.region is not None and is_owner(actor.region, actor):
        allowed.append(listed.c.region == actor.region)
        public.append(listed.c.region != actor.region)
    if Role.AGENCY_REVIEWER in actor.roles:
        allowed.append(listed.c.state == State.REGION_APPROVED)
        waiting = select(agreement.c.id).where(agreement.c.state == State.REGION_APPROVED)
        public.append(listed.c.agreement_id.not_in(waiting))
    return [and_(*public), and_(*working, or_(*allowed))] if allowed else [and_(*public)]


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
        where.append(listed.c.words.contains(wanted.q.lower(), autoescape=True))
    return where or [true()]
