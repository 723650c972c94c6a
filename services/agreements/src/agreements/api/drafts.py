"""Drafts that are not complete: saved by the form as it goes, and tidied away after 90 days."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response

from agreements.api.shown import ActorOf
from agreements.service import drafts
from kit.auth import Policy
from kit.database import Transaction
from kit.http import ExpectedVersion, Paging, Problem, etag, invalid, problem_response
from rules.roles import Role

_ADMIN = frozenset({Role.AGREEMENT_ADMIN})

POLICY: Policy = {
    "GET /agreement-drafts": _ADMIN,
    "GET /agreement-drafts/{draft_id}": _ADMIN,
    "PUT /agreement-drafts/{draft_id}": _ADMIN,
    "DELETE /agreement-drafts/{draft_id}": _ADMIN,
}

router = APIRouter(tags=["drafts"])


async def _known_form(draft_id: str) -> str:
    try:
        return str(UUID(draft_id))
    except ValueError:
        raise Problem(404, "there is no such draft; a new one's id is a UUID that you choose") from None


DraftId = Annotated[str, Depends(_known_form)]


@router.get("/agreement-drafts")
async def page(actor: ActorOf, session: Transaction, paging: Paging) -> dict[str, Any]:
    """The drafts of the caller's region, the last saved first."""
    found, total = await drafts.page(session, actor, limit=paging.limit, offset=paging.offset)
    return {"items": [_shown(one) for one in found], "total": total, "page": paging.page, "limit": paging.limit}


@router.get("/agreement-drafts/{draft_id}")
async def read(draft_id: DraftId, response: Response, actor: ActorOf, session: Transaction) -> dict[str, Any]:
    """One draft of the caller's region."""
    found = await drafts.read(session, actor, draft_id)
    response.headers["ETag"] = etag(found["version"])
    return _shown(found)


@router.put("/agreement-drafts/{draft_id}", response_model=None)
async def save(
    draft_id: DraftId,
    content: Annotated[dict[str, Any], Body()],
    response: Response,
    actor: ActorOf,
    session: Transaction,
    expected_version: ExpectedVersion,
    copied_from: UUID | None = None,
) -> dict[str, Any] | Response:
    """Save any part of an agreement, as it is so far. If-Match holds the version you read, "0" for a new draft.

    Anything may be missing or wrong, but nothing like a personal number is kept, nor what is covered by secrecy.
    `copied_from`: the agreement whose copy the form began with; a purge of that one takes the draft along.
    """
    try:
        saved = await drafts.save(
            session, actor, draft_id, expected_version, content, str(copied_from) if copied_from else None
        )
    except drafts.Secret:
        # Returned, not raised: the line about it is to be kept.
        found = await drafts.note_secret(session, actor, content)
        return problem_response(invalid(found.field, found.reason))
    response.headers["ETag"] = etag(saved["version"])
    return _shown(saved)


@router.delete("/agreement-drafts/{draft_id}", status_code=204)
async def remove(draft_id: DraftId, actor: ActorOf, session: Transaction) -> None:
    """Delete a draft of the caller's region."""
    await drafts.remove(session, actor, draft_id)


def _shown(one: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "region", "version", "author", "content", "copied_from", "created_at", "changed_at")
    return {name: one[name] for name in names}
