"""Words of HTTP in, one question, words out."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.agreements import ReimbursementModel
from contracts.message import Sex
from contracts.types import RegionCode
from kit.auth import Caller, CallerOf, Policy
from kit.database import Transaction
from kit.http import Problem, invalid
from rules.calendar import swedish_day, swedish_end
from rules.guarantee import Guarantee, NoRule, Rules
from rules.guarantee import deadline as due_on
from rules.roles import READERS, SEES_TERMS
from search.domain import deadline
from search.domain.question import Basis, Clock, Question, Sort
from search.index.history import Searched
from search.service import answer, as_of, wording

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
    as_of: Annotated[date, Field(examples=["2026-09-30"])] | None = None
    """What this search would have shown at the end of that day in Sweden; today means now. Each answer's `as_of` tells
    what in it is of that day and what is today's, and is null where no day was asked for."""


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
    guarantee: Guarantee | None = None
    """Which guarantee is asked about: it picks the wait that ranks and is limited; else it is the one to treatment."""
    guarantee_start: Annotated[date, Field(examples=["2026-09-01"])] | None = None
    """The day the guarantee's clock started; with `guarantee` it sets the deadline, and what can be given before it
    comes first."""
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    """The patient's age in whole years: who is outside an agreement's target group is not shown it."""
    sex: Sex | None = None
    """The patient's registered sex, likewise."""
    self_referral: bool | None = None
    """Care to which patients refer themselves (true), or do not (false), as the agreement or the catalogue says."""
    free_capacity: bool | None = None
    """With announced free places that the patient's region may use (true), or without (false). Waiting lists, and what
    must be asked for, are no free places."""
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

    With `guarantee` and `guarantee_start` each hit has a `deadline`: the last day on which the guarantee is kept, the
    day the care is expected (today and the wait that ranks, as a forecast where there is one, or the first day of free
    capacity that comes before it), and the days left on it, below zero when it is too late; where nothing is known the
    last two are null. `guarantee` tells the rule. `max_wait_days` and `sort` go by the same expected day.

    `capacity` is the announcement of free places to look at first, of those that the patient's region may use: how many
    are `left` (null: not told), `from` and `until` which day; what it did to the rank says `explain.capacity`.

    `eligibility` is `yes`, or `ask` with the questions in `explain.questions`; who is refused is not shown.

    `facets` counts the offers per care service, region, basis, reimbursement model, expected wait and free capacity,
    each as if its own filter were not there. Where nothing is found, `without` tells how many there would be without
    each single filter.

    `region_profiles` tells, by region code, whom to call at each hit's `care_unit.region` (`office`), and for
    `patient_region` also where invoices go, who pays first, and the rules for travel, lodging and companion. Where a
    region has told nothing these are null, and `text` says so.
    """
    return await _answer(asked, request, caller, session)


@router.post("/offers/search")
async def find_by_body(asked: AskedOnPage, request: Request, caller: CallerOf, session: Transaction) -> dict[str, Any]:
    """The same search with the question in the body."""
    return await _answer(asked, request, caller, session)


@router.get("/offers/{offer_id}")
async def read(
    offer_id: str, seen: Annotated[Seen, Query()], request: Request, caller: CallerOf, session: Transaction
) -> dict[str, Any]:
    """One offer that is in force today, or was on the day asked for, with the same `region_profiles` as in a search."""
    asked, now = AskedOnPage(**seen.model_dump()), datetime.now(UTC)
    searched = await _searched(asked, now, request, session)
    question = await _question(asked, now, request, caller, session)
    found = await answer.one(searched, offer_id, question)
    if found is None:
        raise Problem(404, "there is no such offer in force")
    return {
        **found,
        "as_of": as_of.told(asked.as_of, swedish_day(now)),
        "region_profiles": await answer.region_profiles(session, [found], question),
    }


async def _answer(asked: AskedOnPage, request: Request, caller: Caller, session: Transaction) -> dict[str, Any]:
    now = datetime.now(UTC)
    searched = await _searched(asked, now, request, session)
    question = await _question(asked, now, request, caller, session)
    found, read_as = await wording.search(session, searched, question)
    return {
        "items": found.items,
        "total": found.total,
        "page": asked.page,
        "limit": asked.limit,
        "as_of": as_of.told(asked.as_of, swedish_day(now)),
        "read_as": read_as,
        "facets": found.facets,
        "without": found.without,
        "guarantee": deadline.clock(question),
        "region_profiles": await answer.region_profiles(session, found.items, question),
    }


async def _searched(asked: Seen, now: datetime, request: Request, session: Transaction) -> Searched:
    state = request.app.state
    return await as_of.searched(session, state.index, state.history, asked.as_of, swedish_day(now))


async def _question(
    asked: AskedOnPage, now: datetime, request: Request, caller: Caller, session: Transaction
) -> Question:
    terms = not caller.roles.isdisjoint(SEES_TERMS)
    if asked.reimbursement_model is not None and not terms:
        raise invalid("reimbursement_model", "is for regions and the agency only", status=403)
    if asked.page * asked.limit > 10_000:
        raise invalid("page", "page x limit must not exceed 10000: narrow the question instead", status=400)
    if asked.near is None and (asked.sort is Sort.DISTANCE or asked.max_distance_km is not None):
        raise invalid("near", "is needed to sort or limit by distance", status=400)
    service, today = asked.care_service, asked.as_of or swedish_day(now)
    codes = await wording.codes_in(session, asked.q) if asked.q is not None else wording.NO_CODES
    rules: Rules = request.app.state.guarantee_rules
    guarantee = asked.guarantee or Guarantee.TREATMENT
    return Question(
        today=today,
        moment=min(now.replace(second=0, microsecond=0) + timedelta(minutes=1), swedish_end(today)),
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
        guarantee=guarantee,
        clock=_clock(asked, rules, today),
        limit_days=rules.on(guarantee, today).days,
        age=asked.age,
        sex=asked.sex,
        self_referral=asked.self_referral,
        free_capacity=asked.free_capacity,
        sort=asked.sort,
        limit=asked.limit,
        offset=(asked.page - 1) * asked.limit,
        terms=terms,
    )


def _clock(asked: Asked, rules: Rules, today: date) -> Clock | None:
    start = asked.guarantee_start
    if start is None:
        return None
    if asked.guarantee is None:
        raise invalid("guarantee", "is needed with guarantee_start: visit or treatment", status=400)
    if start > today:
        which = "as_of" if asked.as_of is not None else "today"
        raise invalid("guarantee_start", f"lies after {which}: the clock has not started", status=400)
    try:
        rule = rules.on(asked.guarantee, start)
        return Clock(start, due_on(asked.guarantee, start, rules=rules), rule)
    except NoRule as error:
        raise invalid("guarantee_start", str(error), status=400) from None
