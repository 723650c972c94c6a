"""The review queue: what waits for whom, how it differs from what is public, and many verdicts at once."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field

from agreements.api.answers import ReviewQueue, Verdicts
from agreements.api.shown import ActorOf, all_shown, audience, differing, known_only, written
from agreements.domain.transitions import Action
from agreements.service import reviewing
from agreements.service.checking import told
from agreements.service.reviewing import Decision, Gate, Verdict
from agreements.store import agreements as agreement_store
from agreements.store import reviews as store
from contracts.agreement_form import LongText, ShortText
from contracts.form import Form
from contracts.types import HsaId, RegionCode
from kit.auth import Policy
from kit.database import Transaction
from kit.http import Paging, invalid
from rules.roles import Role

_REVIEWERS = frozenset({Role.AGREEMENT_ADMIN, Role.AGENCY_REVIEWER})

POLICY: Policy = {
    "GET /agreement-reviews": _REVIEWERS,
    "GET /agreement-reviews/versions": _REVIEWERS,
    "POST /agreement-reviews/approve": _REVIEWERS,
    "POST /agreement-reviews/reject": _REVIEWERS,
}

router = APIRouter(tags=["reviews"])

_MOST = 5000


class SeenVersion(Form):
    """An agreement as it was when it was looked at."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    version: Annotated[int, Field(ge=1, lt=2**63)]


class Approval(Form):
    """What to approve, as it was seen."""

    agreements: Annotated[tuple[SeenVersion, ...], Field(min_length=1, max_length=_MOST)]


class Rejection(Approval):
    """What to reject, and why: those who wrote it must understand what to change."""

    reason: Annotated[LongText, Field(min_length=1, max_length=2000)]


async def _waiting(
    actor: ActorOf,
    gate: Gate | None = None,
    region: RegionCode | None = None,
    care_provider: HsaId | None = None,
    number: ShortText | None = None,
    submission: UUID | None = None,
) -> store.Waiting:
    brought = str(submission) if submission is not None else None
    return store.Waiting(reviewing.waiting_for(actor, gate), region, care_provider, number, brought)


WaitingFor = Annotated[store.Waiting, Depends(_waiting)]


_FILTERS = ("gate", "region", "care_provider", "number", "submission")


@router.get(
    "/agreement-reviews",
    response_model=None,
    responses={200: {"model": ReviewQueue}},
    dependencies=[Depends(known_only(*_FILTERS, "limit", "page"))],
)
async def waiting(actor: ActorOf, session: Transaction, paging: Paging, wanted: WaitingFor) -> Response:
    """What waits for the caller: the region's gate for its administrators, the agency's for its reviewers.

    What has waited longest comes first, each with every field that differs from what is public (all of a new one).
    """
    ids, total = await store.page(session, wanted, limit=paging.limit, offset=paging.offset)
    found = await agreement_store.get_many(session, ids)
    replaced = await store.replaced_edits(session, ids)
    now = datetime.now(UTC)
    answer = {
        "items": [
            {
                "gate": reviewing.gate_of(one.state),
                "waiting_since": one.changed_at,
                "waiting_days": (now - one.changed_at).days,
                "new": one.public_body is None,
                "replaces_edit_of": replaced.get(one.id),
                "agreement": content,
                "differences": differing(one.public_body, one.body, audience(one, actor)),
            }
            for one, content in zip(found, await all_shown(session, found, actor), strict=True)
        ],
        "counts": [
            {
                "gate": reviewing.gate_of(row.state),
                "region": row.region,
                "waiting": row.waiting,
                "oldest": row.oldest,
            }
            for row in await store.counts(session, wanted)
        ],
        "total": total,
        "page": paging.page,
        "limit": paging.limit,
    }
    return written(answer)


@router.get("/agreement-reviews/versions", dependencies=[Depends(known_only(*_FILTERS))])
async def versions(session: Transaction, wanted: WaitingFor) -> dict[str, Any]:
    """Id and version of all that waits for the caller, at most 5,000: what a bulk approval is made of."""
    found = await store.versions(session, wanted, _MOST)
    return {"items": [{"id": one, "version": version} for one, version in found]}


@router.post("/agreement-reviews/approve", response_class=JSONResponse, responses={200: {"model": Verdicts}})
async def approve(asked: Approval, request: Request, actor: ActorOf) -> StreamingResponse:
    """Approve many, each with its own verdict; what has changed since it was seen is left as it is.

    Answers `{items: [{id, verdict, state, version, errors}], counts}`, as the work goes on. Broken off midway, ask
    again: what was done is then told as changed.
    """
    return await _decided(request, actor, Action.APPROVE, asked, None)


@router.post("/agreement-reviews/reject", response_class=JSONResponse, responses={200: {"model": Verdicts}})
async def reject(asked: Rejection, request: Request, actor: ActorOf) -> StreamingResponse:
    """Reject many for one reason: each becomes a draft again, and what is public stays."""
    return await _decided(request, actor, Action.REJECT, asked, asked.reason)


async def _decided(
    request: Request, actor: ActorOf, action: Action, asked: Approval, reason: str | None
) -> StreamingResponse:
    seen = {one.id: one.version for one in asked.agreements}
    if len(seen) < len(asked.agreements):
        raise invalid("agreements", "holds an agreement more than once")
    parts = reviewing.decide(request.app.state.sessions, actor, action, seen, reason)
    # What stops all of them is a problem; from the first part on there is an answer.
    return StreamingResponse(_written(await anext(parts), parts), media_type="application/json")


async def _written(first: list[Decision], rest: AsyncIterator[list[Decision]]) -> AsyncIterator[bytes]:
    """`{items, counts}`, sent as the parts are done: thousands take longer than a caller waits for a first sign."""
    counts = Counter(one.verdict for one in first)
    yield b'{"items":[' + b",".join(map(_told, first))
    async for part in rest:
        counts.update(one.verdict for one in part)
        yield b"," + b",".join(map(_told, part))
    yield b'],"counts":' + orjson.dumps({one.value: counts[one] for one in Verdict}) + b"}"


def _told(one: Decision) -> bytes:
    errors = [{"field": found.field, "reason": told(found)} for found in one.found]
    return orjson.dumps(
        {"id": one.id, "verdict": one.verdict, "state": one.state, "version": one.version, "errors": errors}
    )
