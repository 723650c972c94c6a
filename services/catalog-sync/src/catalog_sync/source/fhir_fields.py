"""Single fields of FHIR resources, in the national catalogue's draft guide. A fault is told, never repeated."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from rules.identifiers import hsa_id, is_personal_number, municipality_code, postal_code, provider_number
from rules.personal_numbers import holds_personal_number

Resource = Mapping[str, Any]

_HSA_SYSTEMS = frozenset({"urn:oid:1.2.752.29.4.19", "urn:oid:1.2.752.129.2.1.4.1"})
_ORGANISATION_NUMBER = "urn:oid:2.5.4.97"
_MUNICIPALITY = "urn:oid:1.2.752.129.2.2.1.17"
_PRECISION = "position-precision"
_CHANNELS = {"phone": "phone", "email": "email", "url": "web", "fax": "fax"}


class Unusable(ValueError):
    """This row cannot be used; the reason is for the list of rejected rows."""


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


def organisation_number_of(provider: Resource) -> str | None:
    """None for a sole trader: that number is a personnummer and goes no further than here."""
    for row in provider.get("identifier", []):
        if row.get("system") == _ORGANISATION_NUMBER:
            number = checked("organisation number", provider_number, row.get("value", ""))
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
    """Ways to reach it, of the kinds we know."""
    return [
        {"purpose": "general", "channel": _CHANNELS[row["system"]], "value": value, "note": None}
        for row in one.get("telecom", [])
        if row.get("system") in _CHANNELS and (value := words("telecom", row.get("value"))) is not None
    ]


def place_of(location: Resource) -> dict[str, Any]:
    """Address, municipality and point of a Location. Raises Unusable."""
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
        raise Unusable("municipality: is missing")
    municipality = checked("municipality", municipality_code, municipality)
    code = address.get("postalCode")
    return {
        "street": words("address", next(iter(address.get("line", [])), None)),
        "postal_code": checked("postalCode", postal_code, code) if code else None,
        "locality": words("address", address.get("city")),
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
        raise Unusable("position: outside Sweden")
    precision = next((ext.get("valueCode") for ext in extensions(location, _PRECISION)), None)
    return {"lat": str(lat), "lon": str(lon), "precision": precision or "own"}


def checked(field: str, check: Callable[[str], str], value: str) -> str:
    """The identifier in its normal form. Raises Unusable with the field's name."""
    try:
        return check(value)
    except ValueError as error:
        raise Unusable(f"{field}: {error}") from None


def codings(concept: Any) -> list[dict[str, Any]]:
    """The codings of a CodeableConcept."""
    return list((concept or {}).get("coding", []))


def extensions(one: Resource, ending: str) -> list[dict[str, Any]]:
    """The extensions whose address ends so."""
    return [ext for ext in one.get("extension", []) if str(ext.get("url", "")).endswith(f"/{ending}")]
