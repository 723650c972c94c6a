"""The form's way in, the two approvals, and reading."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.api.answers import ONE, Content
from agreements.api.shown import READ_ONLY, ActorOf, AgreementId, Side, shown
from agreements.domain.agreement import Actor, Way, may_read
from agreements.domain.transitions import Action
from agreements.service import life, purging, secrecy, sent_form
from agreements.store import agreements as store
from contracts.agreement_form import LongText
from contracts.form import Form
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


Named = Literal["submit", "approve", "reject", "withdraw", "terminate", "purge"]
"""What a person asks for by the action's name: `domain.transitions.BY_NAME`."""


async def _secret(session: AsyncSession, actor: Actor, content: dict[str, Any]) -> Response:
    # Returned, not raised: the line about it is to be kept.
    (marked,) = await secrecy.refuse(session, Way.FORM, actor.region or "-", actor, [sent_form.written_number(content)])
    return problem_response(invalid(marked.found.field, marked.found.reason))


@router.post("/agreements", status_code=201, response_model=None, responses={201: ONE})
async def register(
    content: Content,
    request: Request,
    response: Response,
    actor: ActorOf,
    session: Transaction,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any] | Response:
    """Register an agreement of the caller's own region as a draft. With an Idempotency-Key it is safe to send again.

    422 tells everything that is wrong, as `/agreements/validate` does.
    """
    if sent_form.is_confidential(content):
        return await _secret(session, actor, content)

    async def work() -> dict[str, Any]:
        return await shown(session, await life.register(session, actor, content), actor)

    answer, _ = await once(session, idempotency_key, actor.subject, await request.body(), work)
    response.headers["Location"] = f"/agreements/{answer['id']}"
    response.headers["ETag"] = etag(answer["version"])
    return answer


@router.get("/agreements/{agreement_id}", response_model=None, responses={200: ONE})
async def read(
    agreement_id: AgreementId, response: Response, actor: ActorOf, session: Transaction, side: Side | None = None
) -> dict[str, Any]:
    """One agreement; `side=public` as the public sees it. One that the caller may not read does not exist."""
    found = await store.get(session, agreement_id)
    if found is None or not may_read(found, actor) or (side == "public" and not found.is_public):
        raise Problem(404, "there is no such agreement")
    told = await shown(session, found, actor, side)
    # Of what is shown: whoever does not see a change must not learn of it by its version.
    response.headers["ETag"] = etag(told["version"])
    return told


@router.put("/agreements/{agreement_id}", response_model=None, responses={200: ONE})
async def edit(
    agreement_id: AgreementId,
    content: Content,
    response: Response,
    actor: ActorOf,
    session: Transaction,
    expected_version: ExpectedVersion,
) -> dict[str, Any] | Response:
    """Replace the content. If-Match holds the version you read: two editors never overwrite each other.

    What `GET` gave may be sent back: its members that are not content (`id`, `state`, `version`, …) are ignored.
    """
    content = {name: value for name, value in content.items() if name not in READ_ONLY}
    if sent_form.is_confidential(content):
        return await _secret(session, actor, content)
    changed = await life.edit(session, actor, agreement_id, expected_version, content)
    response.headers["ETag"] = etag(changed.version)
    return await shown(session, changed, actor)


@router.post("/agreements/{agreement_id}/{action}", response_model=None, responses={200: ONE})
async def act(
    agreement_id: AgreementId,
    action: Named,
    response: Response,
    actor: ActorOf,
    session: Transaction,
    body: Step | None = None,
) -> dict[str, Any]:
    """Submit, approve, reject, withdraw, terminate or purge. Approve is the region's gate first, then the agency's.

    Purge is for what became confidential: it cannot be undone, and leaves one line without content.
    """
    step, asked = Action(action), body if body is not None else Step()
    if step is Action.PURGE:
        changed = await purging.purge(session, actor, agreement_id, asked.reason)
    else:
        changed = await life.act(session, actor, agreement_id, step, asked.reason, asked.version)
    response.headers["ETag"] = etag(changed.version)
    return await shown(session, changed, actor)
