"""Who can give the care before the guarantee's deadline, and what is said of those who cannot."""

import pytest
from asgi_lifespan import LifespanManager
from httpx import ASGITransport, AsyncClient

from search.main import api
from search.settings import Settings

pytestmark = pytest.mark.engine

GOTEBORG, VARBERG, STOCKHOLM, UMEA = "1480", "1383", "0180", "2480"

# Unit, where it lies, its agreement, its wait to treatment and to a visit (None: unknown).
TABLE = [
    ("HOMESOON", GOTEBORG, {"region": "14"}, 20, 70),
    ("HOMELATE", GOTEBORG, {"region": "14"}, 31, 5),
    ("HOMEUNKNOWN", GOTEBORG, {"region": "14"}, None, None),
    ("HOMEVERYLATE", GOTEBORG, {"region": "14"}, 200, 6),
    ("NEARSOON", VARBERG, {"region": "13", "use": "yes"}, 30, 80),
    ("AWAYSOON", UMEA, {"region": "24", "use": "yes"}, 3, 90),
    ("AWAYLATE", UMEA, {"region": "24", "use": "yes"}, 40, 91),
    ("ASKSOON", STOCKHOLM, {"region": "01", "use": "on_request"}, 1, 1),
    ("NOTOURS", STOCKHOLM, {"region": "01"}, 2, 2),
]


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """The table's units, agreements and waits, indexed."""
    for suffix, municipality, terms, treatment, visit in TABLE:
        waits = {"treatment_median": treatment, "visit_median": visit}
        await shared_world.tell(
            make.unit(suffix, municipality),
            make.agreement(suffix, units=[suffix], **terms),
            *(make.wait(suffix, days, measure=measure) for measure, days in waits.items() if days is not None),
        )
    await shared_world.settle()
    return shared_world


def started(make, left, **question):
    """A question on a clock that leaves so many days from today on."""
    return {"patient_region": "14", "guarantee": "treatment", "guarantee_start": make.day(left - 90), **question}


async def order(world, **question):
    return [hit["care_unit"]["name"].removeprefix("Kliniken ") for hit in (await world.ask(**question))["items"]]


async def test_what_can_be_given_before_the_deadline_where_the_region_may_comes_first_then_the_nearest_region(
    sweden, make
):
    answer = await sweden.ask(**started(make, 30))

    assert [
        (hit["care_unit"]["name"].removeprefix("Kliniken "), hit["explain"]["tier"]["id"]) for hit in answer["items"]
    ] == [
        ("HOMESOON", "in_time_own_region"),
        ("NEARSOON", "in_time_collaboration_region"),
        ("AWAYSOON", "in_time_agreement"),
        ("HOMELATE", "own_region"),
        ("HOMEUNKNOWN", "own_region"),
        ("HOMEVERYLATE", "own_region"),
        ("AWAYLATE", "agreement"),
        ("ASKSOON", "on_request"),
        ("NOTOURS", "catalogue"),
    ]
    ranks = [hit["explain"]["tier"]["rank"] for hit in answer["items"]]
    assert ranks == sorted(ranks)
    assert answer["items"][0]["explain"]["tier"]["text"] == "Kan ges inom vårdgarantin. I den egna regionen"


async def test_each_hit_tells_deadline_expected_day_and_the_days_left_on_it(sweden, make):
    hits = {
        hit["care_unit"]["name"].removeprefix("Kliniken "): hit
        for hit in (await sweden.ask(**started(make, 30)))["items"]
    }
    last = str(make.day(30))

    assert hits["HOMESOON"]["deadline"] == {"date": last, "expected_date": str(make.day(20)), "days_left": 10}
    assert hits["NEARSOON"]["deadline"] == {"date": last, "expected_date": last, "days_left": 0}
    assert hits["HOMELATE"]["deadline"] == {"date": last, "expected_date": str(make.day(31)), "days_left": -1}
    assert hits["HOMEUNKNOWN"]["deadline"] == {"date": last, "expected_date": None, "days_left": None}
    assert hits["HOMESOON"]["explain"]["deadline"]["text"] == (
        f"Garantin gäller till {last}; behandling väntas {make.day(20)}, 10 dagar kvar"
    )
    assert hits["HOMELATE"]["explain"]["lowers"][0]["text"] == "Väntas 1 dag efter vårdgarantins sista dag"
    assert hits["HOMESOON"]["explain"]["lowers"] == []


async def test_an_unknown_wait_is_neither_zero_nor_endless_and_that_is_said(sweden, make):
    hit = await sweden.hit(f"HOMEUNKNOWN|{make.katarakt}", **started(make, 30))

    assert hit["explain"]["deadline"]["text"] == f"Garantin gäller till {make.day(30)}; när behandling kan ges är okänt"
    assert [one["text"] for one in hit["explain"]["lowers"]] == [
        "Väntetiden är okänd: räknas inte som inom vårdgarantin",
        "Väntetid till behandling: uppgift saknas; rankas strax efter vårdgarantins gräns, 90 dagar",
    ]
    # Between 40 days and 200, with every order that looks at waits.
    by_wait = await order(sweden, **started(make, 30, sort="wait"))
    assert by_wait[-3:] == ["AWAYLATE", "HOMEUNKNOWN", "HOMEVERYLATE"]
    assert (await order(sweden, sort="wait"))[-3:] == ["AWAYLATE", "HOMEUNKNOWN", "HOMEVERYLATE"]


