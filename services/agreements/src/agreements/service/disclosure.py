"""Utlämnande: asking, the secrecy check, and the end of an archive; `disclosure_making` makes it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor
from agreements.domain.disclosing import (
    OWN_KINDS,
    Decision,
    DisclosureKind,
    DisclosureState,
    is_agency,
    is_municipality,
    is_region,
)
from agreements.domain.transitions import Refused
from agreements.service import archive, flat_rows
from agreements.service.checking import Faulty, Found
from agreements.store import disclosures as store
from contracts.audience import Audience
from rules.agreements import text_faults
from rules.roles import Role

_WHO = (
    "must be a region's or a municipality's code, or a state agency's organisation number (202100-NNNN) and name; "
    "everybody else asks for public records: kind public_record"
)
_NEVER = "is not there or never been public: what has never been public is not disclosed this way"


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
    if checks:
        examined = await store.examine(session, identity, asked.regions, asked.agreements)
        named = asked.agreements or ()
        if left := [Found(f"agreements.{at}", _NEVER) for at, one in enumerate(named) if one not in examined]:
            raise Faulty(left)
        if not examined:
            raise Faulty([Found("regions", "nothing of theirs is public: there is nothing to examine")])
    one = await _locked(session, identity)
    await store.audit(session, one, "asked", actor.subject, now)
    return one


def _may_ask(actor: Actor, asked: Asked) -> None:
    agency = Role.AGENCY_REVIEWER in actor.roles
    known = is_region(asked.asked_by) or is_municipality(asked.asked_by) or is_agency(asked.asked_by)
    if not known and (asked.kind is not DisclosureKind.PUBLIC_RECORD or asked.asked_by.isdecimal()):
        raise Faulty([Found("asked_by", _WHO)])
    if asked.agreements is not None and asked.kind is not DisclosureKind.PUBLIC_RECORD:
        raise Faulty([Found("agreements", "is for public_record only")])
    if asked.kind is DisclosureKind.PUBLIC_RECORD and not agency:
        raise Refused(403, "a request for public records is noted by the agency, whose records they are")
    # A region's administrators alone see what is not public; not the agency either.
    if asked.kind in OWN_KINDS and (agency or actor.region is None or set(asked.regions) != {actor.region}):
        raise Refused(403, f"{asked.kind} is for a region's own people, and that region alone")
    if not agency and asked.asked_by != actor.region:
        raise Refused(403, f"you ask for region {actor.region or '(none in your token)'}: others ask by the agency")


AGENCY = "agency"
"""Who decided, where it was no region."""


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

    A region decides about its own, the agency about any. What one of them has refused or masked, the other
    changes with a reason and a legal ground only; every decision is kept. Raises Refused, Faulty.
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
    side = AGENCY if Role.AGENCY_REVIEWER in actor.roles else (actor.region or "")
    said = {"reason": reason, "legal_ground": legal_ground}
    if decision is Decision.WHOLE and not all(said.values()) and await store.overrides(session, identity, ids, side):
        why = "is required to change what another than you has refused or masked"
        faults += [Found(name, why) for name, value in said.items() if not value]
    if decision is not Decision.WHOLE:
        faults += [Found(name, "is required unless all is disclosed") for name, value in said.items() if not value]
    faults += [Found(*fault) for fault in (*text_faults("reason", reason), *text_faults("legal_ground", legal_ground))]
    if faults:
        raise Faulty(faults)
    now = datetime.now(UTC)
    region = None if side == AGENCY else side
    values = {
        "decision": decision,
        "masked": sorted(masked),
        "reason": reason,
        "legal_ground": legal_ground,
        "decided_by": actor.subject,
        "decided_at": now,
        "side": side,
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


async def tell_key(session: AsyncSession, key: Ed25519PrivateKey) -> None:
    """Tell the key's public half, so that whoever gets an archive can check it."""
    public = key.public_key()
    await store.keep_key(session, archive.fingerprint(public), archive.public_pem(public), datetime.now(UTC))


async def expire(session: AsyncSession, now: datetime) -> int:
    """Delete archives whose time is over; how many."""
    over = await store.expired(session, now)
    for one in over:
        await _drop(session, one, "expired", DisclosureState.EXPIRED, now)
    return len(over)


async def forget(session: AsyncSession, region: str, agreement_id: str) -> None:
    """An agreement became confidential: archives that may hold it are deleted, those of its region's agreements all.

    One that is being made is waited for. The secrecy check has one agreement less to decide about.
    """
    now = datetime.now(UTC)
    for one in await store.with_region(session, region):
        if one.state == DisclosureState.READY:
            await _drop(session, one, "deleted for secrecy", DisclosureState.DELETED_FOR_SECRECY, now)
    for identity in await store.forget_decisions(session, agreement_id):
        one = await _locked(session, identity)
        counts = await store.count_decisions(session, identity)
        if one.state == DisclosureState.ASKED and not counts.get("undecided"):
            await store.note(session, identity, state=DisclosureState.CHECKED)
            await store.audit(session, one, "checked", "agreements", now, counts=counts)


async def _drop(session: AsyncSession, one: Row[Any], action: str, state: DisclosureState, now: datetime) -> None:
    await store.drop_parts(session, one.id)
    await store.note(session, one.id, state=state)
    await store.audit(session, one, action, "agreements", now, digest=one.digest)


async def _locked(session: AsyncSession, identity: str) -> Row[Any]:
    found = await store.get(session, identity, locked=True)
    if found is None:
        raise Refused(404, "there is no such request")
    return found
