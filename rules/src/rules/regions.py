"""The 21 regions: county code, name, organisation number and collaboration region (samverkansregion).

Source: SCB's county codes; collaboration regions per SFS 1982:777, under which Halland is split by municipality.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One region. `collaboration_region` is the one of its seat; ask `collaboration_region()` for a municipality's."""

    code: str
    name: str
    organisation_number: str
    collaboration_region: str


_ROWS = (
    ("01", "Region Stockholm", "2321000016", "Stockholm–Gotland"),
    ("03", "Region Uppsala", "2321000024", "Mellansverige"),
    ("04", "Region Sörmland", "2321000032", "Mellansverige"),
    ("05", "Region Östergötland", "2321000040", "Sydöstra"),
    ("06", "Region Jönköpings län", "2321000057", "Sydöstra"),
    ("07", "Region Kronoberg", "2321000065", "Södra"),
    ("08", "Region Kalmar län", "2321000073", "Sydöstra"),
    ("09", "Region Gotland", "2120000803", "Stockholm–Gotland"),
    ("10", "Region Blekinge", "2321000081", "Södra"),
    ("12", "Region Skåne", "2321000255", "Södra"),
    ("13", "Region Halland", "2321000115", "Södra"),
    ("14", "Västra Götalandsregionen", "2321000131", "Västra"),
    ("17", "Region Värmland", "2321000156", "Mellansverige"),
    ("18", "Region Örebro län", "2321000164", "Mellansverige"),
    ("19", "Region Västmanland", "2321000172", "Mellansverige"),
    ("20", "Region Dalarna", "2321000180", "Mellansverige"),
    ("21", "Region Gävleborg", "2321000198", "Mellansverige"),
    ("22", "Region Västernorrland", "2321000206", "Norra"),
    ("23", "Region Jämtland Härjedalen", "2321000214", "Norra"),
    ("24", "Region Västerbotten", "2321000222", "Norra"),
    ("25", "Region Norrbotten", "2321000230", "Norra"),
)

REGIONS: dict[str, Region] = {row[0]: Region(*row) for row in _ROWS}
"""All regions by county code."""

# Falkenberg, Kungsbacka and Varberg belong to Västra; Halmstad, Hylte and Laholm to Södra.
_WESTERN_HALLAND = frozenset({"1382", "1384", "1383"})


def collaboration_regions(region: str) -> frozenset[str]:
    """The collaboration regions a region's patients belong to: one, but two for Halland."""
    if region == "13":
        return frozenset({"Västra", "Södra"})
    return frozenset({REGIONS[region].collaboration_region})


def collaboration_region(municipality: str) -> str:
    """The collaboration region of a place, by its four-digit municipality code (KeyError for an unknown region)."""
    return "Västra" if municipality in _WESTERN_HALLAND else REGIONS[municipality[:2]].collaboration_region
