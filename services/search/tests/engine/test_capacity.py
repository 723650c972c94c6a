"""Searching for free capacity: the filter, the order, the counts, and what a hit says of it."""

from datetime import timedelta

import pytest

from search.api.shapes import Offers
from search.domain.document import offer_id
from search.index import mapping

pytestmark = pytest.mark.engine

GOTEBORG, UMEA = "1480", "2480"
NEW_FIELDS = ("announcement_id", "expires_at", "count", "left", "places", "level", "contacts", "text")


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """Units with an agreement of region 14, some with free capacity; and two with free capacity alone."""
    agreed = ("MANY", "FEW", "LATER", "GONE", "EXPIRED", "OVER", "OTHERS", "OLD", "WAITLIST", "NONE")
    await shared_world.tell(
        *(make.unit(suffix, GOTEBORG) for suffix in agreed),
        *(make.agreement(suffix, "14", [suffix]) for suffix in agreed),
        make.unit("ALONE", UMEA),
        make.unit("ALONELATER", UMEA),
        make.announcement("ALONE", "ALONE", left=2),
        make.announcement("ALONELATER", "ALONELATER", days=(40, 60)),
        make.announcement("MANY", "MANY", left=9, count=12),
        make.announcement("FEW", "FEW", left=1),
        make.announcement("LATER", "LATER", days=(30, 40)),
        make.announcement("GONE", "GONE", left=0),
        make.announcement("EXPIRED", "EXPIRED", expires_at=make.now - timedelta(minutes=1)),
        make.announcement("OVER", "OVER", days=(-9, -1), expires_at=make.now + timedelta(days=9)),
        make.announcement("OTHERS", "OTHERS", usable_by=["01", "03"]),
        make.announcement("OLD", "OLD", target_group=make.group(65)),
        make.announcement("WAITLIST", "WAITLIST", left=None, level="waitlist"),
        make.wait("LATER", 60),
        make.wait("NONE", 20),
    )
    await shared_world.settle()
    return shared_world


async def names(world, **question):
    answer = await world.ask(patient_region="14", limit=100, **question)
    return [hit["care_unit"]["name"].removeprefix("Kliniken ") for hit in answer["items"]]


async def test_free_capacity_is_what_the_region_and_the_patient_may_use_now_or_later(sweden):
    free = {"MANY", "FEW", "LATER", "ALONE", "ALONELATER"}

    assert set(await names(sweden, free_capacity="true")) == free | {"OLD"}
    assert set(await names(sweden, free_capacity="true", age=40)) == free
    assert set(await names(sweden, free_capacity="false", age=40)) == {
        *("GONE", "EXPIRED", "OVER", "OTHERS", "OLD", "WAITLIST", "NONE")
    }


async def test_hits_with_capacity_are_as_the_openapi_document_says(sweden):
    for question in ({"patient_region": "14"}, {"limit": 100}):
        Offers.model_validate_json((await sweden.http.post("/offers/search", json=question)).text, strict=True)


async def test_without_a_patient_region_everybodys_free_capacity_is_found(sweden):
    answer = await sweden.ask(free_capacity="true", limit=100)

    assert "Kliniken OTHERS" in {hit["care_unit"]["name"] for hit in answer["items"]}
    assert {hit["capacity"]["usable"] for hit in answer["items"]} == {None}


async def test_inside_a_tier_the_earliest_comes_first_then_the_one_with_most_places(sweden):
    order = await names(sweden, age=70, max_wait_days=60)

    assert order == ["MANY", "OLD", "FEW", "NONE", "LATER", "ALONE", "ALONELATER"]


async def test_distance_comes_before_free_places(world, make):
    await world.tell(
        *(make.unit(suffix, place) for suffix, place in (("FAR", UMEA), ("NEAR", GOTEBORG))),
        make.agreement("1", "14", ["FAR", "NEAR"], basis="national_agreement", use="yes"),
        make.announcement("1", "FAR", left=9),
        make.announcement("2", "NEAR", left=1),
    )
    await world.settle()
    asked = {"patient_region": "05", "near": "57.7,11.97"}

    assert [hit["capacity"]["left"] for hit in (await world.ask(**asked))["items"]] == [1, 9]
    assert [hit["capacity"]["left"] for hit in (await world.ask(**asked, sort="wait"))["items"]] == [1, 9]
    del asked["near"]
    assert [hit["capacity"]["left"] for hit in (await world.ask(**asked))["items"]] == [9, 1]


