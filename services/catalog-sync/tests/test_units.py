"""What an organisation of the national catalogue becomes: a care unit with all that is given, or left out by rule."""

from datetime import date
from typing import Any

import pytest

from catalog_sync.domain.left_out import LeftOut, Rule
from catalog_sync.domain.reading import Kind
from catalog_sync.source import national_catalogue as catalogue
from catalog_sync.source.interpreting import interpret
from contracts import CareUnitUpdated
from demo import fhir_shapes as shapes
from rules.regions import REGIONS

OWN = f"{shapes.OWN}/fhir/StructureDefinition"
OWNERSHIP = f"{shapes.GUIDE}/StructureDefinition/sendi-organization-ownership-extension"
LEGAL_FORM = f"{shapes.GUIDE}/StructureDefinition/sendi-organization-legal-form-extension"
PERIOD = "http://hl7.org/fhir/StructureDefinition/organization-period"
PLACE = {"street": None, "postal_code": None, "locality": None, "municipality": "0180", "region": "01", "point": None}


@pytest.fixture
def unit_of(small):
    """`unit_of(row, provider=…)`: the message of the small catalogue's clinic with some fields changed."""
    (provider, hospital, clinic), _, _ = small

    def make(row: dict[str, Any] | None = None, provider_row: dict[str, Any] | None = None, tell=lambda _: None):
        changed = provider | (provider_row or {})
        index = {f"Organization/{one['id']}": one for one in (changed, hospital, clinic)}
        content = catalogue.unit(clinic | (row or {}), index, PLACE, tell)
        assert content is not None
        return CareUnitUpdated.model_validate({**content, "version": 1})

    return make


def owned(code: str) -> dict[str, Any]:
    return {"extension": [{"url": OWNERSHIP, "valueCoding": {"code": code}}]}


def business(*codings: tuple[str, str, str], field: str = "category") -> dict[str, Any]:
    said = [{"coding": [{"system": system, "code": code, "display": text}]} for system, code, text in codings]
    return {"contained": [{"resourceType": "HealthcareService", "id": "v", field: said}]}


HSA = "urn:oid:1.2.752.129.2.2.1.3"
MVO = "https://vardformedling.example/fhir/CodeSystem/mvo"
FORM = "urn:oid:1.2.752.129.2.2.1.13"


@pytest.mark.parametrize(
    ("code", "ownership"), [("30", "region"), ("4", "private"), ("41", "private"), ("42", "private"), ("50", "private")]
)
def test_scbs_codes_of_ownership_are_read(unit_of, code, ownership):
    assert unit_of(provider_row=owned(code)).ownership == ownership


@pytest.mark.parametrize(("code", "text", "ownership"), [("01", "Landsting/region", "region"), ("05", "", "private")])
def test_hsas_codes_of_ownership_are_read(unit_of, code, text, ownership):
    coding = {"system": "urn:oid:1.2.752.129.2.2.1.14", "code": code, "display": text}
    row = {"type": [shapes.coded(shapes.SNOMED, shapes.CARE_UNIT, ""), {"coding": [coding]}]}
    assert unit_of(row).ownership == ownership


def test_a_units_own_ownership_goes_before_its_providers_and_legal_form_stands_in(unit_of):
    assert unit_of(owned("30"), owned("41")).ownership == "region"
    legal = {"extension": [{"url": LEGAL_FORM, "valueCoding": {"code": "84"}}]}
    assert unit_of(provider_row=legal).ownership == "region"
    assert unit_of().ownership is None


def test_care_forms_and_specialties_are_those_of_the_business_it_contains(unit_of):
    said = business((HSA, "1126", "Kardiologi"), (MVO, "65", "Ögon"), (HSA, "1126", "Kardiologi"))
    said["contained"][0]["type"] = [{"coding": [{"system": FORM, "code": code} for code in ("02", "01", "03")]}]
    unit = unit_of(said)
    assert [code.key for code in unit.specialties] == ["hsa-verksamhetskod|1126", "mvo|65"]
    assert unit.care_forms == ("outpatient", "inpatient")


