"""Who did what when, out of every table that notes it; without any content."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, Subquery, Text, cast, func, literal, null, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.store.tables import agreement, disclosure_audit, history, pull_run, refusal
from kit.database import Sessions

_AT_ONCE = 1000


@dataclass(frozen=True)
class Span:
    """Which entries; all hold together, None does not filter. `until` is not included."""

    since: datetime | None = None
    until: datetime | None = None
    about: str | None = None


async def page(session: AsyncSession, span: Span, limit: int, offset: int) -> tuple[list[Row[Any]], int]:
    """Entries, the newest first, and how many there are."""
    entries = _entries(span)
    order = (entries.c.at.desc(), entries.c.about, entries.c.seq.desc())
    found = await session.execute(select(entries).order_by(*order).limit(limit).offset(offset))
    return list(found), await session.scalar(select(func.count()).select_from(entries)) or 0


async def every(sessions: Sessions, span: Span) -> AsyncIterator[list[Row[Any]]]:
    """All entries, the oldest first, some at a time."""
    entries = _entries(span)
    place = (entries.c.at, entries.c.about, entries.c.seq)
    query = select(entries).order_by(*place).limit(_AT_ONCE)
    rows: list[Row[Any]] = []
    while True:
        following = query.where(tuple_(*place) > (rows[-1].at, rows[-1].about, rows[-1].seq)) if rows else query
        async with sessions() as session:
            rows = list(await session.execute(following))
        if not rows:
            return
        yield rows


def _entries(span: Span) -> Subquery:
    nothing, no_text = cast(null(), BigInteger), cast(null(), Text)
    steps = select(
        history.c.at,
        literal("agreement").label("about"),
        history.c.seq,
        history.c.agreement_id.label("id"),
        history.c.action,
        history.c.actor,
        agreement.c.region,
        history.c.state,
        history.c.version,
        no_text.label("why"),
        no_text.label("digest"),
    ).outerjoin(agreement, agreement.c.id == history.c.agreement_id)
    disclosed = select(
        disclosure_audit.c.at,
        literal("disclosure"),
        disclosure_audit.c.seq,
        disclosure_audit.c.disclosure,
        disclosure_audit.c.action,
        disclosure_audit.c.actor,
        disclosure_audit.c.asked_by,
        no_text,
        nothing,
        disclosure_audit.c.purpose,
        disclosure_audit.c.digest,
    )
    decided = select(
        pull_run.c.decided_at,
        literal("pull"),
        pull_run.c.id,
        cast(pull_run.c.id, Text),
        pull_run.c.decision,
        pull_run.c.decided_by,
        pull_run.c.region,
        pull_run.c.state,
        nothing,
        pull_run.c.decided_why,
        no_text,
    ).where(pull_run.c.decided_at.is_not(None))
    refused = select(
        refusal.c.at,
        literal("refusal"),
        refusal.c.seq,
        no_text,
        literal("refuse"),
        refusal.c.actor,
        refusal.c.region,
        no_text,
        nothing,
        refusal.c.why,
        no_text,
    )
    together = union_all(steps, disclosed, decided, refused).subquery("entry")
    query = select(together)
    if span.since is not None:
        query = query.where(together.c.at >= span.since)
    if span.until is not None:
        query = query.where(together.c.at < span.until)
    if span.about is not None:
        query = query.where(together.c.about == span.about)
    return query.subquery("found")
