"""Drafts that are not complete: kept as the form holds them, but never what must not be kept at all."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Way
from agreements.domain.transitions import Refused
from agreements.service import secrecy, sent_form
from agreements.service.checking import Faulty, Found
from agreements.store import drafts as store
from contracts.agreement_form import AgreementForm
from kit.database import next_version
from rules.agreements import text_faults
from rules.texts import may_be_repeated, readable

MOST = 1000
"""Drafts of one region."""

_DEEPEST = 12
_GONE = "there is no such draft"
_CHANGED = "somebody else has saved it since you read it: read it again, nothing was overwritten"


class Secret(Exception):
    """It is marked as covered by secrecy: nothing of it is kept but a line that says so."""


async def save(
    session: AsyncSession,
    actor: Actor,
    draft_id: str,
    expected_version: int,
    content: Mapping[str, Any],
    copied_from: str | None = None,
) -> dict[str, Any]:
    """Save a draft of the actor's region, new (expected version 0) or as it was read. Raises Refused, Faulty.

    `copied_from`: the agreement it began as a copy of, noted for good: a purge of that one takes the draft along.
    """
    region = _region(actor)
    if sent_form.is_confidential(content):
        raise Secret
    if found := list(_faults(content, region)):
        raise Faulty(found)
    now = datetime.now(UTC)
    old = await store.get(session, draft_id, region)
    values = {"id": draft_id, "region": region, "author": actor.subject, "content": dict(content), "changed_at": now}
    if copied_from is not None:
        values["copied_from"] = copied_from
    if old is None:
        if expected_version:
            raise Refused(404, _GONE)
        if await store.count(session, region) >= MOST:
            raise Refused(409, f"the region has {MOST} drafts, and that is as many as are kept: delete some first")
        values |= {"version": next_version(None), "created_at": now}
        if not await store.insert_new(session, **values):
            raise Refused(412, _CHANGED)
    else:
        values |= {"version": next_version(old.version)}
        if not await store.replace(session, expected_version, **values):
            raise Refused(412, _CHANGED)
    kept = {"created_at": now, "copied_from": None} if old is None else dict(old._mapping)
    return {**kept, **values}


async def note_secret(session: AsyncSession, actor: Actor, content: Mapping[str, Any]) -> Found:
    """Leave the line that something covered by secrecy was refused; what to tell of it."""
    number = content.get("number")
    (marked,) = await secrecy.refuse(session, Way.FORM, _region(actor), actor, [number])
    return marked.found


async def read(session: AsyncSession, actor: Actor, draft_id: str) -> Mapping[str, Any]:
    """A draft of the actor's region. Raises Refused."""
    found = await store.get(session, draft_id, _region(actor))
    if found is None:
        raise Refused(404, _GONE)
    return dict(found._mapping)


async def page(session: AsyncSession, actor: Actor, *, limit: int, offset: int) -> tuple[list[Mapping[str, Any]], int]:
    """Drafts of the actor's region, the last saved first, and how many there are."""
    region = _region(actor)
    rows = await store.page(session, region, limit=limit, offset=offset)
    return [dict(row._mapping) for row in rows], await store.count(session, region)


async def remove(session: AsyncSession, actor: Actor, draft_id: str) -> None:
    """Delete a draft of the actor's region. Raises Refused."""
    if not await store.remove(session, draft_id, _region(actor)):
        raise Refused(404, _GONE)


def _region(actor: Actor) -> str:
    if actor.region is None:
        raise Refused(403, "a draft belongs to a region, and your token names none")
    return actor.region


def _faults(content: Mapping[str, Any], region: str) -> Iterator[Found]:
    yield from (Found(name, "is not a known field") for name in content if name not in AgreementForm.model_fields)
    if content.get("region", region) != region:
        yield Found("region", "must be your own region")
    yield from _unkeepable("", content, 0)
    yield from (Found(*fault) for fault in text_faults("", content))


def _unkeepable(path: str, value: Any, depth: int) -> Iterator[Found]:
    if depth > _DEEPEST:
        yield Found(path, f"is nested deeper than {_DEEPEST} levels")
    elif isinstance(value, str):
        try:
            readable(value)
        except ValueError as why:
            yield Found(path, str(why))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Found(path, "is not a number that JSON knows")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if may_be_repeated(name):
                yield from _unkeepable(f"{path}.{name}" if path else name, inner, depth + 1)
            else:
                yield Found(path, "holds a field with an odd name, not repeated here: it may be a personal number")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unkeepable(f"{path}.{number}", inner, depth + 1)
