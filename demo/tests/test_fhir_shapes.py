"""Every resource of the simulated catalogue has FHIR R4's shape; what is planted as broken breaks one rule each."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from demo.broken_rows import BROKEN
from demo.catalogue_store import KINDS, catalogue_of
from demo.fhir_shapes import HSA_ID, HSA_ID_OTHER
from demo.sweden import Sweden

Resource = dict[str, Any]
Index = dict[str, Resource]
"""Every resource by its reference, for example `Organization/ve-D100001`."""

DOMAIN_RESOURCE = {"resourceType", "id", "meta", "extension", "contained"}
ELEMENTS = {
    "Organization": {"identifier", "active", "type", "name", "telecom", "partOf"},
    "Location": {"status", "name", "address", "position", "managingOrganization"},
    "HealthcareService": {"active", "providedBy", "type", "comment", "telecom", "eligibility"},
    "OrganizationAffiliation": {
        "active",
        "period",
        "organization",
        "participatingOrganization",
        "healthcareService",
        "code",
    },
}
"""The elements of R4 that the catalogue uses; anything else is a misspelling."""
OWNER = {"Organization": "partOf", "Location": "managingOrganization", "HealthcareService": "providedBy"}
OWNER["OrganizationAffiliation"] = "participatingOrganization"


@pytest.fixture(scope="module")
def index(sweden: Sweden) -> Index:
    resources = catalogue_of(sweden).resources
    assert tuple(resources) == KINDS
    return {f"{kind}/{identity}": one for kind in KINDS for identity, one in resources[kind].items()}


def parts(value: Any) -> Iterator[Any]:
    """The value and everything inside it."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


def has_an_id_of_its_type(where: str, one: Resource, _: Index) -> bool:
    return where == f"{one['resourceType']}/{one['id']}" and bool(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", one["id"]))


def tells_when_it_changed(_: str, one: Resource, __: Index) -> bool:
    written = one["meta"]["lastUpdated"]
    moment = datetime.fromisoformat(written)
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", written)) and moment < datetime(
        2026, 3, 15, tzinfo=UTC
    )


def uses_known_elements(_: str, one: Resource, __: Index) -> bool:
    return set(one) <= DOMAIN_RESOURCE | ELEMENTS[one["resourceType"]]


def holds_nothing_empty(_: str, one: Resource, __: Index) -> bool:
    return not any(part is None or part in ("", [], {}) for part in parts(one) if part is not False)


def is_json(_: str, one: Resource, __: Index) -> bool:
    return bool(json.loads(json.dumps(one, allow_nan=False)) == one)


def has_one_value_in_each_extension(_: str, one: Resource, __: Index) -> bool:
    extensions = [row for part in parts(one) if isinstance(part, dict) for row in part.get("extension", ())]
    return all(len(row) == 2 and any(name.startswith("value") for name in row) for row in extensions) and all(
        row["url"].startswith(("http://", "https://")) for row in extensions
    )


def has_whole_codings(_: str, one: Resource, __: Index) -> bool:
    codings = [row for part in parts(one) if isinstance(part, dict) for row in part.get("coding", ())]
    return all(
        re.match(r"(https?://|urn:oid:)", row["system"]) and re.fullmatch(r"\S+( \S+)*", row["code"]) for row in codings
    )


def is_reached_in_ways_fhir_knows(_: str, one: Resource, __: Index) -> bool:
    return all(row["system"] in {"phone", "email", "url"} and row["value"] for row in one.get("telecom", ()))


