"""Codes, FHIR and region profiles through the front door of the whole system."""

import pytest

from rules.regions import REGIONS

pytestmark = [pytest.mark.flow, pytest.mark.engine]

KVA = "http://electronichealth.se/id/kva"


async def test_a_navigator_finds_judges_and_translates_codes(client, navigator):
    found = (await client.get("/codes", params={"q": "grå starr", "limit": 100}, headers=navigator)).json()
    keys = [f"{one['system']}|{one['code']}" for one in found["items"]]
    assert keys[0] == "care-area|katarakt"
    assert "kva|CJE20" in keys
    body = {"codes": ["kva|CJE20", "kva|CJE2O"]}
    results = (await client.post("/codes/validate", json=body, headers=navigator)).json()["results"]
    assert [(one["valid"], one["suggestion"]) for one in results] == [(True, None), (False, "kva|CJE20")]
    for code in ("CJC00", "CJD20", "CJE20", "CJE99"):
        answer = await client.get(
            "/fhir/ConceptMap/$translate", params={"system": KVA, "code": code}, headers=navigator
        )
        assert (answer.status_code, answer.json()["parameter"][0]["valueBoolean"]) == (200, True)


async def test_the_fhir_address_is_open_for_its_statement_and_for_nothing_else(client, system):
    statement = (await client.get("/fhir/metadata")).json()
    assert statement["implementation"]["url"] == f"{system.gateway}/fhir"
    refused = await client.get("/fhir/CodeSystem")
    assert (refused.status_code, refused.json()["resourceType"]) == (401, "OperationOutcome")


async def test_every_region_has_told_its_profile(client, navigator):
    told = (await client.get("/region-profiles", params={"limit": 100}, headers=navigator)).json()
    assert [one["region"] for one in told["items"]] == list(REGIONS)
    assert all(one["office"]["contacts"] for one in told["items"])
