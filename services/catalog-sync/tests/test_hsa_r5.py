"""HSA's R5 guide: other shapes, the same facts; only what may be shown to the public, and nothing without an end."""

import copy
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from catalog_sync.domain.left_out import Rule
from catalog_sync.domain.reading import Kind
from catalog_sync.source import geography, hsa_r5
from contracts import CareOfferingUpdated, CareUnitUpdated

HSA_IG = "https://hsa.inera.se/fhir"
PUBLIC = {"security": [{"system": "urn:oid:1.2.752.29.23.1.11", "code": "03"}]}


def kinds(*said: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [{"coding": [{"system": system, "code": code, "display": text}]} for system, code, text in said]


def phone(number: str, kind: str) -> dict[str, Any]:
    mark = {"url": f"{HSA_IG}/StructureDefinition/hsa-telecom-type", "valueCoding": {"code": kind}}
    return {"extension": [mark], "system": "phone" if "@" not in number else "email", "value": number}


@pytest.fixture(scope="module")
def places():
    return geography.look(Path(str(files("demo") / "data"))).places


@pytest.fixture
def rows() -> dict[str, dict[str, Any]]:
    """A region, its clinic, the clinic's place and its service, of the guide's shape."""
    object_class, ownership = f"{HSA_IG}/CodeSystem/hsa-object-class", "urn:oid:1.2.752.129.2.2.1.14"
    numbers = [{"system": "urn:oid:1.2.752.29.4.19", "value": "SE2321000081-D0001"}]
    provider = {
        "resourceType": "Organization",
        "id": "vg",
        "meta": PUBLIC,
        "identifier": [*numbers, {"system": "urn:oid:2.5.4.97", "value": "2321000081"}],
        "active": True,
        "type": kinds((object_class, "healthcare-provider", ""), (ownership, "01", "Landsting/region")),
        "name": "Region Blekinge",
    }
    unit = {
        "resourceType": "Organization",
        "id": "ve",
        "meta": PUBLIC,
        "identifier": [{"system": "urn:oid:1.2.752.29.4.19", "value": "SE2321000081-D0002"}],
        "active": True,
        "type": kinds((object_class, "healthcare-unit", "Vårdenhet")),
        "name": "Ögonmottagningen",
        "contact": [{"telecom": [phone("0980-319 200", "direct-phone"), phone("red@x.example", "directory-contact")]}],
        "partOf": {"reference": "Organization/vg"},
    }
    place = {
        "resourceType": "Location",
        "id": "pl",
        "meta": PUBLIC,
        "status": "active",
        "mode": "instance",
        "address": {"type": "physical", "text": "Järnvägsgatan 14", "city": "Ronneby"},
        "position": {"latitude": 6229545, "longitude": 517319},
        "managingOrganization": {"reference": "Organization/ve"},
    }
    service = {
        "resourceType": "HealthcareService",
        "id": "tj",
        "meta": PUBLIC,
        "active": True,
        "providedBy": {"reference": "Organization/ve"},
        "category": kinds(("urn:oid:1.2.752.129.2.2.1.3", "1101", "x"), ("urn:oid:1.2.752.129.2.2.1.3", "1126", "y")),
        "type": kinds(("urn:oid:1.2.752.129.2.2.1.13", "01", "Öppen vård")),
        "location": [{"reference": "Location/pl"}],
        "comment": "Planerade besök kräver remiss.",
        "contact": [{"telecom": [phone("0980-319 201", "direct-phone")]}],
        "availability": [{"availableTime": [{"daysOfWeek": ["mon"], "availableStartTime": "08:00:00"}]}],
    }
    return {"vg": provider, "ve": unit, "pl": place, "tj": service}


def read(rows, places=hsa_r5.NOWHERE):
    return hsa_r5.interpret([rows["vg"], rows["ve"]], [rows["pl"]], [rows["tj"]], places=places)


def test_unit_place_and_services_become_the_same_facts_as_the_national_catalogues(rows, places):
    reading = read(rows, places)
    assert (reading.rejected, reading.left_out) == ([], [])
    unit, *offerings = reading.facts
    told = CareUnitUpdated.model_validate({**unit.content, "version": 1})
    assert (told.hsa_id, told.ownership, told.part_of) == ("SE2321000081-D0002", "region", None)
    assert told.care_provider.organisation_number == "2321000081"
    assert (told.place.street, told.place.municipality, told.place.region) == ("Järnvägsgatan 14", "1081", "10")
    assert (str(told.place.point.lat)[:5], str(told.place.point.lon)[:5]) == ("56.21", "15.27")
    assert [one.value for one in told.contacts] == ["0980-319 200"], "whoever edits the entry is no contact"
    assert [fact.key for fact in offerings] == [
        "SE2321000081-D0002|hsa-verksamhetskod|1101",
        "SE2321000081-D0002|hsa-verksamhetskod|1126",
    ]
    offered = CareOfferingUpdated.model_validate({**offerings[0].content, "version": 1})
    assert (offered.encounter_means, offered.referral_guidance) == (("physical",), "Planerade besök kräver remiss.")
    assert [one.value for one in offered.contacts] == ["0980-319 201"]
    assert {one.words for one in reading.noted} == {
        "municipality: was missing, found by its locality",
        "position: SWEREF 99 TM, converted to WGS 84",
    }


@pytest.mark.parametrize("row", ["ve", "pl", "tj"])
@pytest.mark.parametrize("security", [[], [{"system": "urn:oid:1.2.752.29.23.1.11", "code": "02"}]])
def test_what_may_not_be_shown_to_the_public_is_left_out(rows, places, row, security):
    rows[row]["meta"] = {"security": security}
    reading = read(rows, places)
    assert reading.left_out[0] == (f"{rows[row]['resourceType']}/{row}", Rule.NOT_PUBLIC)
    gone = {"ve": {Kind.UNIT, Kind.OFFERING}, "pl": {Kind.UNIT, Kind.OFFERING}, "tj": {Kind.OFFERING}}[row]
    assert {fact.kind for fact in reading.facts} == {Kind.UNIT, Kind.OFFERING} - gone


def test_an_archived_or_hidden_unit_is_closed_or_where_nothing_is_left_of_it_ends(rows, places):
    rows["ve"]["active"] = False
    assert read(rows, places).facts[0].content["status"] == "closed"
    rows["ve"]["meta"] = {}
    bare = hsa_r5.interpret([rows["vg"], rows["ve"]], [], [], places=places)
    assert (bare.facts, bare.left_out) == ([], [("Organization/ve", Rule.BARE)])


def test_temporary_information_without_an_end_is_noted_and_the_row_is_used(rows, places):
    notice = {"url": f"{HSA_IG}/StructureDefinition/hsa-temporary-notice", "valueString": "Vi bygger om."}
    ends = {"url": "http://hl7.org/fhir/StructureDefinition/organization-period", "valuePeriod": {"end": "2999-01-01"}}
    for extension, words in (([notice], "has no end; not used"), ([notice, ends], "read and not used")):
        changed = copy.deepcopy(rows)
        changed["ve"]["extension"] = extension
        reading = read(changed, places)
        assert f"temporary information: {words}" in {one.words for one in reading.noted}
        assert len(reading.facts) == 3


def test_a_personal_number_in_temporary_information_has_the_row_rejected(rows, places):
    notice = {"url": f"{HSA_IG}/StructureDefinition/hsa-temporary-notice", "valueString": "Fråga 19121212-1212"}
    rows["tj"]["extension"] = [notice]
    reading = read(rows, places)
    assert [row.reason for row in reading.rejected] == ["temporary information: holds something like a personal number"]


def test_without_geography_the_place_has_no_municipality_and_the_unit_is_named_as_unusable(rows):
    reading = read(rows)
    assert ("Location/pl", "municipality: is missing") in [(row.resource, row.reason) for row in reading.rejected]
    assert reading.facts == []