def has_what_its_type_requires(_: str, one: Resource, __: Index) -> bool:
    match one["resourceType"]:
        case "Organization":
            hsa = [row for row in one["identifier"] if row["system"] in {HSA_ID, HSA_ID_OTHER}]
            return isinstance(one["active"], bool) and len(hsa) == 1 and len(one["type"]) == 1
        case "Location":
            return one["status"] in {"active", "suspended", "inactive"} and bool(one["address"]["postalCode"])
        case "OrganizationAffiliation":
            return isinstance(one["active"], bool) and bool(one["healthcareService"]) and len(one["code"]) == 1
        case _:
            means = [row for row in one.get("extension", ()) if row["url"].endswith("encounter-means-extension")]
            return isinstance(one["active"], bool) and len(one["type"]) == 1 and len(means) == 1


def has_a_name(_: str, one: Resource, __: Index) -> bool:
    return one["resourceType"] in {"HealthcareService", "OrganizationAffiliation"} or bool(one.get("name"))


def lies_on_earth(_: str, one: Resource, __: Index) -> bool:
    point = one.get("position")
    return point is None or (abs(point["latitude"]) <= 90 and abs(point["longitude"]) <= 180)


def ends_after_it_starts(_: str, one: Resource, __: Index) -> bool:
    periods = [part["valuePeriod"] for part in parts(one) if isinstance(part, dict) and "valuePeriod" in part]
    return all(date.fromisoformat(row["start"]) <= date.fromisoformat(row.get("end", "9999-12-31")) for row in periods)


def refers_to_what_exists(_: str, one: Resource, index: Index) -> bool:
    references = [part["reference"] for part in parts(one) if isinstance(part, dict) and "reference" in part]
    inside = {f"#{part['id']}" for part in one.get("contained", ())}
    return all(reference in index or reference in inside for reference in references)


def leads_to_a_care_provider(_: str, one: Resource, index: Index) -> bool:
    """Up from anything, without a circle, stands an organisation that is part of no other."""
    seen: set[str] = set()
    up: Resource | None = one
    while up is not None and (owner := up.get(OWNER[up["resourceType"]])) is not None:
        if owner["reference"] in seen:
            return False
        seen.add(owner["reference"])
        up = index.get(owner["reference"])
    return up is not None and up["resourceType"] == "Organization" and up["id"].startswith("vg-")


RULES: dict[Callable[[str, Resource, Index], bool], list[str]] = {
    has_an_id_of_its_type: [],
    tells_when_it_changed: [],
    uses_known_elements: [],
    holds_nothing_empty: [],
    is_json: [],
    has_one_value_in_each_extension: [],
    has_whole_codings: [],
    is_reached_in_ways_fhir_knows: [],
    has_what_its_type_requires: ["tj-X900005"],
    ends_after_it_starts: [],
    has_a_name: ["ve-X900004"],
    lies_on_earth: ["pl-X900003"],
    refers_to_what_exists: ["ve-X900002"],
    leads_to_a_care_provider: ["ve-X900002"],
}
"""Each rule, and the planted rows that break it."""


@pytest.mark.parametrize(("rule", "broken"), RULES.items(), ids=[rule.__name__ for rule in RULES])
def test_every_resource_follows_the_rule_except_the_rows_planted_against_it(
    index: Index, rule: Callable[[str, Resource, Index], bool], broken: list[str]
) -> None:
    assert [one["id"] for where, one in index.items() if not rule(where, one, index)] == broken
    assert set(broken) <= {row.id for row in BROKEN}


def test_no_two_organizations_carry_the_same_hsa_id(index: Index) -> None:
    values = Counter(
        row["value"]
        for one in index.values()
        for row in one.get("identifier", ())
        if row["system"] in {HSA_ID, HSA_ID_OTHER}
    )
    assert [value for value, times in values.items() if times > 1] == []


def test_every_unit_has_one_place_and_only_sound_units_have_one(index: Index) -> None:
    places = Counter(
        one["managingOrganization"]["reference"]
        for one in index.values()
        if one["resourceType"] == "Location" and one["id"] != "pl-X900003"
    )
    units = {where for where in index if where.startswith("Organization/ve-") and "-X9" not in where}
    assert set(places) == units
    assert set(places.values()) == {1}
