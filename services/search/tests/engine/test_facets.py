"""What an answer counts beside its hits, and what it says where there are none."""

import pytest

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """Three units, two care services, waits and agreements of several kinds."""
    per_visit = {"model": "per_visit", "amount": None, "valid_from": None, "valid_to": None}
    await shared_world.found(
        *(make.code(key) for key in (make.katarakt, make.brack)),
        make.unit("A", "1480"),
        make.unit("B", "0180"),
        make.unit("C", "0180"),
        make.agreement("1", "14", ["A", "B"]),
        make.agreement("2", "01", ["B"], basis="own_provision"),
        make.agreement(
            "3",
            "01",
            services=[make.service(["C"], [make.brack], reimbursement=per_visit, target_group=make.group(18))],
        ),
        make.offering("C", make.katarakt),
        make.wait("A", 30),
        make.wait("B", 30.5),
        make.wait("C", 400, make.brack),
    )
    return shared_world


def counts(answer, name):
    return {row["value"]: row["count"] for row in answer["facets"][name] if row["count"]}


async def test_every_count_tells_value_swedish_text_and_number(sweden, make):
    facets = (await sweden.ask())["facets"]

    assert facets["care_service"] == [
        {"value": make.katarakt, "text": "Kataraktoperation (operation av grå starr)", "count": 3},
        {"value": make.brack, "text": "Ljumskbråcksoperation", "count": 1},
    ]
    assert facets["region"] == [
        {"value": "01", "text": "Region Stockholm", "count": 3},
        {"value": "14", "text": "Västra Götalandsregionen", "count": 1},
    ]
    assert [(row["value"], row["text"], row["count"]) for row in facets["basis"]] == [
        ("agreement", "Avtal", 3),
        ("catalogue", "Enhetens utbud", 1),
        ("own", "Egen regi", 1),
    ]
    assert [(row["text"], row["count"]) for row in facets["reimbursement_model"]] == [("DRG", 2), ("Per besök", 1)]
    assert [(row["text"], row["count"]) for row in facets["wait"]] == [
        ("0–30 dagar", 1),
        ("31–60 dagar", 1),
        ("61–90 dagar", 0),
        ("91–120 dagar", 0),
        ("121–180 dagar", 0),
        ("Mer än 180 dagar", 1),
        ("Uppgift saknas", 1),
    ]


async def test_each_count_leaves_out_its_own_filter_and_no_other(sweden, make):
    answer = await sweden.ask(care_service=make.katarakt, basis="agreement", max_wait_days=30)

    assert answer["total"] == 1
    assert counts(answer, "care_service") == {make.katarakt: 1}
    assert counts(answer, "basis") == {"agreement": 1}
    assert counts(answer, "wait") == {"0-30": 1, "31-60": 1}
    assert counts(answer, "region") == {"14": 1}
    assert counts(await sweden.ask(care_service=make.katarakt), "care_service") == {make.katarakt: 3, make.brack: 1}
    assert counts(await sweden.ask(basis="own"), "basis") == {"agreement": 3, "catalogue": 1, "own": 1}


async def test_a_count_is_what_choosing_it_would_give(sweden):
    asked = {"age": 30, "patient_region": "14"}
    facets = (await sweden.ask(**asked))["facets"]

    for filter_name, facet in (("basis", "basis"), ("reimbursement_model", "reimbursement_model")):
        for row in facets[facet]:
            assert (await sweden.ask(**asked, **{filter_name: row["value"]}))["total"] == row["count"]


async def test_reimbursement_is_counted_for_regions_only(sweden, bearer):
    for role, seen in (("navigator", True), ("agency-reviewer", True), ("provider", False), ("analyst", False)):
        answer = await sweden.http.get("/offers", headers=bearer(role, region="14"))
        assert ("reimbursement_model" in answer.json()["facets"]) is seen


async def test_where_nothing_is_found_each_filter_tells_what_there_would_be_without_it(sweden, make):
    answer = await sweden.ask(care_service=make.brack, max_wait_days=60, age=30, basis="agreement")

    assert (answer["total"], answer["items"]) == (0, [])
    assert answer["without"] == [
        {"filter": "care_service", "total": 2, "text": "Utan vårdtjänsten: 2 träffar"},
        {"filter": "max_wait_days", "total": 1, "text": "Utan gränsen för väntetid: 1 träff"},
        {"filter": "age", "total": 0, "text": "Utan patientens ålder: 0 träffar"},
        {"filter": "basis", "total": 0, "text": "Utan grunden: 0 träffar"},
    ]


async def test_a_patient_whom_everybody_refuses_is_told_to_be_why(sweden, make):
    answer = await sweden.ask(care_service=make.brack, age=3)

    assert {row["filter"]: row["total"] for row in answer["without"]} == {"age": 1, "care_service": 3}


async def test_with_hits_or_without_filters_nothing_is_said_of_filters(sweden, world):
    assert (await sweden.ask())["without"] == []
    assert (await sweden.ask(page=100))["without"] == []
    await world.settle()
    assert await world.ask() | {"region_profiles": {}} == {
        "items": [],
        "total": 0,
        "page": 1,
        "limit": 20,
        "facets": {
            "care_service": [],
            "region": [],
            "basis": [],
            "wait": [{**row, "count": 0} for row in (await sweden.ask())["facets"]["wait"]],
            "free_capacity": [
                {"value": "true", "text": "Ledig kapacitet", "count": 0},
                {"value": "false", "text": "Ingen ledig kapacitet känd", "count": 0},
            ],
            "reimbursement_model": [],
        },
        "without": [],
        "as_of": None,
        "read_as": None,
        "guarantee": None,
        "region_profiles": {},
    }
