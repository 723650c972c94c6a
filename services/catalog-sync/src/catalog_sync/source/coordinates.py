"""Coordinates as sources write them: WGS 84 degrees, or SWEREF 99 TM metres (EPSG:3006), which HSA asks for."""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from catalog_sync.domain.places import in_sweden

_WGS84 = frozenset({"epsg:4326", "epsg:4619", "wgs84", "wgs-84", "sweref99"})
_SWEREF99_TM = frozenset({"epsg:3006", "sweref99tm"})
# Northing and easting of Sweden in metres, with some sea around it.
_NORTHING = (Decimal(6_090_000), Decimal(7_690_000))
_EASTING = (Decimal(200_000), Decimal(960_000))


def wgs84(lat: Decimal, lon: Decimal, declared: str | None = None) -> tuple[Decimal, Decimal]:
    """Latitude and longitude in degrees, five places, whatever they were written in.

    `declared` is the source's name for its system, such as `EPSG:3006` or `urn:ogc:def:crs:EPSG::3006`. Without it
    the size decides: metres and degrees are far apart, and so are northings and eastings (some sources swap them).
    SWEREF 99 in degrees differs from WGS 84 by less than a metre. Raises ValueError outside Sweden, and for a system
    that is not known.
    """
    system = _normal(declared)
    if system is not None and system not in _WGS84 | _SWEREF99_TM:
        raise ValueError("position: is in a coordinate system that we cannot read")
    metres = max(lon, lat), min(lon, lat)
    if _within(metres[0], _NORTHING) and _within(metres[1], _EASTING):
        if system in _WGS84:
            raise ValueError("position: is said to be in degrees and is not")
        lon, lat = (Decimal(str(value)) for value in _to_degrees()(float(metres[1]), float(metres[0])))
    elif system in _SWEREF99_TM:
        raise ValueError("position: is said to be in SWEREF 99 TM and is not")
    if not in_sweden(lat, lon):
        raise ValueError("position: outside Sweden")
    return round(lat, 5), round(lon, 5)


def _normal(declared: str | None) -> str | None:
    if declared is None:
        return None
    plain = declared.casefold().replace(" ", "").replace("_", "").removeprefix("urn:ogc:def:crs:")
    return plain.replace("::", ":")


def _within(value: Decimal, limits: tuple[Decimal, Decimal]) -> bool:
    # False for NaN, too.
    return value.is_finite() and limits[0] <= value <= limits[1]


@lru_cache(maxsize=1)
def _to_degrees() -> Callable[[float, float], tuple[float, float]]:
    # Loaded only where a source writes metres: the library takes 30 MB.
    from pyproj import Transformer

    transform: Callable[[float, float], tuple[float, float]] = Transformer.from_crs(
        3006, 4326, always_xy=True
    ).transform
    return transform
