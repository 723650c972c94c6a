"""The answer's fixed shape (design, section 9), and what is never in it."""

import pytest

from contracts.agreements import AgreedService, AgreementRegistered, UseByOthers
from contracts.audience import Audience, audience_of
from search.api.shapes import Offers, OneOffer
from search.domain.hit import FOR_REGIONS

pytestmark = pytest.mark.engine

PUBLIC = {"id", "region", "valid_from", "valid_to", "usable_by", "on_request", "target_group", "conditions"}
TERMS = {"reimbursement_model", "document_url", "through", "question", "price", "invoiced_by", "volume_left"}
AGREEMENT = PUBLIC | TERMS
WAIT = {"measure", "days", "kind", "source", "period", "observed_at", "age_days", "stale"}
HIT = {
    "id",
    "care_unit",
    "care_service",
    "basis",
    "agreements",
    "waits",
    "capacity",
    "eligibility",
    "deadline",
    "explain",
}


@pytest.fixture(scope="module")
async def katarakt(shared_world, make):
    """One offer with everything an offer can have."""
    services = [
        make.service(["A"], ["kva|CJE20"], target_group=make.group(age_max=64)),
        make.service(["A"], ["kva|CJE20"], target_group=make.group(age_min=65)),
    ]
    await shared_world.found(
        make.unit("A", contacts=[]),
        make.unit("B", "1280"),
        make.municipality("0180"),
        make.code(make.katarakt),
        make.code("kva|CJE20"),
        make.agreement("RÖL-1", "14", services=services, use="yes", valid_to=make.day(100)),
        make.agreement("2", "01", ["A"], basis="own_provision", care_provider=None),
        make.offering("A"),
        make.offering("B", make.brack),
        make.wait("A", 42.5),
        make.wait("A", 20, measure="visit_median"),
    )
    return shared_world


async def test_a_hit_has_the_fixed_keys(katarakt, make):
    hit = await katarakt.hit(f"A|{make.katarakt}", patient_region="14", near="59.33,18.07", care_service="kva|CJE20")

    assert set(hit) >= HIT
    assert hit["care_unit"] == {
        "hsa_id": make.hsa("A"),
        "name": "Kliniken A",
        "municipality": "0180",
        "municipality_name": "Stockholm",
        "region": "01",
        "distance_km": 0.0,
    }
    assert hit["care_service"] == {
        "system": "vt-demo",
        "code": "katarakt-operation",
        "text": "Kataraktoperation (operation av grå starr)",
    }
    assert hit["basis"] == ["agreement", "catalogue", "own"]
    assert all(set(row) >= AGREEMENT for row in hit["agreements"])
    assert all(set(row) >= WAIT for row in hit["waits"])
    assert (hit["capacity"], hit["eligibility"], hit["deadline"]) == (None, "ask", None)
    assert hit["explain"]["matched"] == [
        {
            "code": "care_service",
            "text": "kva|CJE20 finns i utbud eller avtal",
            "asked": "kva|CJE20",
            "care_service": make.katarakt,
            "exact": True,
            "maps": [
                {"source": "kva|CJE20", "target": make.katarakt, "equivalence": "wider", "map": "kva-till-vt-demo"}
            ],
        }
    ]


async def test_answers_are_as_the_openapi_document_says(katarakt, make):
    clock = {"guarantee": "treatment", "guarantee_start": str(make.day(-30))}
    for question in ({}, {"q": "katrakt Stockholm", "patient_region": "14", **clock}, {"q": "nothing at all"}):
        Offers.model_validate_json((await katarakt.http.post("/offers/search", json=question)).text, strict=True)
    one = await katarakt.http.post(f"/offers/{make.hsa('A')}|{make.katarakt}", json={"patient_region": "14", **clock})
    OneOffer.model_validate_json(one.text, strict=True)


