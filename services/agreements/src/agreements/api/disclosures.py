"""Utlämnande: ask for a signed archive of agreements, examine secrecy, fetch what was made."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, Field
from sqlalchemy import Row

from agreements.domain.agreement import Actor
from agreements.domain.disclosing import Decision, DisclosureKind, DisclosureState
from agreements.service import disclosure
from agreements.store import disclosures as store
from contracts.agreement_form import LongText
from contracts.form import Form
from contracts.types import RegionCode
from kit.auth import ANYONE, Caller, CallerOf, Policy
from kit.database import Transaction
from kit.http import Paging, Problem
from kit.idempotency import IdempotencyKey, once
from rules.regions import REGIONS
from rules.roles import Role
from rules.texts import readable

_ASKERS = frozenset({Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM, Role.AGENCY_REVIEWER})
_EXAMINERS = frozenset({Role.AGREEMENT_ADMIN, Role.AGENCY_REVIEWER})

POLICY: Policy = {
    "POST /agreement-disclosures": _ASKERS,
    "GET /agreement-disclosures": _ASKERS,
    # What an archive is checked with is no secret.
    "GET /agreement-disclosures/key": ANYONE,
    "GET /agreement-disclosures/key.pem": ANYONE,
    "GET /agreement-disclosures/{disclosure_id}": _ASKERS,
    "GET /agreement-disclosures/{disclosure_id}/archive": _ASKERS,
    "GET /agreement-disclosures/{disclosure_id}/decisions": _EXAMINERS,
    "POST /agreement-disclosures/{disclosure_id}/decisions": _EXAMINERS,
}

router = APIRouter(tags=["agreement disclosures"])

_PEM = "application/x-pem-file"


async def _known_form(disclosure_id: str) -> str:
    try:
        return str(UUID(disclosure_id))
    except ValueError:
        raise Problem(404, "there is no such request") from None


DisclosureId = Annotated[str, Depends(_known_form)]
AgreementIds = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=1000)]


class DisclosureRequest(Form):
    """Who wants which agreements, and what for."""

    kind: DisclosureKind
    regions: Annotated[tuple[RegionCode, ...], Field(max_length=21)] = ()
    """Whose agreements; none means every region's, or one's own where only that is meant."""
    asked_by: Annotated[str, Field(min_length=2, max_length=200), AfterValidator(readable)]
    """A region's or municipality's code, or a state agency's organisation number (202100-NNNN) and name.

    With public_record anybody who is no private person.
    """
    purpose: Annotated[LongText, Field(min_length=3, max_length=2000)]
    agreements: AgreementIds | None = None
    """With public_record: these alone; otherwise all published ones of the regions."""


class SecrecyDecision(Form):
    """The secrecy check of some agreements, or of all that are left."""

    agreements: AgreementIds | None = None
    decision: Decision
    masked: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """Dotted paths such as `document_url` and `services.reimbursement`."""
    reason: Annotated[LongText, Field(max_length=2000)] | None = None
    legal_ground: Annotated[LongText, Field(max_length=300)] | None = None
    """Such as 25 kap. 17 b § OSL."""


@router.post("/agreement-disclosures", status_code=202)
async def ask(
    form: DisclosureRequest,
    request: Request,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Ask for an archive. It is made at once, or after the secrecy check where it is for public records."""
    own = form.kind in (DisclosureKind.REGION_DATA, DisclosureKind.OWN_AND_SEEN)
    regions = form.regions or ((caller.region or "",) if own else tuple(REGIONS))
    ids = tuple(map(str, form.agreements)) if form.agreements is not None else None

    async def work() -> dict[str, Any]:
        asked = disclosure.Asked(form.kind, regions, form.asked_by, form.purpose, ids)
        return _shown(await disclosure.ask(session, _actor(caller), asked))

    answer, _ = await once(session, idempotency_key, caller.subject, await request.body(), work)
    response.headers["Location"] = f"/agreement-disclosures/{answer['id']}"
    return answer


@router.get("/agreement-disclosures")
async def listed(caller: CallerOf, session: Transaction, paging: Paging) -> dict[str, Any]:
    """The latest requests: a region's own and those it has to examine, or the agency's."""
    found, total = await store.latest(session, _side(caller), paging.limit, paging.offset)
    return {"items": [_shown(one) for one in found], "total": total, "page": paging.page, "limit": paging.limit}


@router.get("/agreement-disclosures/key")
async def key(session: Transaction) -> dict[str, Any]:
    """The public keys that archives are signed with, the newest first."""
    rows = await store.keys(session)
    return {"keys": [{"key_id": row.id, "public_key": row.public_key, "since": row.since} for row in rows]}


