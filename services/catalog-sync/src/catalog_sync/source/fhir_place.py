"""Where something lies: a FHIR Location as a place, with what it does not say found by what is known of places."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from catalog_sync.domain.places import Places, Spot, point
from catalog_sync.source.coordinates import wgs84
from rules.fhir_fields import Resource, Tell, Unusable, checked, extensions, words
from rules.identifiers import municipality_code, postal_code, region_code

_MUNICIPALITY = "urn:oid:1.2.752.129.2.2.1.17"
_REGION = "urn:oid:1.2.752.129.2.2.1.18"
# Ours: the draft guide says neither how exact a position is nor which coordinate system it is in.
_PRECISION, _SYSTEM = "position-precision", "coordinate-system"


def place_of(location: Resource, places: Places, tell: Tell) -> dict[str, Any]:
    """Address, municipality, region and point of a Location. What was found rather than read is told. Raises Unusable.

    Tolerated: an address in one text instead of lines, a postal code that is none (left out), a municipality or point
    that is missing.
    """
    address = location.get("address") or {}
    code, locality = _postal_code(address, tell), words("address", address.get("city"))
    street = words("address", next(iter(address.get("line", [])), None) or address.get("text"))
    municipality, region = _area(location, code, locality, places, tell)
    return {
        "street": street,
        "postal_code": code,
        "locality": locality,
        "municipality": municipality,
        "region": region,
        "point": _point(location, municipality, code, locality, places, tell),
    }


def _postal_code(address: Resource, tell: Tell) -> str | None:
    written = address.get("postalCode")
    try:
        return postal_code(written) if written else None
    except ValueError as error:
        tell(f"postalCode: {error}; left out")
        return None


def _area(
    location: Resource, code: str | None, locality: str | None, places: Places, tell: Tell
) -> tuple[str | None, str]:
    """Municipality, if known, and region."""
    said = next(_said(location, _MUNICIPALITY), None)
    county = next(_said(location, _REGION), None)
    region = checked("region", region_code, county) if county is not None else None
    if said is not None:
        municipality = checked("municipality", municipality_code, said)
        known = places.postal_codes.get(code or "")
        if known is not None and known.municipality != municipality:
            tell("municipality: is another one than the postal code's; kept")
        return municipality, municipality[:2]
    found = places.municipality_of(code, locality, region)
    if found is not None:
        municipality, way = found
        tell(f"municipality: was missing, found {way}")
        return municipality, municipality[:2]
    if region is None:
        raise Unusable("municipality: is missing")
    tell("municipality: is missing and cannot be found by the address")
    return None, region


def _said(location: Resource, system: str) -> Iterator[str]:
    for part in (location, location.get("address") or {}):
        for ext in part.get("extension", []):
            coding = ext.get("valueCoding") or {}
            if coding.get("system") == system:
                yield coding.get("code", "")


def _point(
    location: Resource, municipality: str | None, code: str | None, locality: str | None, places: Places, tell: Tell
) -> dict[str, Any] | None:
    position = location.get("position")
    if position is not None:
        system = next((ext for ext in extensions(location, _SYSTEM)), {})
        declared = system.get("valueCode") or system.get("valueString") or system.get("valueUri")
        given = Decimal(str(position["latitude"])), Decimal(str(position["longitude"]))
        lat, lon = wgs84(*given, declared)
        if max(given) > 1000:
            tell("position: SWEREF 99 TM, converted to WGS 84")
        precision = next((ext.get("valueCode") for ext in extensions(location, _PRECISION)), None)
        return {**point(Spot(float(lat), float(lon)), precision or "own")}
    found = places.spot_of(municipality, code, locality) if municipality is not None else None
    if found is None:
        return None
    tell(f"position: was missing, the {found[1].replace('_', ' ')}'s is taken")
    return point(*found)
