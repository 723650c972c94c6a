"""FHIR through the door: operations' addresses arrive as sent, and the door's own refusals are in FHIR's words."""

import pytest

from gateway.domain import BASE

pytestmark = pytest.mark.engine

OPERATIONS = (
    "/fhir/CodeSystem/$lookup?system=http://electronichealth.se/id/kva&code=CJE20",
    "/fhir/CodeSystem/%24lookup?system=http%3A%2F%2Felectronichealth.se%2Fid%2Fkva&code=CJE20",
    "/fhir/ValueSet/care-area-katarakt/$validate-code?code=a%7Cb",
    "/fhir/ValueSet/$expand?url=http://snomed.info/sct?fhir_vs&filter=gr%C3%A5+starr",
    "/fhir/CodeSystem?url=a%2Cb",
    "/codes?q=gr%C3%A5%20starr",
    "/region-profiles/14",
)


@pytest.mark.parametrize("path", OPERATIONS)
async def test_addresses_arrive_byte_by_byte(door, catalog_sync, path):
    assert (await door.call("GET", BASE + path)).status_code == 200
    seen = catalog_sync.seen[-1]
    assert f"{seen['raw_path']}{'?' if seen['query'] else ''}{seen['query']}" == path


async def test_a_parameters_resource_arrives_as_it_was_sent(door, catalog_sync):
    body = '{"resourceType": "Parameters", "parameter": [{"name": "filter", "valueString": "grå"}]}'.encode()
    headers = [("Content-Type", "application/fhir+json")]
    await door.call("POST", f"{BASE}/fhir/ValueSet/$expand", headers=headers, data=body)
    assert catalog_sync.seen[-1]["body"] == body
    assert catalog_sync.header("content-type") == "application/fhir+json"


async def test_what_the_service_can_do_is_told_to_all_and_nothing_else_is(door, catalog_sync):
    assert (await door.bare(f"{BASE}/fhir/metadata?mode=terminology", {})).status_code == 200
    assert (catalog_sync.seen[-1]["raw_path"], catalog_sync.seen[-1]["query"]) == ("/fhir/metadata", "mode=terminology")
    for path in ("/fhir/metadata/x", "/fhir/CodeSystem", "/fhir/CodeSystem/metadata", "/fhir", "/codes"):
        assert (await door.bare(BASE + path, {})).status_code == 401
    assert len(catalog_sync.seen) == 1


async def test_refusals_of_the_door_itself_are_operation_outcomes(door, serve, catalog_sync):
    answer = await door.bare(f"{BASE}/fhir/CodeSystem/kva", {})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/fhir+json")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["issue"][0]["code"] == "login"
    catalog_sync.wait.clear()
    slow = await door.call("GET", f"{BASE}/fhir/CodeSystem/kva")
    catalog_sync.wait.set()
    assert (slow.status_code, slow.headers["content-type"]) == (504, "application/fhir+json")
    await serve.stop(door.upstream["catalog-sync"])
    away = await door.call("GET", f"{BASE}/fhir/CodeSystem/kva")
    assert (away.status_code, away.headers["retry-after"]) == (503, "2")
    assert away.json()["resourceType"] == "OperationOutcome"
    assert (await door.call("GET", f"{BASE}/codes")).headers["content-type"] == "application/problem+json"


async def test_a_refusal_of_the_service_comes_back_unchanged(door, catalog_sync):
    catalog_sync.status = 404
    catalog_sync.headers = [(b"content-type", b"application/fhir+json")]
    catalog_sync.body = b'{"resourceType":"OperationOutcome","issue":[]}'
    answer = await door.call("GET", f"{BASE}/fhir/CodeSystem/none")
    assert (answer.status_code, answer.content) == (404, catalog_sync.body)
    assert answer.headers["content-type"] == "application/fhir+json"
