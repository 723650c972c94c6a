"""An agreement as FHIR R4 tells it: Contract → OrganizationAffiliation → HealthcareService, contained or included.

`draft` follows the national draft guide (SENDI, AvtalLogical); `ours` stands where it is silent. Elements of ours are
extensions below OURS: the last part of the address is a field of AgreementForm with hyphens, repeated for a list,
nested for an object. Told both ways, the standard element counts for a Contract, and ours for a HealthcareService: the
standard's contacts have no purpose.

| FHIR | here | whose |
|---|---|---|
| Contract.identifier[0].value | number | draft: identifier 1..*; ours: the first counts |
| Contract.meta.versionId, a whole number | revision | ours |
| Contract.meta.lastUpdated | when it was sent | R4 |
| Contract.meta.security R or V (v3-Confidentiality) | confidential | ours |
| Contract.status | has it ended (cancelled, terminated …), or not begun (negotiable, offered) | ours |
| Contract.title | name | R4 |
| Contract.type, subType (codes of ours) | kind, basis | draft: the elements; ours: the lists |
| Contract.applies | valid_from, valid_to | draft |
| Contract.url | document_url | draft |
| Contract.term[].offer.text | extension_option | draft |
| Contract.subject[] → OrganizationAffiliation | assignment (uppdrag) | draft |
| OrganizationAffiliation.identifier[0] | assignment_id | ours |
| … .organization, by organisation number | commissioning_regions | draft: beställare |
| … .participatingOrganization | care_provider, unless it is the region itself | draft: utförare |
| … .healthcareService[] | services | draft |
| HealthcareService.type | care_services | draft |
| … .providedBy (HSA-id) | units | draft |
| … .eligibility | target_group, conditions.referral_required, payment_commitment_required, other | draft |
| … .telecom | contacts | draft |
| OURS on Contract: law, direct-award, choice-of-care, leading-region, use-by-others … | the same | ours |
| OURS on HealthcareService: conditions, included, reimbursement, expected-capacity, contacts | the same | ours |
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from agreements.domain.pulling import Item
from contracts.types import System
from rules.fhir_fields import (
    Resource,
    Unusable,
    codings,
    contacts_of,
    contained,
    day,
    hsa_id_of,
    organisation_number_of,
    own_reference,
    silent,
)
from rules.fhir_target_group import codes_of, guidance_of, target_group_of
from rules.personal_numbers import holds_personal_number
from rules.regions import REGIONS

OURS = "https://vardformedling.example/fhir/StructureDefinition/agreement/"
"""Our own extensions; the field's name with hyphens follows."""
INCLUDES = "&".join(
    (
        "_include=Contract:subject",
        "_include:iterate=OrganizationAffiliation:primary-organization",
        "_include:iterate=OrganizationAffiliation:participating-organization",
        "_include:iterate=OrganizationAffiliation:service",
        "_include:iterate=HealthcareService:organization",
    )
)
CODE_SYSTEMS: Mapping[str, System] = {
    "http://electronichealth.se/id/kva": System.KVA,
    "http://hl7.org/fhir/sid/icd-10-se": System.ICD10,
    "http://snomed.info/sct": System.CARE_SERVICE,
    "https://vardformedling.example/fhir/CodeSystem/vt-demo": System.CARE_SERVICE_DEMO,
}
"""Canonical of a code system → its short name."""
LISTS = frozenset({"commissioning_regions", "regions", "included", "referral_attachments", "contacts", "units"})
"""Fields that hold several values: also one alone is a list."""
_ENDED = frozenset({"cancelled", "revoked", "terminated", "rejected", "entered-in-error"})
_NOT_YET = frozenset({"negotiable", "offered"})
_SECRET = frozenset({"R", "V"})
_REGION_OF = {region.organisation_number: code for code, region in REGIONS.items()}
_MEANT_FOR = {"referralRequired": "referral_required", "promissoryNote": "payment_commitment_required"}


def item(one: Resource, beside: Mapping[str, Resource]) -> Item:
    """A Contract as what was sent; `beside` holds the bundle's resources by reference. Never raises."""
    reference = own_reference(one)
    number = None
    try:
        number = _number(one)
        status = str(one.get("status", "executed"))
        sent_at = _moment((one.get("meta") or {}).get("lastUpdated"))
        if status in _ENDED:
            return Item(reference, {}, number, sent_at=sent_at, ended=status)
        if status in _NOT_YET:
            return Item(reference, {}, number, sent_at=sent_at, passed=f"is not concluded yet: {status}")
        return Item(reference, _agreement(one, beside, number), number, sent_at=sent_at)
    except Unusable as error:
        field, _, reason = str(error).partition(": ")
        return Item(reference, {}, number, ((field, reason or "cannot be used"),))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError):
        return Item(reference, {}, number, (("", "is not shaped as FHIR R4 says"),))


def _number(one: Resource) -> str:
    values = [str(row["value"]).strip() for row in one.get("identifier", []) if row.get("value")]
    if not values:
        raise Unusable("number: Contract.identifier is missing")
    if holds_personal_number(values[0]):
        raise Unusable("number: holds something like a personal number")
    return values[0]


