"""The catalogue as facts: all that is usable is read once, every broken row is listed, nobody is named."""

import copy
import json

import pytest

from catalog_sync.domain.reading import Kind
from catalog_sync.source.national_catalogue import interpret, read
from contracts import CareOfferingUpdated, CareUnitUpdated
from demo import fhir_shapes as shapes
from demo import national_catalogue as simulated

ISSUER = "5561234567"


def rejected(reading) -> dict[str, str]:
    return {row.resource: row.reason for row in reading.rejected}


async def test_every_usable_row_is_read_once_and_exactly_the_broken_ones_are_rejected(catalogue, sweden):
    reading = await read(catalogue)
    assert set(rejected(reading)) == {f"{row.kind}/{row.id}" for row in simulated.BROKEN}
    units = [fact.key for fact in reading.facts if fact.kind is Kind.UNIT]
    offerings = [fact.key for fact in reading.facts if fact.kind is Kind.OFFERING]
    assert sorted(units) == sorted(unit.hsa_id for unit in sweden.units)
    assert sorted(offerings) == sorted(f"{one.unit}|{one.care_service.key}" for one in sweden.offerings)
    for fact in reading.facts:
        kind = CareUnitUpdated if fact.kind is Kind.UNIT else CareOfferingUpdated
        assert kind.model_validate({**fact.content, "version": 1}).key() == fact.key


async def test_reasons_say_what_is_wrong_and_repeat_no_number(catalogue):
    reasons = rejected(await read(catalogue))
    expected = {
        "Organization/ve-X900001": "check digit",
        "Organization/ve-X900002": "points to nothing",
        "Location/pl-X900003": "outside Sweden",
        "Organization/ve-X900004": "name: is missing",
        "HealthcareService/tj-X900005": "no code in a code system that we know",
        "Organization/ve-X900006": "holds a personal number",
    }
    for resource, words in expected.items():
        assert words in reasons[resource]
        assert "1212121212" not in reasons[resource]


async def test_a_sole_traders_number_is_nowhere_in_what_is_read(catalogue, sweden):
    sole = [provider for provider in sweden.care_providers if provider.sole_trader]
    assert sole
    reading = await read(catalogue)
    told = repr(reading.facts) + repr(reading.rejected)
    for provider in sole:
        number = provider.identity_number
        assert provider.hsa_id in told
        assert number not in told
        assert f"{number[:6]}-{number[6:]}" not in told


def test_both_oids_of_the_hsa_id_are_read(small):
    systems = {row["system"] for one in small[0] for row in one["identifier"]}
    assert {shapes.HSA_ID, shapes.HSA_ID_OTHER} <= systems
    reading = interpret(*small)
    assert reading.rejected == []
    assert [fact.key for fact in reading.facts] == [
        f"SE{ISSUER}-A1",
        f"SE{ISSUER}-A2",
        f"SE{ISSUER}-A1|kva|CJE20",
        f"SE{ISSUER}-A2|kva|CJE20",
    ]
    assert reading.facts[1].content["part_of"] == f"SE{ISSUER}-A1"
    assert reading.facts[1].content["care_provider"]["organisation_number"] == ISSUER


@pytest.mark.parametrize(("lat", "lon"), [(18.0, 59.3), (95.0, 18.0), (0.0, 0.0), (59.3, -18.0), (float("nan"), 18.0)])
def test_coordinates_outside_sweden_are_rejected_and_another_place_of_the_unit_is_taken(small, lat, lon):
    organisations, places, services = small
    wrong = {**places[0], "id": "pl-9", "position": {"latitude": lat, "longitude": lon}}
    for order in ([wrong, *places], [*places, wrong]):
        reading = interpret(organisations, order, services)
        assert list(rejected(reading)) == ["Location/pl-9"]
        assert len(reading.facts) == 4
    reading = interpret(organisations, [wrong, places[1]], services)
    assert set(rejected(reading)) == {"Location/pl-9", "Organization/ve-1", "HealthcareService/tj-1"}


def test_units_that_belong_to_each_other_in_a_ring_are_rejected(small):
    organisations, places, services = small
    organisations[1]["partOf"] = {"reference": "Organization/ve-2"}
    reading = interpret(organisations, places, services)
    assert {"Organization/ve-1", "Organization/ve-2"} <= set(rejected(reading))
    assert "leads back to itself" in rejected(reading)["Organization/ve-1"]
    assert reading.facts == []


ODD = (None, [], {}, "x", 7, [None], [7], ["x"], [{}], {"reference": None}, {"coding": None}, [{"coding": [None]}])
FIELDS = (
    "identifier",
    "type",
    "name",
    "telecom",
    "partOf",
    "active",
    "meta",
    "id",
    "extension",
    "address",
    "contained",
)
PLACED = ("position", "managingOrganization", "providedBy", "eligibility", "comment")


@pytest.mark.parametrize("field", FIELDS + PLACED)
def test_a_field_of_another_shape_spoils_its_own_row_and_no_other(small, field):
    spared = {f"SE{ISSUER}-A1", f"SE{ISSUER}-A1|kva|CJE20"}
    for odd in ODD:
        organisations, places, services = copy.deepcopy(small)
        for row in (organisations[2], places[1], services[1]):
            row[field] = odd
        reading = interpret(organisations, places, services)
        assert spared <= {fact.key for fact in reading.facts}, f"{field} = {odd!r}"
        json.dumps([row.reason for row in reading.rejected])


def test_a_personal_number_in_any_text_of_a_row_has_it_rejected_and_is_not_repeated(small):
    person = "19121212-1212"
    telecom = [{"system": "phone", "value": person}]
    cases = [(0, 2, "name", f"Dr {person}"), (0, 2, "telecom", telecom), (2, 1, "comment", f"Se {person}")]
    for kind, row, field, value in cases:
        spoilt = copy.deepcopy(small)
        spoilt[kind][row][field] = value
        reading = interpret(*spoilt)
        assert "personal number" in reading.rejected[0].reason
        assert person not in repr(reading)
    organisations, places, services = copy.deepcopy(small)
    places[1]["address"]["line"] = [f"c/o {person}"]
    assert person not in repr(interpret(organisations, places, services))
    organisations, places, services = copy.deepcopy(small)
    organisations[2] |= {"id": "ve-121212-1212", "name": ""}
    assert "1212-1212" not in repr(interpret(organisations, places, services))
