"""The national catalogue's draft FHIR R4 guide, mapped to our facts. Tolerant in reading, strict in what it gives.

Organization with type 143591000052106 is a care provider, 43741000 a care unit; Location says where, HealthcareService
what is offered, Group to whom. Both HSA-id OIDs in use are read, one is never told apart from the other. What the
guide lacks (precision of a position, staff, beds, who replaced a unit) is read from extensions of our own, marked by
their address https://vardformedling.example.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from catalog_sync.domain.canonical import address
from catalog_sync.domain.left_out import LeftOut, Rule
from catalog_sync.domain.places import NOWHERE, Places
from catalog_sync.domain.reading import Guide, Reading
from catalog_sync.source import interpreting
from catalog_sync.source.fhir_place import place_of
from catalog_sync.source.fhir_unit import assignment_of, content_of
from catalog_sync.source.organisation_life import seen_at
from catalog_sync.source.unit_facts import BUSINESS, MVO, plain_code
from rules.fhir_fields import (
    Resource,
    Tell,
    Unusable,
    all_codings,
    checked,
    codings,
    contacts_of,
    day,
    extensions,
    reference,
    silent,
)
from rules.fhir_target_group import codes_of, guidance_of, target_group_of
from rules.identifiers import icd10_code, kva_code, sctid

NAME = "nationell-katalog"
TYPES = ("Organization", "Location", "HealthcareService")
"""What a catalogue of this guide must serve; OrganizationAffiliation and Group are read where it has them."""

_PROVIDER, _UNIT = "143591000052106", "43741000"
_PERIOD = "sendi-healthcare-service-period-extension"
_MEANS = "sendi-healthcare-service-encounter-means-extension"
# HL7's encounter codes: VR is virtual, the others are ways to meet in a room.
_VIDEO, _PHYSICAL = frozenset({"VR", "video"}), frozenset({"AMB", "IMP", "EMER", "HH", "FLD", "physical"})
# The most telling first: a service coded in several systems is told in the first of them that is there.
_CODE_SYSTEMS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    address("vt"): ("vt", sctid),
    address("vt-demo"): ("vt-demo", plain_code),
    address("kva"): ("kva", kva_code),
    address("icd"): ("icd", icd10_code),
    BUSINESS: ("hsa-verksamhetskod", plain_code),
    MVO: ("mvo", plain_code),
}


async def read(client: httpx.AsyncClient, places: Places = NOWHERE) -> Reading:
    """Read the whole catalogue. Raises SourceAway; rows that cannot be used are in the reading's rejected list."""
    return interpreting.interpret(sys.modules[__name__], await interpreting.rows_of(client, TYPES), places)


def interpret(*lists: Sequence[Resource], places: Places = NOWHERE) -> Reading:
    """Organizations, Locations and HealthcareServices as facts. A row that cannot be used is named with the reason."""
    return interpreting.reading_of(sys.modules[__name__], TYPES, places, *lists)


def located(one: Resource, places: Places = NOWHERE, tell: Tell = silent) -> tuple[str, dict[str, Any]]:
    """A Location: the reference of what lies there, and the place. Raises Unusable."""
    return reference(one, "managingOrganization"), place_of(one, places, tell)


def unit(
    one: Resource, by_reference: Mapping[str, Resource], place: dict[str, Any] | None, tell: Tell = silent
) -> dict[str, Any] | None:
    """A care unit's content; None for an organisation that is no care unit. Raises Unusable and LeftOut."""
    if not _is_unit(one):
        return None
    return content_of(
        one, by_reference, place, tell, source=NAME, is_unit=_is_unit, is_provider=lambda row: _is(row, _PROVIDER)
    )


def offering(
    one: Resource, units: Mapping[str, str], groups: Mapping[str, Resource] | None = None, tell: Tell = silent
) -> dict[str, Any]:
    """A HealthcareService's content under its first code. Raises Unusable and LeftOut."""
    return offerings(one, units, groups, tell)[0]


def offerings(
    one: Resource, units: Mapping[str, str], groups: Mapping[str, Resource] | None = None, tell: Tell = silent
) -> list[dict[str, Any]]:
    """A HealthcareService's contents, one for each service it is coded as; `units` leads from references to HSA-ids.

    Raises Unusable, and LeftOut for a line of business (Verksamhet), which has a category and no type.
    """
    if "type" not in one and "category" in one:
        raise LeftOut(Rule.BUSINESS)
    codes = _care_services(one)
    provider = units.get(reference(one, "providedBy"))
    if provider is None:
        raise Unusable("providedBy: no such care unit, or its own row was rejected or left out")
    # The guide's extension says valueRange where its own map says valuePeriod.
    spans = (ext.get("valuePeriod") or ext.get("valueRange") or {} for ext in extensions(one, _PERIOD))
    period = next(spans, {})
    starts, ends = day("period", period.get("start")), day("period", period.get("end"))
    content = {
        "unit": provider,
        "status": "active" if one.get("active", True) else "ended",
        "encounter_means": _means(one, tell),
        "target_group": target_group_of(one, groups or {}, tell),
        "referral_required": True if "referralRequired" in codes_of(one) else None,
        "referral_guidance": guidance_of(one),
        "self_referral": None,
        "contacts": contacts_of(one),
        "valid_from": starts.isoformat() if starts is not None else None,
        "valid_to": ends.isoformat() if ends is not None else None,
        "source": seen_at(one, NAME),
    }
    return [{**content, "care_service": code} for code in codes]


def assignment(one: Resource, by_reference: Mapping[str, Resource]) -> tuple[str, str]:
    """An OrganizationAffiliation (uppdrag): who commissions and who performs. Raises Unusable."""
    return assignment_of(one, by_reference)


def _care_services(one: Resource) -> list[dict[str, str]]:
    """The codes of the service: of each type that it has, those in the most telling code system."""
    found: dict[tuple[str, str], None] = {}
    for concept in one.get("type", []):
        said = codings(concept)
        system = next((uri for uri in _CODE_SYSTEMS if any(_system(coding) == uri for coding in said)), None)
        if system is not None:
            name, check = _CODE_SYSTEMS[system]
            written = [coding.get("code", "") for coding in said if _system(coding) == system]
            found.update(dict.fromkeys((name, checked("type", check, code)) for code in written))
    if not found:
        raise Unusable("type: no code in a code system that we know")
    return [{"system": system, "code": code} for system, code in found]


def _system(coding: Resource) -> str:
    # The Swedish edition of SNOMED CT is written behind a bar.
    return str(coding.get("system", "")).partition("|")[0]


def _means(one: Resource, tell: Tell) -> list[str]:
    said = {str((ext.get("valueCoding") or {}).get("code")) for ext in extensions(one, _MEANS)}
    if said - _VIDEO - _PHYSICAL:
        tell("encounter means: a code that is not known, left out")
    return [word for word, codes in (("physical", _PHYSICAL), ("video", _VIDEO)) if said & codes]


def _is_unit(one: Resource) -> bool:
    return _is(one, _UNIT)


def _is(one: Resource, code: str) -> bool:
    return any(coding.get("code") == code for coding in all_codings(one, "type"))


GUIDE = Guide(NAME, TYPES, beside=("Location",), interpret=interpret)
"""How this catalogue is read."""
