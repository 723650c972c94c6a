"""What a source says of a unit besides its name: ownership, care forms, specialties, staff, beds, who took over."""

from collections.abc import Iterable, Mapping
from typing import Any

from catalog_sync.domain.canonical import address
from catalog_sync.domain.left_out import Business
from rules.fhir_fields import Resource, Tell, Unusable, all_codings, contained, extensions, hsa_id_of, words
from rules.regions import REGIONS

BUSINESS = address("hsa-verksamhetskod")
"""HSA verksamhetskod."""
MVO = address("mvo")
"""Ours: Socialstyrelsen's list of specialties (MVO) has no address in the guides."""
CARE_FORM = "urn:oid:1.2.752.129.2.2.1.13"
"""HSA vård- och omsorgsform."""

SPECIALTY_SYSTEMS = {BUSINESS: "hsa-verksamhetskod", MVO: "mvo"}

_CARE_FORMS = {"01": "outpatient", "02": "inpatient"}
_HSA_OWNERSHIP = "urn:oid:1.2.752.129.2.2.1.14"
# SCB's ÄGAR 2020; companies that foreigners control (50) are private to us.
_SCB = {"10": "state", "20": "municipality", "30": "region", "4": "private"}
_SCB |= {"41": "private", "42": "private", "50": "private"}
# HSA's list of ownership codes is not open: its two published codes, else the coding's own text.
_HSA = {"01": "region", "05": "private"}
_HSA_TEXTS = {"region": "region", "landsting": "region", "kommun": "municipality", "stat": "state", "privat": "private"}
# SCB's JURFORM, where no ownership is given.
_LEGAL_FORMS = {"81": "state", "82": "municipality", "84": "region"}

_OWNERSHIP, _LEGAL_FORM = "sendi-organization-ownership-extension", "sendi-organization-legal-form-extension"
# Ours: the draft guide has no words for these.
_STAFF, _BEDS, _REPLACED_BY = "staff-category", "inpatient-beds", "replaced-by"

_REGION_NUMBERS = frozenset(region.organisation_number for region in REGIONS.values())


def plain_code(value: str) -> str:
    """A code of a list that has no form of its own. Raises ValueError for none, and for a personal number."""
    code = words("code", value)
    if code is None or "|" in code:
        raise ValueError("must be a code without a vertical bar")
    return code


def is_region(organisation_number: str | None) -> bool:
    """True for one of the 21 regions' own numbers."""
    return organisation_number in _REGION_NUMBERS


def ownership_of(*organisations: Resource) -> str | None:
    """Ownership form, from the first of them that says it: a unit's own before its care provider's."""
    for one in organisations:
        scb = [(ext.get("valueCoding") or {}).get("code") for ext in extensions(one, _OWNERSHIP)]
        hsa = [coding for coding in all_codings(one, "type") if coding.get("system") == _HSA_OWNERSHIP]
        form = [(ext.get("valueCoding") or {}).get("code") for ext in extensions(one, _LEGAL_FORM)]
        said = [
            *(_SCB.get(str(code)) for code in scb),
            *(_hsa_ownership(coding) for coding in hsa),
            *(_LEGAL_FORMS.get(str(code)) for code in form),
        ]
        found = next((word for word in said if word is not None), None)
        if found is not None:
            return found
    return None


def _hsa_ownership(coding: Resource) -> str | None:
    text = str(coding.get("display", "")).casefold()
    by_text = next((word for part, word in _HSA_TEXTS.items() if part in text), None)
    return _HSA.get(str(coding.get("code")), by_text)


def businesses_of(one: Resource) -> list[Business]:
    """The unit's lines of business: those it contains (Verksamhet), and what its own type says."""
    parts = [(part, ("category", "type", "specialty")) for part in contained(one, "HealthcareService")]
    return businesses_in(coding for part, fields in [*parts, (one, ("type",))] for coding in all_codings(part, *fields))


def businesses_in(codings: Iterable[Resource]) -> list[Business]:
    """The codings that name a line of business, each once."""
    found = {
        (system, code): Business(system, code, str(coding.get("display", "")))
        for coding in codings
        if (system := SPECIALTY_SYSTEMS.get(coding.get("system", ""))) is not None
        and (code := words("code", coding.get("code")))
    }
    return list(found.values())


def specialties_of(businesses: Iterable[Business]) -> list[dict[str, str]]:
    """The same as codes in our code systems."""
    return [{"system": one.system, "code": one.code} for one in businesses]


def care_forms_of(one: Resource) -> list[str]:
    """Out- and inpatient care, from the businesses a unit contains or its own type; other forms are not ours."""
    parts = [*contained(one, "HealthcareService"), one]
    said = {
        _CARE_FORMS.get(str(coding.get("code")))
        for part in parts
        for coding in all_codings(part, "type")
        if coding.get("system") == CARE_FORM
    }
    return [form for form in _CARE_FORMS.values() if form in said]


def staff_of(one: Resource) -> list[str]:
    """Professions, in the source's words, each once."""
    found = []
    for ext in extensions(one, _STAFF):
        coding = ext.get("valueCoding") or {}
        found.append(words("staff category", ext.get("valueString") or coding.get("display")))
    return list(dict.fromkeys(word for word in found if word is not None))


def beds_of(one: Resource, tell: Tell) -> int | None:
    """Inpatient beds."""
    said = next((ext.get("valueInteger") for ext in extensions(one, _BEDS)), None)
    if said is None or (isinstance(said, int) and not isinstance(said, bool) and said >= 0):
        return said
    tell("inpatient beds: must be a whole number; left out")
    return None


def merged_into_of(one: Resource, own: str, by_reference: Mapping[str, Resource], tell: Tell) -> str | None:
    """The HSA-id of the unit that took this closed one's place: named by it, or pointed to.

    Raises Unusable where that is the unit itself.
    """
    ext: dict[str, Any] = next(iter(extensions(one, _REPLACED_BY)), {})
    if not ext:
        return None
    pointed = by_reference.get((ext.get("valueReference") or {}).get("reference", ""))
    named = {"identifier": [ext["valueIdentifier"]]} if "valueIdentifier" in ext else pointed
    if named is None:
        tell("replaced-by: points to nothing in the catalogue; left out")
        return None
    found = hsa_id_of(named)
    if found == own:
        raise Unusable("replaced-by: the unit is said to replace itself")
    return found
