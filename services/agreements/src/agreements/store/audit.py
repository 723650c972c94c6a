"""Who did what when, out of every table that notes it; without any content."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Row,
    Select,
    Subquery,
    Text,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from agreements.domain.transitions import Action
from agreements.store.tables import (
    agreement,
    disclosure,
    disclosure_audit,
    disclosure_decided,
    history,
    pull_run,
    refusal,
    region_settings,
)
from kit.database import Sessions

_AT_ONCE = 1000


@dataclass(frozen=True)
class Reader:
    """Somebody who may not read everything."""

    subject: str
    region: str | None
    """Whose entries: a region's administrators read their own region's."""
    agency: bool
    """Reads of disclosures and their decisions, and what the reader has done."""


@dataclass(frozen=True)
class Span:
    """Which entries; all hold together, None does not filter. `until` is not included."""

    since: datetime | None = None
    until: datetime | None = None
    about: str | None = None
    reader: Reader | None = None
    """None: reads everything."""


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


_COLUMNS: dict[str, TypeEngine[Any]] = {
    "at": DateTime(timezone=True),
    "about": Text(),
    "seq": BigInteger(),
    "id": Text(),
    "action": Text(),
    "actor": Text(),
    "region": Text(),
    "state": Text(),
    "version": BigInteger(),
    "why": Text(),
    "reason_given": Boolean(),
    "way": Text(),
    "agreement_id": Text(),
    "decision": Text(),
    "legal_ground": Text(),
    "asked_by": Text(),
    "counts": JSONB(),
    "chosen": JSONB(),
    "digest": Text(),
}
"""What an entry may tell; what a kind of entry has not is left out of it."""


def _rows(about: str, **given: ColumnElement[Any]) -> Select[Any]:
    """Entries of one kind: every column, null where none is given."""
    told = {"about": literal(about), **given}
    return select(*(cast(told.get(name, null()), kind).label(name) for name, kind in _COLUMNS.items()))


def _entries(span: Span) -> Subquery:
    step, said, made, mark = history.c, disclosure_decided.c, disclosure_audit.c, refusal.c
    # Whoever purges names one of a few grounds; other reasons may tell what stands in the agreement.
    purged = step.action == Action.PURGE
    steps = _rows(
        "agreement",
        at=step.at,
        seq=step.seq,
        id=step.agreement_id,
        action=step.action,
        actor=step.actor,
        region=agreement.c.region,
        state=step.state,
        version=step.version,
        why=case((purged, step.reason)),
        reason_given=case((step.reason.is_not(None), true())),
    ).select_from(history.outerjoin(agreement, agreement.c.id == step.agreement_id))
    disclosed = _rows(
        "disclosure",
        at=made.at,
        seq=made.seq,
        id=made.disclosure,
        action=made.action,
        actor=made.actor,
        region=disclosure.c.region,
        why=made.purpose,
        asked_by=made.asked_by,
        counts=made.counts,
        digest=made.digest,
    ).select_from(disclosure_audit.outerjoin(disclosure, disclosure.c.id == made.disclosure))
    decisions = _rows(
        "decision",
        at=said.at,
        seq=said.seq,
        id=said.disclosure,
        action=literal("decide"),
        actor=said.actor,
        region=said.region,
        agreement_id=said.agreement_id,
        decision=said.decision,
        legal_ground=said.legal_ground,
    )
    pulled = _rows(
        "pull",
        at=pull_run.c.decided_at,
        seq=pull_run.c.id,
        id=cast(pull_run.c.id, Text),
        action=pull_run.c.decision,
        actor=pull_run.c.decided_by,
        region=pull_run.c.region,
        state=pull_run.c.state,
        why=pull_run.c.decided_why,
    ).where(pull_run.c.decided_at.is_not(None))
    refused = _rows(
        "refusal",
        at=mark.at,
        seq=mark.seq,
        action=literal("refuse"),
        actor=mark.actor,
        region=mark.region,
        why=mark.why,
        way=mark.way,
        agreement_id=mark.agreement_id,
    )
    choices = ("region_review", "another_person", "purge_when_marked", "notices_to")
    chosen = func.jsonb_build_object(*(part for name in choices for part in (literal(name), region_settings.c[name])))
    settings = _rows(
        "settings",
        at=region_settings.c.at,
        seq=region_settings.c.version,
        action=literal("choose"),
        actor=region_settings.c.actor,
        region=region_settings.c.region,
        version=region_settings.c.version,
        chosen=chosen,
    )
    together = union_all(steps, disclosed, decisions, pulled, refused, settings).subquery("entry")
    query = select(together)
    if span.since is not None:
        query = query.where(together.c.at >= span.since)
    if span.until is not None:
        query = query.where(together.c.at < span.until)
    if span.about is not None:
        query = query.where(together.c.about == span.about)
    if span.reader is not None:
        query = query.where(_readable(together, span.reader))
    return query.subquery("found")


def _readable(entry: Subquery, reader: Reader) -> ColumnElement[bool]:
    mine: list[ColumnElement[bool]] = []
    if reader.region is not None:
        mine.append(entry.c.region == reader.region)
    if reader.agency:
        mine += [entry.c.about.in_(("disclosure", "decision")), entry.c.actor == reader.subject]
    return or_(false(), *mine)
