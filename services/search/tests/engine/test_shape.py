"""The answer's fixed shape (design, section 9), and what is never in it."""

import pytest

pytestmark = pytest.mark.engine

AGREEMENT = {"id", "region", "valid_from", "valid_to", "usable_by", "reimbursement_model", "document_url"}
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
    assert hit["explain"]["matched"] == ["Vårdtjänst: Kataraktoperation (operation av grå starr)"]


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
    assert quoted.json() == {**hit, "region_profiles": quoted.json()["region_profiles"]}


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


async def test_what_the_audience_mark_names_is_known_and_kept_out():
    from contracts.agreements import AgreementRegistered

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