async def test_the_guarantee_picks_the_wait_that_ranks_that_is_limited_and_that_is_expected(sweden, make):
    visit = started(make, 90, guarantee="visit")

    assert (await order(sweden, **visit))[:6] == [
        "HOMELATE",
        "HOMEVERYLATE",
        "HOMESOON",
        "NEARSOON",
        "AWAYSOON",
        "HOMEUNKNOWN",
    ]
    assert sorted(await order(sweden, guarantee="visit", max_wait_days=6)) == [
        "ASKSOON",
        "HOMELATE",
        "HOMEVERYLATE",
        "NOTOURS",
    ]
    assert sorted(await order(sweden, guarantee="treatment", max_wait_days=6)) == ["ASKSOON", "AWAYSOON", "NOTOURS"]
    hit = await sweden.hit(f"HOMEVERYLATE|{make.katarakt}", **visit)
    assert hit["deadline"]["expected_date"] == str(make.day(6))
    assert hit["explain"]["ranked_by"]["text"] == "Väntetid till besök (median): 6 dagar, alla patienter"


async def test_when_the_deadline_has_passed_nothing_is_in_time_and_the_soonest_in_each_place_comes_first(sweden, make):
    answer = await sweden.ask(**started(make, -5))

    assert not any(hit["explain"]["tier"]["id"].startswith("in_time") for hit in answer["items"])
    assert (answer["guarantee"]["days_left"], answer["items"][0]["deadline"]["days_left"]) == (-5, -25)


async def test_the_answer_tells_the_clock_and_the_rule_it_runs_by(sweden, make):
    told = (await sweden.ask(**started(make, 30)))["guarantee"]

    assert (told["guarantee"], told["start"], told["deadline"]) == ("treatment", str(make.day(-60)), str(make.day(30)))
    assert (told["days"], told["days_left"]) == (90, 30)
    assert "HSL 9 kap." in told["source"]
    assert told["starts"] == "Dagen då vårdgivaren beslutade om behandlingen"


@pytest.mark.parametrize("question", [{}, {"guarantee": "visit"}])
async def test_without_a_start_there_is_no_deadline(sweden, question):
    answer = await sweden.ask(patient_region="14", **question)

    assert answer["guarantee"] is None
    assert {hit["deadline"] for hit in answer["items"]} == {None}
    assert all(hit["explain"]["deadline"] is None for hit in answer["items"])


async def test_without_a_patient_region_hits_have_a_deadline_and_no_tier(sweden, make):
    question = started(make, 30)
    del question["patient_region"]
    hit = await sweden.hit(f"HOMESOON|{make.katarakt}", **question)

    assert hit["explain"]["tier"] is None
    assert hit["deadline"]["days_left"] == 10


async def test_pages_hold_with_a_deadline(sweden, make):
    whole = await order(sweden, **started(make, 30))
    pages = [await order(sweden, **started(make, 30, limit=2, page=page)) for page in range(1, 6)]

    assert [name for page in pages for name in page] == whole


async def test_the_body_search_answers_the_same_with_everything_asked(sweden, make):
    question = started(make, 30, age=70, sex="female", max_wait_days=60, near="59.3,18.0", basis="agreement")
    question["guarantee_start"] = str(question["guarantee_start"])

    by_body = await sweden.http.post("/offers/search", json=question)

    assert by_body.json() == await sweden.ask(**question)
    assert by_body.json()["total"] == 7


@pytest.mark.parametrize(
    ("question", "field", "reason"),
    [
        ({"guarantee_start": -1}, "guarantee", "is needed with guarantee_start: visit or treatment"),
        (
            {"guarantee_start": 1, "guarantee": "visit"},
            "guarantee_start",
            "lies after today: the clock has not started",
        ),
        ({"guarantee_start": -9000, "guarantee": "visit"}, "guarantee_start", "no rule holds before 2017-04-01"),
    ],
)
async def test_a_clock_that_makes_no_sense_is_refused_with_the_reason(sweden, make, question, field, reason):
    start = question.get("guarantee_start")
    asked = {**question, **({"guarantee_start": str(make.day(start))} if start is not None else {})}
    answer = await sweden.http.get("/offers", params=asked)

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": field, "reason": reason}]


@pytest.mark.parametrize(
    ("field", "value"),
    [("guarantee", "contact"), ("guarantee_start", "soon"), ("age", "-1"), ("age", "131"), ("sex", "x")],
)
async def test_a_patient_that_cannot_be_is_refused_by_name(sweden, field, value):
    answer = await sweden.http.get("/offers", params={field: value})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_an_operators_own_rules_set_the_limit(
    sweden, make, tmp_path, shared_database, opensearch_url, oidc_issuer, navigator
):
    rule = """
    [[rule]]
    guarantee = "{}"
    scope = "general"
    text = "Inom {} dagar"
    valid_from = 2020-01-01
    days = {}
    starts = "a"
    stops = "b"
    owed_by = "c"
    not_counted = []
    source = "d"
    """
    path = tmp_path / "own.toml"
    path.write_text(rule.format("visit", 30, 30) + rule.format("treatment", 60, 60), encoding="utf-8")
    given = Settings(
        postgres_url=shared_database,
        kafka_bootstrap="unused:1",
        opensearch_url=opensearch_url,
        oidc_issuer=oidc_issuer,
        index_name=sweden.name,
        guarantee_rules=path,
    )
    app = api(given)
    async with (
        LifespanManager(app),
        AsyncClient(transport=ASGITransport(app=app), base_url="http://search", headers=navigator) as http,
    ):
        asked = {"guarantee": "treatment", "guarantee_start": str(make.day(-10)), "limit": 100}
        answer = (await http.get("/offers", params=asked)).json()

    assert (answer["guarantee"]["deadline"], answer["guarantee"]["text"]) == (str(make.day(50)), "Inom 60 dagar")
    unknown = next(hit for hit in answer["items"] if hit["deadline"]["expected_date"] is None)
    assert any(one["text"].endswith("vårdgarantins gräns, 60 dagar") for one in unknown["explain"]["lowers"])
