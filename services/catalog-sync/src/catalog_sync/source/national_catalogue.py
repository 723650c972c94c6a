"""The national catalogue's draft FHIR R4 guide, mapped to our facts. Tolerant in reading, strict in what it gives.

Organization with type 143591000052106 is a care provider, 43741000 a care unit; Location says where, HealthcareService
what is offered. Both HSA-id OIDs in use are read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from catalog_sync.domain import Fact, Kind, Reading, Rejected
from catalog_sync.source.fhir_pages import pages
from rules.identifiers import (
    hsa_id,
    icd10_code,
    is_personal_number,
    kva_code,
    municipality_code,
    postal_code,
    provider_number,
    sctid,
)

NAME = "nationell-katalog"

_HSA_SYSTEMS = frozenset({"urn:oid:1.2.752.29.4.19", "urn:oid:1.2.752.129.2.1.4.1"})
_ORGANISATION_NUMBER = "urn:oid:2.5.4.97"
_PROVIDER, _UNIT = "143591000052106", "43741000"
_MUNICIPALITY = "urn:oid:1.2.752.129.2.2.1.17"
_PRECISION = "position-precision"
_PERIOD = "sendi-healthcare-service-period-extension"
_CODE_SYSTEMS = {
    "http://electronichealth.se/id/kva": ("kva", kva_code),
    "http://hl7.org/fhir/sid/icd-10-se": ("icd", icd10_code),
    "http://snomed.info/sct": ("vt", sctid),
    "https://vardformedling.example/fhir/CodeSystem/vt-demo": ("vt-demo", str),
}
_CHANNELS = {"phone": "phone", "email": "email", "url": "web", "fax": "fax"}

Resource = Mapping[str, Any]


class _Unusable(ValueError):
    """This row cannot be used; the reason is for the list of rejected rows."""


async def read(client: httpx.AsyncClient) -> Reading:
    """Read the whole catalogue. Raises SourceAway; rows that cannot be used are in the reading's rejected list."""
    found: dict[str, list[Resource]] = {}
    for resource_type in ("Organization", "Location", "HealthcareService"):
        found[resource_type] = [resource async for page in pages(client, resource_type) for resource in page]
    return interpret(found["Organization"], found["Location"], found["HealthcareService"])


def interpret(organisations: list[Resource], locations: list[Resource], services: list[Resource]) -> Reading:
    """Turn FHIR resources into facts."""
    reading = Reading()
    by_reference = {f"Organization/{one.get('id')}": one for one in organisations}
    places = {_reference(one, "managingOrganization"): one for one in locations}
    units: dict[str, str] = {}
    for one in organisations:
        if _type(one) != _UNIT:
            continue
        reference = f"Organization/{one.get('id')}"
        try:
            content = _unit(one, by_reference, places.get(reference))
        except ValueError as error:
            reading.rejected.append(Rejected(reference, str(error)))
            continue
        units[reference] = content["hsa_id"]
        reading.facts.append(Fact(Kind.UNIT, content["hsa_id"], content))
    offered: set[str] = set()
    for one in services:
        try:
            content = _offering(one, units)
            key = f"{content['unit']}|{content['care_service']['system']}|{content['care_service']['code']}"
            if key in offered:
                raise _Unusable("the unit offers the same service twice")
        except ValueError as error:
            reading.rejected.append(Rejected(f"HealthcareService/{one.get('id')}", str(error)))
            continue
        offered.add(key)
        reading.facts.append(Fact(Kind.OFFERING, key, content))
    return reading


def _unit(one: Resource, by_reference: Mapping[str, Resource], location: Resource | None) -> dict[str, Any]:
    provider = _provider(one, by_reference)
    parent = by_reference.get(_reference(one, "partOf"))
    return {
        "hsa_id": _hsa_id(one),
        "status": "active" if one.get("active", True) else "closed",
        "name": _name(one),
        "care_provider": {
            "hsa_id": _hsa_id(provider),
            "name": _name(provider),
            "organisation_number": _organisation_number(provider),
        },
        "part_of": _hsa_id(parent) if parent is not None and _type(parent) == _UNIT else None,
        "ownership": None,
        "care_forms": [],
        "specialties": [],
        "place": _place(location),
        "contacts": _contacts(one),
        "opened_on": None,
        "closed_on": None,
        "source": _source(one),
    }


def _provider(one: Resource, by_reference: Mapping[str, Resource]) -> Resource:
    """The care provider at the top of the partOf chain; a chain that turns back on itself is refused."""
    passed: set[str] = set()
    while _type(one) != _PROVIDER:
        reference = _reference(one, "partOf")
        if reference in passed:
            raise _Unusable("partOf: the chain of units leads back to itself")
        passed.add(reference)
        if reference not in by_reference:
            raise _Unusable("partOf: points to nothing in the catalogue")
        one = by_reference[reference]
    return one


