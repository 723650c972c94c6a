"""One offer for the same patient as a search: the same hit, or the reason why it is not shown."""

import pytest

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """An offer for adults, one that has ended, one that begins later, and one whose id needs encoding."""
    odd = "vt-demo|å/b c?d#e%f"
    adults = make.service(["A"], [make.katarakt], target_group=make.group(18))
    await shared_world.found(
        make.municipality("1480"),
        *(make.code(key) for key in (make.katarakt, odd)),
        *(make.unit(suffix, "1480") for suffix in ("A", "ENDED", "LATER", "ODD")),
        make.agreement("1", "14", services=[adults], use="yes"),
        make.agreement("own", "12", services=[adults], basis="own_provision"),
        make.agreement("2", "14", ["ENDED"], valid_to=make.day(-1)),
        make.agreement("3", "14", ["LATER"], valid_from=make.day(1)),
        make.offering("ODD", odd),
        make.wait("A", 40),
        make.wait("A", 9, measure="visit_median"),
    )
    return shared_world


async def one(world, make, suffix, code=None, **question):
    return await world.http.post(f"/offers/{make.hsa(suffix)}|{code or make.katarakt}", json=question)


async def test_the_detail_for_a_patient_is_the_hit_of_the_search_for_that_patient(sweden, make):
    patient = {
        "near": "1480",
        "patient_region": "14",
        "guarantee": "treatment",
        "guarantee_start": str(make.day(-60)),
        "age": 70,
        "sex": "female",
    }
    for filters in ({}, {"basis": "own"}, {"self_referral": None, "reimbursement_model": "drg"}):
        asked = {**patient, **filters}
        found = (await sweden.http.post("/offers/search", json=asked)).json()

        answer = (await one(sweden, make, "A", **asked)).json()

        hit = next(hit for hit in found["items"] if hit["id"] == answer["id"])
        assert answer == {
            **hit,
            "as_of": None,
            "guarantee": found["guarantee"],
            "region_profiles": answer["region_profiles"],
        }
        assert answer["deadline"]["days_left"] == -10
        assert answer["eligibility"] == "yes"


async def test_by_address_it_takes_place_region_and_clock_but_neither_age_nor_sex(sweden, make):
    address = f"/offers/{make.hsa('A')}|{make.katarakt}"
    asked = {"patient_region": "14", "guarantee": "visit", "guarantee_start": str(make.day(-1)), "near": "1480"}

    by_address = await sweden.http.get(address, params=asked)
    refused = await sweden.http.get(address, params={"sex": "male"})

    assert by_address.json() == (await one(sweden, make, "A", **asked)).json()
    assert by_address.json()["explain"]["deadline"]["guarantee"] == "visit"
    assert refused.status_code == 400
    assert refused.json()["errors"] == [{"field": "sex", "reason": "is not a known field"}]


async def test_an_offer_that_refuses_the_patient_is_said_to_and_whom_it_is_for(sweden, make):
    answer = await one(sweden, make, "A", age=17)

    assert answer.status_code == 409
    told = answer.json()
    assert told["code"] == "refuses_patient"
    assert [group["age_min"] for group in told["target_groups"]] == [18]
    assert "17" not in told["detail"]


async def test_an_offer_with_no_basis_that_the_filters_let_through_is_said_to_have_others(sweden, make):
    answer = await one(sweden, make, "A", basis="catalogue")

    assert (answer.status_code, answer.json()["code"], answer.json()["basis"]) == (
        409,
        "filtered",
        ["agreement", "own"],
    )


async def test_an_offer_that_is_not_in_force_is_a_404_that_says_when_it_was_or_will_be(sweden, make):
    ended, later, none = [await one(sweden, make, suffix) for suffix in ("ENDED", "LATER", "NONE")]

    assert [answer.status_code for answer in (ended, later, none)] == [404, 404, 404]
    assert [answer.json()["code"] for answer in (ended, later, none)] == ["not_in_force", "not_in_force", "unknown"]
    assert (ended.json()["begins"], ended.json()["ended"]) == (None, str(make.day(-1)))
    assert (later.json()["begins"], later.json()["ended"]) == (str(make.day(1)), None)


async def test_an_id_with_signs_of_its_own_is_read_when_encoded(sweden, make):
    address = f"/offers/{make.hsa('ODD')}%7Cvt-demo%7C%C3%A5%2Fb%20c%3Fd%23e%25f"

    by_address, by_body = await sweden.http.get(address), await sweden.http.post(address, json={})

    assert by_address.status_code == by_body.status_code == 200
    assert by_address.json()["id"] == f"{make.hsa('ODD')}|vt-demo|å/b c?d#e%f"


async def test_a_question_that_makes_no_sense_is_refused_as_in_a_search(sweden, make):
    answer = await one(sweden, make, "A", guarantee_start=str(make.day(-1)))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "guarantee"
