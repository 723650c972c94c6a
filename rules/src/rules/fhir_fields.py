"""Single fields of FHIR resources, R4 and R5, as the Swedish guides use them. A fault is told, never repeated."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from rules.identifiers import hsa_id, is_personal_number, provider_number
from rules.personal_numbers import holds_personal_number

Resource = Mapping[str, Any]
Tell = Callable[[str], None]
"""Takes words about what was mended or passed over in a row that is used."""

_HSA_SYSTEMS = frozenset({"urn:oid:1.2.752.29.4.19", "urn:oid:1.2.752.129.2.1.4.1"})
_ORGANISATION_NUMBER = "urn:oid:2.5.4.97"
_CHANNELS = {"phone": "phone", "email": "email", "url": "web", "fax": "fax"}
_CONTACT = "sendi-contact-extension"
# HSA's address of whoever keeps the entry up to date: nothing for those who refer a patient.
_EDITOR = "directory-contact"


class Unusable(ValueError):
    """This row cannot be used; the reason is for the list of rejected rows."""


def silent(_: str) -> None:
    """Tells nobody."""


def own_reference(one: Resource) -> str:
    """`Organization/ve-1`: how others point to it. An id that may be a personal number is not repeated."""
    reference = f"{one.get('resourceType')}/{one.get('id')}"
    return f"{one.get('resourceType')}/(id withheld)" if holds_personal_number(reference) else reference


def reference(one: Resource, name: str) -> str:
    """What the field points to, "" where it is missing."""
    return str((one.get(name) or {}).get("reference", ""))


def hsa_id_of(one: Resource) -> str:
    """The HSA-id under any of the two OIDs in use. Raises Unusable."""
    for row in one.get("identifier", []):
        if row.get("system") in _HSA_SYSTEMS:
            return checked("HSA-id", hsa_id, row.get("value", ""))
    raise Unusable("HSA-id: is missing")


def organisation_number_of(provider: Resource, tell: Tell = silent) -> str | None:
    """Ten digits, or None for a sole trader: that number is a personnummer and goes no further than here.

    A number that is none is left out and told: foreign data is no reason to lose the unit.
    """
    for row in provider.get("identifier", []):
        if row.get("system") == _ORGANISATION_NUMBER:
            try:
                number = provider_number(row.get("value", ""))
            except ValueError as error:
                tell(f"organisation number: {error}; left out")
                return None
            return None if is_personal_number(number) else number
    return None


def name_of(one: Resource) -> str:
    """The name. Raises Unusable."""
    name = words("name", one.get("name"))
    if name is None:
        raise Unusable("name: is missing")
    return name


def words(field: str, value: object) -> str | None:
    """Free text without the space around it, None where there is none. Raises Unusable for a personal number."""
    text = str(value if value is not None else "").strip()
    if holds_personal_number(text):
        raise Unusable(f"{field}: holds something like a personal number")
    return text or None


def contacts_of(one: Resource) -> list[dict[str, Any]]:
    """Ways to reach it, of the kinds we know: R4's `telecom`, the draft guide's contact extension, R5's `contact`."""
    found = []
    for row in _telecoms(one):
        value = words("telecom", row.get("value"))
        kinds = {(ext.get("valueCoding") or {}).get("code") for ext in row.get("extension", [])}
        if row.get("system") in _CHANNELS and value is not None and _EDITOR not in kinds:
            found.append({"purpose": "general", "channel": _CHANNELS[row["system"]], "value": value, "note": None})
    return found


def _telecoms(one: Resource) -> Iterator[Resource]:
    yield from one.get("telecom", [])
    contacts = one.get("contact", [])
    for contact in contacts if isinstance(contacts, list) else []:
        # R4's Organization.contact names persons: functions only.
        if "name" not in contact:
            yield from contact.get("telecom", [])
    for ext in extensions(one, _CONTACT):
        yield from (part["valueContactPoint"] for part in ext.get("extension", []) if part.get("url") == "telecom")


def day(field: str, value: object) -> date | None:
    """The calendar day of a FHIR date or time, None where there is none. Raises Unusable for half a date."""
    if value is None:
        return None
    with suppress(ValueError):
        return date.fromisoformat(str(value)[:10])
    raise Unusable(f"{field}: must be whole dates, such as 2026-03-01")


def checked(field: str, check: Callable[[str], str], value: str) -> str:
    """The identifier in its normal form. Raises Unusable with the field's name."""
    try:
        return check(value)
    except ValueError as error:
        raise Unusable(f"{field}: {error}") from None


def codings(concept: Any) -> list[dict[str, Any]]:
    """The codings of a CodeableConcept."""
    return list((concept or {}).get("coding", []))


def all_codings(one: Resource, *fields: str) -> list[dict[str, Any]]:
    """Every coding of some fields that hold lists of CodeableConcepts."""
    return [coding for name in fields for concept in one.get(name, []) for coding in codings(concept)]


def extensions(one: Resource, ending: str) -> list[dict[str, Any]]:
    """The extensions whose address ends so."""
    return [ext for ext in one.get("extension", []) if str(ext.get("url", "")).endswith(f"/{ending}")]


def contained(one: Resource, resource_type: str) -> Iterable[Resource]:
    """The resources of a type that stand inside this one."""
    return [part for part in one.get("contained", []) if part.get("resourceType") == resource_type]
