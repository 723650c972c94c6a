"""Questions as people ask them: places, codes and limits, and a plain reason wherever one makes no sense."""

import httpx
import pytest
from asgi_lifespan import LifespanManager
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.auth import ANYONE
from rules.roles import READERS
from search.api.application import POLICY
from search.main import api
from search.settings import Settings

pytestmark = pytest.mark.engine

NOBODY_LISTENS = "http://127.0.0.1:9"
PLACE = "must be a postal code (11428), a municipality code (0180) or lat,lon (59.33,18.07)"


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """A unit in Stockholm and one in Malmö, with their places and codes."""
    lost = make.code("postal-code|99999", text="99999 Ingenstans")
    await shared_world.found(
        make.unit("STHLM", "0180"),
        make.unit("MALMO", "1280"),
        make.municipality("0180"),
        make.municipality("1280"),
        make.postal_code("11428", "0180"),
        lost,
        *(make.code(key) for key in (make.katarakt, make.brack, "kva|CJE20", "kva|CJE25")),
        make.agreement("1", "01", ["STHLM", "MALMO"], ["kva|CJE20"]),
    )
    return shared_world


async def refused(world, **question):
    """The field and reason of a question that is refused."""
    answer = await world.http.get("/offers", params=question)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    (fault,) = answer.json()["errors"]
    return fault["field"], fault["reason"]


@pytest.mark.parametrize("near", ["11428", "114 28", " 11428 ", "0180", "59.33,18.07", "59.33, 18.07"])
async def test_near_is_a_postal_code_a_municipality_or_a_point(sweden, near):
    answer = await sweden.ask(near=near, max_distance_km=50)

    assert [(hit["care_unit"]["municipality"], hit["care_unit"]["distance_km"]) for hit in answer["items"]] == [
        ("0180", 0.0)
    ]


async def test_distance_is_as_the_crow_flies_in_kilometres(sweden, make):
    hit = await sweden.hit(f"MALMO|{make.katarakt}", near="0180")

    assert hit["care_unit"]["distance_km"] == pytest.approx(513, abs=3)
    assert (await sweden.ask(near="0180", max_distance_km=505))["total"] == 1
    assert (await sweden.ask(near="0180", max_distance_km=520))["total"] == 2


async def test_without_near_no_distance_is_shown(sweden):
    assert {hit["care_unit"]["distance_km"] for hit in (await sweden.ask())["items"]} == {None}


@pytest.mark.parametrize(
    ("near", "reason"),
    [
        ("18.07,59.33", "latitude and longitude seem to be swapped: write lat,lon such as 59.33,18.07"),
        ("48.85,2.35", "lies outside Sweden"),
        ("nan,nan", "lies outside Sweden"),
        ("inf,18", "lies outside Sweden"),
        ("59.33,", "must be two numbers: lat,lon such as 59.33,18.07"),
        ("59.33,18.07,5", "must be two numbers: lat,lon such as 59.33,18.07"),
        ("norr,syd", "must be two numbers: lat,lon such as 59.33,18.07"),
        ("10000", "we know no place for this postal code"),
        ("99999", "we know no place for this postal code"),
        ("11429", "we know no place for this postal code: did you mean 11428 (Stockholm)?"),
        ("0184", "we know no place for this municipality: did you mean 0180 (Stockholm)?"),
        ("0280", "we know no place for this municipality"),
        ("stokholm", f"{PLACE}; did you mean 0180 (Stockholm)?"),
        ("", PLACE),
    ],
)
async def test_a_place_that_makes_no_sense_is_refused_with_the_reason(sweden, near, reason):
    assert await refused(sweden, near=near) == ("near", reason)


async def test_distance_needs_a_place_to_count_from(sweden):
    reason = "is needed to sort or limit by distance"

    assert await refused(sweden, max_distance_km="50") == ("near", reason)
    assert await refused(sweden, sort="distance") == ("near", reason)


async def test_a_care_service_is_found_by_itself_and_by_a_code_that_maps_to_it(sweden):
    for asked in ("vt-demo|katarakt-operation", "kva|CJE20", "kva|cje20"):
        assert (await sweden.ask(care_service=asked))["total"] == 2
    for asked in ("vt-demo|ljumskbrack-operation", "kva|CJE25"):
        assert (await sweden.ask(care_service=asked))["total"] == 0


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("kva|CJE21", "unknown code: did you mean kva|CJE25?"),
        ("vt-demo|kataraktoperation", "unknown code: did you mean vt-demo|katarakt-operation?"),
        ("vt-demo|Katarakt-Operation", "unknown code: did you mean vt-demo|katarakt-operation?"),
        ("kva|ZZZ99", "unknown code"),
        ("vt-demo|%", "unknown code"),
        ("kva|starr", "must look like CJE20 or AU124: three letters and two digits, or two letters and three digits"),
        ("icd|1", "must look like H25, H25.1 or B34.1A"),
        ("vt|123456", "fails its check digit"),
    ],
)
async def test_an_unknown_care_service_is_refused_with_a_suggestion_where_there_is_one(sweden, asked, reason):
    assert await refused(sweden, care_service=asked) == ("care_service", reason)