async def test_the_filter_and_the_basis_hold_together_with_the_other_filters(sweden):
    assert set(await names(sweden, basis="capacity")) == {
        *("MANY", "FEW", "LATER", "ALONE", "ALONELATER", "OTHERS", "OLD", "WAITLIST")
    }
    # The agreement's terms and the free places are of the same offer, not of the same basis.
    assert set(await names(sweden, free_capacity="true", reimbursement_model="drg", basis="agreement", age=40)) == {
        *("MANY", "FEW", "LATER")
    }
    assert await names(sweden, basis="capacity", reimbursement_model="drg") == []


async def test_what_is_free_is_counted_as_the_filter_would_find_it(sweden):
    answer = await sweden.ask(patient_region="14", age=40)
    counts = {row["value"]: (row["text"], row["count"]) for row in answer["facets"]["free_capacity"]}

    assert counts == {"true": ("Ledig kapacitet", 5), "false": ("Ingen ledig kapacitet känd", 7)}
    filtered = await sweden.ask(patient_region="14", age=40, free_capacity="true")
    assert filtered["facets"]["free_capacity"] == answer["facets"]["free_capacity"]
    assert {row["value"]: row["count"] for row in filtered["facets"]["basis"]} == {"capacity": 5, "agreement": 3}


async def test_where_nothing_is_found_free_capacity_and_basis_are_told_apart(sweden):
    question = {"patient_region": "14", "age": 40, "free_capacity": "true", "basis": "own"}
    answer = await sweden.ask(**question)

    assert answer["total"] == 0
    assert {row["filter"]: (row["total"], row["text"]) for row in answer["without"]} == {
        "basis": (5, "Utan grunden: 5 träffar"),
        "free_capacity": (0, "Utan villkoret om ledig kapacitet: 0 träffar"),
        "age": (0, "Utan patientens ålder: 0 träffar"),
    }


async def test_before_the_deadline_free_capacity_counts_and_alone_it_stands_last_of_what_is_in_time(sweden, make):
    asked = {"patient_region": "14", "guarantee": "treatment", "guarantee_start": make.day(-55), "age": 40}
    hits = (await sweden.ask(**asked, limit=100))["items"]
    tiers = {hit["care_unit"]["name"].removeprefix("Kliniken "): hit["explain"]["tier"]["id"] for hit in hits}

    assert {name for name, tier in tiers.items() if tier == "in_time_own_region"} == {"MANY", "FEW", "LATER", "NONE"}
    assert (tiers["ALONE"], tiers["ALONELATER"]) == ("in_time_capacity", "capacity")
    assert [list(tiers).index(name) for name in ("MANY", "FEW", "NONE", "LATER", "ALONE")] == [0, 1, 2, 3, 4]
    later = next(hit for hit in hits if hit["care_unit"]["name"] == "Kliniken LATER")
    assert later["deadline"] == {
        "date": str(make.day(35)),
        "expected_date": str(make.day(30)),
        "days_left": 5,
    }


async def test_in_time_without_asking_counts_before_what_is_asked_for_and_then_the_earliest_is_first(world, make):
    await world.tell(
        *(make.unit(suffix, UMEA) for suffix in ("ASKORLATER", "BEGUN", "ASK")),
        make.agreement("1", "24", ["ASKORLATER", "ASK"], use="on_request"),
        make.announcement("1", "ASKORLATER", days=(10, 40)),
        make.announcement("2", "BEGUN"),
        make.wait("ASK", 5),
    )
    await world.settle()
    asked = {"guarantee": "treatment", "guarantee_start": make.day(-55)}
    hits = (await world.ask(patient_region="14", **asked))["items"]

    assert [(hit["care_unit"]["name"], hit["explain"]["tier"]["id"]) for hit in hits] == [
        ("Kliniken BEGUN", "in_time_capacity"),
        ("Kliniken ASKORLATER", "in_time_capacity"),
        ("Kliniken ASK", "on_request"),
    ]