def _agreement(one: Resource, beside: Mapping[str, Resource], number: str) -> dict[str, Any]:
    applies = one.get("applies") or {}
    starts, ends = day("valid_from", applies.get("start")), day("valid_to", applies.get("end"))
    told: dict[str, Any] = {
        "number": number,
        "name": one.get("title") or one.get("name"),
        "revision": _whole((one.get("meta") or {}).get("versionId")),
        "valid_from": starts.isoformat() if starts else None,
        "valid_to": ends.isoformat() if ends else None,
        "kind": _code(one.get("type")),
        "basis": _code(next(iter(one.get("subType", [])), None)),
        "document_url": one.get("url"),
        "extension_option": next(
            (term["offer"]["text"] for term in one.get("term", []) if (term.get("offer") or {}).get("text")), None
        ),
    }
    if any(row.get("code") in _SECRET for row in (one.get("meta") or {}).get("security", [])):
        told["confidential"] = True
    resources = {**beside, **{f"#{part.get('id')}": part for part in one.get("contained", [])}}
    told |= _assignments(one, resources)
    return {**ours(one), **{name: value for name, value in told.items() if value not in (None, [], {})}}


def _assignments(one: Resource, resources: Mapping[str, Resource]) -> dict[str, Any]:
    """What the assignments (uppdrag) of an agreement say: who has whom perform what."""
    found = [_pointed(target, resources, "subject") for target in one.get("subject", [])]
    assignments = [part for part in found if part.get("resourceType") == "OrganizationAffiliation"]
    if not assignments:
        raise Unusable("services: Contract.subject points to no OrganizationAffiliation")
    told: dict[str, Any] = {"services": [], "commissioning_regions": []}
    for assignment in assignments:
        identifiers = [row["value"] for row in assignment.get("identifier", []) if row.get("value")]
        told.setdefault("assignment_id", next(iter(identifiers), None))
        commissioner = _pointed(assignment["organization"], resources, "organization")
        number = organisation_number_of(commissioner, silent)
        if number not in _REGION_OF:
            raise Unusable("commissioning_regions: the organisation number is no region's")
        told["commissioning_regions"].append(_REGION_OF[number])
        performer = _pointed(assignment["participatingOrganization"], resources, "participatingOrganization")
        if (performer_number := organisation_number_of(performer, silent)) != number:
            told["care_provider"] = {
                "hsa_id": hsa_id_of(performer),
                "name": performer.get("name"),
                "organisation_number": performer_number,
            }
        for target in assignment.get("healthcareService", []):
            told["services"].append(_service(_pointed(target, resources, "healthcareService"), resources))
    told["commissioning_regions"] = list(dict.fromkeys(told["commissioning_regions"]))
    return told


def _service(one: Resource, resources: Mapping[str, Resource]) -> dict[str, Any]:
    inside = {**resources, **{f"#{part.get('id')}": part for part in contained(one, "Group")}}
    kinds = codes_of(one)
    conditions_told: dict[str, Any] = {name: True for code, name in _MEANT_FOR.items() if code in kinds}
    if (words := guidance_of(one)) is not None:
        conditions_told["other"] = words
    told = {
        "care_services": [_care_service(row) for concept in one.get("type", []) for row in codings(concept)],
        "units": [hsa_id_of(_pointed(one["providedBy"], resources, "providedBy"))],
        "target_group": target_group_of(one, inside, silent),
        "contacts": contacts_of(one),
    }
    said = ours(one)
    said["conditions"] = {**conditions_told, **said.get("conditions", {})}
    return {**{name: value for name, value in told.items() if value not in (None, [], {})}, **said}


def _care_service(coding: Resource) -> dict[str, str]:
    system = CODE_SYSTEMS.get(str(coding.get("system")))
    if system is None:
        raise Unusable("services: HealthcareService.type is of a code system that is not known here")
    return {"system": system.value, "code": str(coding.get("code", ""))}


def ours(one: Resource) -> dict[str, Any]:
    """The fields that our own extensions tell, nested ones as objects."""
    told: dict[str, Any] = {}
    for ext in one.get("extension", []):
        name = str(ext.get("url", "")).removeprefix(OURS).replace("-", "_")
        if "/" in name or ":" in name:
            # Somebody else's extension.
            continue
        inner = ext.get("extension")
        value = ours(ext) if inner else next((ext[key] for key in ext if key.startswith("value")), None)
        if name in LISTS:
            told.setdefault(name, []).append(value)
        else:
            told[name] = value
    return told


def _pointed(target: Resource, resources: Mapping[str, Resource], field: str) -> Resource:
    """What a reference leads to: contained, or included by its type and id, also by a whole address."""
    address = str(target.get("reference", ""))
    found = resources.get(address) or resources.get("/".join(address.split("/")[-2:]))
    if found is None:
        raise Unusable(f"{field}: points to nothing that was contained or included")
    return found


def _code(concept: Any) -> str | None:
    return next((str(row["code"]) for row in codings(concept) if row.get("code")), None)


def _whole(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) <= 15 else None


def _moment(value: object) -> datetime | None:
    with suppress(ValueError, TypeError):
        found = datetime.fromisoformat(str(value))
        return found if found.tzinfo is not None else None
    return None
