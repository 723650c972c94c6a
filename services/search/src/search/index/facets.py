"""Counts beside the hits as aggregations. A count whose own filter is in use needs a request of its own."""

from collections.abc import Iterable, Mapping
from typing import Any

from search.domain.facets import FREE, NOT_FREE, UNKNOWN_WAIT, WAITS
from search.domain.question import Question
from search.index.demands import Clause, current, expected_known, expected_within, free, none, on_one_basis

_MOST = 100
_ON_BASES = {"basis": "bases.kind", "reimbursement_model": "bases.reimbursement_model"}
_ON_OFFERS = {"care_service": "care_service", "region": "region"}


def aggregations(names: Iterable[str], question: Question) -> dict[str, Clause]:
    """The aggregations of these counts over what the question finds."""
    return {name: _aggregation(name, question) for name in names}


def _aggregation(name: str, question: Question) -> Clause:
    if name in _ON_OFFERS:
        return {"terms": {"field": _ON_OFFERS[name], "size": _MOST}}
    if name in _ON_BASES:
        values: Clause = {
            "terms": {"field": _ON_BASES[name], "size": _MOST},
            "aggs": {"offers": {"reverse_nested": {}}},
        }
        # Only the bases that let the offer be found: another one's kind or model would find nothing.
        found = {"filter": {"bool": {"filter": current(question)}}, "aggs": {"values": values}}
        return {"nested": {"path": "bases"}, "aggs": {"found": found}}
    if name == "free_capacity":
        announced = on_one_basis(free(question))
        return {"filters": {"filters": {FREE: announced, NOT_FREE: none(announced)}}}
    steps: dict[str, Clause] = {step: _between(over, most, question) for step, over, most in WAITS}
    steps[UNKNOWN_WAIT] = none(expected_known(question))
    return {"filters": {"filters": steps}}


def counts(name: str, answer: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Value and number of offers, out of the engine's answer. Waits in the order of their steps, else most first."""
    if name in _ON_OFFERS:
        return _most_first((row["key"], row["doc_count"]) for row in answer["buckets"])
    if name in _ON_BASES:
        return _most_first((row["key"], row["offers"]["doc_count"]) for row in answer["found"]["values"]["buckets"])
    steps = [FREE, NOT_FREE] if name == "free_capacity" else [*(step for step, _, _ in WAITS), UNKNOWN_WAIT]
    return [(step, answer["buckets"][step]["doc_count"]) for step in steps]


def _most_first(rows: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _between(over: int | None, most: int | None, question: Question) -> Clause:
    sooner = [expected_within(over, question)] if over is not None else []
    within = expected_within(most, question) if most is not None else expected_known(question)
    return {"bool": {"filter": [within], "must_not": sooner}}
