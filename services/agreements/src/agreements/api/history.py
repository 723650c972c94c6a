"""What has been done to an agreement: who, what, when, why, and which fields it changed."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from agreements.api.answers import Steps
from agreements.api.shown import ActorOf, AgreementId, audience, differing
from agreements.domain.agreement import ENDED, State, is_owner
from agreements.domain.transitions import Action
from agreements.store import agreements as store
from agreements.store import past
from contracts.audience import Audience
from kit.auth import Policy
from kit.database import Transaction
from kit.http import Problem
from rules.roles import Role

POLICY: Policy = {
    "GET /agreements/{agreement_id}/history": frozenset(
        {Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM, Role.AGENCY_REVIEWER}
    ),
}

router = APIRouter(tags=["agreements"])

_PASSED = frozenset({State.REGION_APPROVED, State.PUBLISHED, *ENDED})


@router.get("/agreements/{agreement_id}/history", response_model=None, responses={200: {"model": Steps}})
async def read(agreement_id: AgreementId, actor: ActorOf, session: Transaction) -> dict[str, Any]:
    """Every step, the last one first, each with the fields that differ from the step before.

    The owning region reads all of it; the agency what has passed the region's gate, and its own rejections, also
    while the agreement itself is the region's again.
    """
    found = await store.get(session, agreement_id)
    owner = found is not None and is_owner(found.region, actor)
    if found is None or not (owner or Role.AGENCY_REVIEWER in actor.roles):
        raise Problem(404, "there is no such agreement")
    rows = await past.steps(session, agreement_id)
    rows = rows if owner else _past_the_gate(rows)
    if not rows:
        raise Problem(404, "there is no such agreement")
    items = list(_told(rows, audience(found, actor)))
    return {"items": items[::-1], "total": len(items)}


def _past_the_gate(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    before = [None, *(row.state for row in rows)]
    return [
        row
        for row, stood in zip(rows, before, strict=False)
        if row.state in _PASSED or (row.action == Action.REJECT and stood == State.REGION_APPROVED)
    ]


def _told(rows: Sequence[Row[Any]], reader: Audience) -> Iterator[dict[str, Any]]:
    before: dict[str, Any] | None = None
    for row in rows:
        yield {
            "version": row.version,
            "action": row.action,
            "state": row.state,
            "actor": row.actor,
            "at": row.at,
            "reason": row.reason,
            "differences": differing(before, row.body, reader),
        }
        before = row.body