def test_staff_beds_and_days_are_read_as_far_as_given(unit_of):
    rows = [
        {"url": f"{OWN}/staff-category", "valueCoding": {"code": "x", "display": "Läkare"}},
        {"url": f"{OWN}/staff-category", "valueString": "Ortoptist"},
        {"url": f"{OWN}/inpatient-beds", "valueInteger": 12},
        {"url": PERIOD, "valuePeriod": {"start": "2019-05-01"}},
    ]
    unit = unit_of({"extension": rows})
    assert (unit.staff_categories, unit.beds, unit.opened_on) == (("Läkare", "Ortoptist"), 12, date(2019, 5, 1))
    told: list[str] = []
    assert unit_of({"extension": [{"url": f"{OWN}/inpatient-beds", "valueInteger": -1}]}, tell=told.append).beds is None
    assert told == ["inpatient beds: must be a whole number; left out"]


@pytest.mark.parametrize(
    ("row", "status", "closed"),
    [
        ({"active": False}, "closed", None),
        (
            {"active": False, "extension": [{"url": PERIOD, "valuePeriod": {"end": "2024-12-31"}}]},
            "closed",
            "2024-12-31",
        ),
        ({"extension": [{"url": PERIOD, "valuePeriod": {"end": "2024-12-31"}}]}, "closed", "2024-12-31"),
        ({"extension": [{"url": PERIOD, "valuePeriod": {"start": "2001-01-01", "end": "2999-12-31"}}]}, "active", None),
        (
            {"extension": [{"url": "x/sendi-organization-active-status-extension", "valueBoolean": False}]},
            "closed",
            None,
        ),
    ],
)
def test_a_unit_is_closed_when_the_source_says_so_or_its_last_day_has_passed(unit_of, row, status, closed):
    unit = unit_of(row)
    assert (unit.status, unit.closed_on and unit.closed_on.isoformat()) == (status, closed)


def test_a_closed_unit_says_who_took_its_place(unit_of, small):
    replaced = [{"url": f"{OWN}/replaced-by", "valueReference": {"reference": "Organization/ve-1"}}]
    assert unit_of({"active": False, "extension": replaced}).merged_into == "SE5561234567-A1"
    assert unit_of({"extension": replaced}).merged_into is None, "an active one has been replaced by nobody"
    named = {"url": f"{OWN}/replaced-by", "valueIdentifier": {"system": shapes.HSA_ID, "value": "se5561234567-b7"}}
    assert unit_of({"active": False, "extension": [named]}).merged_into == "SE5561234567-B7"
    told: list[str] = []
    nobody = [{"url": f"{OWN}/replaced-by", "valueReference": {"reference": "Organization/ve-9"}}]
    assert unit_of({"active": False, "extension": nobody}, tell=told.append).merged_into is None
    assert told == ["replaced-by: points to nothing in the catalogue; left out"]
    itself = [{"url": f"{OWN}/replaced-by", "valueReference": {"reference": "Organization/ve-2"}}]
    with pytest.raises(ValueError, match="said to replace itself"):
        unit_of({"active": False, "extension": itself})


def test_half_a_date_is_no_date(unit_of):
    with pytest.raises(ValueError, match="period: must be whole dates"):
        unit_of({"extension": [{"url": PERIOD, "valuePeriod": {"start": "2019"}}]})


@pytest.mark.parametrize("written", ["556123-4568", "5561234568", "12345", "x"])
def test_a_care_providers_wrong_number_is_left_out_and_noted_and_the_unit_stays(unit_of, written):
    told: list[str] = []
    row = {"identifier": [{"system": shapes.HSA_ID, "value": "SE5561234567-0001"}]}
    row["identifier"].append({"system": shapes.ORGANISATION_NUMBER, "value": written})
    assert unit_of(provider_row=row, tell=told.append).care_provider.organisation_number is None
    assert len(told) == 1
    assert told[0].startswith("organisation number: ")
    assert written not in told[0]


