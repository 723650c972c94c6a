"""Turns the demo's providers, units and offerings into FHIR R4 resources, as the national catalogue would show them.

Names follow the draft guide with canonical http://electronichealth.se/fhir/katalog; what it lacks is under our own
https://vardformedling.example. Every resource is tagged synthetic.
"""

from typing import Any

from contracts.message import Contact
from contracts.types import System
from demo.sweden import DemoOffering, DemoProvider, DemoUnit

Resource = dict[str, Any]

HSA_ID = "urn:oid:1.2.752.29.4.19"
HSA_ID_OTHER = "urn:oid:1.2.752.129.2.1.4.1"
"""Two systems are in use for HSA-ids; every seventh organisation carries this one."""
ORGANISATION_NUMBER = "urn:oid:2.5.4.97"
SNOMED = "http://snomed.info/sct"
CARE_PROVIDER, CARE_UNIT = "143591000052106", "43741000"
GUIDE = "http://electronichealth.se/fhir/katalog"
OWN = "https://vardformedling.example"
PERIOD = f"{GUIDE}/StructureDefinition/sendi-healthcare-service-period-extension"
SCB = f"{GUIDE}/CodeSystem/scb-ownership-code-system"
OWNERSHIP = f"{GUIDE}/StructureDefinition/sendi-organization-ownership-extension"
PERIOD_OF_UNIT = "http://hl7.org/fhir/StructureDefinition/organization-period"
MEANS = f"{GUIDE}/StructureDefinition/sendi-healthcare-service-encounter-means-extension"
ELIGIBILITY = f"{GUIDE}/CodeSystem/sendi-eligibility-code-system"
ELIGIBILITY_VALUE = f"{GUIDE}/StructureDefinition/sendi-eligibility-value-extension"
STAFF, BEDS = f"{OWN}/fhir/StructureDefinition/staff-category", f"{OWN}/fhir/StructureDefinition/inpatient-beds"
REPLACED_BY = f"{OWN}/fhir/StructureDefinition/replaced-by"
BUSINESS, CARE_FORM = "urn:oid:1.2.752.129.2.2.1.3", "urn:oid:1.2.752.129.2.2.1.13"
MVO = f"{OWN}/fhir/CodeSystem/mvo"
MUNICIPALITY = f"{OWN}/fhir/StructureDefinition/municipality-code"
PRECISION = f"{OWN}/fhir/StructureDefinition/position-precision"
CODE_SYSTEMS = {
    System.KVA.value: "http://electronichealth.se/id/kva",
    System.CARE_SERVICE_DEMO.value: f"{OWN}/fhir/CodeSystem/vt-demo",
}
SYNTHETIC = {"system": f"{OWN}/tags", "code": "synthetic", "display": "Syntetiska uppgifter"}
"""The tag on every resource."""

_SPECIALTIES = {"eye": ("65", "Ögonsjukdomar"), "surgery": ("20", "Kirurgi"), "orthopaedics": ("24", "Ortopedi")}
_CARE_FORMS = {"outpatient": ("01", "Öppen vård"), "inpatient": ("02", "Sluten vård")}
_OWNERSHIP = {"region": ("30", "Regionkontrollerade enheter"), "private": ("4", "Privat svenskkontrollerade enheter")}


def resource(kind: str, identity: str, updated: str, **fields: Any) -> Resource:
    """A resource with its metadata; fields that are None are left out."""
    meta = {"lastUpdated": updated, "tag": [SYNTHETIC]}
    return {"resourceType": kind, "id": identity, "meta": meta} | {
        name: value for name, value in fields.items() if value is not None
    }


def provider_id(provider: DemoProvider) -> str:
    """The FHIR id of a care provider."""
    return f"vg-{provider.hsa_id[2:12]}-{provider.hsa_id.split('-')[1]}"


def unit_id(unit: DemoUnit) -> str:
    """The FHIR id of a care unit."""
    return f"ve-{unit.suffix}"


def provider_resource(provider: DemoProvider, order: int, updated: str) -> Resource:
    """A care provider: every third organisation number is written with its hyphen."""
    number = provider.identity_number
    written = f"{number[:6]}-{number[6:]}" if order % 3 == 0 else number
    code, display = _OWNERSHIP[provider.ownership]
    ownership = {"system": SCB, "code": code, "display": display}
    return resource(
        "Organization",
        provider_id(provider),
        updated,
        extension=[{"url": OWNERSHIP, "valueCoding": ownership}],
        identifier=[_hsa(provider.hsa_id, order), {"system": ORGANISATION_NUMBER, "value": written}],
        active=True,
        type=[coded(SNOMED, CARE_PROVIDER, "Vårdgivare")],
        name=provider.name,
    )


def unit_resource(unit: DemoUnit, parent: str, order: int, updated: str) -> Resource:
    """A care unit under its provider or its hospital."""
    period = {"start": unit.opened_on.isoformat()} | ({"end": unit.closed_on.isoformat()} if unit.closed_on else {})
    extensions: list[Resource] = [{"url": PERIOD_OF_UNIT, "valuePeriod": period}]
    extensions += [{"url": STAFF, "valueString": profession} for profession in unit.staff]
    if unit.beds is not None:
        extensions.append({"url": BEDS, "valueInteger": unit.beds})
    specialty = _SPECIALTIES.get(unit.kind)
    row = unit_row(
        unit_id(unit), unit.hsa_id, unit.name, parent, updated, order, active=unit.active, contacts=unit.contacts
    )
    forms = [coded(CARE_FORM, *_CARE_FORMS[form]) for form in unit.care_forms]
    return row | {
        "extension": extensions,
        "contained": [business(coded(MVO, *specialty) if specialty is not None else None, forms)],
    }


