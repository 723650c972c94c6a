"""Words of HTTP in, one question, words out."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.agreements import ReimbursementModel
from contracts.types import RegionCode
from kit.auth import Caller, CallerOf, Policy
from kit.database import Transaction
from kit.http import Problem, invalid
from rules.calendar import swedish_day
from rules.roles import READERS, SEES_TERMS
from search.domain.question import Basis, Question, Sort
from search.index.engine import Index
from search.service import answer, wording

POLICY: Policy = {
    "GET /offers": READERS,
    "POST /offers/search": READERS,
    "GET /offers/{offer_id}": READERS,
}


class Seen(BaseModel):
    """For whom and from where offers are seen. Unknown fields are refused: a filter is never left out in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    near: Annotated[str, Field(max_length=60, examples=["11428", "0180", "59.33,18.07"])] | None = None
    """Postal code, municipality code or lat,lon."""
    patient_region: RegionCode | None = None
    """The patient's home region: who may use what, and in which order."""


class Asked(Seen):
    """What is asked."""

    q: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    """Plain Swedish words, all of which must be found in care service, unit or place; or a code, or how codes begin.

    Where they find nothing, those most likely meant are searched (dots left out, slips, compounds nobody has written);
    `read_as` then tells which, and is null otherwise.
    """
    care_service: Annotated[str, Field(max_length=80, examples=["kva|CJE20"])] | None = None
    """`system|code` with system vt, vt-demo, kva or icd."""
    max_distance_km: Annotated[float, Field(gt=0, le=2000)] | None = None
    max_wait_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    reimbursement_model: ReimbursementModel | None = None
    basis: Basis | None = None
    sort: Sort = Sort.BEST


class AskedOnPage(Asked):
    """The same with the page asked for."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    page: Annotated[int, Field(ge=1)] = 1


async def once(request: Request) -> None:
    """No query parameter twice, and none beside a body: one of them would be left out in silence."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in given.items():
        if request.method == "POST":
            raise invalid(name, "belongs in the body", status=400)
        if times > 1:
            raise invalid(name, "is given more than once", status=400)


router = APIRouter(tags=["offers"], dependencies=[Depends(once)])


@router.get("/offers")
async def find(
    asked: Annotated[AskedOnPage, Query()], request: Request, caller: CallerOf, session: Transaction
) -> dict[str, Any]:
    """Offers that match, best first, each with the reason why it ranks where it does.

    Terms and prices of agreements (through whom, the question to ask, price, who invoices, volume left, reimbursement
    model, link to the document) are for regions and the agency; in an answer to a provider or an analyst they are left
    out, and they cannot filter by them.

    `region_profiles` tells, by region code, whom to call at each hit's `care_unit.region` (`office`), and for
    `patient_region` also where invoices go, who pays first, and the rules for travel, lodging and companion. Where a
    region has told nothing these are null, and `text` says so.
    """
    return await _answer(asked, request.app.state.index, caller, session)


@router.post("/offers/search")
async def find_by_body(asked: AskedOnPage, request: Request, caller: CallerOf, session: Transaction) -> dict[str, Any]:
    """The same search with the question in the body."""
    return await _answer(asked, request.app.state.index, caller, session)


@router.get("/offers/{offer_id}")
async def read(
    offer_id: str, seen: Annotated[Seen, Query()], request: Request, caller: CallerOf, session: Transaction
) -> dict[str, Any]:
    """One offer that is in force today, with the same `region_profiles` as in a search."""
    question = await _question(AskedOnPage(near=seen.near, patient_region=seen.patient_region), caller, session)
    found = await answer.one(request.app.state.index, offer_id, question)
    if found is None:
        raise Problem(404, "there is no such offer in force")
    return {**found, "region_profiles": await answer.region_profiles(session, [found], question)}


async def _answer(asked: AskedOnPage, index: Index, caller: Caller, session: Transaction) -> dict[str, Any]:
    question = await _question(asked, caller, session)
    found, read_as = await wording.search(session, index, question)
    profiles = await answer.region_profiles(session, found.items, question)
    page = {"items": found.items, "total": found.total, "page": asked.page, "limit": asked.limit, "read_as": read_as}
    return {**page, "region_profiles": profiles}


async def _question(asked: AskedOnPage, caller: Caller, session: Transaction) -> Question:
    terms = not caller.roles.isdisjoint(SEES_TERMS)
    if asked.reimbursement_model is not None and not terms:
        raise invalid("reimbursement_model", "is for regions and the agency only", status=403)
    if asked.page * asked.limit > 10_000:
        raise invalid("page", "page x limit must not exceed 10000: narrow the question instead", status=400)
    if asked.near is None and (asked.sort is Sort.DISTANCE or asked.max_distance_km is not None):
        raise invalid("near", "is needed to sort or limit by distance", status=400)
    service = asked.care_service
    codes = await wording.codes_in(session, asked.q) if asked.q is not None else wording.NO_CODES
    return Question(
        today=swedish_day(datetime.now(UTC)),
        words=asked.q,
        word_codes=codes.keys,
        words_beside_codes=codes.beside,
        care_services=await answer.care_services(session, service) if service is not None else None,
        near=await answer.spot(session, asked.near) if asked.near is not None else None,
        max_distance_km=asked.max_distance_km,
        patient_region=asked.patient_region,
        max_wait_days=asked.max_wait_days,
        reimbursement_model=asked.reimbursement_model,
        basis=asked.basis,
        sort=asked.sort,
        limit=asked.limit,
        offset=(asked.page - 1) * asked.limit,
        terms=terms,
    )
