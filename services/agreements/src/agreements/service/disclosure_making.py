"""Making a signed archive from one moment's tables: which agreements, with which fields, and what is left out."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import Counter as Metric
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import State
from agreements.domain.disclosing import OWN_KINDS, DisclosureKind, DisclosureState, is_region, without
from agreements.service import flat_rows
from agreements.service.archive import Archive
from agreements.store import disclosures as store
from contracts.agreement_form import AgreementForm
from contracts.audience import Audience, seen, withheld
from kit.database import Sessions, is_transient
from kit.logging import where

log = structlog.get_logger(__name__)

FAILED = Metric("vf_disclosures_failed_total", "Archives that could not be made for a fault of ours")

_OURS = "the archive could not be made for a fault of ours, which is logged: ask again, or ask the service's operators"


async def make_next(sessions: Sessions, key: Ed25519PrivateKey, kept: timedelta) -> bool:
    """Make one archive that is asked for; False when there is none. After a crash it is made anew.

    One that meets a fault of ours is marked as failed, so that it stops neither those behind it nor the worker.
    """
    begun: list[str] = []
    try:
        return await _make_next(sessions, key, kept, begun)
    except Exception as error:
        if is_transient(error) or not begun:
            raise
        log.error("disclosure not made", disclosure=begun[0], where=where(error))
    FAILED.inc()
    async with sessions.begin() as session:
        one = await store.get(session, begun[0], locked=True)
        if one is not None and one.state == DisclosureState.CHECKED:
            await store.note(session, one.id, state=DisclosureState.FAILED, failure=_OURS)
            await store.audit(session, one, "failed", "agreements", datetime.now(UTC))
    return True


async def _make_next(sessions: Sessions, key: Ed25519PrivateKey, kept: timedelta, begun: list[str]) -> bool:
    async with sessions.begin() as session:
        # All files tell of the same moment.
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        one = await store.next_checked(session)
        if one is None:
            return False
        begun.append(one.id)
        now = datetime.now(UTC)
        made = Archive()
        counts, left_out = await _write(session, one, made)
        made.sign(_manifest(one, now, counts, left_out), key)
        await _keep(session, one.id, made, counts.pop("part", 0), rest=True)
        await store.note(
            session,
            one.id,
            state=DisclosureState.READY,
            made_at=now,
            expires_at=now + kept,
            counts=counts,
            digest=made.digest,
            size=made.size,
        )
        await store.audit(session, one, "made", "agreements", now, counts=counts, digest=made.digest)
    log.info("disclosure made", disclosure=one.id, kind=one.kind, agreements=counts["agreements"], bytes=made.size)
    return True


def _manifest(
    one: Row[Any], now: datetime, counts: Mapping[str, int], left_out: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "what": "Utlämnande ur Vårdförmedlingstjänsten: avtal",
        "disclosure": one.id,
        "kind": one.kind,
        "regions": one.regions,
        "asked_by": one.asked_by,
        "purpose": one.purpose,
        "as_of": now.isoformat(),
        "counts": {name: count for name, count in counts.items() if name != "part"},
        "left_out": left_out,
    }


async def _write(session: AsyncSession, one: Row[Any], made: Archive) -> tuple[dict[str, int], list[dict[str, Any]]]:
    kind = DisclosureKind(one.kind)
    audience = _audience(kind, one.asked_by)
    counts = {"agreements": 0, "rows": 0, "part": 0}
    with made.file("agreements.json") as file:
        async for rows in _selected(session, one):
            for row in rows:
                file.json_line(_line(row, kind, audience))
            counts["agreements"] += len(rows)
            counts["part"] = await _keep(session, one.id, made, counts["part"])
    heads = flat_rows.columns(audience)
    with made.file("agreements.csv") as file:
        file.csv_row(heads)
        async for rows in _selected(session, one):
            for row in rows:
                for cells in flat_rows.rows(_line(row, kind, audience), heads):
                    file.csv_row(cells)
                    counts["rows"] += 1
            counts["part"] = await _keep(session, one.id, made, counts["part"])
    if kind in OWN_KINDS:
        counts["history"] = 0
        with made.file("history.json") as file:
            async for rows in _selected(session, one):
                for step in await store.history_of(session, [row.id for row in rows]):
                    file.json_line({name: getattr(step, name) for name in _STEP})
                    counts["history"] += 1
                counts["part"] = await _keep(session, one.id, made, counts["part"])
    if kind is DisclosureKind.OWN_AND_SEEN:
        with made.file("seen-by-others.json") as file:
            async for rows in _selected(session, one):
                for row in rows:
                    file.json_line(_seen_by_others(row))
                counts["part"] = await _keep(session, one.id, made, counts["part"])
    return counts, await _left_out(session, one, kind, audience)


_STEP = ("agreement_id", "version", "action", "state", "actor", "reason", "at", "body")


def _audience(kind: DisclosureKind, asked_by: str) -> Audience:
    if kind in OWN_KINDS:
        return Audience.OWNER
    if kind is DisclosureKind.PUBLIC_RECORD or is_region(asked_by):
        return Audience.REGIONS
    return Audience.PUBLIC


def _selected(session: AsyncSession, one: Row[Any]) -> AsyncIterator[list[Row[Any]]]:
    match DisclosureKind(one.kind):
        case DisclosureKind.PUBLISHED:
            return store.published(session, one.regions)
        case DisclosureKind.PUBLIC_RECORD:
            return store.allowed(session, one.id)
        case _:
            return store.all_of(session, one.regions[0])


def _line(row: Row[Any], kind: DisclosureKind, audience: Audience) -> dict[str, Any]:
    own = kind in OWN_KINDS
    body = seen(AgreementForm, row.body if own else row.public_body, audience)
    if kind is DisclosureKind.PUBLIC_RECORD:
        body = without(body, frozenset(row.masked))
    return {
        "id": row.id,
        "state": row.state if own else row.public_state,
        "version": row.version if own else row.public_version,
        "published_at": row.published_at,
        "changed_at": row.changed_at if own else row.public_at,
        **({"public_state": row.public_state, "public_version": row.public_version} if own else {}),
        "agreement": body,
    }


def _seen_by_others(row: Row[Any]) -> dict[str, Any]:
    public = row.public_body if row.public_state == State.PUBLISHED else None
    shown = {
        audience.value: seen(AgreementForm, public, audience) if public is not None else None
        for audience in (Audience.REGIONS, Audience.PUBLIC)
    }
    return {"id": row.id, "number": row.number, "public_state": row.public_state, **shown}


async def _left_out(
    session: AsyncSession, one: Row[Any], kind: DisclosureKind, audience: Audience
) -> list[dict[str, Any]]:
    """What is not in the archive, and why."""
    left: list[dict[str, Any]] = [
        {"field": path, "why": "is for the region that owns the agreement"}
        for path in withheld(AgreementForm, Audience.REGIONS)
        if audience is not Audience.OWNER
    ]
    if audience is Audience.PUBLIC:
        told = {row["field"] for row in left}
        left += [
            {"field": path, "why": "terms and prices are for regions; their region decides about others"}
            for path in withheld(AgreementForm, Audience.PUBLIC)
            if path not in told
        ]
    if kind is DisclosureKind.PUBLIC_RECORD:
        left += [
            {
                "decision": row.decision,
                "fields": row.masked,
                "agreements": row.agreements,
                "why": row.reason,
                "legal_ground": row.legal_ground,
            }
            for row in await store.grounds(session, one.id)
        ]
    return left


async def _keep(session: AsyncSession, identity: str, made: Archive, part: int, *, rest: bool = False) -> int:
    for content in made.take(rest=rest):
        await store.keep_part(session, identity, part, content)
        part += 1
    return part
