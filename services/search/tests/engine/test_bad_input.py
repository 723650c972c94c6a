"""Questions that make no sense, and engines that are away or answer in part: told in words, never answered wrongly."""

import gzip
import json

import httpx
import pytest
from asgi_lifespan import LifespanManager
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.index.engine import EngineAway
from search.main import api
from search.settings import Settings

pytestmark = pytest.mark.engine

KINDS = "must be one of agreement, own, capacity, catalogue"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """A unit in Stockholm with katarakt."""
    await shared_world.found(
        make.municipality("0180"),
        make.unit("A", name="S:t Eriks ögonsjukhus"),
        *(make.code(key) for key in (make.katarakt, "kva|CJE20")),
        make.agreement("1", "01", ["A"], ["kva|CJE20"]),
    )
    return shared_world


async def faults(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return [(one["field"], one["reason"]) for one in answer.json()["errors"]]


async def by_both(world, **question):
    """The answers of GET and POST to one question."""
    return [
        await world.http.get("/offers", params=question),
        await world.http.post("/offers/search", json=question),
    ]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "string should have at least 1 character"),
        (" \t\n\u2003", "string should have at least 1 character"),
        ("a" * 10_000, "string should have at most 300 characters"),
        ("katarakt " * 1000, "string should have at most 300 characters"),
    ],
)
async def test_no_words_and_far_too_many_are_refused(sweden, words, reason):
    by_address, by_body = await by_both(sweden, q=words)

    assert (by_address.status_code, by_body.status_code) == (400, 422)
    assert await faults(by_address) == await faults(by_body) == [("q", reason)]


@pytest.mark.parametrize(
    "words",
    [
        "katarakt AND Stockholm",
        "+katarakt -Stockholm",
        '"katarakt Stockholm"',
        "/kata.*/",
        "care_service:katarakt",
        "text:katarakt",
        "_id:*",
        "katarakt~2",
        "katarakt^5",
        "[1 TO 5}",
        "((((katarakt",
        "katarakt || 1=1",
        "\\",
        "{{katarakt}}",
        "katarakt*",
        "k?tarakt",
        "*",
        "katarakt 🐟👩‍⚕️",
        "🐟",
        "a\u0000b",
        "\u0007\u001b[31mkatarakt",
        "\u202ekatarakt",
        "a\u030a",
        "\ufffd\uffff",
        "x " * 149,
        "å" * 300,
        "katarakt" * 37,
        "<script>alert(1)</script>",
        "'; DROP TABLE offer; --",
    ],
)
async def test_signs_that_mean_something_elsewhere_mean_nothing_here(sweden, words):
    by_address, by_body = await by_both(sweden, q=words)

    assert (by_address.status_code, by_body.status_code) == (200, 200), by_address.text
    assert by_address.json() == by_body.json()


async def test_words_are_found_whatever_signs_stand_around_them(sweden):
    for words in ("“katarakt”", "+katarakt", "katarakt*", '"katarakt"', "(katarakt)", "katarakt!", "katarakt 🐟"):
        total = (await sweden.ask(q=words))["total"]
        assert (words, total) == (words, 0 if "🐟" in words else 1)
    # Å as two signs is the same letter, and another field's name is only a word that no text holds.
    assert (await sweden.ask(q="o\u0308gonsjukhus"))["total"] == 1
    assert (await sweden.ask(q="care_service:katarakt"))["total"] == 0


@pytest.mark.parametrize("field", ["q", "care_service", "near"])
async def test_half_a_sign_is_refused_by_name(sweden, field):
    answer = await sweden.http.post("/offers/search", content=f'{{"{field}": "a\\ud800b"}}', headers=JSON)

    assert answer.status_code == 422
    assert [name for name, _ in await faults(answer)] == [field]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=320) | st.text("*?~^:/\\\"'()[]{}+-&|!<>=åäö AND", max_size=80))
async def test_no_words_are_an_internal_error(sweden, words):
    answers = [
        await sweden.http.post("/offers/search", content=json.dumps({"q": words}), headers=JSON),
        await sweden.http.get("/offers", params={"q": words.encode("utf-8", "surrogatepass")}),
        await sweden.http.get("/suggest", params={"q": words.encode("utf-8", "surrogatepass")}),
    ]

    assert {answer.status_code for answer in answers} <= {200, 400, 422}, [answer.text for answer in answers]


