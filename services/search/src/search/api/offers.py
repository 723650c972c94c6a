"""Words of HTTP in, one question, words out."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from kit.auth import Caller, CallerOf, Policy
from kit.database import Transaction
from kit.http import Problem, invalid
from rules.calendar import swedish_day, swedish_end
from rules.guarantee import Guarantee, NoRule, Rules
from rules.guarantee import deadline as due_on
from rules.roles import READERS, SEES_TERMS
from search.api.asked import Asked, AskedOnPage, Seen, SeenByPatient
from search.api.shapes import Offers, OneOffer
from search.domain import deadline
from search.domain.grounds import Against, Unfit
from search.domain.question import Basis, Clock, Question, Sort
from search.index.history import Searched
from search.service import answer, as_of, wording

# An id may hold an encoded slash: its place in the path takes whatever is left.
_ONE = "/offers/{offer_id:path}"

POLICY: Policy = {
    "GET /offers": READERS,
    "POST /offers/search": READERS,
    f"GET {_ONE}": READERS,
    f"POST {_ONE}": READERS,
}


FIELDS: Mapping[str, type[BaseModel]] = {
    "GET /offers": AskedOnPage,
    "POST /offers/search": AskedOnPage,
    f"GET {_ONE}": Seen,
    f"POST {_ONE}": SeenByPatient,
}
"""What each call takes, to suggest from where a name is not known."""


async def once(request: Request) -> None:
    """No parameter or field twice, and none beside a body: one of them would be left out in silence."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in given.items():
        if request.method == "POST":
            raise invalid(name, "belongs in the body", status=400)
        if times > 1:
            raise invalid(name, "is given more than once", status=400)
    if request.method == "POST":
        # What cannot be read is told of later, by whoever reads it in earnest.
        with suppress(ValueError, RecursionError):
            json.loads(await request.body(), object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, object]]) -> None:
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise invalid(name, "is given more than once", status=422)


router = APIRouter(tags=["offers"], dependencies=[Depends(once)])


@router.get("/offers", responses={200: {"model": Offers}})
async def find(
    asked: Annotated[AskedOnPage, Query()], request: Request, caller: CallerOf, session: Transaction
) -> Response:
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

    `eligibility` is `yes`, or `ask` with the questions in `explain.questions`; who is refused is not shown. With a
    patient region it is that of what the region may use or ask for, else of what the catalogue says, and only where
    that says nothing of other regions' agreements. `reimbursement_model` is of what the region may use or ask for.

    Every reason in `explain` has a `code` that stays the same, a Swedish `text`, and the values it speaks of.

    `facets` counts the offers per care service, region, basis, reimbursement model, expected wait and free capacity,
    each as if its own filter were not there. Where nothing is found, `without` tells how many there would be without
    each single filter.

    `region_profiles` tells, by region code, whom to call at each hit's `care_unit.region` (`office`), and for
    `patient_region` also where invoices go, who pays first, and the rules for travel, lodging and companion. Where a
    region has told nothing these are null, and `text` says so.
    """
    return await _answer(asked, request, caller, session)


@router.post("/offers/search", responses={200: {"model": Offers}})
async def find_by_body(asked: AskedOnPage, request: Request, caller: CallerOf, session: Transaction) -> Response:
    """The same search with the question in the body."""
    return await _answer(asked, request, caller, session)


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": OneOffer},
    404: {"description": "There is no offer of this id, or none of its bases is in force (`code` `not_in_force`)."},
    409: {
        "description": "The offer is in force, but not for this question: `code` `refuses_patient` (`target_groups`"
        " tells whom it is for, `basis` on whose word) or `filtered` (`basis` tells what there is)."
    },
}


@router.get(_ONE, responses=_ANSWERS)
async def read(
    offer_id: str, seen: Annotated[Seen, Query()], request: Request, caller: CallerOf, session: Transaction
) -> dict[str, Any]:
    """One offer as a search with the same question shows it, today or as of a day: same tier, deadline, eligibility.

    `guarantee` tells the rule and `region_profiles` the regions, as in a search. Age and sex do not belong in an
    address: send the same in a body (POST) to see the offer for a patient.
    """
    return await _one(offer_id, seen, request, caller, session)


@router.post(_ONE, responses=_ANSWERS)
async def read_by_body(
    offer_id: str, seen: SeenByPatient, request: Request, caller: CallerOf, session: Transaction
) -> dict[str, Any]:
    """The same for one patient, with the question in the body. Nothing is changed by it."""
    return await _one(offer_id, seen, request, caller, session)


async def _one(offer_id: str, seen: Seen, request: Request, caller: Caller, session: Transaction) -> dict[str, Any]:
    asked = AskedOnPage.model_validate(seen.model_dump(exclude_unset=True))
    now = datetime.now(UTC)
    searched = await _searched(asked, now, request, session)
    question = await _question(asked, now, request, caller, session)
    found = await answer.one(session, searched, offer_id, question)
    if found is None:
        raise Problem(404, "there is no such offer", code="unknown")
    if isinstance(found, Unfit):
        status = 404 if found.against is Against.NOT_IN_FORCE else 409
        raise Problem(status, _AGAINST[found.against], code=found.against.value, **found.facts)
    return {
        **found,
        "as_of": as_of.told(asked.as_of, swedish_day(now)),
        "guarantee": deadline.clock(question),
        "region_profiles": await answer.region_profiles(session, [found], question),
    }


_AGAINST = {
    Against.NOT_IN_FORCE: "the offer exists, but nothing that it stands on is in force on the day asked about",
    Against.REFUSES_PATIENT: "the offer is in force, but every basis that counts refuses a patient of this age or sex",
    Against.FILTERED: "the offer is in force, but on no basis of this kind, reimbursement model and self-referral",
}


async def _answer(asked: AskedOnPage, request: Request, caller: Caller, session: Transaction) -> Response:
    now = datetime.now(UTC)
    searched = await _searched(asked, now, request, session)
    question = await _question(asked, now, request, caller, session)
    found, read_as = await wording.search(session, searched, question)
    told = {
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
    # FastAPI would look at each value of it again, which takes longer than finding it.
    return Response(orjson.dumps(told), media_type="application/json")


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
    if asked.basis is Basis.CATALOGUE and asked.reimbursement_model is not None:
        raise invalid(
            "reimbursement_model", "contradicts basis: only agreements and own provision have one", status=400
        )
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
        codes_of_words=codes.by_word,
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
