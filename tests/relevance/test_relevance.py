"""Plain Swedish words find what is meant, and go on doing so: a judged set of queries with floors under its figures."""

import json

import pytest

from relevance import grading
from relevance.__main__ import RECORDED
from relevance.measuring import by_kind, measure, ndcg, recall

FLOORS = {
    "all": (0.94, 0.97),
    "lay": (0.95, 0.97),
    "clinical": (0.97, 0.97),
    "compound": (0.95, 0.95),
    "inflection": (0.97, 0.97),
    "abbreviation": (0.9, 0.97),
    "slip": (0.96, 0.96),
    "diacritics": (0.95, 0.95),
    "code": (0.92, 0.97),
    "place": (0.95, 0.97),
    "region": (0.9, 0.97),
    "unit": (0.82, 0.97),
    "sentence": (0.9, 0.9),
}
"""nDCG@10 and recall@20 that no kind of query may fall below."""


def test_the_set_has_queries_enough_and_none_twice():
    queries = grading.read()

    assert len(queries) >= 150
    assert len({one.words for one in queries}) == len(queries)
    assert {one.kind for one in queries} == set(FLOORS) - {"all"}


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(180)
# A batch of the demo's documents is over a megabyte, which the HTTP client remarks on.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_what_is_meant_is_found_and_stands_first(new_database, opensearch_url):
    scores = await measure(await new_database("search"), opensearch_url)

    assert [one.words for one in scores if one.graded < 3] == []
    figures = by_kind(scores)
    below = {
        kind: (figures[kind]["ndcg@10"], figures[kind]["recall@20"])
        for kind, (least, least_recall) in FLOORS.items()
        if figures[kind]["ndcg@10"] < least or figures[kind]["recall@20"] < least_recall
    }
    assert below == {}
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["queries"]
    assert set(recorded) == {one.words for one in scores}


def test_the_best_order_is_one_and_a_worse_one_less():
    grades = {"a": 3, "b": 2, "c": 1}

    assert ndcg(["a", "b", "c"], grades) == 1
    assert 0 < ndcg(["c", "b", "a"], grades) < 1
    assert ndcg(["x"], grades) == 0
    assert recall(["c", "a"], grades) == 0.5
    assert recall([], {"c": 1}) == 0


OFFER = {
    "care_service": "vt-demo|katarakt-operation",
    "codes": ["kva|CJE20", "vt-demo|katarakt-operation"],
    "care_unit": {"name": "Ögonkliniken Akademiska sjukhuset", "municipality": "0380", "region": "03"},
}
ASSESSMENT = {**OFFER, "care_service": "vt-demo|katarakt-bedomning", "codes": ["vt-demo|katarakt-bedomning"]}
NEIGHBOUR = {**OFFER, "codes": ["vt-demo|katarakt-operation"], "care_unit": {**OFFER["care_unit"], "name": "Annan"}}


@pytest.mark.parametrize(
    ("care", "where", "grades"),
    [
        ("katarakt", "-", (3, 2, 3)),
        ("katarakt!", "-", (3, 1, 3)),
        ("katarakt?", "-", (1, 3, 1)),
        ("knaprotes", "-", (0, 0, 0)),
        ("CJE2", "-", (3, 0, 2)),
        ("katarakt", "0380", (3, 2, 3)),
        ("katarakt", "1280", (0, 0, 0)),
        ("katarakt", "r03", (3, 2, 3)),
        ("-", "@Akademiska", (3, 3, 1)),
    ],
)
def test_every_grade_follows_from_code_name_and_place(care, where, grades):
    offers = {"operation": OFFER, "assessment": ASSESSMENT, "neighbour": NEIGHBOUR}
    found = grading.grades(grading.Judged("lay", "ord", care, where), offers)

    assert tuple(found.get(name, 0) for name in offers) == grades