@pytest.mark.parametrize(
    ("question", "field", "reason"),
    [
        ({"max_wait": "30"}, "max_wait", "is not a known field: did you mean max_wait_days?"),
        ({"careService": "x"}, "careService", "is not a known field: did you mean care_service?"),
        ({"patient-region": "14"}, "patient-region", "is not a known field: did you mean patient_region?"),
        ({"weight": "70"}, "weight", "is not a known field"),
        (
            {"basis": "agreements"},
            "basis",
            f"{KINDS}: did you mean agreement?",
        ),
        ({"basis": "OWN"}, "basis", f"{KINDS}: did you mean own?"),
        ({"basis": "handshake"}, "basis", KINDS),
        ({"sort": "distans"}, "sort", "must be one of best, wait, distance: did you mean distance?"),
        ({"guarantee": "treatments"}, "guarantee", "must be one of visit, treatment: did you mean treatment?"),
        ({"sex": "femal"}, "sex", "must be one of female, male: did you mean female?"),
        ({"as_of": "20260930"}, "as_of", "must be a day written YYYY-MM-DD"),
        ({"near": "9999"}, "near", "we know no place for this municipality"),
        ({"care_service": "kva|CJE21"}, "care_service", "unknown code: did you mean kva|CJE20?"),
    ],
)
async def test_what_is_not_known_is_refused_with_the_nearest_that_is(sweden, question, field, reason):
    for answer in await by_both(sweden, **question):
        assert answer.status_code in {400, 422}
        assert await faults(answer) == [(field, reason)]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"max_distance_km": 50}, "near"),
        ({"sort": "distance"}, "near"),
        ({"guarantee_start": "2026-01-01"}, "guarantee"),
        ({"guarantee": "visit", "guarantee_start": "2999-01-01"}, "guarantee_start"),
        ({"guarantee": "visit", "guarantee_start": "1999-01-01"}, "guarantee_start"),
        ({"basis": "catalogue", "reimbursement_model": "drg"}, "reimbursement_model"),
        ({"page": 101, "limit": 100}, "page"),
    ],
)
async def test_demands_that_contradict_each_other_are_refused(sweden, question, field):
    for answer in await by_both(sweden, **question):
        assert answer.status_code == 400
        assert [name for name, _ in await faults(answer)] == [field]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"age": -1}, "age"),
        ({"age": 131}, "age"),
        ({"age": "seventy"}, "age"),
        ({"age": 70.5}, "age"),
        ({"age": True}, "age"),
        ({"age": [70]}, "age"),
        ({"page": 10**30}, "page"),
        ({"page": -1}, "page"),
        ({"limit": 10**400}, "limit"),
        ({"max_wait_days": 1e300}, "max_wait_days"),
        ({"q": 5}, "q"),
        ({"q": None, "near": {}}, "near"),
        ({"self_referral": "perhaps"}, "self_referral"),
        ({"guarantee_start": "2026-02-30"}, "guarantee_start"),
        ({"guarantee_start": 20260101}, "guarantee_start"),
        ({"guarantee": "visit", "guarantee_start": 1790812800}, "guarantee_start"),
        ({"guarantee": "visit", "guarantee_start": "1790812800"}, "guarantee_start"),
        ({"as_of": 1790812800}, "as_of"),
        ({"as_of": "2026-09-30T00:00:00"}, "as_of"),
        ({"near": "0180", "max_distance_km": float("nan")}, "max_distance_km"),
    ],
)
async def test_values_of_another_kind_are_refused_by_name(sweden, question, field):
    answer = await sweden.http.post("/offers/search", content=json.dumps(question), headers=JSON)

    assert answer.status_code in {400, 422}, answer.text
    assert [name for name, _ in await faults(answer)] == [field]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"[]", 422, "is not a JSON object"),
        (b'"q"', 422, "is not a JSON object"),
        (b"null", 422, ""),
        (b"", 422, ""),
        (b"{", 422, "is not JSON"),
        (b"q=katarakt", 422, "is not JSON"),
        (b'{"q": "\xff"}', 400, "cannot be read: send JSON in UTF-8, not compressed"),
        (gzip.compress(b"{}", mtime=0), 400, "cannot be read: send JSON in UTF-8, not compressed"),
        (b'{"age": ' + b"1" * 5000 + b"}", 400, "a number is too long"),
        (b"[" * 100_000, 400, "it nests too deep"),
        (b'{"q": "a", "q": "b"}', 422, "is given more than once"),
        (b'{"q": "' + b"a" * 2_000_000 + b'"}', 413, "the body is larger than 1024 KiB"),
    ],
)
async def test_bodies_that_are_no_question_are_refused(sweden, make, body, status, reason):
    for path in ("/offers/search", f"/offers/{make.hsa('A')}|{make.katarakt}"):
        answer = await sweden.http.post(path, content=body, headers=JSON)

        assert answer.status_code == status, answer.text
        assert reason in answer.json()["detail"]
        assert "send application/json" not in answer.text