def _offering(one: Resource, units: Mapping[str, str]) -> dict[str, Any]:
    unit = units.get(_reference(one, "providedBy"))
    if unit is None:
        raise _Unusable("providedBy: no such care unit, or its own row was rejected")
    period = next((ext.get("valuePeriod") or {} for ext in _extensions(one, _PERIOD)), {})
    eligibility = [coding.get("code") for row in one.get("eligibility", []) for coding in _codings(row.get("code"))]
    return {
        "unit": unit,
        "care_service": _care_service(one),
        "status": "active" if one.get("active", True) else "ended",
        "encounter_means": ["physical"],
        "target_group": None,
        "referral_required": True if "referralRequired" in eligibility else None,
        "referral_guidance": one.get("comment"),
        "self_referral": None,
        "contacts": _contacts(one),
        "valid_from": period.get("start"),
        "valid_to": period.get("end"),
        "source": _source(one),
    }


def _care_service(one: Resource) -> dict[str, str]:
    for concept in one.get("type", []):
        for coding in _codings(concept):
            if coding.get("system") in _CODE_SYSTEMS:
                name, check = _CODE_SYSTEMS[coding["system"]]
                return {"system": name, "code": _checked("type", check, coding.get("code", ""))}
    raise _Unusable("type: no code in a code system that we know")


def _place(location: Resource | None) -> dict[str, Any]:
    if location is None:
        raise _Unusable("Location: the unit has none")
    address = location.get("address") or {}
    municipality = next(
        (
            ext["valueCoding"].get("code", "")
            for ext in location.get("extension", [])
            if (ext.get("valueCoding") or {}).get("system") == _MUNICIPALITY
        ),
        None,
    )
    if municipality is None:
        raise _Unusable("Location: the municipality is missing")
    municipality = _checked("Location municipality", municipality_code, municipality)
    code = address.get("postalCode")
    return {
        "street": next(iter(address.get("line", [])), None),
        "postal_code": _checked("Location postalCode", postal_code, code) if code else None,
        "locality": address.get("city"),
        "municipality": municipality,
        "region": municipality[:2],
        "point": _point(location),
    }


def _point(location: Resource) -> dict[str, Any] | None:
    position = location.get("position")
    if position is None:
        return None
    lat, lon = Decimal(str(position["latitude"])), Decimal(str(position["longitude"]))
    # Sweden with some sea around it: swapped or mistyped coordinates fall outside.
    if not (Decimal(55) <= lat <= Decimal("69.1") and Decimal("10.5") <= lon <= Decimal("24.2")):
        raise _Unusable("Location position: outside Sweden")
    precision = next((ext.get("valueCode") for ext in _extensions(location, _PRECISION)), None)
    return {"lat": str(lat), "lon": str(lon), "precision": precision or "own"}


def _contacts(one: Resource) -> list[dict[str, Any]]:
    rows = [row for row in one.get("telecom", []) if row.get("value") and row.get("system") in _CHANNELS]
    return [
        {"purpose": "general", "channel": _CHANNELS[row["system"]], "value": row["value"], "note": None} for row in rows
    ]


def _source(one: Resource) -> dict[str, Any]:
    seen = (one.get("meta") or {}).get("lastUpdated") or datetime.now(UTC).isoformat()
    return {"system": NAME, "reference": f"{one.get('resourceType')}/{one.get('id')}", "observed_at": seen}


def _hsa_id(one: Resource) -> str:
    for row in one.get("identifier", []):
        if row.get("system") in _HSA_SYSTEMS:
            return _checked("HSA-id", hsa_id, row.get("value", ""))
    raise _Unusable("HSA-id: is missing")


def _organisation_number(provider: Resource) -> str | None:
    """None for a sole trader: that number is a personnummer and goes no further than here."""
    for row in provider.get("identifier", []):
        if row.get("system") == _ORGANISATION_NUMBER:
            number = _checked("organisation number", provider_number, row.get("value", ""))
            return None if is_personal_number(number) else number
    return None


def _checked(field: str, check: Any, value: str) -> str:
    try:
        return str(check(value))
    except ValueError as error:
        raise _Unusable(f"{field}: {error}") from None


def _name(one: Resource) -> str:
    name = str(one.get("name") or "").strip()
    if not name:
        raise _Unusable("name: is missing")
    return name


def _type(one: Resource) -> str | None:
    return next((coding.get("code") for row in one.get("type", []) for coding in _codings(row)), None)


def _codings(concept: Any) -> list[dict[str, Any]]:
    return list((concept or {}).get("coding", []))


def _reference(one: Resource, name: str) -> str:
    return str((one.get(name) or {}).get("reference", ""))


def _extensions(one: Resource, ending: str) -> list[dict[str, Any]]:
    return [ext for ext in one.get("extension", []) if str(ext.get("url", "")).endswith(f"/{ending}")]