LEFT_OUT = [
    (owned("20"), {}, Rule.MUNICIPAL),
    (owned("10"), {}, Rule.STATE),
    ({"extension": [{"url": LEGAL_FORM, "valueCoding": {"code": "82"}}]}, {}, Rule.MUNICIPAL),
    ({}, business((MVO, "97", "Skolhälsovård")), Rule.SCHOOL),
    ({}, business((MVO, "9699", "")), Rule.OCCUPATIONAL),
    ({}, business((HSA, "9999", "Elevhälsa, medicinsk insats")), Rule.SCHOOL),
    ({}, business((HSA, "9999", "Företagshälsovård")), Rule.OCCUPATIONAL),
    ({}, business((HSA, "9999", "Ambulansverksamhet")), Rule.AMBULANCE),
    ({}, business((HSA, "9999", "Kommunal hälso- och sjukvård")), Rule.MUNICIPAL),
]


@pytest.mark.parametrize(("provider_row", "row", "rule"), LEFT_OUT)
def test_care_that_no_region_may_broker_is_left_out_by_rule(unit_of, provider_row, row, rule):
    with pytest.raises(LeftOut) as raised:
        unit_of(row, provider_row)
    assert raised.value.rule is rule


def test_a_left_out_unit_is_counted_with_its_rule_and_so_is_what_it_offers_and_neither_is_a_fault(small):
    organisations, found, services = small
    organisations[2] |= business((MVO, "97", "Skolhälsovård"))
    reading = catalogue.interpret(organisations, found, services)
    assert reading.left_out == [("Organization/ve-2", Rule.SCHOOL), ("HealthcareService/tj-2", Rule.SCHOOL)]
    assert reading.rejected == []
    assert len(reading.facts) == 2


def test_a_unit_with_other_business_too_is_kept_and_a_name_alone_leaves_nothing_out(unit_of):
    said = business((MVO, "9699", "Företagshälsovård"), (MVO, "24", "Ortopedi"))
    assert unit_of(said).status == "active"
    assert unit_of({"name": "Kliniken på Ambulansgatan"}).status == "active"


def test_gotland_is_a_municipality_and_a_region_and_its_hospital_counts(unit_of):
    number = REGIONS["09"].organisation_number
    row = owned("20") | {"identifier": [{"system": shapes.HSA_ID, "value": f"SE{number}-G1"}]}
    row["identifier"].append({"system": shapes.ORGANISATION_NUMBER, "value": number})
    assert unit_of(provider_row=row).ownership == "municipality"


def test_a_closed_unit_with_nothing_left_but_its_name_is_left_out_so_that_the_known_one_ends(small):
    (provider, hospital, clinic), _, _ = small
    index = {f"Organization/{one['id']}": one for one in (provider, hospital, clinic)}
    with pytest.raises(LeftOut, match="nothing left but its name"):
        catalogue.unit(clinic | {"active": False}, index, None)


def test_an_assignment_is_read_and_left_to_the_agreements(small):
    organisations, found, services = small
    good = {"resourceType": "OrganizationAffiliation", "id": "u-1"}
    good |= {"organization": {"reference": "Organization/vg-1"}}
    good |= {"participatingOrganization": {"reference": "Organization/ve-1"}}
    bad = good | {"id": "u-2", "organization": {"reference": "Organization/vg-9"}}
    rows = dict(zip(catalogue.TYPES, (organisations, found, services), strict=True))
    reading = interpret(catalogue, rows | {"OrganizationAffiliation": [good, bad]}, catalogue.NOWHERE)
    assert reading.left_out == [("OrganizationAffiliation/u-1", Rule.ASSIGNMENT)]
    assert [(row.resource, row.reason) for row in reading.rejected] == [
        ("OrganizationAffiliation/u-2", "organization: points to nothing in the catalogue")
    ]
    assert {fact.kind for fact in reading.facts} == {Kind.UNIT, Kind.OFFERING}


def test_a_named_person_is_no_contact(unit_of):
    named = [{"name": {"text": "Anna A"}, "telecom": [{"system": "phone", "value": "08-465 004 02"}]}]
    assert unit_of({"contact": named}).contacts == ()