@pytest.fixture
async def one_shard_missing(world, make):
    """An index behind the alias whose only shard no node will take, beside one that has all its hits."""
    await world.found(make.unit("A"), make.code(make.katarakt), make.agreement("1", "01", ["A"]))
    lost = f"{world.name}-lost"
    nowhere = {"settings": {"index.routing.allocation.require._name": "nowhere", "number_of_replicas": 0}}
    made = await world.opensearch.put(
        f"/{lost}?wait_for_active_shards=0", json={**nowhere, "aliases": {world.name: {}}}
    )
    made.raise_for_status()
    return world


async def test_a_part_of_the_answer_is_no_answer(one_shard_missing, make):
    world = one_shard_missing
    # The engine itself would answer, with what it has.
    raw = (await world.opensearch.post(f"/{world.name}/_search?allow_partial_search_results=true", json={})).json()
    assert raw["hits"]["total"]["value"] == 1
    assert (raw["_shards"]["total"], raw["_shards"]["successful"], raw["_shards"]["failed"]) == (2, 1, 0)

    answers = [
        await world.http.get("/offers"),
        # Several bodies in one request: a count without its own filter.
        await world.http.get("/offers", params={"care_service": make.katarakt, "max_wait_days": 30}),
        await world.http.get(f"/offers/{make.hsa('A')}|{make.katarakt}"),
        await world.http.get("/suggest", params={"q": "kli"}),
    ]
    ready = await world.http.get("/readyz")

    told = "opensearch answers in part only: a shard is missing, failed or was too slow"
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "2")] * 4
    assert {answer.json()["detail"] for answer in answers} == {f"{told}; try again shortly"}
    assert (ready.status_code, ready.json()["checks"]["opensearch"]) == (503, told)


async def test_an_answer_that_says_itself_that_it_is_a_part_is_none_either(one_shard_missing, monkeypatch):
    """An engine that does not know the parameter, or forgets it: a 200 with failures in it."""
    client = one_shard_missing.index._client
    search, msearch = client.search, client.msearch

    async def partial_search(**asked):
        return await search(**{**asked, "params": {"allow_partial_search_results": "true"}})

    async def partial_msearch(*, body):
        allowed = [{**row, "allow_partial_search_results": True} if "index" in row else row for row in body]
        return await msearch(body=allowed)

    monkeypatch.setattr(client, "search", partial_search)
    monkeypatch.setattr(client, "msearch", partial_msearch)
    query = {"query": {"match_all": {}}}

    for asked in ([query], [query, query]):
        with pytest.raises(EngineAway):
            await one_shard_missing.index.searches(asked)


async def test_a_search_that_runs_out_of_time_is_no_answer(world, make):
    await world.settle()
    # The engine looks once in two thousand documents, at a clock that moves five times a second.
    (name,) = (await world.opensearch.get(f"/_alias/{world.name}")).json()
    await world.index.write(name, [(f"U{number}", 1, {"deleted": False}) for number in range(10_000)])
    await world.index.refresh(name)
    burning = "long x = 0; for (int i = 0; i < 60000; i++) { x += i % 7 } return x > 0"
    slow = {"timeout": "1ms", "query": {"script": {"script": {"source": burning}}}}
    params = {"allow_partial_search_results": "true"}
    raw = (await world.opensearch.post(f"/{world.name}/_search", json=slow, params=params)).json()
    assert (raw["timed_out"], raw["_shards"]["failed"]) == (True, 0)

    for asked in ([slow], [slow, slow]):
        with pytest.raises(EngineAway):
            await world.index.searches(asked)


async def test_while_postgresql_is_away_the_answer_is_503_and_readiness_says_why(
    opensearch_url, oidc_issuer, navigator, unique
):
    app = api(
        Settings(
            postgres_url="postgresql://nobody@127.0.0.1:9/nothing",
            kafka_bootstrap="unused:1",
            opensearch_url=opensearch_url,
            oidc_issuer=oidc_issuer,
            index_name=unique,
        )
    )
    transport = httpx.ASGITransport(app=app)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://search", headers=navigator) as http,
    ):
        answers = [
            await http.get("/offers", params={"patient_region": "14", "care_service": "kva|CJE20"}),
            await http.post("/offers/search", json={"q": "katarakt CJE"}),
        ]
        ready = await http.get("/readyz")

    assert [(answer.status_code, answer.headers.get("retry-after")) for answer in answers] == [(503, "2")] * 2
    assert ready.status_code == 503
    assert ready.json()["checks"]["postgresql"] != "ok"
