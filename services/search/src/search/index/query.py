"""A question as an OpenSearch body: what it demands, in which order, and what is counted beside it."""

from collections.abc import Iterable, Sequence

from rules.regions import collaboration_regions
from search.domain import facets as counted
from search.domain.grounds import AGREED
from search.domain.question import Basis, Question, Sort, Spot
from search.domain.tiers import TIERS, Tier, Usable, Where
from search.domain.waits import unknown_days
from search.index import demands, facets
from search.index.demands import Clause, current, on_one_basis, point, wait_at_most, wait_field


def body(question: Question, *, offer: str | None = None, count: Iterable[str] = ()) -> Clause:
    """The whole request, with these counts beside the hits; for one `offer` only, where its id is given."""
    ranking = _ranking(question)
    found = [*demands.of(question), *(demands.this(offer) if offer is not None else ())]
    return {
        "from": question.offset,
        "size": question.limit,
        "track_total_hits": True,
        "query": {"bool": {"filter": found, **({"must": ranking} if ranking is not None else {})}},
        "sort": _order(question),
        "_source": True,
        "aggs": facets.aggregations(count, question),
    }


def counting(question: Question, count: Iterable[str] = ()) -> Clause:
    """The request that only counts: the total, and these counts."""
    return {
        "size": 0,
        "track_total_hits": True,
        "query": {"bool": {"filter": demands.of(question)}},
        "aggs": facets.aggregations(count, question),
    }


def with_counts(question: Question) -> list[tuple[Clause, Sequence[str]]]:
    """The requests that answer a question with every count, each with the counts it brings; the first has the hits."""
    asked = counted.filters(question)
    apart = [name for name in counted.names(question) if counted.own_filter(name) in asked]
    together = [name for name in counted.names(question) if name not in apart]
    alone = [
        (counting(counted.without(question, own), [name]), [name])
        for name in apart
        if (own := counted.own_filter(name)) is not None
    ]
    return [(body(question, count=together), together), *alone]


def _ranking(question: Question) -> Clause | None:
    """Scores that fall with the table's ranks: one for the place, and for what is in time as many more as places are.

    A tier in time is a place that the region may use as it is, and these stand before all others: so what is in time
    is asked once, not place by place.
    """
    region = question.patient_region
    if region is None:
        return None
    places = [_worth(len(TIERS) - number, _in_tier(tier, question, region)) for number, tier in enumerate(TIERS)]
    ranking: Clause = {"dis_max": {"queries": places}}
    left = question.days_to_deadline
    if left is None:
        return ranking
    usable = [*current(question), {"terms": {"bases.kind": _kinds(AGREED)}}, {"term": {"bases.usable_by": region}}]
    in_time = {"bool": {"filter": [wait_at_most(left, question), on_one_basis(usable)]}}
    return {"bool": {"must": ranking, "should": _worth(len(TIERS), in_time)}}


def _worth(score: int, clause: Clause) -> Clause:
    return {"constant_score": {"filter": clause, "boost": score}}


def _kinds(kinds: Iterable[Basis]) -> list[str]:
    return [kind.value for kind in kinds]


def _in_tier(tier: Tier, question: Question, region: str) -> Clause:
    basis = [*current(question), {"terms": {"bases.kind": _kinds(tier.kinds)}}]
    if tier.usable is Usable.YES:
        basis.append({"term": {"bases.usable_by": region}})
    if tier.usable is Usable.ON_REQUEST:
        basis.append({"term": {"bases.on_request": True}})
    if tier.riksavtalet is not None:
        under: Clause = {"term": {"bases.riksavtalet": True}}
        basis.append(under if tier.riksavtalet else {"bool": {"must_not": under}})
    clauses = [on_one_basis(basis)]
    if tier.where is Where.OWN_REGION:
        clauses.append({"term": {"region": region}})
    if tier.where is Where.COLLABORATION_REGION:
        clauses.append({"terms": {"collaboration_region": sorted(collaboration_regions(region))}})
    return {"bool": {"filter": clauses}}


def _order(question: Question) -> list[Clause]:
    """Ties end on the offer's id, so that pages never overlap."""
    tier: list[Clause] = [{"_score": "desc"}] if question.patient_region is not None else []
    # An unknown wait is neither zero nor endless: it stands just after the guarantee's limit, as the explanation says.
    wait: list[Clause] = [{wait_field(question): {"order": "asc", "missing": unknown_days(question.limit_days)}}]
    distance: list[Clause] = [_nearest(question.near)] if question.near is not None else []
    first = {
        Sort.BEST: [*tier, *wait, *distance],
        Sort.WAIT: [*wait, *tier, *distance],
        Sort.DISTANCE: [*distance, *tier, *wait],
    }[question.sort]
    return [*first, {"care_service": "asc"}, {"unit": "asc"}]


def _nearest(near: Spot) -> Clause:
    return {"_geo_distance": {"place": point(near), "order": "asc", "unit": "km"}}
