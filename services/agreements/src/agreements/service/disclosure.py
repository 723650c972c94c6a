"""Utlämnande: asking, the secrecy check, and making the signed archive from one moment's tables."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, State
from agreements.domain.disclosing import (
    OWN_KINDS,
    Decision,
    DisclosureKind,
    DisclosureState,
    is_municipality,
    is_region,
    without,
)
from agreements.domain.transitions import Refused
from agreements.service import archive, flat_rows
from agreements.service.archive import Archive
from agreements.service.checking import Faulty, Found
from agreements.store import disclosures as store
from contracts.agreement_form import AgreementForm
from contracts.audience import Audience, seen, withheld
from kit.database import Sessions
from rules.agreements import text_faults
from rules.roles import Role

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """A request as it is sent."""

    kind: DisclosureKind
    regions: tuple[str, ...]
    asked_by: str
    purpose: str
    agreements: tuple[str, ...] | None = None


async def ask(session: AsyncSession, actor: Actor, asked: Asked) -> Row[Any]:
    """Note a request; one without a secrecy check goes on by itself. Raises Refused, Faulty."""
    _may_ask(actor, asked)
    if faults := [*text_faults("purpose", asked.purpose), *text_faults("asked_by", asked.asked_by)]:
        raise Faulty([Found(*fault) for fault in faults])
    if not await store.keys(session):
        raise Refused(503, "no signing key is set up yet (DISCLOSURE_KEY_FILE of the worker): nothing can be disclosed")
    now, identity = datetime.now(UTC), str(uuid4())
    checks = asked.kind is DisclosureKind.PUBLIC_RECORD
    await store.insert_new(
        session,
        id=identity,
        kind=asked.kind,
        state=DisclosureState.ASKED if checks else DisclosureState.CHECKED,
        regions=sorted(set(asked.regions)),
        asked_by=asked.asked_by,
        purpose=asked.purpose,
        subject=actor.subject,
        region=None if Role.AGENCY_REVIEWER in actor.roles else actor.region,
        created_at=now,
    )
    if checks and not await store.examine(session, identity, asked.regions, asked.agreements):
        raise Faulty([Found("agreements", "none of them has been public: there is nothing to examine")])
    one = await _locked(session, identity)
    await store.audit(session, one, "asked", actor.subject, now)
    return one


def _may_ask(actor: Actor, asked: Asked) -> None:
    agency = Role.AGENCY_REVIEWER in actor.roles
    if not (is_region(asked.asked_by) or is_municipality(asked.asked_by) or not asked.asked_by.isdecimal()):
        raise Faulty([Found("asked_by", "is neither a region's nor a municipality's code, nor an agency's name")])
    if asked.agreements is not None and asked.kind is not DisclosureKind.PUBLIC_RECORD:
        raise Faulty([Found("agreements", "is for public_record only")])
    if asked.kind is DisclosureKind.PUBLIC_RECORD and not agency:
        raise Refused(403, "a request for public records is noted by the agency, whose records they are")
    # A region's administrators alone see what is not public; not the agency either.
    if asked.kind in OWN_KINDS and (agency or actor.region is None or set(asked.regions) != {actor.region}):
        raise Refused(403, f"{asked.kind} is for a region's own people, and that region alone")
    if not agency and asked.asked_by != actor.region:
        raise Refused(403, f"you ask for region {actor.region or '(none in your token)'}: others ask by the agency")


async def decide(
    session: AsyncSession,
    actor: Actor,
    identity: str,
    ids: Collection[str] | None,
    decision: Decision,
    masked: Collection[str],
    reason: str | None,
    legal_ground: str | None,
) -> tuple[Row[Any], int]:
    """Note the secrecy check of some agreements (None: of all that are left); when none is left, the archive is made.

    A region decides about its own, the agency about any. Raises Refused, Faulty.
    """
    one = await _locked(session, identity)
    if one.state != DisclosureState.ASKED:
        raise Refused(409, "it does not wait for a secrecy check")
    paths = _paths()
    faults = [
        Found(f"masked.{place}", "is no field of an agreement that is disclosed")
        for place, path in enumerate(masked)
        if path not in paths
    ]
    if decision is Decision.MASKED and not masked:
        faults.append(Found("masked", "must name what is masked"))
    if decision is not Decision.MASKED and masked:
        faults.append(Found("masked", "is for the decision masked only"))
    if decision is not Decision.WHOLE:
        said = {"reason": reason, "legal_ground": legal_ground}
        faults += [Found(name, "is required unless all is disclosed") for name, value in said.items() if not value]
    faults += [Found(*fault) for fault in (*text_faults("reason", reason), *text_faults("legal_ground", legal_ground))]
    if faults:
        raise Faulty(faults)
    now = datetime.now(UTC)
    region = None if Role.AGENCY_REVIEWER in actor.roles else (actor.region or "")
    values = {
        "decision": decision,
        "masked": sorted(masked),
        "reason": reason,
        "legal_ground": legal_ground,
        "decided_by": actor.subject,
        "decided_at": now,
    }
    done = await store.decide(session, identity, ids, region, values)
    if not done:
        raise Refused(404, "none of these agreements is yours to decide about here")
    counts = await store.count_decisions(session, identity)
    await store.audit(session, one, "decided", actor.subject, now, counts={decision.value: done})
    if not counts.get("undecided"):
        await store.note(session, identity, state=DisclosureState.CHECKED)
        await store.audit(session, one, "checked", actor.subject, now, counts=counts)
    return await _locked(session, identity), done


def _paths() -> set[str]:
    named = set()
    for head in flat_rows.columns(Audience.REGIONS):
        parts = head.split(".")
        named |= {".".join(parts[: depth + 1]) for depth in range(len(parts))}
    return named - {"services", "id", "state", "version", "published_at", "changed_at"}


async def make_next(sessions: Sessions, key: Ed25519PrivateKey, kept: timedelta) -> bool:
    """Make one archive that is asked for; False when there is none. After a crash it is made anew."""
    async with sessions.begin() as session:
        # All files tell of the same moment.
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        one = await store.next_checked(session)
        if one is None:
            return False
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


async def tell_key(session: AsyncSession, key: Ed25519PrivateKey) -> None:
    """Tell the key's public half, so that whoever gets an archive can check it."""
    public = key.public_key()
    await store.keep_key(session, archive.fingerprint(public), archive.public_pem(public), datetime.now(UTC))


