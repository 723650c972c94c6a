"""The three care areas the service starts with, and which codes belong to each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CareArea:
    """One care area; `clinic` is the kind of clinic that gives the care."""

    code: str
    name: str
    clinic: str
    service: str
    """The stand-in code of the treatment in `vt-demo`."""
    service_text: str
    common_kva: tuple[str, ...]
    """The KVÅ codes agreements name, the most common first."""
    guidance: str


KATARAKT = CareArea(
    "katarakt",
    "Katarakt (grå starr)",
    "eye",
    "katarakt-operation",
    "Kataraktoperation (operation av grå starr)",
    ("CJE20", "CJE15", "CJE25", "CJE10", "CJD20"),
    "Ange synskärpa, biometri om den finns, och om båda ögonen ska opereras.",
)
LJUMSKBRACK = CareArea(
    "ljumskbrack",
    "Ljumskbråck",
    "surgery",
    "ljumskbrack-operation",
    "Ljumskbråcksoperation",
    ("JAB30", "JAB41", "JAB44", "JAB40", "JAB11"),
    "Ange sida, om bråcket är recidiv, och BMI.",
)
KNAPROTES = CareArea(
    "knaprotes",
    "Knäprotes",
    "orthopaedics",
    "knaprotes-operation",
    "Knäprotesoperation",
    ("NGB49", "NGB29", "NGB39", "NGB19", "NGB09"),
    "Bifoga röntgenutlåtande och ange BMI och ASA-klass.",
)
AREAS = (KATARAKT, LJUMSKBRACK, KNAPROTES)
"""All care areas."""

ASSESSMENT = "katarakt-bedomning"
"""The one assessment service, for agreements that cover it apart from the operation."""
ASSESSMENT_TEXT = "Bedömning inför kataraktoperation"

CATARACT_KVA = frozenset(
    [
        "CJC00",
        "CJC10",
        "CJC20",
        "CJC99",
        "CJD00",
        "CJD10",
        "CJD20",
        "CJD99",
        "CJE00",
        "CJE05",
        "CJE10",
        "CJE15",
        "CJE20",
        "CJE25",
        "CJE99",
    ]
)
"""The 15 codes of Socialstyrelsen's activity 51101 Gråstarr."""
