"""Whom an agreement is for, against the patient: who is refused is not shown, and what is not known is asked."""

import pytest

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """Agreements of region 14 with and without target groups."""
    groups = {
        "ADULT": [make.group(18, 64)],
        "OLD": [make.group(65)],
        "WOMEN": [make.group(sex="female")],
        "BOTH": [make.group(18, 64), make.group(65)],
        "HARD": [make.group(bmi_max="35", asa_max=2, other="Ej pågående rökning")],
        "ALL": [None],
    }
    for suffix, given in groups.items():
        services = [make.service([suffix], [make.katarakt], target_group=one) for one in given]
        await shared_world.tell(make.unit(suffix, "1480"), make.agreement(suffix, "14", services=services))
    self_referral = make.service(["SELF"], [make.katarakt])
    self_referral["conditions"] |= {"self_referral": True, "referral_required": False}
    referral = make.service(["REFERRAL"], [make.katarakt])
    referral["conditions"] |= {"self_referral": False, "referral_required": True, "payment_commitment_required": True}
    await shared_world.found(
        make.unit("SELF", "1480"),
        make.agreement("SELF", "14", services=[self_referral]),
        make.unit("REFERRAL", "1480"),
        make.agreement("REFERRAL", "14", services=[referral]),
        # The region's own agreement is for the old, another region's for anybody, and the catalogue says no more.
        make.unit("MIXED", "1480"),
        make.agreement(
            "MIXED1", "14", services=[make.service(["MIXED"], [make.katarakt], target_group=make.group(65))]
        ),
        make.agreement("MIXED2", "01", ["MIXED"]),
        # The unit says that it offers the care, and its only agreement is for children.
        make.unit("CHILD", "1480"),
        make.offering("CHILD"),
        make.agreement(
            "CHILD", "14", services=[make.service(["CHILD"], [make.katarakt], target_group=make.group(0, 17))]
        ),
        make.unit("CATALOGUE", "1480"),
        make.offering("CATALOGUE", target_group=make.group(18), self_referral=True),
    )
    return shared_world


async def verdicts(world, **question):
    answer = await world.ask(patient_region="14", limit=100, **question)
    return {hit["care_unit"]["name"].removeprefix("Kliniken "): hit["eligibility"] for hit in answer["items"]}


ALWAYS = {"SELF": "yes", "REFERRAL": "yes", "ALL": "yes", "HARD": "ask"}


async def test_who_is_refused_is_not_shown_and_who_may_be_helped_is_told_so(sweden):
    assert await verdicts(sweden, age=70, sex="male") == ALWAYS | {
        "OLD": "yes",
        "BOTH": "yes",
        "MIXED": "yes",
        "CATALOGUE": "yes",
    }
    assert await verdicts(sweden, age=10, sex="female") == ALWAYS | {"WOMEN": "yes", "CHILD": "yes"}


async def test_both_ends_of_an_age_limit_are_inside(sweden):
    for age, adult, old in ((17, False, False), (18, True, False), (64, True, False), (65, False, True)):
        found = await verdicts(sweden, age=age)
        assert ("ADULT" in found, "OLD" in found, "BOTH" in found) == (adult, old, adult or old)


async def test_what_cannot_be_decided_is_shown_with_the_question_to_ask(sweden, make):
    found = await verdicts(sweden)
    assert {name for name, verdict in found.items() if verdict == "ask"} == {
        "ADULT",
        "OLD",
        "WOMEN",
        "BOTH",
        "HARD",
        "MIXED",
        "CHILD",
        "CATALOGUE",
    }

    async def questions(suffix):
        hit = await sweden.hit(f"{suffix}|{make.katarakt}", patient_region="14", limit=100)
        return [one["text"] for one in hit["explain"]["questions"]]

    assert await questions("ADULT") == ["Hur gammal är patienten? Gäller 18–64 år"]
    assert await questions("OLD") == ["Hur gammal är patienten? Gäller från 65 år"]
    assert await questions("CHILD") == ["Hur gammal är patienten? Gäller 0–17 år"]
    assert await questions("WOMEN") == ["Vilket kön har patienten? Gäller kvinnor"]
    assert await questions("HARD") == [
        "Vilket BMI har patienten? Gäller BMI högst 35",
        "Vilken ASA-klass har patienten? Gäller ASA-klass högst 2",
        "Uppfyller patienten villkoret: Ej pågående rökning?",
    ]
    assert await questions("ALL") == []


async def test_an_agreement_that_refuses_the_patient_gives_no_tier(sweden, make):
    old = await sweden.hit(f"MIXED|{make.katarakt}", patient_region="14", age=70, limit=100)
    assert old["explain"]["tier"]["id"] == "own_region"
    # Another region's agreement, which this one may neither use nor ask for, helps nobody.
    assert "MIXED" not in await verdicts(sweden, age=30)
    offer = f"/offers/{make.hsa('MIXED')}|{make.katarakt}"
    young = await sweden.http.post(offer, json={"patient_region": "14", "age": 30})
    assert (young.status_code, [group["age_min"] for group in young.json()["target_groups"]]) == (409, [65])
    assert "every basis that counts refuses" in young.json()["detail"]
    theirs = await sweden.hit(f"MIXED|{make.katarakt}", patient_region="01", age=30, limit=100)
    assert [(row["number"], row["eligibility"]) for row in theirs["agreements"]] == [
        ("MIXED2", "yes"),
        ("MIXED1", "no"),
    ]


async def test_what_the_catalogue_says_helps_nobody_whom_every_agreement_refuses(sweden):
    assert "CHILD" not in await verdicts(sweden, age=30)
    assert "CHILD" not in await verdicts(sweden, age=30, basis="catalogue")
    assert "CHILD" in await verdicts(sweden, age=17, basis="catalogue")
    assert ("CATALOGUE" in await verdicts(sweden, age=30), "CATALOGUE" in await verdicts(sweden, age=17)) == (
        True,
        False,
    )


async def test_self_referral_is_a_filter_on_the_basis_that_is_used(sweden):
    assert set(await verdicts(sweden, self_referral="true")) == {"SELF", "CATALOGUE"}
    assert set(await verdicts(sweden, self_referral="false")) == {"REFERRAL"}
    assert set(await verdicts(sweden, self_referral="true", basis="agreement")) == {"SELF"}


async def test_what_the_agreement_demands_is_said(sweden, make):
    hit = await sweden.hit(f"REFERRAL|{make.katarakt}", patient_region="14", limit=100)

    assert hit["explain"]["requires"] == [
        {"code": "referral_required", "text": "Remiss krävs"},
        {"code": "payment_commitment_required", "text": "Hemregionens betalningsförbindelse krävs"},
    ]


async def test_the_target_group_is_shown_whole(sweden, make):
    hit = await sweden.hit(f"HARD|{make.katarakt}", limit=100)

    assert hit["agreements"][0]["target_group"] == {
        "age_min": None,
        "age_max": None,
        "sex": None,
        "bmi_max": "35",
        "asa_max": 2,
        "other": "Ej pågående rökning",
    }
