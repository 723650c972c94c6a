"""A question as an OpenSearch body: what it demands, in which order, and what is counted beside it."""

from collections.abc import Collection, Sequence

from search.domain import facets as counted
from search.domain.question import Question, Sort, Spot
from search.index import demands, facets, ranking
from search.index.demands import Clause, free, point


def by_id(offer: str) -> Clause:
    """The request for one offer, whatever may be against showing it."""
    return {"size": 1, "query": {"bool": {"filter": demands.this(offer)}}}


def body(question: Question, *, count: Collection[str] = ()) -> Clause:
    """The whole request, with these counts beside the hits."""
    found = demands.of(question)
    return {
        "from": question.offset,
        "size": question.limit,
        "track_total_hits": True,
        "query": {"bool": {"filter": found, "must": ranking.of(question)}},
        "sort": _order(question),
        "_source": True,
        "aggs": facets.aggregations(count, question),
    }


def counting(question: Question, count: Collection[str] = ()) -> Clause:
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


def _order(question: Question) -> list[Clause]:
    """The score holds tier and expected wait (`ranking`). Ties end on the offer's id, so that pages never overlap."""
    score: list[Clause] = [{"_score": "desc"}]
    distance: list[Clause] = [_nearest(question.near)] if question.near is not None else []
    first = [*distance, *score] if question.sort is Sort.DISTANCE else [*score, *distance]
    return [*first, _most_places(question), {"care_service": "asc"}, {"unit": "asc"}]


def _nearest(near: Spot) -> Clause:
    return {"_geo_distance": {"place": point(near), "order": "asc", "unit": "km"}}


def _most_places(question: Question) -> Clause:
    # An index of an earlier release has no such field while a new one is filled.
    only = {"path": "bases", "filter": {"bool": {"filter": free(question)}}}
    most = {"order": "desc", "mode": "max", "missing": "_last", "unmapped_type": "integer", "nested": only}
    return {"bases.places": most}
