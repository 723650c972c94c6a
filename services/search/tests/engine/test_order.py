"""The order that the engine gives is the order of the table of tiers, for whatever offers and whatever question."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from math import inf
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.distance import kilometres
from rules.guarantee import Guarantee
from search.domain import capacity, expected, facets, grounds, hit, tiers
from search.domain.document import Sources, build, offer_id, services_of, unit_of
from search.domain.question import Basis, Sort, Spot
from search.index import facets as counted
from search.index import query
from search.index.engine import Index

pytestmark = pytest.mark.engine

UNITS = ("A", "B", "C", "D", "E", "F")
REGIONS = ("14", "13", "01", "07")
GOTEBORG, VARBERG, HALMSTAD, STOCKHOLM = "1480", "1383", "1380", "0180"
REVISIONS = count(1)

maybe_days = st.none() | st.integers(0, 200) | st.sampled_from([29.5, 90, 90.5, 91])
one_wait = st.fixed_dictionaries(
    {"days": maybe_days},
    optional={
        "measure": st.sampled_from(["treatment_median", "visit_median"]),
        "paying_region": st.sampled_from([None, "14", "01"]),
        "kind": st.sampled_from(["register", "forecast"]),
    },
)
one_group = st.none() | st.fixed_dictionaries(
    {
        "age_min": st.sampled_from([None, 18, 65]),
        "age_max": st.sampled_from([None, 64, 80]),
        "sex": st.sampled_from([None, "female", "male"]),
        "asa_max": st.sampled_from([None, 2]),
    }
)
one_agreement = st.fixed_dictionaries(
    {
        "region": st.sampled_from(REGIONS),
        "use": st.sampled_from(["no", "yes", "on_request", "named_regions"]),
        "basis": st.sampled_from(["own_agreement", "national_agreement", "own_provision"]),
        "group": one_group,
        "model": st.sampled_from([None, "drg", "per_visit"]),
        "self_referral": st.sampled_from([None, True, False]),
        "days": st.sampled_from([(-10, None), (0, 0), (1, None), (-10, -1)]),
        "volume_left": st.sampled_from([None, None, 0, 5]),
    }
)
# Begun and to come, over, expired, used up, by level alone, for some regions or patients only.
one_announcement = st.fixed_dictionaries(
    {
        "days": st.tuples(st.sampled_from([-10, 0, 1, 29, 30, 91, 150]), st.sampled_from([0, 0, 20])),
        "expires": st.sampled_from([-1, 1, 1, 1]),
        "left": st.sampled_from([None, 0, 1, 4]),
        "level": st.sampled_from(["capacity", "limited", "waitlist", "ask", "a-word-of-a-later-release"]),
        "usable_by": st.sampled_from([(), (), ("14",), ("01", "13")]),
        "group": one_group,
    }
)
one_unit = st.fixed_dictionaries(
    {
        "place": st.sampled_from([GOTEBORG, VARBERG, HALMSTAD, STOCKHOLM]),
        "agreements": st.lists(one_agreement, max_size=3),
        "waits": st.lists(one_wait, max_size=3),
        "announcements": st.lists(one_announcement, max_size=2),
        "offering": one_group.map(lambda group: (group,)) | st.none(),
        "lost": st.booleans(),
    }
)
one_question = st.fixed_dictionaries(
    {
        "patient_region": st.sampled_from([None, "14", "13", "01"]),
        "guarantee": st.sampled_from(Guarantee),
        "started": st.none() | st.integers(0, 100),
        "age": st.sampled_from([None, 10, 64, 70]),
        "sex": st.sampled_from([None, "female", "male"]),
        "self_referral": st.sampled_from([None] * 4 + [True, False]),
        "basis": st.sampled_from([None] * 6 + [*Basis]),
        "reimbursement_model": st.sampled_from([None] * 4 + ["drg"]),
        "free_capacity": st.sampled_from([None] * 4 + [True, False]),
        "max_wait_days": st.sampled_from([None] * 4 + [30, 90]),
        "near": st.booleans(),
        "sort": st.sampled_from(Sort),
    }
)


@pytest.fixture(scope="module")
async def index(opensearch_url):
    """An index that searches are led to, and its name."""
    index = Index(opensearch_url, f"t{uuid4().hex[:12]}")
    name, _ = await index.create()
    await index.search_in(name)
    yield index, name
    await index.remove(name)
    await index.close()


def document_of(make, suffix, told):
    place = {"point": None} if told["lost"] else {}
    agreements = [
        make.agreement(
            f"{suffix}{number}",
            one["region"],
            use_by_others=make.use(one["use"], ["14"], volume_left=one["volume_left"]),
            basis=one["basis"],
            valid_from=make.day(one["days"][0]),
            valid_to=None if one["days"][1] is None else make.day(one["days"][1]),
            services=[service_of(make, suffix, one)],
        )
        for number, one in enumerate(told["agreements"])
    ]
    offerings = [make.offering(suffix, target_group=group and make.group(**group)) for group in told["offering"] or ()]
    return build(
        Sources(
            unit=unit_of(make.unit(suffix, told["place"], place=place).model_dump(mode="json"), "Orten"),
            code_key=make.katarakt,
            code_text="Kataraktoperation",
            offerings=[one.model_dump(mode="json") for one in offerings],
            services=[given for one in agreements for given in services_of(one.model_dump(mode="json"))],
            waits=[make.wait(suffix, **one).model_dump(mode="json") for one in told["waits"]],
            codes={make.katarakt: None},
            announcements=[
                announced(make, suffix, number, one).model_dump(mode="json")
                for number, one in enumerate(told["announcements"])
            ],
        )
    )


def announced(make, suffix, number, one):
    first, long = one["days"]
    return make.announcement(
        f"{suffix}{number}",
        suffix,
        days=(first, first + long),
        expires_at=make.now + timedelta(hours=one["expires"]),
        left=one["left"],
        level=one["level"],
        usable_by=one["usable_by"],
        target_group=one["group"] and make.group(**one["group"]),
    )


def service_of(make, suffix, one):
    service = make.service([suffix], [make.katarakt], target_group=one["group"] and make.group(**one["group"]))
    service["conditions"]["self_referral"] = one["self_referral"]
    if one["model"] is None:
        return {**service, "reimbursement": None}
    return {**service, "reimbursement": {**service["reimbursement"], "model": one["model"]}}


def question_of(make, told):
    rest = {name: value for name, value in told.items() if name not in {"started", "near", "sort"}}
    started = told["started"]
    near = Spot(57.7, 11.9, "own", "57.7,11.9") if told["near"] else None
    return make.question(
        **rest,
        near=near,
        sort=told["sort"] if near is not None or told["sort"] is not Sort.DISTANCE else Sort.BEST,
        clock=None if started is None else make.clock(make.day(-started), told["guarantee"]),
    )


def found(documents, question):
    """What the table of tiers and the rules in Python find, in their order."""

    def key(offer):
        document = documents[offer]
        tier = tiers.first(document, question)
        place, near = document["place"], question.near
        distance = 0.0
        if near is not None:
            distance = kilometres(near.lat, near.lon, place["lat"], place["lon"]) if place is not None else inf
        keys = {
            "tier": tiers.rank(tier, question) if tier is not None else 0,
            "wait": expected.rank_days(expected.of(document, question), question),
            "distance": distance,
        }
        first = {
            Sort.BEST: ("tier", "wait", "distance"),
            Sort.WAIT: ("wait", "tier", "distance"),
            Sort.DISTANCE: ("distance", "tier", "wait"),
        }[question.sort]
        free = -capacity.most_places(document, question)
        return *(keys[name] for name in first), free, document["care_service"], document["unit"]

    def fits(document):
        days, most = expected.of(document, question).days, question.max_wait_days
        free = bool(capacity.free(document, question))
        return (most is None or (days is not None and days <= most)) and question.free_capacity in {None, free}

    kept = [offer for offer, document in documents.items() if grounds.of(document, question) and fits(document)]
    return sorted(kept, key=key)


def tally(documents, question, facet):
    """One count as Python counts it, the facet's own filter left out."""
    own = facets.own_filter(facet)
    question = facets.without(question, own) if own is not None else question
    totals = {}
    for offer in found(documents, question):
        bases = grounds.of(documents[offer], question)
        values = {
            "care_service": {documents[offer]["care_service"]},
            "region": {documents[offer]["region"]},
            "basis": set(hit.shown(documents[offer], offer, question, None, [])["basis"]),
            "reimbursement_model": {
                basis.get("reimbursement_model") for basis in bases if grounds.within_reach(basis, question)
            }
            - {None},
            "wait": {step(expected.of(documents[offer], question).days)},
            "free_capacity": {facets.FREE if capacity.free(documents[offer], question) else facets.NOT_FREE},
        }[facet]
        for value in values:
            totals[value] = totals.get(value, 0) + 1
    return totals