@router.get("/agreement-disclosures/key.pem", response_class=Response, responses={200: {"content": {_PEM: {}}}})
async def key_file(session: Transaction) -> Response:
    """The public key that archives are signed with now, as a file for `verify-disclosure --key`."""
    rows = await store.keys(session)
    if not rows:
        raise Problem(404, "no signing key is set up yet")
    return Response(rows[0].public_key, media_type=_PEM)


@router.get("/agreement-disclosures/{disclosure_id}")
async def read(disclosure_id: DisclosureId, caller: CallerOf, session: Transaction) -> dict[str, Any]:
    """One request: its state, and how many agreements wait for the secrecy check."""
    one = await _readable(session, disclosure_id, caller, examiner=True)
    return {**_shown(one), "decisions": await store.count_decisions(session, disclosure_id)}


@router.get("/agreement-disclosures/{disclosure_id}/archive", response_class=StreamingResponse)
async def fetch(disclosure_id: DisclosureId, caller: CallerOf, request: Request, session: Transaction) -> Response:
    """The archive, as long as it is kept; each time it is fetched is noted."""
    one = await _readable(session, disclosure_id, caller, examiner=False)
    if one.state == DisclosureState.EXPIRED:
        raise Problem(410, "the archive's time is over: ask again")
    if one.state == DisclosureState.DELETED_FOR_SECRECY:
        raise Problem(410, "the archive was deleted: an agreement in it may have become confidential; ask again")
    if one.state == DisclosureState.FAILED:
        raise Problem(410, str(one.failure))
    if one.state != DisclosureState.READY:
        waits = "waits for the secrecy check" if one.state == DisclosureState.ASKED else "is being made"
        raise Problem(409, f"the archive {waits}", headers={"Retry-After": "2"})
    await store.audit(session, one, "fetched", caller.subject, datetime.now(UTC), digest=one.digest)
    headers = {
        "Content-Length": str(one.size),
        "Content-Disposition": f'attachment; filename="utlamnande-{one.id}.zip"',
        "Repr-Digest": f"sha-256={one.digest}",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(store.parts(request.app.state.sessions, one.id), 200, headers, "application/zip")


@router.get("/agreement-disclosures/{disclosure_id}/decisions")
async def decisions(
    disclosure_id: DisclosureId, caller: CallerOf, session: Transaction, paging: Paging
) -> dict[str, Any]:
    """The secrecy check's list, a region's own agreements or all for the agency; those to be decided first."""
    await _readable(session, disclosure_id, caller, examiner=True)
    found, total = await store.decisions(session, disclosure_id, _side(caller), paging.limit, paging.offset)
    said = ("decision", "masked", "reason", "legal_ground", "side")
    every = await store.decided(session, disclosure_id, [row.agreement_id for row in found])
    items = [
        {
            **{name: getattr(row, name) for name in ("agreement_id", "region", "number", "name", *said)},
            "decided_by": row.decided_by,
            "decided_at": row.decided_at,
            "every_decision": [
                {**{name: getattr(one, name) for name in said}, "decided_by": one.actor, "decided_at": one.at}
                for one in every.get(row.agreement_id, ())
            ],
        }
        for row in found
    ]
    return {"items": items, "total": total, "page": paging.page, "limit": paging.limit}


@router.post("/agreement-disclosures/{disclosure_id}/decisions")
async def decide(
    disclosure_id: DisclosureId, form: SecrecyDecision, caller: CallerOf, session: Transaction
) -> dict[str, Any]:
    """Disclose agreements whole, with fields masked, or refuse them; after the last decision the archive is made."""
    await _readable(session, disclosure_id, caller, examiner=True)
    ids = [str(one) for one in form.agreements] if form.agreements is not None else None
    one, done = await disclosure.decide(
        session, _actor(caller), disclosure_id, ids, form.decision, form.masked, form.reason, form.legal_ground
    )
    return {**_shown(one), "decided": done, "decisions": await store.count_decisions(session, disclosure_id)}


async def _readable(session: Transaction, identity: str, caller: Caller, *, examiner: bool) -> Row[Any]:
    one = await store.get(session, identity)
    side = _side(caller)
    if one is not None and one.region == side:
        return one
    if one is not None and examiner and side is not None:
        _, total = await store.decisions(session, identity, side, 1, 0)
        if total:
            return one
    raise Problem(404, "there is no such request")


def _side(caller: Caller) -> str | None:
    """Whose requests these are: the agency's (None), or a region's."""
    return None if Role.AGENCY_REVIEWER in caller.roles else (caller.region or "")


def _shown(one: Row[Any]) -> dict[str, Any]:
    names = ("id", "kind", "state", "regions", "asked_by", "purpose", "created_at", "made_at", "expires_at")
    return {name: getattr(one, name) for name in (*names, "counts", "digest", "size", "failure")}


def _actor(caller: Caller) -> Actor:
    return Actor(caller.subject, caller.roles, caller.region, caller.units)
