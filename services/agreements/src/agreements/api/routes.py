"""The form's way in, the two approvals, and reading."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agreements import service, store
from agreements.api.form import AgreementForm
from agreements.domain import Action, Actor, Agreement, Role, State, allowed_actions, may_read
from kit.auth import ANY_ROLE, Caller, CallerOf, Policy
from kit.database import Transaction
from kit.http import ExpectedVersion, Paging, Problem, etag
from kit.idempotency import IdempotencyKey, once

POLICY: Policy = {
    "POST /agreements": frozenset({Role.ADMIN}),
    "GET /agreements": ANY_ROLE,
    "GET /agreements/{agreement_id}": ANY_ROLE,
    "PUT /agreements/{agreement_id}": frozenset({Role.ADMIN}),
    "POST /agreements/{agreement_id}/{action}": frozenset({Role.ADMIN, Role.AGENCY}),
}

router = APIRouter(tags=["agreements"])


class Reason(BaseModel):
    """Why; needed to reject, to terminate, and to withdraw a published agreement."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=2000)] | None = None


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
        return shown(await service.register(session, _actor(caller), form.as_json()), caller)

    answer, _ = await once(session, idempotency_key, caller.subject, await request.body(), work)
    response.headers["Location"] = f"/agreements/{answer['id']}"
    response.headers["ETag"] = etag(answer["version"])
    return answer


@router.get("/agreements")
async def find(
    caller: CallerOf,
    session: Transaction,
    paging: Paging,
    region: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    state: State | None = None,
    number: Annotated[str | None, Query(max_length=60)] = None,
) -> dict[str, Any]:
    """Published agreements, and for administrators also their own region's others, by region and number."""
    found, total = await store.find(
        session,
        _actor(caller),
        region=region,
        state=state,
        number=number,
        limit=paging.limit,
        offset=paging.offset,
    )
    items = [shown(one, caller) for one in found]
    return {"items": items, "total": total, "page": paging.page, "limit": paging.limit}


@router.get("/agreements/{agreement_id}")
async def read(agreement_id: str, response: Response, caller: CallerOf, session: Transaction) -> dict[str, Any]:
    """One agreement. One that the caller may not read does not exist."""
    found = await store.get(session, agreement_id)
    if found is None or not may_read(found, _actor(caller)):
        raise Problem(404, "there is no such agreement")
    response.headers["ETag"] = etag(found.version)
    return shown(found, caller)


@router.put("/agreements/{agreement_id}")
async def edit(
    agreement_id: str,
    form: AgreementForm,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    expected_version: ExpectedVersion,
) -> dict[str, Any]:
    """Replace a draft's content. If-Match holds the version you read: two editors never overwrite each other."""
    changed = await service.edit(session, _actor(caller), agreement_id, expected_version, form.as_json())
    response.headers["ETag"] = etag(changed.version)
    return shown(changed, caller)


@router.post("/agreements/{agreement_id}/{action}")
async def act(
    agreement_id: str,
    action: Action,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    body: Reason | None = None,
) -> dict[str, Any]:
    """Submit, approve, reject, withdraw or terminate. Approve is the region's gate first, then the agency's."""
    reason = body.reason if body is not None else None
    changed = await service.act(session, _actor(caller), agreement_id, action, reason)
    response.headers["ETag"] = etag(changed.version)
    return shown(changed, caller)


def shown(one: Agreement, caller: Caller) -> dict[str, Any]:
    """An agreement as its readers see it."""
    return {
        "id": one.id,
        "state": one.state,
        "version": one.version,
        **one.body,
        "published_at": one.published_at,
        "created_at": one.created_at,
        "changed_at": one.changed_at,
        "allowed_actions": allowed_actions(one, _actor(caller)),
    }


def _actor(caller: Caller) -> Actor:
    return Actor(caller.subject, caller.roles, caller.region)
