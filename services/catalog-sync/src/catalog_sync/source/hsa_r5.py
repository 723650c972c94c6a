"""HSA's draft guide (FHIR R5, canonical https://hsa.inera.se/fhir), mapped to the same facts as the national one.

What differs: the kind of an organisation is an HSA object class; ways to reach it stand in `contact`; a service names
its lines of business in `category` (HSA verksamhetskod) and its care forms in `type`; a visiting address has no postal
code, so that the municipality is found by the locality; positions are SWEREF 99; `availability` replaces
`availableTime`. Only what is marked for the public (hsaDestinationIndicator 03) may be shown. Archived, hidden and
wrong entries are all `active: false`, with nothing left but a name.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from catalog_sync.domain.left_out import LeftOut, Rule
from catalog_sync.domain.places import NOWHERE, Places
from catalog_sync.domain.reading import Guide, Reading
from catalog_sync.source import interpreting
from catalog_sync.source.fhir_place import place_of
from catalog_sync.source.fhir_unit import assignment_of, content_of
from catalog_sync.source.organisation_life import seen_at
from catalog_sync.source.unit_facts import businesses_in, specialties_of
from rules.fhir_fields import (
    Resource,
    Tell,
    Unusable,
    all_codings,
    contacts_of,
    day,
    extensions,
    reference,
    silent,
    words,
)
from rules.fhir_target_group import guidance_of, target_group_of

NAME = "hsa"
TYPES = ("Organization", "Location", "HealthcareService")

_CLASS = "https://hsa.inera.se/fhir/CodeSystem/hsa-object-class"
_UNIT, _PROVIDER = "healthcare-unit", "healthcare-provider"
_INDICATOR, _PUBLIC = "urn:oid:1.2.752.29.23.1.11", "03"
_TEMPORARY = ("hsa-temporary-notice", "hsa-temporary-info")
_PERIOD = "organization-period"


def interpret(*lists: Sequence[Resource], places: Places = NOWHERE) -> Reading:
    """Organizations, Locations and HealthcareServices as facts. A row that cannot be used is named with the reason."""
    return interpreting.reading_of(sys.modules[__name__], TYPES, places, *lists)


def located(one: Resource, places: Places = NOWHERE, tell: Tell = silent) -> tuple[str, dict[str, Any]]:
    """A Location: the reference of what lies there, and the place. Raises Unusable, and LeftOut where not public."""
    _check_public(one)
    return reference(one, "managingOrganization"), place_of(one, places, tell)


def unit(
    one: Resource, by_reference: Mapping[str, Resource], place: dict[str, Any] | None, tell: Tell = silent
) -> dict[str, Any] | None:
    """A care unit's content; None for an organisation that is no care unit. Raises Unusable and LeftOut."""
    if not _is(one, _UNIT):
        return None
    if one.get("active") is False and place is None:
        raise LeftOut(Rule.BARE)
    _check_public(one)
    _check_temporary(one, tell)
    return content_of(
        one,
        by_reference,
        place,
        tell,
        source=NAME,
        is_unit=lambda row: _is(row, _UNIT),
        is_provider=lambda row: _is(row, _PROVIDER),
    )


def offering(
    one: Resource, units: Mapping[str, str], groups: Mapping[str, Resource] | None = None, tell: Tell = silent
) -> dict[str, Any]:
    """A HealthcareService's content under its first code. Raises Unusable and LeftOut."""
    return offerings(one, units, groups, tell)[0]


def offerings(
    one: Resource, units: Mapping[str, str], groups: Mapping[str, Resource] | None = None, tell: Tell = silent
) -> list[dict[str, Any]]:
    """A HealthcareService's contents, one for each line of business. Raises Unusable and LeftOut."""
    _check_public(one)
    codes = specialties_of(businesses_in(all_codings(one, "category")))
    if not codes:
        raise Unusable("category: no HSA business code")
    provider = units.get(reference(one, "providedBy"))
    if provider is None:
        raise Unusable("providedBy: no such care unit, or its own row was rejected or left out")
    _check_temporary(one, tell)
    content = {
        "unit": provider,
        "status": "active" if one.get("active", True) else "ended",
        # The guide has no field for it: a place to go to is one where patient and care meet.
        "encounter_means": ["physical"] if one.get("location") else [],
        "target_group": target_group_of(one, groups or {}, tell),
        "referral_required": None,
        "referral_guidance": guidance_of(one),
        "self_referral": None,
        "contacts": contacts_of(one),
        "valid_from": None,
        "valid_to": None,
        "source": seen_at(one, NAME),
    }
    return [{**content, "care_service": code} for code in codes]


def assignment(one: Resource, by_reference: Mapping[str, Resource]) -> tuple[str, str]:
    """An OrganizationAffiliation, which this guide does not have yet. Raises Unusable."""
    return assignment_of(one, by_reference)


def _check_public(one: Resource) -> None:
    marks = (one.get("meta") or {}).get("security", [])
    if not any(mark.get("system") == _INDICATOR and mark.get("code") == _PUBLIC for mark in marks):
        raise LeftOut(Rule.NOT_PUBLIC)


def _check_temporary(one: Resource, tell: Tell) -> None:
    """Temporary information must have an end (HSACAT-INFO); it is for 1177's readers, and no field of ours holds it."""
    notices = [ext for name in _TEMPORARY for ext in extensions(one, name)]
    if not notices:
        return
    for ext in notices:
        words("temporary information", ext.get("valueString"))
    ends = _end(one, notices)
    tell("temporary information: read and not used" if ends else "temporary information: has no end; not used")


def _end(one: Resource, notices: list[dict[str, Any]]) -> date | None:
    parts = [part for ext in notices for part in ext.get("extension", []) if part.get("url") == "period"]
    periods = [part.get("valuePeriod") or {} for part in (*parts, *extensions(one, _PERIOD))]
    return next((day("period", period["end"]) for period in periods if period.get("end")), None)


def _is(one: Resource, kind: str) -> bool:
    return any(coding.get("system") == _CLASS and coding.get("code") == kind for coding in all_codings(one, "type"))


GUIDE = Guide(NAME, TYPES, beside=("Location",), interpret=interpret)
"""How this catalogue is read."""
