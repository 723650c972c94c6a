"""The form's way in, the two approvals, and reading."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.api.shown import ActorOf, AgreementId, shown
from agreements.domain.agreement import Actor, Way, may_read
from agreements.domain.transitions import BY_NAME, Action
from agreements.service import intake, life, purging
from agreements.store import agreements as store
from contracts.agreement_form import AgreementForm, Form, LongText
from kit.auth import Policy
from kit.database import Transaction
from kit.http import ExpectedVersion, Problem, etag, invalid, problem_response
from kit.idempotency import IdempotencyKey, once
from rules.roles import READERS, Role

POLICY: Policy = {
    "POST /agreements": frozenset({Role.AGREEMENT_ADMIN}),
    "GET /agreements/{agreement_id}": READERS,
    "PUT /agreements/{agreement_id}": frozenset({Role.AGREEMENT_ADMIN}),
    "POST /agreements/{agreement_id}/{action}": frozenset(
        {Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM, Role.AGENCY_REVIEWER}
    ),
}

router = APIRouter(tags=["agreements"])


class Step(Form):
    """Why, and on what: both may be left out where they are not asked for."""

    reason: Annotated[LongText, Field(max_length=2000)] | None = None
    """Needed to reject, terminate and purge, and to withdraw a published agreement."""
    version: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    """The version that was looked at: 412 and nothing done where it is another one now."""


async def _secret(session: AsyncSession, actor: Actor) -> Response:
    # Returned, not raised: the line about it is to be kept.
    await intake.note_secret(session, Way.FORM, actor.region or "-", actor, datetime.now(UTC))
    return problem_response(invalid(intake.SECRET.field, intake.SECRET.reason))


@router.post("/agreements", status_code=201, response_model=None)
async def register(
    form: AgreementForm,
    request: Request,
    response: Response,
    actor: ActorOf,
    session: Transaction,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any] | Response:
    """Register an agreement of the caller's own region as a draft. With an Idempotency-Key it is safe to send again."""
    if form.confidential:
        return await _secret(session, actor)

    async def work() -> dict[str, Any]:
        return await shown(session, await life.register(session, actor, form.as_json(), form.revision), actor)

    answer, _ = await once(session, idempotency_key, actor.subject, await request.body(), work)
    response.headers["Location"] = f"/agreements/{answer['id']}"
    response.headers["ETag"] = etag(answer["version"])
    return answer


@router.get("/agreements/{agreement_id}")
async def read(agreement_id: AgreementId, response: Response, actor: ActorOf, session: Transaction) -> dict[str, Any]:
    """One agreement. One that the caller may not read does not exist."""
    found = await store.get(session, agreement_id)
    if found is None or not may_read(found, actor):
        raise Problem(404, "there is no such agreement")
    response.headers["ETag"] = etag(found.version)
    return await shown(session, found, actor)


@router.put("/agreements/{agreement_id}", response_model=None)
async def edit(
    agreement_id: AgreementId,
    form: AgreementForm,
    response: Response,
    actor: ActorOf,
    session: Transaction,
    expected_version: ExpectedVersion,
) -> dict[str, Any] | Response:
    """Replace the content. If-Match holds the version you read: two editors never overwrite each other."""
    if form.confidential:
        return await _secret(session, actor)
    changed = await life.edit(session, actor, agreement_id, expected_version, form.as_json(), form.revision)
    response.headers["ETag"] = etag(changed.version)
    return await shown(session, changed, actor)


@router.post("/agreements/{agreement_id}/{action}")
async def act(
    agreement_id: AgreementId,
    action: Action,
    response: Response,
    actor: ActorOf,
    session: Transaction,
    body: Step | None = None,
) -> dict[str, Any]:
    """Submit, approve, reject, withdraw, terminate or purge. Approve is the region's gate first, then the agency's.

    Purge is for what became confidential: it cannot be undone, and leaves one line without content.
    """
    if action not in BY_NAME:
        raise Problem(404, "there is no such action")
    asked = body if body is not None else Step()
    if action is Action.PURGE:
        changed = await purging.purge(session, actor, agreement_id, asked.reason)
    else:
        changed = await life.act(session, actor, agreement_id, action, asked.reason, asked.version)
    response.headers["ETag"] = etag(changed.version)
    return await shown(session, changed, actor)
