"""Agreements that the patient's region may neither use nor ask for: they are shown, and decide nothing."""

from datetime import date

import pytest

from search.domain import grounds, hit, tiers
from search.domain.document import Sources, build, services_of, unit_of
from search.domain.question import Basis

TODAY = date(2026, 3, 29)


@pytest.fixture
def offer(make):
    """The katarakt offer of unit A, with these agreements and offerings."""

    def of(*agreements, offerings=()):
        return build(
            Sources(
                unit=unit_of(make.unit("A").model_dump(mode="json"), "Stockholm"),
                code_key=make.katarakt,
                code_text="Kataraktoperation",
                offerings=[one.model_dump(mode="json") for one in offerings],
                services=[given for one in agreements for given in services_of(one.model_dump(mode="json"))],
                waits=[],
                codes={make.katarakt: "Kataraktoperation"},
            )
        )

    return of


@pytest.fixture
def agreed(make):
    """An agreement of a region on unit A, with a target group and conditions."""

    def of(number, region, use="no", *, group=None, model="drg", named=(), volume_left=None, **conditions):
        service = make.service(["A"], [make.katarakt], target_group=group)
        service["conditions"] |= conditions
        service["reimbursement"] |= {"model": model}
        by_others = make.use(use, named, volume_left=volume_left)
        return make.agreement(number, region, services=[service], use_by_others=by_others, valid_from=TODAY)

    return of


@pytest.fixture
def question(make):
    """A question of region 14 on a fixed day."""

    def of(**fields):
        return make.question(**{"today": TODAY, "patient_region": "14", **fields})

    return of


def shown(document, asked):
    return hit.shown(document, "id", asked, tiers.first(document, asked), [])


def codes(reasons):
    return [one["code"] for one in reasons]


def tier(document, asked):
    return tiers.first(document, asked).id


@pytest.mark.parametrize(
    ("use", "named", "region", "volume_left", "stands"),
    [
        ("yes", (), "14", 1, "agreement"),
        ("yes", (), "14", None, "agreement"),
        ("yes", (), "14", 0, "on_request"),
        ("yes", (), "01", 0, "own_region"),
        ("named_regions", ("14",), "14", 0, "on_request"),
        ("named_regions", ("14",), "13", 0, "catalogue"),
        ("on_request", (), "14", 0, "on_request"),
        ("no", (), "14", 0, "catalogue"),
    ],
)
def test_once_the_volume_for_other_regions_is_used_up_they_must_ask_and_the_commissioning_ones_need_not(
    offer, agreed, question, use, named, region, volume_left, stands
):
    document = offer(agreed("1", "01", use, named=named, volume_left=volume_left))
    asked = question(patient_region=region)
    found = shown(document, asked)

    assert tier(document, asked) == stands
    assert found["agreements"][0]["on_request"] is (stands in {"on_request", "own_region"})
    assert ("volume_used_up" in codes(found["explain"]["lowers"])) is (stands == "on_request")
    assert ("ask_first" in codes(found["explain"]["lowers"])) is (stands == "on_request")


def test_that_the_volume_is_used_up_is_for_those_who_see_terms(offer, agreed, question):
    found = shown(offer(agreed("1", "01", "yes", volume_left=0)), question(terms=False))

    assert "ask_first" in codes(found["explain"]["lowers"])
    assert "volume_used_up" not in str(found)


def test_whom_every_agreement_within_reach_refuses_is_not_helped_by_another_regions(offer, agreed, question, make):
    adults, anybody = agreed("1", "14", group=make.group(18)), agreed("2", "01")
    document = offer(adults, anybody, offerings=[make.offering("A")])
    against = grounds.unfit(document, question(age=15))

    assert grounds.of(document, question(age=15)) == []
    assert (against.against, against.facts["basis"]) == (grounds.Against.REFUSES_PATIENT, ["agreement"])
    assert [group["age_min"] for group in against.facts["target_groups"]] == [18]
    assert shown(document, question(age=18))["eligibility"] == "yes"
    # What must be asked for is within reach.
    askable = offer(adults, agreed("2", "01", "on_request"))
    assert tier(askable, question(age=15)) == "on_request"
    # Without a patient region nobody's agreement is out of reach.
    assert shown(document, question(age=15, patient_region=None))["eligibility"] == "yes"


def test_where_no_agreement_is_within_reach_the_catalogue_tells_whom_the_care_is_for(offer, agreed, question, make):
    others = agreed("1", "01", group=make.group(0, 17), referral_required=True)
    document = offer(others, offerings=[make.offering("A", target_group=make.group(18))])

    found = shown(document, question())
    assert found["eligibility"] == "ask"
    assert [(row["code"], row["age_min"], row["basis"]) for row in found["explain"]["questions"]] == [
        ("ask_age", 18, "catalogue")
    ]
    assert found["explain"]["requires"] == []
    assert shown(document, question(age=30))["eligibility"] == "yes"


def test_what_only_the_catalogue_refuses_is_told_as_that(offer, question, make):
    against = grounds.unfit(offer(offerings=[make.offering("A", target_group=make.group(18))]), question(age=15))

    assert (against.against, against.facts["basis"]) == (grounds.Against.REFUSES_PATIENT, ["catalogue"])


def test_a_reimbursement_model_is_that_of_an_agreement_within_reach(offer, agreed, question):
    document = offer(agreed("1", "14", model="drg"), agreed("2", "01", model="per_visit"))

    assert grounds.of(document, question(reimbursement_model="drg"))
    assert not grounds.of(document, question(reimbursement_model="per_visit"))
    assert grounds.of(document, question(reimbursement_model="per_visit", patient_region=None))


def test_the_last_tier_is_true_whether_an_agreement_exists_or_not(offer, agreed, question, make):
    document = offer(agreed("1", "14"), offerings=[make.offering("A")])
    explain = shown(document, question(basis=Basis.CATALOGUE))["explain"]

    assert explain["tier"]["text"] == "Inget känt avtal som både passar frågan och får användas av regionen"
    assert "agreements_unfit" in codes(explain["lowers"])


def test_what_some_of_the_agreements_demand_is_told_as_what_may_be_demanded(offer, agreed, question):
    document = offer(agreed("1", "14", referral_required=True), agreed("2", "14", referral_required=False))

    assert shown(document, question())["explain"]["requires"] == [
        {
            "code": "referral_may_be_required",
            "text": "Remiss krävs enligt vissa av avtalen",
            "agreements": ["id-1"],
        }
    ]
    both = offer(agreed("1", "14", referral_required=True), agreed("2", "14", "yes", referral_required=True))
    assert codes(shown(both, question())["explain"]["requires"]) == ["referral_required"]


def test_the_bases_of_a_hit_are_those_that_the_count_of_bases_counts(offer, agreed, question, make):
    document = offer(agreed("1", "14"), offerings=[make.offering("A", target_group=make.group(18))])

    assert shown(document, question(age=15))["basis"] == ["agreement"]
    assert shown(document, question(age=30))["basis"] == ["agreement", "catalogue"]
    assert shown(document, question(age=30, basis=Basis.CATALOGUE))["basis"] == ["agreement", "catalogue"]
