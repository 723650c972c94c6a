"""The three care areas the service starts with, as its own files say, and what the demo chooses for each."""

from dataclasses import dataclass

from catalog_sync.domain.code_reading import CodeReading
from catalog_sync.source import care_areas, code_files


@dataclass(frozen=True)
class CareArea:
    """One care area; `clinic` is the kind of clinic that gives the care."""

    code: str
    name: str
    guidance: str
    clinic: str
    service: str
    """The stand-in code of the treatment in `vt-demo`."""
    common_kva: tuple[str, ...]
    """The KVÅ codes agreements name, the most common first."""


_SAID = {code: area for code, _, area in care_areas.read(code_files.SHIPPED, CodeReading()) if area is not None}


def _area(code: str, clinic: str, *common_kva: str) -> CareArea:
    said = _SAID[code]
    return CareArea(code, said.text, said.guidance or "", clinic, f"{code}-operation", common_kva)


KATARAKT = _area("katarakt", "eye", "CJE20", "CJE15", "CJE25", "CJE10", "CJD20")
LJUMSKBRACK = _area("ljumskbrack", "surgery", "JAB30", "JAB41", "JAB44", "JAB40", "JAB11")
KNAPROTES = _area("knaprotes", "orthopaedics", "NGB49", "NGB29", "NGB39", "NGB19", "NGB09")
AREAS = (KATARAKT, LJUMSKBRACK, KNAPROTES)
"""All care areas."""

ASSESSMENT = "katarakt-bedomning"
"""The one assessment service, for agreements that cover it apart from the operation."""
