"""What a hit tells: why it is found, why it ranks where it does, and how old each fact is."""

from datetime import date

import pytest

from search.domain import hit, tiers
from search.domain.age import told
from search.domain.document import Sources, build, services_of, unit_of
from search.domain.question import Spot

TODAY = date(2026, 3, 29)


@pytest.fixture
def shown(make):
    """The katarakt offer of unit A as a hit, on a fixed day."""

    def of(*, agreements=(), waits=(), unit=None, tier=None, near=None, region="14", terms=True, **more):
        document = build(
            Sources(
                unit=unit_of((unit or make.unit("A")).model_dump(mode="json"), "Stockholm"),
                code_key=make.katarakt,
                code_text="Kataraktoperation",
                offerings=[make.offering("A").model_dump(mode="json")],
                services=[given for one in agreements for given in services_of(one.model_dump(mode="json"))],
                waits=[one.model_dump(mode="json") for one in waits],
                codes={make.katarakt: "Kataraktoperation"},
            )
        )
        asked = {"today": TODAY, "care_services": (make.katarakt,), "near": near, "patient_region": region}
        question = make.question(**{**asked, "terms": terms, **more})
        return hit.shown(document, "id", question, tier, [])

    return of


def texts(reasons):
    return [one["text"] for one in reasons]


def seen(system, observed_at):
    return {"system": system, "reference": None, "observed_at": observed_at}


@pytest.mark.parametrize(
    ("observed_at", "age_days", "words"),
    [
        ("2026-03-29T12:00:00Z", 0, "från i dag"),
        # Half past midnight in Stockholm: the day before in UTC.
        ("2026-03-28T23:30:00Z", 0, "från i dag"),
        ("2026-03-28T22:30:00Z", 1, "1 dag gammal"),
        # The clock went forward in between: still calendar days.
        ("2026-03-22T23:30:00+00:00", 6, "6 dagar gammal"),
        ("2025-03-29T12:00:00Z", 365, "365 dagar gammal"),
        ("2026-04-02T12:00:00Z", 0, "från i dag"),
    ],
)
def test_ages_are_swedish_calendar_days(observed_at, age_days, words):
    fact = told("Enheten", "katalogen", observed_at, TODAY)

    assert fact["age_days"] == age_days
    assert fact["text"] == f"Enheten: uppgiften är {words} (katalogen)"


def test_every_fact_tells_its_source_and_age(make, shown):
    facts = shown(
        unit=make.unit("A", source=seen("katalogen", "2026-03-27T08:00:00Z")),
        agreements=[make.agreement("7", "14", ["A"], valid_from="2026-01-01", changed_at="2026-03-19T08:00:00Z")],
        waits=[make.wait("A", 30, source=seen("vantetider", "2026-03-28T08:00:00Z"))],
    )["explain"]["facts"]

    assert facts["care_unit"]["text"] == "Enheten: uppgiften är 2 dagar gammal (katalogen)"
    assert [row["text"] for row in facts["agreements"]] == ["Avtal 7: uppgiften är 10 dagar gammal (agreements)"]
    assert [row["text"] for row in facts["waits"]] == [
        "Väntetid till behandling (median): uppgiften är 1 dag gammal (vantetider)"
    ]


@pytest.mark.parametrize(
    ("stale_after", "stale"), [(None, False), ("2026-03-30", False), ("2026-03-29", True), ("2026-01-01", True)]
)
def test_a_wait_is_shown_as_old_from_its_day_on_and_that_is_said_to_lower_it(make, shown, stale_after, stale):
    found = shown(waits=[make.wait("A", 30, stale_after=stale_after)])

    assert [wait["stale"] for wait in found["waits"]] == [stale]
    assert [one for one in found["explain"]["lowers"] if one["code"] == "wait_stale"] == (
        [{"code": "wait_stale", "text": f"Väntetiden är inaktuell sedan {stale_after}", "since": stale_after}]
        if stale
        else []
    )


def test_a_missing_wait_is_said_never_guessed(make, shown):
    suppressed = shown(waits=[make.wait("A", None)])
    only_visit = shown(waits=[make.wait("A", 12, measure="visit_median")])
    others_only = shown(waits=[make.wait("A", 12, paying_region="01")])

    missing = "Väntetid till behandling: uppgift saknas; rankas strax efter vårdgarantins gräns, 90 dagar"
    assert suppressed["waits"][0]["days"] is None
    assert texts(suppressed["explain"]["lowers"]) == [missing]
    assert texts(only_visit["explain"]["lowers"]) == [
        missing,
        "Andra väntetider, som den till besök, visas men räknas inte",
    ]
    assert texts(others_only["explain"]["lowers"]) == [
        missing,
        "Väntetid finns bara för andra regioners patienter och räknas inte",
    ]
    assert only_visit["explain"]["ranked_by"] is others_only["explain"]["ranked_by"] is None


def test_the_explanation_says_which_of_several_waits_ranks(make, shown):
    waits = [make.wait("A", 80), make.wait("A", 40, paying_region="14")]

    assert shown(waits=waits)["explain"]["ranked_by"]["text"] == (
        "Väntetid till behandling (median): 40 dagar, patienter från region 14; en av 2 uppgifter"
    )
    assert shown(waits=waits, region="12")["explain"]["ranked_by"]["text"] == (
        "Väntetid till behandling (median): 80 dagar, alla patienter; en av 2 uppgifter"
    )
    assert shown(waits=waits[:1])["explain"]["ranked_by"]["text"] == (
        "Väntetid till behandling (median): 80 dagar, alla patienter"
    )