@pytest.mark.parametrize("asked", ["", "CJE20", "kva|", "municipality|0180", "vt-demo|\u0000", "|", "KVA|CJE20"])
async def test_a_care_service_is_a_system_and_a_code(sweden, asked):
    field, reason = await refused(sweden, care_service=asked)

    assert field == "care_service"
    assert reason == "must be system|code with system vt, vt-demo, kva or icd, such as kva|CJE20"


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"max_wait": "30"}, "max_wait"),
        ({"careservice": "kva|CJE20"}, "careservice"),
        ({"patient_region": "02"}, "patient_region"),
        ({"patient_region": ""}, "patient_region"),
        ({"basis": "handshake"}, "basis"),
        ({"reimbursement_model": "barter"}, "reimbursement_model"),
        ({"sort": "price"}, "sort"),
        ({"max_wait_days": "-1"}, "max_wait_days"),
        ({"max_wait_days": "soon"}, "max_wait_days"),
        ({"near": "0180", "max_distance_km": "0"}, "max_distance_km"),
        ({"near": "0180", "max_distance_km": "nan"}, "max_distance_km"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"page": "0"}, "page"),
        ({"page": "101", "limit": "100"}, "page"),
        ({"page": "9" * 30}, "page"),
    ],
)
async def test_what_is_not_understood_is_refused_by_name_never_left_out(sweden, question, field):
    assert (await refused(sweden, **question))[0] == field


async def test_a_filter_given_twice_or_beside_a_body_is_refused(sweden, make):
    twice = await sweden.http.get("/offers?basis=own&basis=agreement")
    beside = await sweden.http.post("/offers/search?basis=own", json={})
    on_one = await sweden.http.get(f"/offers/{make.hsa('STHLM')}|{make.katarakt}?age=70")
    in_body = await sweden.http.post("/offers/search", json={"weight": 70})

    assert [answer.status_code for answer in (twice, beside, on_one, in_body)] == [400, 400, 400, 422]
    assert [answer.json()["errors"][0] for answer in (twice, beside, on_one, in_body)] == [
        {"field": "basis", "reason": "is given more than once"},
        {"field": "basis", "reason": "belongs in the body"},
        {"field": "age", "reason": "is not a known field"},
        {"field": "weight", "reason": "is not a known field"},
    ]


async def test_the_deepest_page_is_answered_and_empty(sweden):
    answer = await sweden.ask(limit=100, page=100)

    assert (answer["items"], answer["total"], answer["page"], answer["limit"]) == ([], 2, 100, 100)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    question=st.fixed_dictionaries(
        {},
        optional={
            "care_service": st.text(max_size=80) | st.text(max_size=70).map("vt-demo|{}".format),
            "near": st.text(max_size=60) | st.tuples(st.floats(), st.floats()).map("{0[0]},{0[1]}".format),
            "max_distance_km": st.floats(0, 2000, exclude_min=True),
            "page": st.integers(),
            "limit": st.integers(),
        },
    )
)
async def test_no_question_is_an_internal_error(sweden, question):
    answer = await sweden.http.post("/offers/search", json=question)

    assert answer.status_code in {200, 400, 422}, answer.text


def test_every_endpoint_is_in_the_policy_and_none_is_open_to_strangers(sweden):
    paths = sweden.app.openapi()["paths"]

    allowed = {one.replace(":path}", "}") for one in POLICY}
    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == allowed
    assert all(allowed == READERS and allowed is not ANYONE for allowed in POLICY.values())


@pytest.mark.parametrize("role", ["navigator", "agreement-admin", "agency-reviewer", "provider", "analyst", "operator"])
async def test_every_role_reads_what_is_published(sweden, make, bearer, role):
    headers = bearer(role, region="12", units=make.hsa("MALMO"))
    one = f"/offers/{make.hsa('STHLM')}|{make.katarakt}"

    assert (await sweden.http.get("/offers", headers=headers)).json()["total"] == 2
    assert (await sweden.http.post("/offers/search", json={}, headers=headers)).status_code == 200
    assert (await sweden.http.get(one, headers=headers)).status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic dXNlcjpwYXNz"])
async def test_without_a_token_nobody_reads_anything(sweden, header):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sweden.app), base_url="http://search") as stranger:
        headers = {"Authorization": header} if header else {}
        answers = [
            await stranger.get("/offers", headers=headers),
            await stranger.post("/offers/search", json={}, headers=headers),
            await stranger.get("/offers/x", headers=headers),
        ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


async def test_while_the_search_engine_is_away_the_answer_is_503_and_readiness_says_why(
    new_database, oidc_issuer, navigator
):
    given = Settings(
        postgres_url=await new_database("search"),
        kafka_bootstrap="unused:1",
        opensearch_url=NOBODY_LISTENS,
        oidc_issuer=oidc_issuer,
    )
    app = api(given)
    transport = httpx.ASGITransport(app=app)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://search", headers=navigator) as http,
    ):
        answers = [await http.get("/offers"), await http.post("/offers/search", json={}), await http.get("/offers/x")]
        ready, alive = await http.get("/readyz"), await http.get("/livez")

    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "2")] * 3
    assert answers[0].json()["detail"] == "opensearch cannot be reached; try again shortly"
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"postgresql": "ok", "opensearch": "opensearch cannot be reached"}
    assert alive.status_code == 200


async def test_before_the_worker_has_made_the_index_the_answer_is_503_and_readiness_says_so(world):
    answer, ready = await world.http.get("/offers"), await world.http.get("/readyz")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert ready.json()["checks"]["opensearch"] == "opensearch: the index does not exist yet"

    await world.settle()

    assert (await world.http.get("/readyz")).status_code == (await world.http.get("/offers")).status_code == 200