async def test_an_agreements_services_with_different_terms_are_shown_apart(katarakt, make):
    hit = await katarakt.hit(f"A|{make.katarakt}", patient_region="14")

    assert [
        (row["number"], row["target_group"]["age_min"], row["target_group"]["age_max"]) for row in hit["agreements"]
    ] == [
        ("RÖL-1", None, 64),
        ("RÖL-1", 65, None),
        ("2", None, None),
    ]
    assert [row["usable_by"] for row in hit["agreements"]] == ["all", "all", ["01"]]
    assert len(hit["explain"]["facts"]["agreements"]) == 2


async def test_waits_are_numbers_of_days_with_their_period_and_source(katarakt, make):
    hit = await katarakt.hit(f"A|{make.katarakt}")

    assert [(wait["measure"], wait["days"], wait["period"]) for wait in hit["waits"]] == [
        ("treatment_median", 42.5, f"{make.day(-60)}/{make.day(-31)}"),
        ("visit_median", 20, f"{make.day(-60)}/{make.day(-31)}"),
    ]
    assert hit["waits"][0]["source"] == "vantetider"
    assert hit["waits"][0]["age_days"] == 0


async def test_one_offer_is_read_by_its_id_with_bars_in_the_path(katarakt, make):
    offer = f"{make.hsa('A')}|{make.katarakt}"

    plain = await katarakt.http.get(f"/offers/{offer}")
    quoted = await katarakt.http.get(f"/offers/{offer.replace('|', '%7C')}", params={"patient_region": "14"})

    assert plain.status_code == quoted.status_code == 200
    assert plain.json()["id"] == offer
    assert plain.json()["explain"]["tier"] is None
    hit = await katarakt.hit(f"A|{make.katarakt}", patient_region="14")
    beside = {"region_profiles": quoted.json()["region_profiles"], "guarantee": None, "as_of": None}
    assert quoted.json() == {**hit, **beside}