def step(days):
    if days is None:
        return facets.UNKNOWN_WAIT
    limits = ((name, most) for name, _, most in facets.WAITS)
    return next(name for name, most in limits if most is None or days <= most)


@pytest.mark.timeout(240)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(units=st.fixed_dictionaries(dict.fromkeys(UNITS, one_unit)), asked=one_question)
async def test_the_engine_finds_orders_pages_and_counts_as_the_table_in_python_does(index, make, units, asked):
    engine, name = index
    built = {
        offer_id(make.hsa(suffix), make.katarakt): document_of(make, suffix, told) for suffix, told in units.items()
    }
    await engine.write(name, [(offer, next(REVISIONS), document) for offer, document in built.items()])
    await engine.refresh(name)
    documents = {offer: document for offer, document in built.items() if document is not None}
    question = question_of(make, asked)

    requests = query.with_counts(question)
    answers = await engine.searches([body for body, _ in requests])
    page = await engine.search(query.body(replace(question, limit=2, offset=2)))

    expected = found(documents, question)
    assert [row["_id"] for row in answers[0]["hits"]["hits"]] == expected
    assert answers[0]["hits"]["total"]["value"] == len(expected)
    assert [row["_id"] for row in page["hits"]["hits"]] == expected[2:4]
    for (_, names), answer in zip(requests, answers, strict=True):
        for facet in names:
            counts = dict(counted.counts([facet], answer)[facet])
            assert {value: number for value, number in counts.items() if number} == tally(documents, question, facet)
