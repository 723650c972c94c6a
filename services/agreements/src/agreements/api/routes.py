"""The form's way in, the two approvals, and reading."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from agreements.api.shown import actor_of, shown
from agreements.domain.agreement import may_read
from agreements.domain.transitions import BY_NAME, Action
from agreements.service import life
from agreements.store import agreements as store
from contracts.agreement_form import AgreementForm, Form, LongText
from kit.auth import CallerOf, Policy
from kit.database import Transaction
from kit.http import ExpectedVersion, Problem, etag
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


class Reason(Form):
    """Why; needed to reject, to terminate, and to withdraw a published agreement."""

    reason: Annotated[LongText, Field(max_length=2000)] | None = None


async def _known_form(agreement_id: str) -> str:
    # What does not look like an id of ours cannot be one, and PostgreSQL does not take every text.
    try:
        return str(UUID(agreement_id))
    except ValueError:
        raise Problem(404, "there is no such agreement") from None


AgreementId = Annotated[str, Depends(_known_form)]


@router.post("/agreements", status_code=201)
async def register(
    form: AgreementForm,
    request: Request,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Register an agreement of the caller's own region as a draft. With an Idempotency-Key it is safe to send again."""

    async def work() -> dict[str, Any]:
        return shown(await life.register(session, actor_of(caller), form.as_json()), actor_of(caller))

    answer, _ = await once(session, idempotency_key, caller.subject, await request.body(), work)
    response.headers["Location"] = f"/agreements/{answer['id']}"
    response.headers["ETag"] = etag(answer["version"])
    return answer


@router.get("/agreements/{agreement_id}")
async def read(agreement_id: AgreementId, response: Response, caller: CallerOf, session: Transaction) -> dict[str, Any]:
    """One agreement. One that the caller may not read does not exist."""
    found = await store.get(session, agreement_id)
    if found is None or not may_read(found, actor_of(caller)):
        raise Problem(404, "there is no such agreement")
    response.headers["ETag"] = etag(found.version)
    return shown(found, actor_of(caller))


@router.put("/agreements/{agreement_id}")
async def edit(
    agreement_id: AgreementId,
    form: AgreementForm,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    expected_version: ExpectedVersion,
) -> dict[str, Any]:
    """Replace a draft's content. If-Match holds the version you read: two editors never overwrite each other."""
    changed = await life.edit(session, actor_of(caller), agreement_id, expected_version, form.as_json())
    response.headers["ETag"] = etag(changed.version)
    return shown(changed, actor_of(caller))


@router.post("/agreements/{agreement_id}/{action}")
async def act(
    agreement_id: AgreementId,
    action: Action,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    body: Reason | None = None,
) -> dict[str, Any]:
    """Submit, approve, reject, withdraw or terminate. Approve is the region's gate first, then the agency's."""
    if action not in BY_NAME:
        raise Problem(404, "there is no such action")
    reason = body.reason if body is not None else None
    changed = await life.act(session, actor_of(caller), agreement_id, action, reason)
    response.headers["ETag"] = etag(changed.version)
    return shown(changed, actor_of(caller))