async def test_free_capacity_in_four_months_is_known_and_stands_after_what_is_sooner_known_or_not(world, make):
    await world.tell(
        *(make.unit(suffix) for suffix in ("LATE", "UNKNOWN", "LATER")),
        make.agreement("1", "01", ["LATE", "UNKNOWN", "LATER"], use="yes"),
        make.wait("LATE", 110),
        make.announcement("1", "LATER", days=(120, 150)),
    )
    await world.settle()

    for question in ({}, {"sort": "wait"}):
        assert await names(world, **question) == ["UNKNOWN", "LATE", "LATER"]
    assert await names(world, max_wait_days=120) == ["LATE", "LATER"]
    waits = (await world.ask(patient_region="14"))["facets"]["wait"]
    assert {row["value"]: row["count"] for row in waits if row["count"]} == {"91-120": 2, "unknown": 1}


async def test_waits_a_tenth_of_a_day_apart_are_told_apart_and_equal_ones_go_by_tier_however_sorted(world, make):
    waits = {"A": 42.4, "B": 42.3, "C": 42.3, "D": 300, "E": 300.1, "F": 4000}
    await world.tell(
        *(make.unit(suffix, GOTEBORG if suffix == "C" else UMEA) for suffix in waits),
        make.agreement("1", "24", ["A", "B", "D", "E", "F"], use="yes"),
        make.agreement("2", "14", ["C"]),
        *(make.wait(suffix, days) for suffix, days in waits.items()),
    )
    await world.settle()

    assert await names(world, sort="wait") == ["C", "B", "A", "D", "E", "F"]
    assert await names(world) == ["C", "B", "A", "D", "E", "F"]


async def test_used_up_or_expired_it_is_not_shown_though_no_message_came_and_alone_the_offer_is_gone(world, make):
    await world.tell(
        *(make.unit(suffix) for suffix in ("A", "B", "C")),
        make.agreement("1", "14", ["A"]),
        make.announcement("1", "A", expires_at=make.now - timedelta(seconds=1)),
        make.announcement("2", "B", left=0),
        make.announcement("3", "C", expires_at=make.now - timedelta(seconds=1)),
    )
    await world.settle()
    answer = await world.ask()

    assert [(hit["care_unit"]["name"], hit["basis"], hit["capacity"]) for hit in answer["items"]] == [
        ("Kliniken A", ["agreement"], None)
    ]
    assert (await world.http.get(f"/offers/{make.hsa('B')}|{make.katarakt}")).status_code == 404


async def test_one_who_comes_to_be_used_up_or_gets_places_back_is_shown_so(world, make):
    await world.tell(make.unit("A"), make.announcement("1", "A", left=1))
    await world.settle()
    assert (await world.ask())["items"][0]["capacity"]["left"] == 1

    await world.tell(make.announcement("1", "A", left=0, version=2))
    await world.settle()
    assert (await world.ask())["total"] == 0

    await world.tell(make.announcement("1", "A", left=3, version=3))
    await world.settle()
    assert (await world.ask())["items"][0]["capacity"]["left"] == 3


async def test_an_index_of_the_release_before_is_searched_while_a_new_one_is_filled(world, make):
    await world.tell(make.unit("A"), make.agreement("1", "14", ["A"]), make.announcement("1", "A"), make.wait("A", 9))
    await world.settle()
    key = offer_id(make.hsa("A"), make.katarakt)
    document = (await world.opensearch.get(f"/{world.name}/_doc/{key}")).json()["_source"]
    document["bases"] = [basis for basis in document["bases"] if basis["kind"] == "agreement"]
    older = mapping.body(world.index.words)
    for name in NEW_FIELDS:
        del older["mappings"]["properties"]["bases"]["properties"][name]
    old = f"{world.name}-older"
    (await world.opensearch.put(f"/{old}", json=older)).raise_for_status()
    (await world.opensearch.put(f"/{old}/_doc/{key}?refresh=true", json=document)).raise_for_status()
    await world.index.search_in(old)

    question = {"patient_region": "14", "guarantee": "treatment", "guarantee_start": make.day(0)}
    hits = (await world.ask(**question))["items"]

    assert [(hit["explain"]["tier"]["id"], hit["capacity"]) for hit in hits] == [("in_time_agreement", None)]
    assert (await world.ask(**question, free_capacity="true"))["total"] == 0
