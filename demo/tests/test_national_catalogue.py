"""The simulated catalogue pages through everything once, labels it synthetic, and is wrong exactly where it says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from demo.catalogue_store import catalogue_of
from demo.national_catalogue import BROKEN, LEFT_OUT, app
from demo.sweden import Sweden
from rules import identifiers

KINDS = ("Organization", "Location", "HealthcareService", "OrganizationAffiliation")
HSA_SYSTEMS = {"urn:oid:1.2.752.29.4.19", "urn:oid:1.2.752.129.2.1.4.1"}


@pytest.fixture(scope="session")
async def client(sweden: Sweden) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app(sweden)), base_url="http://katalog.test") as found:
        yield found


async def everything(client: httpx.AsyncClient, kind: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    url: str | None = f"/fhir/{kind}{query}"
    while url is not None:
        answer = await client.get(url)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/fhir+json"
        bundle = answer.json()
        found += [entry["resource"] for entry in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        url = links.get("next")
        assert links["self"].startswith("http://katalog.test/fhir/")
        assert bundle["total"] >= len(found)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", ["", "?_count=37"])
async def test_paging_shows_every_resource_exactly_once(
    client: httpx.AsyncClient, sweden: Sweden, kind: str, count: str
) -> None:
    broken = sum(row.kind == kind for row in BROKEN)
    expected = {
        "Organization": len(sweden.care_providers) + len(sweden.units) + len(LEFT_OUT) + 1,
        "Location": len(sweden.units) + len(LEFT_OUT),
        "HealthcareService": len(sweden.offerings),
        "OrganizationAffiliation": len(catalogue_of(sweden).resources["OrganizationAffiliation"]),
    }
    ids = [one["id"] for one in await everything(client, kind, count)]
    assert len(ids) == len(set(ids)) == expected[kind] + broken


@pytest.mark.parametrize("kind", KINDS)
async def test_every_resource_is_tagged_synthetic(client: httpx.AsyncClient, kind: str) -> None:
    for one in await everything(client, kind):
        assert one["resourceType"] == kind
        assert one["meta"]["tag"][0]["code"] == "synthetic"


async def test_only_what_changed_since_a_moment_is_shown(client: httpx.AsyncClient) -> None:
    later = await everything(client, "Location", "?_lastUpdated=ge2026-01-01T00:00:00%2B01:00&_count=20")
    whole = await everything(client, "Location")
    wanted = {one["id"] for one in whole if one["meta"]["lastUpdated"] >= "2025-12-31T23:00:00"}
    assert 0 < len(wanted) < len(whole)
    assert {one["id"] for one in later} == wanted


async def test_references_lead_somewhere_except_in_the_broken_rows(client: httpx.AsyncClient) -> None:
    organizations = {f"Organization/{one['id']}" for one in await everything(client, "Organization")}
    names = {"Organization": "partOf", "Location": "managingOrganization", "HealthcareService": "providedBy"}
    lost = [
        one["id"]
        for kind, name in names.items()
        for one in await everything(client, kind)
        if name in one and one[name]["reference"] not in organizations
    ]
    assert lost == ["ve-X900002"]


async def test_every_organization_is_valid_except_the_broken_rows(client: httpx.AsyncClient) -> None:
    wrong = []
    systems = set()
    for one in await everything(client, "Organization"):
        ids = [row for row in one["identifier"] if row["system"] in HSA_SYSTEMS]
        systems |= {row["system"] for row in ids}
        try:
            identifiers.hsa_id(ids[0]["value"])
            for row in one["identifier"]:
                if row["system"] == "urn:oid:2.5.4.97":
                    identifiers.provider_number(row["value"])
            assert one["name"]
        except (ValueError, KeyError):
            wrong.append(one["id"])
    assert sorted(wrong) == ["ve-X900001", "ve-X900004", "ve-X900006"]
    assert systems == HSA_SYSTEMS


async def test_there_is_one_broken_place_and_one_broken_service(client: httpx.AsyncClient) -> None:
    places = [one["id"] for one in await everything(client, "Location") if one["position"]["latitude"] > 90]
    services = [
        one["id"]
        for one in await everything(client, "HealthcareService")
        if one["type"][0]["coding"][0]["system"].startswith("https://okand.")
    ]
    assert (places, services) == (["pl-X900003"], ["tj-X900005"])
    assert len(BROKEN) == 6


async def test_no_agreement_or_wait_refers_to_a_broken_row(sweden: Sweden) -> None:
    assert "-X9" not in repr([agreement.body for agreement in sweden.agreements]) + repr(sweden.waits)


async def test_closed_units_are_shown_as_not_active(client: httpx.AsyncClient, sweden: Sweden) -> None:
    shown = {one["id"] for one in await everything(client, "Organization") if not one["active"]}
    assert shown == {f"ve-{unit.suffix}" for unit in sweden.units if not unit.active}
    assert len(shown) == 5


async def test_a_sole_trader_is_seen_by_its_personal_number_here_only(client: httpx.AsyncClient) -> None:
    numbers = [
        row["value"].replace("-", "")
        for one in await everything(client, "Organization")
        for row in one["identifier"]
        if row["system"] == "urn:oid:2.5.4.97"
    ]
    assert sum(identifiers.is_personal_number(number) for number in numbers) == 3


async def test_a_resource_that_has_not_changed_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/fhir/Organization/ve-D100001")
    again = await client.get("/fhir/Organization/ve-D100001", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize("query", ["_lastUpdated=2026", "_lastUpdated=gex", "_page=x", "_page=WzFd"])
async def test_an_unreadable_search_is_refused_in_words(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/fhir/Location?{query}")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_the_server_tells_what_it_can_do(client: httpx.AsyncClient) -> None:
    statement = (await client.get("/fhir/metadata")).json()
    assert statement["fhirVersion"] == "4.0.1"
    assert [row["type"] for row in statement["rest"][0]["resource"]] == list(KINDS)
    assert (await client.get("/fhir/Patient")).status_code == 404


async def test_every_third_search_fails_when_asked_to(sweden: Sweden) -> None:
    transport = httpx.ASGITransport(app(sweden, fail_every=3))
    async with httpx.AsyncClient(transport=transport, base_url="http://katalog.test") as client:
        answers = [await client.get("/fhir/Location?_count=1") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 503]
    assert answers[2].headers["retry-after"] == "0"


async def test_a_change_shows_in_the_next_search(sweden: Sweden) -> None:
    server = app(sweden)
    catalogue = server.state.catalogue
    unit = catalogue.resources["Organization"]["ve-D100001"]
    catalogue.put(unit | {"active": False}, datetime(2030, 1, 1, tzinfo=UTC))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://katalog.test") as client:
        changed = await everything(client, "Organization", "?_lastUpdated=ge2029-12-31")
    assert [(one["id"], one["active"]) for one in changed] == [("ve-D100001", False)]


async def test_an_assignment_tells_which_region_has_whom_perform_what(
    client: httpx.AsyncClient, sweden: Sweden
) -> None:
    organizations = {f"Organization/{one['id']}": one for one in await everything(client, "Organization")}
    services = {f"HealthcareService/{one['id']}" for one in await everything(client, "HealthcareService")}
    assignments = await everything(client, "OrganizationAffiliation")
    regions = {one.name for one in sweden.care_providers if one.ownership == "region"}
    assert {organizations[one["organization"]["reference"]]["name"] for one in assignments} == regions
    for one in assignments:
        assert one["participatingOrganization"] != one["organization"]
        assert {row["reference"] for row in one["healthcareService"]} <= services
        assert one["period"]["start"]