def test_the_tier_stands_in_plain_swedish_with_its_rank(shown):
    found = shown(tier=tiers.TIERS[1])

    assert found["explain"]["tier"] == {
        "rank": 2,
        "id": "collaboration_region",
        "text": "I den egna samverkansregionen",
    }
    assert shown(region=None)["explain"]["tier"] is None


def test_what_must_be_asked_first_is_said_in_the_regions_own_words(make, shown):
    agreement = make.agreement("7", "01", ["A"], use="on_request", valid_from="2026-01-01")
    on_request = next(tier for tier in tiers.TIERS if tier.id == "on_request")

    assert shown(agreements=[agreement], tier=on_request)["explain"]["lowers"][0]["text"] == (
        "Avtalets region ska tillfrågas först. Finns plats?"
    )


def test_who_does_not_see_terms_is_told_that_one_must_ask_and_no_more(make, shown):
    agreement = make.agreement("7", "01", ["A"], use="on_request", valid_from="2026-01-01")
    on_request = next(tier for tier in tiers.TIERS if tier.id == "on_request")

    found = shown(agreements=[agreement], tier=on_request, terms=False)

    assert found["explain"]["lowers"][0] == {"code": "ask_first", "text": "Avtalets region ska tillfrågas först."}
    assert "Finns plats?" not in str(found)


def test_with_an_agreement_beside_riksavtalet_nothing_is_needed_on_its_account(make, shown):
    care = make.agreement("1", "01", ["A"], basis="own_provision", use="yes", valid_from="2026-01-01")
    own = make.agreement("2", "14", ["A"], valid_from="2026-01-01")
    tier = next(tier for tier in tiers.TIERS if tier.id == "own_provision")

    assert len(shown(agreements=[care], tier=tier)["explain"]["requires"]) == 1
    assert shown(agreements=[care, own], tier=tier)["explain"]["requires"] == []
    assert shown(agreements=[care], region=None)["explain"]["requires"] == []


def test_an_agreement_that_the_region_may_not_use_is_said_to_exist(make, shown):
    agreement = make.agreement("7", "01", ["A"], valid_from="2026-01-01")

    lowers = shown(agreements=[agreement], tier=tiers.TIERS[-1])["explain"]["lowers"]

    assert lowers[0] == {
        "code": "agreements_not_usable",
        "text": "Avtal finns, men inget som patientens region får använda",
        "agreements": ["id-7"],
    }
    assert not any("Avtal finns" in line for line in texts(shown(tier=tiers.TIERS[-1])["explain"]["lowers"]))


def test_a_rough_or_unknown_place_is_said_at_either_end(make, shown):
    point = {"lat": "59.3", "lon": "18.0", "precision": "municipality"}
    near = Spot(59.3, 18.0, "postal_code", "114 28 Stockholm")
    waits = [make.wait("A", 3, stale_after=None)]

    rough = shown(unit=make.unit("A", place={"point": point}), waits=waits, near=near)
    unknown = shown(unit=make.unit("A", place={"point": None}), waits=waits, near=Spot(59.3, 18.0, "own", "59.3,18"))

    assert texts(rough["explain"]["lowers"]) == [
        "Enhetens läge är ungefärligt (kommunens mittpunkt)",
        "Avståndet räknas från postnumrets mittpunkt: 114 28 Stockholm",
    ]
    assert texts(unknown["explain"]["lowers"]) == ["Enhetens läge är okänt; rankas sist på avstånd"]
    assert shown(unit=make.unit("A", place={"point": point}), waits=waits)["explain"]["lowers"] == []


def test_agreements_that_the_region_may_use_are_shown_first_and_expired_ones_not_at_all(make, shown):
    agreements = [
        make.agreement("1", "01", ["A"], valid_from="2026-01-01"),
        make.agreement("2", "14", ["A"], valid_from="2026-01-01", valid_to="2026-03-29"),
        make.agreement("3", "14", ["A"], valid_from="2026-01-01", valid_to="2026-03-28"),
        make.agreement("4", "14", ["A"], valid_from="2026-03-30"),
    ]

    found = shown(agreements=agreements)["agreements"]

    assert [(row["number"], row["usable"]) for row in found] == [("2", True), ("1", False)]
    assert [row["usable"] for row in shown(agreements=agreements, region=None)["agreements"]] == [None, None]


def test_a_document_of_the_release_before_is_shown_while_the_new_index_is_filled(make):
    agreement = make.agreement("7", "14", ["A"], valid_from="2026-01-01").model_dump(mode="json")
    document = build(
        Sources(
            unit=unit_of(make.unit("A", "1480").model_dump(mode="json"), None),
            code_key=make.katarakt,
            code_text=None,
            offerings=[make.offering("A").model_dump(mode="json")],
            services=services_of(agreement),
            waits=[],
            codes={make.katarakt: None},
        )
    )
    for basis in document["bases"]:
        del basis["target_group"], basis["self_referral"]
        if basis["kind"] == "catalogue":
            del basis["age_min"], basis["age_max"], basis["sex"]
    question = make.question(today=TODAY, patient_region="14", age=70, sex="male", clock=make.clock(TODAY))

    found = hit.shown(document, "id", question, tiers.first(document, question), [])

    assert (found["eligibility"], found["explain"]["tier"]["id"]) == ("yes", "own_region")
