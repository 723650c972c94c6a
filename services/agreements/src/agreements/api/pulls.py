"""Readings of the regions' own interfaces: what became of them, and the region's yes to what is gone."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field

from agreements.service import pull_decisions, pulling
from agreements.service.pulls_command import as_json, detail
from agreements.store import pulls
from contracts.agreement_form import LongText
from contracts.form import Form
from contracts.types import RegionCode
from kit.auth import CallerOf, Policy
from kit.database import Transaction
from kit.http import Paging, Problem, invalid
from rules.personal_numbers import holds_personal_number
from rules.roles import Role

_SEERS = frozenset({Role.AGREEMENT_ADMIN, Role.OPERATOR})

POLICY: Policy = {
    "GET /agreement-pulls": _SEERS,
    "GET /agreement-pulls/{run}": _SEERS,
    # Whether its agreements have ended is for the region to say.
    "POST /agreement-pulls/{run}/{decision}": frozenset({Role.AGREEMENT_ADMIN}),
}

router = APIRouter(tags=["agreement pulls"])

Run = Annotated[int, Path(ge=1, lt=2**31)]
_MOST_ROWS = 1000


class Why(Form):
    """Why, kept with the run."""

    reason: Annotated[LongText, Field(min_length=1, max_length=2000)]


@router.get("/agreement-pulls")
async def listed(
    caller: CallerOf, session: Transaction, paging: Paging, region: RegionCode | None = None
) -> dict[str, Any]:
    """The latest readings, newest first: an administrator's own region's, an operator's all or one region's."""
    wanted = [region] if region is not None else None
    if Role.OPERATOR not in caller.roles:
        if region not in (None, caller.region):
            raise Problem(403, f"belongs to region {region}; you act for region {caller.region or '(none)'}")
        wanted = [caller.region or ""]
    found, total = await pulls.latest(session, wanted, paging.limit, paging.offset)
    return {"items": [as_json(one) for one in found], "total": total, "page": paging.page, "limit": paging.limit}


@router.get("/agreement-pulls/{run}")
async def shown(run: Run, caller: CallerOf, session: Transaction) -> dict[str, Any]:
    """One reading: counts, what was not taken and why, and what is gone; at most 1,000 rows of each."""
    one = await pulls.one(session, run)
    if one is None or not (Role.OPERATOR in caller.roles or caller.region == one.region):
        raise Problem(404, "there is no such run")
    items = await pulls.items(session, run, _MOST_ROWS)
    return detail(one, items, await pulls.gone(session, run, limit=_MOST_ROWS))


@router.post("/agreement-pulls/{run}/{decision}")
async def decide(
    run: Run, decision: Literal["approve", "discard"], body: Why, caller: CallerOf, request: Request
) -> dict[str, Any]:
    """Approve: what is gone is terminated, or withdrawn where it was never public. Discard: all stays as it is."""
    sessions = request.app.state.sessions
    if holds_personal_number(body.reason):
        raise invalid("reason", "holds something like a personal number: say it without")
    async with sessions() as session:
        one = await pulls.one(session, run)
    if one is None or one.region != caller.region:
        raise Problem(404, "there is no such run")
    work = pull_decisions.approve if decision == "approve" else pull_decisions.discard
    try:
        await work(sessions, run, caller.subject, body.reason)
    except pull_decisions.NoSuchRun as error:
        raise Problem(409, str(error)) from None
    except pulling.Busy as error:
        raise Problem(503, str(error), headers={"Retry-After": "5"}) from None
    return as_json(await pulls.as_it_is(sessions, run))
