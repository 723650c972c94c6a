"""What an offer's document holds: bases, waits, texts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.guarantee import Guarantee
from search.domain import expected
from search.domain.document import Sources, build, services_of, unit_of
from search.domain.waits import days_by_region, ranking


@pytest.fixture
def document(make):
    """Builds the katarakt offer of unit A from messages."""

    def built(*, unit=None, agreements=(), offerings=(), waits=(), codes=None):
        return build(
            Sources(
                unit=unit_of((unit or make.unit("A")).model_dump(mode="json"), "Stockholm"),
                code_key=make.katarakt,
                code_text="Kataraktoperation",
                offerings=[one.model_dump(mode="json") for one in offerings],
                services=[given for one in agreements for given in services_of(one.model_dump(mode="json"))],
                waits=[one.model_dump(mode="json") for one in waits],
                codes=codes if codes is not None else {make.katarakt: "Kataraktoperation"},
            )
        )

    return built


def test_each_service_of_an_agreement_that_leads_to_the_offer_is_a_basis_of_its_own(make, document):
    services = [
        make.service(["A"], [make.katarakt], target_group=make.group(age_max=64)),
        make.service(["A", "B"], [make.katarakt], target_group=make.group(age_min=65), reimbursement=None),
        make.service(["B"], [make.katarakt], target_group=make.group(age_min=1)),
        make.service(["A"], ["kva|JAB30"], target_group=make.group(age_min=2)),
    ]

    bases = document(agreements=[make.agreement("1", "01", services=services)])["bases"]

    assert [(basis["age_min"], basis["age_max"], basis["reimbursement_model"]) for basis in bases] == [
        (None, 64, "drg"),
        (65, None, None),
    ]


def test_services_with_the_same_terms_are_one_basis_and_a_code_named_twice_is_too(make, document):
    services = [make.service(["A"], [make.katarakt, make.katarakt]), make.service(["A"], [make.katarakt])]

    assert len(document(agreements=[make.agreement("1", "01", services=services)])["bases"]) == 1


def test_a_code_we_have_not_heard_of_yet_leads_to_the_offer_all_the_same(make, document):
    agreement = make.agreement("1", "01", ["A"], ["kva|CJE20"])

    found = document(agreements=[agreement], codes={"kva|CJE20": None})

    assert found["codes"] == ["kva|CJE20", make.katarakt]
    assert len(found["bases"]) == 1


@pytest.mark.parametrize(
    ("use", "named", "usable_by", "on_request"),
    [
        ("no", [], ["01"], False),
        ("named_regions", ["14", "03"], ["01", "03", "14"], False),
        ("on_request", ["14"], ["01"], True),
        ("a-word-of-a-later-release", ["14"], ["01"], False),
    ],
)
def test_the_owner_chooses_who_may_use_an_agreement(make, document, use, named, usable_by, on_request):
    (basis,) = document(agreements=[make.agreement("1", "01", ["A"], use=use, named=named)])["bases"]

    assert (basis["usable_by"], basis["on_request"]) == (usable_by, on_request)


def test_an_agreement_open_to_all_is_usable_by_21_regions(make, document):
    (basis,) = document(agreements=[make.agreement("1", "01", ["A"], use="yes")])["bases"]

    assert len(basis["usable_by"]) == 21


def test_there_is_nothing_to_show_of_a_closed_unit_or_without_any_basis(make, document):
    agreement, wait = make.agreement("1", "01", ["A"]), make.wait("A", 10)

    assert document(unit=make.unit("A", status="closed"), agreements=[agreement]) is None
    assert document(waits=[wait]) is None
    for status in ("terminated", "expired", "withdrawn", "purged"):
        assert document(agreements=[make.agreement("1", "01", ["A"], status=status)]) is None
    assert document(offerings=[make.offering("A", status="ended")]) is None


def test_an_agreement_that_an_older_release_stored_is_shown_with_what_it_says(make, document):
    older = make.agreement("1", "01", ["A"]).model_dump(mode="json")
    del older["leading_region"], older["services"][0]["conditions"]["self_referral_how"]
    for name in ("price", "invoiced_by", "volume_left"):
        del older["use_by_others"][name]

    (service,) = services_of(older)
    assert service.basis["terms_of_use"]["question"] == "Finns plats?"
    assert service.basis["terms_of_use"]["price"] is service.basis["leading_region"] is None


def test_neither_amounts_nor_organisation_numbers_are_in_the_document(make, document):
    shown = str(document(agreements=[make.agreement("1", "01", ["A"])], offerings=[make.offering("A")]))

    assert "48123" not in shown
    assert make.provider["organisation_number"] not in shown


def wait(
    days,
    *,
    region=None,
    code="vt|1",
    period="2026-01-01/2026-01-31",
    measure="treatment_median",
    kind="register",
    **more,
):
    return {
        "kind": kind,
        "measure": measure,
        "days": days,
        "paying_region": region,
        "code": code,
        "period": period,
        "observed_at": "2026-02-01T00:00:00Z",
        **more,
    }


def test_an_offer_ranks_by_the_wait_of_the_patients_own_region_then_of_everybody_never_of_another_region():
    waits = [wait(90), wait(30, region="14"), wait(5, region="12")]

    days = days_by_region(waits, "vt|1")

    assert (days["all"], days["14"], days["12"], days["01"]) == (90, 30, 5, 90)


def test_a_wait_known_for_one_regions_patients_only_says_nothing_for_others():
    assert days_by_region([wait(30, region="14")], "vt|1") == {"14": 30}


def test_the_own_code_is_ranked_by_before_a_mapped_one_and_newer_before_older_and_longer_before_shorter():
    assert ranking([wait(1, code="kva|A"), wait(2)], "vt|1", None)["days"] == 2
    newer = wait(2, period="2026-02-01/2026-02-28")
    assert ranking([wait(3), newer], "vt|1", None)["days"] == 2
    assert ranking([wait(3), wait(4)], "vt|1", None)["days"] == 4


def test_a_wait_for_a_visit_never_stands_in_for_the_wait_for_treatment():
    assert ranking([wait(3, measure="visit_median"), wait(None)], "vt|1", None) is None


def test_a_forecast_ranks_before_what_was_measured_until_something_is_measured_after_it_was_made():
    forecast = wait(60, kind="forecast", period="2026-03-01/2026-03-31", observed_at="2026-02-05T08:00:00Z")
    measured, own = wait(40), wait(30, region="14")
    march = wait(70, period="2026-03-01/2026-03-31", observed_at="2026-04-20T08:00:00Z")

    assert ranking([forecast, measured, own], "vt|1", "14")["days"] == 60
    assert ranking([forecast, measured, march], "vt|1", "14")["days"] == 70
    assert ranking([{**forecast, "days": None}, measured, own], "vt|1", "14")["days"] == 30


def test_visits_and_treatments_rank_each_by_their_own_measure():
    waits = [wait(90), wait(3, measure="visit_median")]

    assert days_by_region(waits, "vt|1", Guarantee.VISIT)["all"] == 3
    assert days_by_region(waits, "vt|1", Guarantee.TREATMENT)["all"] == 90
    assert days_by_region(waits[:1], "vt|1", Guarantee.VISIT) == {}


@given(st.floats(0, 400))
def test_a_part_of_a_day_is_a_whole_one_so_the_expected_day_keeps_the_limit_exactly_when_the_wait_does(days):
    today = date(2026, 3, 2)
    for limit in range(0, 401, 40):
        assert (expected.day(days, today) <= today + timedelta(days=limit)) == (days <= limit)


@given(
    st.lists(
        st.builds(
            wait,
            st.none() | st.floats(0, 400),
            region=st.sampled_from([None, "14", "12"]),
            code=st.sampled_from(["vt|1", "kva|A"]),
            kind=st.sampled_from(["register", "forecast"]),
            measure=st.sampled_from(["treatment_median", "visit_median"]),
        ),
        max_size=5,
    ).flatmap(lambda waits: st.tuples(st.just(waits), st.permutations(waits)))
)
def test_the_days_an_offer_ranks_with_do_not_hang_on_the_order_of_its_waits(pair):
    waits, shuffled = pair

    assert days_by_region(waits, "vt|1") == days_by_region(shuffled, "vt|1")