async def expire(session: AsyncSession, now: datetime) -> int:
    """Delete archives whose time is over; how many."""
    over = await store.expired(session, now)
    for one in over:
        await _drop(session, one, "expired", now)
    return len(over)


async def forget(session: AsyncSession, region: str, agreement_id: str) -> None:
    """An agreement became confidential: archives that may hold it are deleted, those of its region's agreements all.

    One that is being made is waited for. The secrecy check has one agreement less to decide about.
    """
    now = datetime.now(UTC)
    for one in await store.with_region(session, region):
        if one.state == DisclosureState.READY:
            await _drop(session, one, "deleted for secrecy", now)
    for identity in await store.forget_decisions(session, agreement_id):
        one = await _locked(session, identity)
        counts = await store.count_decisions(session, identity)
        if one.state == DisclosureState.ASKED and not counts.get("undecided"):
            await store.note(session, identity, state=DisclosureState.CHECKED)
            await store.audit(session, one, "checked", "agreements", now, counts=counts)


async def _drop(session: AsyncSession, one: Row[Any], action: str, now: datetime) -> None:
    await store.drop_parts(session, one.id)
    await store.note(session, one.id, state=DisclosureState.EXPIRED)
    await store.audit(session, one, action, "agreements", now, digest=one.digest)


async def _locked(session: AsyncSession, identity: str) -> Row[Any]:
    found = await store.get(session, identity, locked=True)
    if found is None:
        raise Refused(404, "there is no such request")
    return found