@pytest.mark.parametrize("offer", ["SE5561234567-A|vt-demo|nothing", "nothing", "*", "a" * 2000, "%00", "🐟"])
async def test_an_offer_that_does_not_exist_is_a_404(katarakt, offer):
    answer = await katarakt.http.get(f"/offers/{offer}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_body_search_answers_the_same(katarakt):
    question = {
        "q": "katarakt",
        "near": "0180",
        "patient_region": "14",
        "max_wait_days": 60,
        "sort": "wait",
        "limit": 5,
    }

    by_body = await katarakt.http.post("/offers/search", json=question)

    assert by_body.status_code == 200
    assert by_body.json() == await katarakt.ask(**question)
    assert by_body.json()["total"] == 1


@pytest.mark.parametrize("role", ["navigator", "agreement-admin", "provider", "operator", "agency-reviewer", "analyst"])
async def test_no_role_is_shown_amounts_or_organisation_numbers(katarakt, make, bearer, role):
    headers = bearer(role, region="14")
    answers = [
        await katarakt.http.get("/offers", headers=headers),
        await katarakt.http.post("/offers/search", json={}, headers=headers),
        await katarakt.http.get(f"/offers/{make.hsa('A')}|{make.katarakt}", headers=headers),
    ]

    for answer in answers:
        assert answer.status_code == 200
        assert "48123" not in answer.text
        assert "amount" not in answer.text
        assert make.provider["organisation_number"] not in answer.text
        assert "organisation_number" not in answer.text


@pytest.fixture(scope="module")
async def on_request(shared_world, make, katarakt):
    """An offer of another region, with terms and prices, that is to be asked for."""
    use = {"use": "on_request", "regions": [], "through": "Kansliet Umeå", "question": "När senast?"}
    use |= {"price": "separate", "invoiced_by": "owning_region", "volume_left": 40}
    await shared_world.found(
        make.unit("ASK", "2480"),
        make.code(make.kna),
        make.agreement("77", "24", ["ASK"], [make.kna], use_by_others=use),
    )
    return shared_world


async def _answers(world, make, headers):
    """The one offer in each of the three ways."""
    asked = {"patient_region": "14", "care_service": make.kna}
    return [
        (await world.http.get("/offers", params=asked, headers=headers)).json()["items"],
        (await world.http.post("/offers/search", json=asked, headers=headers)).json()["items"],
        [(await world.http.get(f"/offers/{make.hsa('ASK')}|{make.kna}?patient_region=14", headers=headers)).json()],
    ]


@pytest.mark.parametrize("role", ["navigator", "agreement-admin", "agency-reviewer", "region-system"])
async def test_regions_and_the_agency_see_whom_to_ask_what_at_whose_price(on_request, make, bearer, role):
    for hits in await _answers(on_request, make, bearer(role, region="14")):
        (hit,) = hits
        (agreement,) = hit["agreements"]
        assert {name: agreement[name] for name in TERMS} == {
            "reimbursement_model": "drg",
            "document_url": "https://avtal.example/77",
            "through": "Kansliet Umeå",
            "question": "När senast?",
            "price": "separate",
            "invoiced_by": "owning_region",
            "volume_left": 40,
        }
        assert hit["explain"]["lowers"][0]["text"] == (
            "Avtalets region ska tillfrågas först. Vänd er till: Kansliet Umeå. När senast?"
        )


@pytest.mark.parametrize("role", ["provider", "analyst", "operator"])
async def test_who_works_for_no_region_sees_that_it_is_usable_and_no_terms_or_prices(on_request, make, bearer, role):
    for hits in await _answers(on_request, make, bearer(role, region="14")):
        (hit,) = hits
        (agreement,) = hit["agreements"]
        assert agreement.keys() >= PUBLIC
        assert agreement.keys() & TERMS == set()
        assert agreement["on_request"]
        assert hit["explain"]["tier"]["id"] == "on_request"
        assert hit["explain"]["lowers"][0]["text"] == "Avtalets region ska tillfrågas först."
        assert not any(
            term in str(hit) for term in ("Kansliet", "senast", "avtal.example", "separate", "drg", "owning")
        )


@pytest.mark.parametrize("role", ["provider", "analyst"])
async def test_who_may_not_see_the_reimbursement_model_cannot_search_by_it(on_request, bearer, role):
    headers, asked = bearer(role), {"reimbursement_model": "drg"}
    for answer in (
        await on_request.http.get("/offers", params=asked, headers=headers),
        await on_request.http.post("/offers/search", json=asked, headers=headers),
    ):
        assert answer.status_code == 403
        assert answer.json()["errors"] == [
            {"field": "reimbursement_model", "reason": "is for regions and the agency only"}
        ]


def test_what_is_withheld_is_what_the_contract_marks_for_regions():
    marked = {
        name
        for model in (AgreementRegistered, UseByOthers, AgreedService)
        for name, field in model.model_fields.items()
        if audience_of(field) is Audience.REGIONS
    }
    not_in_search = {"extension_option", "expected_capacity"}
    assert marked - not_in_search == FOR_REGIONS - {"reimbursement_model"} | {"reimbursement"}


async def test_what_the_audience_mark_names_is_known_and_kept_out():
    schema = AgreementRegistered.model_json_schema()
    marked = [
        (part, name)
        for part, definition in {"AgreementRegistered": schema, **schema["$defs"]}.items()
        for name, field in definition.get("properties", {}).items()
        if field.get("x-audience") == "regions"
    ]

    # A new mark needs a new look at what search indexes and shows.
    assert marked == [
        ("AgreementRegistered", "extension_option"),
        ("AgreementRegistered", "document_url"),
        ("AgreedService", "reimbursement"),
        ("AgreedService", "expected_capacity"),
        ("UseByOthers", "through"),
        ("UseByOthers", "question"),
        ("UseByOthers", "price"),
        ("UseByOthers", "invoiced_by"),
        ("UseByOthers", "volume_left"),
    ]
