"""Help for whoever fills in the form: all faults at once, a copy of an earlier one, what the region usually writes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from agreements.api.answers import Content, Validated
from agreements.api.shown import READ_ONLY, ActorOf, AgreementId
from agreements.domain.agreement import is_owner
from agreements.domain.copying import as_new
from agreements.domain.transitions import check_region
from agreements.domain.usual import usual
from agreements.service.checking import suggested
from agreements.service.validating import everything_wrong
from agreements.store import agreements as store
from contracts.types import HsaId, RegionCode
from kit.auth import Policy
from kit.database import Transaction
from kit.http import Problem
from rules.calendar import swedish_day
from rules.roles import Role

_ADMIN = frozenset({Role.AGREEMENT_ADMIN})

POLICY: Policy = {
    "POST /agreements/validate": frozenset({Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM}),
    "GET /agreements/{agreement_id}/copy": _ADMIN,
    "GET /agreement-defaults": _ADMIN,
}

router = APIRouter(tags=["writing"])

_LOOKED_AT = 200


@router.post("/agreements/validate", response_model=None, responses={200: {"model": Validated}})
async def validate(
    content: Content, actor: ActorOf, session: Transaction, agreement_id: UUID | None = None
) -> dict[str, Any]:
    """All that is wrong with an agreement, at once; nothing is stored. `agreement_id`: it is an edit of that one."""
    if agreement_id is not None:
        content = {name: value for name, value in content.items() if name not in READ_ONLY}
    found = await everything_wrong(session, actor, content, str(agreement_id) if agreement_id is not None else None)
    errors = [{"field": one.field, "reason": one.reason, "suggestion": suggested(one)} for one in found]
    return {"valid": not errors, "errors": errors}


@router.get("/agreements/{agreement_id}/copy")
async def copy(agreement_id: AgreementId, actor: ActorOf, session: Transaction) -> dict[str, Any]:
    """An agreement of the caller's region as a new one's content: without its number, for the period that follows."""
    found = await store.get(session, agreement_id)
    if found is None or not is_owner(found.region, actor) or not found.body:
        raise Problem(404, "there is no such agreement in your region")
    return as_new(found.body, swedish_day(datetime.now(UTC)))


@router.get("/agreement-defaults")
async def defaults(
    region: RegionCode, actor: ActorOf, session: Transaction, care_provider: HsaId | None = None
) -> dict[str, Any]:
    """What the caller's region wrote most often in its latest agreements: with the care provider, or else with all.

    Contacts come from agreements with the same care provider alone.
    `of` is how many agreements that is drawn from; `content` may be put into a form as it is.
    """
    check_region(region, actor)
    bodies = await store.earlier(session, region, care_provider, _LOOKED_AT)
    same_provider = bool(bodies) and care_provider is not None
    if not bodies:
        bodies = await store.earlier(session, region, None, _LOOKED_AT)
    return {"content": usual(bodies, contacts=same_provider), "of": len(bodies), "same_care_provider": same_provider}