def business(category: Resource | None, forms: list[Resource]) -> Resource:
    """What a unit works with (Verksamhet), to stand inside it."""
    said = {"category": [category]} if category is not None else {}
    return {"resourceType": "HealthcareService", "id": "verksamhet", **said} | ({"type": forms} if forms else {})


def unit_row(
    identity: str,
    hsa_id: str,
    name: str | None,
    parent: str,
    updated: str,
    order: int = 0,
    *,
    active: bool = True,
    contacts: tuple[Contact, ...] = (),
) -> Resource:
    """A care unit from its parts, right or wrong."""
    return resource(
        "Organization",
        identity,
        updated,
        identifier=[_hsa(hsa_id, order)],
        active=active,
        type=[coded(SNOMED, CARE_UNIT, "Vårdenhet")],
        name=name,
        telecom=_telecom(contacts),
        partOf={"reference": f"Organization/{parent}"},
    )


def location_resource(unit: DemoUnit, updated: str) -> Resource:
    """Where the unit is."""
    place = unit.place
    extensions: list[Resource] = [
        {"url": MUNICIPALITY, "valueCoding": {"system": "urn:oid:1.2.752.129.2.2.1.17", "code": place.municipality}}
    ]
    position = None
    if place.point is not None:
        extensions.append({"url": PRECISION, "valueCode": place.point.precision})
        position = {"longitude": float(place.point.lon), "latitude": float(place.point.lat)}
    return resource(
        "Location",
        f"pl-{unit.suffix}",
        updated,
        extension=extensions,
        status="active" if unit.active else "inactive",
        name=unit.name,
        address={"line": [place.street], "postalCode": place.postal_code, "city": place.locality},
        position=position,
        managingOrganization={"reference": f"Organization/{unit_id(unit)}"},
    )


def service_resource(offering: DemoOffering, unit: DemoUnit, updated: str) -> Resource:
    """One care service at one unit."""
    service = offering.care_service
    period = {"start": offering.valid_from.isoformat()}
    if offering.valid_to is not None:
        period["end"] = offering.valid_to.isoformat()
    means = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "ambulatory"}
    eligibility: list[Resource] = [{"code": coded(ELIGIBILITY, "referralRequired", "Referral required")}]
    group = _target_group(unit)
    if group is not None:
        eligibility.append({"extension": [{"url": ELIGIBILITY_VALUE, "valueReference": {"reference": "#malgrupp"}}]})
    if not offering.referral_required:
        del eligibility[0]
    return resource(
        "HealthcareService",
        service_id(offering, unit),
        updated,
        contained=[group] if group is not None else None,
        extension=[{"url": PERIOD, "valuePeriod": period}, {"url": MEANS, "valueCoding": means}],
        active=True,
        providedBy={"reference": f"Organization/{unit_id(unit)}"},
        type=[coded(CODE_SYSTEMS[service.system], service.code, offering.text)],
        comment=offering.referral_guidance,
        telecom=_telecom(offering.contacts),
        eligibility=eligibility or None,
    )


def service_id(offering: DemoOffering, unit: DemoUnit) -> str:
    """The FHIR id of one care service at one unit."""
    return f"tj-{unit.suffix}-{offering.care_service.code}"


def _target_group(unit: DemoUnit) -> Resource | None:
    """Private knee surgeons take healthy adults of ordinary weight: an invented habit, told as the guide wants it."""
    if unit.kind != "orthopaedics" or unit.provider.ownership != "private":
        return None
    limits = (
        ("424144002", "aktuell kronologisk ålder", {"low": {"value": 18, "unit": "år", "code": "a"}}),
        ("60621009", "BMI", {"high": {"value": 35}}),
        ("302132005", "ASA-klass", {"high": {"value": 2}}),
    )
    return {
        "resourceType": "Group",
        "id": "malgrupp",
        "type": "person",
        "actual": False,
        "characteristic": [
            {"code": coded(SNOMED, code, text), "valueRange": limit, "exclude": False} for code, text, limit in limits
        ],
    }


def assignment_resource(
    identity: str, region: str, provider: str, services: list[str], updated: str, starts: str, ends: str | None
) -> Resource:
    """An assignment (uppdrag): a region has a care provider perform some services; all three by their FHIR ids."""
    period = {"start": starts} | ({"end": ends} if ends is not None else {})
    return resource(
        "OrganizationAffiliation",
        identity,
        updated,
        active=True,
        period=period,
        organization={"reference": f"Organization/{region}"},
        participatingOrganization={"reference": f"Organization/{provider}"},
        code=[coded(f"{OWN}/fhir/CodeSystem/assignment", "uppdrag", "Uppdrag")],
        healthcareService=[{"reference": f"HealthcareService/{service}"} for service in services],
    )


def coded(system: str, code: str, display: str) -> Resource:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _hsa(hsa_id: str, order: int) -> Resource:
    return {"system": HSA_ID_OTHER if order % 7 == 6 else HSA_ID, "value": hsa_id}


def _telecom(contacts: tuple[Contact, ...]) -> list[Resource] | None:
    systems = {"phone": "phone", "email": "email", "web": "url"}
    return [{"system": systems[contact.channel], "value": contact.value, "use": "work"} for contact in contacts] or None
