"""The national catalogue's draft FHIR R4 guide, mapped to our facts. Tolerant in reading, strict in what it gives.

Organization with type 143591000052106 is a care provider, 43741000 a care unit; Location says where, HealthcareService
what is offered. Both HSA-id OIDs in use are read.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import httpx

from catalog_sync.domain.reading import Fact, Guide, Kind, Reading, Rejected
from catalog_sync.source.fhir_fields import (
    Resource,
    Unusable,
    checked,
    codings,
    contacts_of,
    extensions,
    hsa_id_of,
    name_of,
    organisation_number_of,
    own_reference,
    place_of,
    reference,
    words,
)
from catalog_sync.source.fhir_pages import pages
from rules.identifiers import icd10_code, kva_code, sctid

T = TypeVar("T")

NAME = "nationell-katalog"
TYPES = ("Organization", "Location", "HealthcareService")

_PROVIDER, _UNIT = "143591000052106", "43741000"
_PERIOD = "sendi-healthcare-service-period-extension"
_CODE_SYSTEMS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "http://electronichealth.se/id/kva": ("kva", kva_code),
    "http://hl7.org/fhir/sid/icd-10-se": ("icd", icd10_code),
    "http://snomed.info/sct": ("vt", sctid),
    "https://vardformedling.example/fhir/CodeSystem/vt-demo": ("vt-demo", str),
}


async def read(client: httpx.AsyncClient) -> Reading:
    """Read the whole catalogue. Raises SourceAway; rows that cannot be used are in the reading's rejected list."""
    found: dict[str, list[Resource]] = {}
    for resource_type in TYPES:
        # By id: a catalogue that changes while it is paged through may show a row twice.
        rows = {str(one.get("id")): one async for page in pages(client, resource_type) for one in page}
        found[resource_type] = list(rows.values())
    return interpret(found["Organization"], found["Location"], found["HealthcareService"])


def interpret(
    organisations: Sequence[Resource], locations: Sequence[Resource], services: Sequence[Resource]
) -> Reading:
    """Turn FHIR resources into facts. Every row that cannot be used is named with the reason, and stops no other."""
    reading = Reading()
    by_reference = {f"Organization/{one.get('id')}": one for one in organisations}
    places: dict[str, dict[str, Any]] = {}
    for one in locations:
        found = _attempt(reading, one, partial(located, one))
        if found is not None:
            places.setdefault(*found)
    units: dict[str, str] = {}
    for identity, one in by_reference.items():
        content = _attempt(reading, one, partial(unit, one, by_reference, places.get(identity)))
        if content is not None:
            units[identity] = content["hsa_id"]
            reading.facts.append(Fact(Kind.UNIT, content["hsa_id"], content))
    for one in services:
        content = _attempt(reading, one, partial(offering, one, units))
        if content is not None:
            code = content["care_service"]
            reading.facts.append(Fact(Kind.OFFERING, f"{content['unit']}|{code['system']}|{code['code']}", content))
    return reading


def _attempt(reading: Reading, one: Resource, work: Callable[[], T]) -> T | None:
    try:
        return work()
    except ValueError as error:
        reason = str(error)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        # A field of another shape than FHIR's. The error's own words may repeat what stands there.
        reason = f"is not shaped as FHIR R4 says ({type(error).__name__})"
    reading.rejected.append(Rejected(own_reference(one), reason))
    return None


def located(one: Resource) -> tuple[str, dict[str, Any]]:
    """A Location: the reference of what lies there, and the place. Raises Unusable."""
    return reference(one, "managingOrganization"), place_of(one)


def unit(one: Resource, by_reference: Mapping[str, Resource], place: dict[str, Any] | None) -> dict[str, Any] | None:
    """A care unit's content; None for an organisation that is no care unit. Raises Unusable."""
    if not _is_unit(one):
        return None
    identity, name = hsa_id_of(one), name_of(one)
    provider = _provider(one, by_reference)
    parent = by_reference.get(reference(one, "partOf"))
    if place is None:
        raise Unusable("Location: the unit has none that can be used")
    return {
        "hsa_id": identity,
        "status": "active" if one.get("active", True) else "closed",
        "name": name,
        "care_provider": {
            "hsa_id": hsa_id_of(provider),
            "name": name_of(provider),
            "organisation_number": organisation_number_of(provider),
        },
        "part_of": hsa_id_of(parent) if parent is not None and _is_unit(parent) else None,
        "ownership": None,
        "care_forms": [],
        "specialties": [],
        "place": place,
        "contacts": contacts_of(one),
        "opened_on": None,
        "closed_on": None,
        "merged_into": None,
        "staff_categories": [],
        "beds": None,
        "source": _source(one),
    }


def _provider(one: Resource, by_reference: Mapping[str, Resource]) -> Resource:
    """The care provider at the top of the partOf chain; a chain that turns back on itself is refused."""
    passed: set[str] = set()
    while _type(one) != _PROVIDER:
        above = reference(one, "partOf")
        if above in passed:
            raise Unusable("partOf: the chain of units leads back to itself")
        passed.add(above)
        if above not in by_reference:
            raise Unusable("partOf: points to nothing in the catalogue")
        one = by_reference[above]
    return one


def offering(one: Resource, units: Mapping[str, str]) -> dict[str, Any]:
    """A HealthcareService's content; `units` leads from references to HSA-ids. Raises Unusable."""
    code = _care_service(one)
    provider = units.get(reference(one, "providedBy"))
    if provider is None:
        raise Unusable("providedBy: no such care unit, or its own row was rejected")
    period = next((ext.get("valuePeriod") or {} for ext in extensions(one, _PERIOD)), {})
    eligibility = [coding.get("code") for row in one.get("eligibility", []) for coding in codings(row.get("code"))]
    return {
        "unit": provider,
        "care_service": code,
        "status": "active" if one.get("active", True) else "ended",
        "encounter_means": ["physical"],
        "target_group": None,
        "referral_required": True if "referralRequired" in eligibility else None,
        "referral_guidance": words("comment", one.get("comment")),
        "self_referral": None,
        "contacts": contacts_of(one),
        "valid_from": period.get("start"),
        "valid_to": period.get("end"),
        "source": _source(one),
    }


def _care_service(one: Resource) -> dict[str, str]:
    for concept in one.get("type", []):
        for coding in codings(concept):
            if coding.get("system") in _CODE_SYSTEMS:
                name, check = _CODE_SYSTEMS[coding["system"]]
                return {"system": name, "code": checked("type", check, coding.get("code", ""))}
    raise Unusable("type: no code in a code system that we know")


def _source(one: Resource) -> dict[str, Any]:
    seen = (one.get("meta") or {}).get("lastUpdated") or datetime.now(UTC).isoformat()
    return {"system": NAME, "reference": own_reference(one), "observed_at": seen}


def _is_unit(one: Resource) -> bool:
    return _type(one) == _UNIT


def _type(one: Resource) -> str | None:
    return next((coding.get("code") for row in one.get("type", []) for coding in codings(row)), None)


GUIDE = Guide(NAME, TYPES, beside=("Location",), interpret=interpret)
"""How this catalogue is read."""
