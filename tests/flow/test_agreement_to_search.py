"""An agreement pushed by a region is found by a navigator, and only when both gates have let it through."""

from typing import Any

import httpx
import pytest

from engines import eventually

pytestmark = [pytest.mark.flow, pytest.mark.engine]

_OFFER = "SE2321000180-D100218|vt-demo|ljumskbrack-operation"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _agreements_of_offer(client: httpx.AsyncClient, navigator: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.get(f"/offers/{_OFFER}", headers=navigator)
    return list(answer.json()["agreements"]) if answer.is_success else []


async def _act(client: httpx.AsyncClient, agreement: str, action: str, token: str, **body: str) -> httpx.Response:
    return await client.post(f"/agreements/{agreement}/{action}", headers=_bearer(token), json=body)


async def test_an_agreement_is_found_after_both_gates_and_gone_when_it_is_terminated(
    client: httpx.AsyncClient, navigator: dict[str, str], tokens: dict[str, str], body: dict[str, Any]
):
    registered = await client.post("/agreements", json=body, headers=_bearer(tokens["14 author"]))
    assert registered.status_code == 201, registered.text
    agreement = registered.json()["id"]
    assert registered.headers["location"].endswith(f"/vardformedling/v1/agreements/{agreement}")
    assert (await _act(client, agreement, "submit", tokens["14 author"])).status_code == 200
    by_author = await _act(client, agreement, "approve", tokens["14 author"])
    assert (by_author.status_code, by_author.headers["content-type"]) == (403, "application/problem+json")
    assert (await _act(client, agreement, "approve", tokens["14 reviewer"])).json()["state"] == "region_approved"
    assert (await client.get(f"/agreements/{agreement}", headers=navigator)).status_code == 404
    assert agreement not in {one["id"] for one in await _agreements_of_offer(client, navigator)}

    assert (await _act(client, agreement, "approve", tokens["agency"])).json()["state"] == "published"

    async def found() -> dict[str, Any] | None:
        hits = await client.get(
            "/offers", params={"q": "ljumskbråck Mora", "patient_region": "14", "near": "79251"}, headers=navigator
        )
        return next(
            (hit for hit in hits.json()["items"] if agreement in {one["id"] for one in hit["agreements"]}), None
        )

    hit = await eventually(found, within=10)
    assert hit["id"] == _OFFER
    assert hit["explain"]["tier"]["id"] == "agreement"
    assert hit["care_unit"]["distance_km"] < 20
    shown = next(one for one in hit["agreements"] if one["id"] == agreement)
    assert (shown["usable"], shown["region"], shown["reimbursement_model"]) == (True, "14", "fixed_price")

    ended = await _act(client, agreement, "terminate", tokens["14 author"], reason="Leverantören har upphört")
    assert ended.json()["state"] == "terminated"

    async def gone() -> bool:
        return agreement not in {one["id"] for one in await _agreements_of_offer(client, navigator)}

    await eventually(gone, within=10)


async def test_another_regions_administrator_can_neither_register_nor_approve(
    client: httpx.AsyncClient, tokens: dict[str, str], body: dict[str, Any]
):
    refused = await client.post("/agreements", json=body, headers=_bearer(tokens["01 author"]))
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    agreement = (await client.post("/agreements", json=body, headers=_bearer(tokens["14 author"]))).json()["id"]
    assert (await _act(client, agreement, "submit", tokens["14 author"])).status_code == 200
    # To whoever may not read it, it does not exist.
    assert (await _act(client, agreement, "approve", tokens["01 reviewer"])).status_code == 404
    assert (await _act(client, agreement, "approve", tokens["agency"])).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"valid_to": "2024-12-31"}, "valid_to"),
        ({"description": "Avser patient 19121212-1212"}, "description"),
        ({"commissioning_regions": ["99"]}, "commissioning_regions.0"),
        ({"care_provider": {"hsa_id": "SE2321000181-D00020", "name": "Fel"}}, "care_provider.hsa_id"),
        ({"validto": "2028-12-31"}, "validto"),
    ],
    ids=["period ends first", "personal number", "no such region", "check digit", "misspelt field"],
)
async def test_bad_input_is_refused_through_the_door_with_its_field_and_stores_nothing(
    client: httpx.AsyncClient, tokens: dict[str, str], body: dict[str, Any], change: dict[str, Any], field: str
):
    author = _bearer(tokens["14 author"])
    refused = await client.post("/agreements", json={**body, **change}, headers=author)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert field in {row["field"] for row in refused.json()["errors"]}
    assert "19121212-1212" not in refused.text
    stored = await client.get("/agreements", params={"number": body["number"]}, headers=author)
    assert stored.json()["total"] == 0


async def test_an_unknown_code_comes_back_with_the_one_that_was_meant(
    client: httpx.AsyncClient, tokens: dict[str, str], body: dict[str, Any]
):
    service = {**body["services"][0], "care_services": [{"system": "kva", "code": "CJE21"}]}
    refused = await client.post(
        "/agreements", json={**body, "services": [service]}, headers=_bearer(tokens["14 author"])
    )
    assert "did you mean CJE2" in refused.json()["errors"][0]["reason"]


async def test_no_token_and_a_broken_token_are_refused_at_the_door(client: httpx.AsyncClient):
    for headers in ({}, {"Authorization": "Bearer not-a-token"}):
        refused = await client.get("/offers", headers=headers)
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")


async def test_the_one_openapi_document_names_every_call_behind_the_door(client: httpx.AsyncClient):
    document = (await client.get("/openapi.json")).json()
    assert {"/offers", "/offers/search", "/agreements", "/agreements/{agreement_id}/{action}"} <= set(document["paths"])
    assert (await client.get("/api-info")).json()["api_version"] == document["info"]["version"]
