"""Care providers: the 21 regions under their real numbers, and invented private ones under synthetic numbers."""

from dataclasses import dataclass, field
from random import Random

from contracts.message import CareProvider
from rules.identifiers import is_personal_number, passes_luhn
from rules.regions import REGIONS

SYNTHETIC = "(syntetisk)"
"""Ends the name of every invented care provider."""

SOLE_TRADERS = (
    ("Ögonmottagningen Solgläntan, enskild firma", "1212121212", "14"),
    ("Ögonmottagningen Tallbacken, enskild firma", "7010632391", "01"),
    ("Ortopedmottagningen Åbrinken, enskild firma", "9001019802", "12"),
)
"""Name, number and region. The numbers are documented test numbers that nobody has."""

_FIRST = [
    "Granskär",
    "Tallmo",
    "Lövsund",
    "Ljungudde",
    "Fjällglim",
    "Havsvik",
    "Björkstigen",
    "Klippsund",
    "Rönnberga",
    "Almdal",
    "Vindö",
    "Stenfors",
    "Källgläntan",
    "Ängslyckan",
    "Sjöglimt",
    "Bergsklint",
    "Åslätt",
    "Hasselbro",
    "Skogsvik",
    "Enudden",
    "Dagglunda",
    "Mossebro",
    "Gullvassen",
    "Strandhult",
    "Ekvinge",
    "Ljusterfors",
    "Sandvikla",
    "Nordglim",
    "Vårstråket",
    "Solvassa",
]
_LINES = {"eye": "Ögonvård", "surgery": "Kirurgi", "orthopaedics": "Ortopedi"}


@dataclass(frozen=True)
class DemoProvider:
    """One care provider. A sole trader's number reads as a personal number and stays inside the simulated catalogue."""

    hsa_id: str
    name: str
    identity_number: str = field(repr=False)
    ownership: str
    line: str | None
    """The kind of clinic a private provider runs; None for all kinds."""
    home: str
    """The region it works in most."""

    @property
    def sole_trader(self) -> bool:
        """True when its number is a personal number."""
        return is_personal_number(self.identity_number)

    @property
    def public(self) -> CareProvider:
        """As messages and agreements show it: without a sole trader's number."""
        number = None if self.sole_trader else self.identity_number
        return CareProvider(hsa_id=self.hsa_id, name=self.name, organisation_number=number)

    @property
    def issuer(self) -> str:
        """The organisation number its units' HSA-ids are issued under; the region's for a sole trader."""
        return self.hsa_id[2:12]


def region_provider(region: str) -> DemoProvider:
    """A region as care provider, under its real organisation number and an invented HSA-id suffix."""
    row = REGIONS[region]
    return DemoProvider(
        f"SE{row.organisation_number}-D000{region}", row.name, row.organisation_number, "region", None, region
    )


def hospital_provider(name: str, region: str, order: int) -> DemoProvider:
    """The invented company behind a real hospital that no region runs."""
    return _company(f"{name} AB {SYNTHETIC}", None, region, 500 + order)


def private_providers(random: Random) -> tuple[DemoProvider, ...]:
    """About 90 invented companies spread over the regions, and three sole traders."""
    companies = []
    regions = list(REGIONS)
    for order, (name, line) in enumerate((name, line) for line in _LINES for name in _FIRST):
        home = regions[order] if order < len(regions) else random.choice(regions)
        companies.append(_company(f"{name} {_LINES[line]} AB {SYNTHETIC}", line, home, order))
    sole = [
        DemoProvider(
            hsa_id=f"SE{REGIONS[region].organisation_number}-D0009{order}",
            name=f"{name} {SYNTHETIC}",
            identity_number=number,
            ownership="private",
            line="eye" if name.startswith("Ögon") else "orthopaedics",
            home=region,
        )
        for order, (name, number, region) in enumerate(SOLE_TRADERS)
    ]
    return (*companies, *sole)


def _company(name: str, line: str | None, home: str, order: int) -> DemoProvider:
    # Numbers from 5599 are not yet given out, so that none is a real company's.
    number = synthetic_number(f"5599{order * 37:05d}")
    return DemoProvider(f"SE{number}-D000001", name, number, "private", line, home)


def synthetic_number(nine: str) -> str:
    """Nine digits with the Luhn check digit that makes them an organisation number."""
    return next(f"{nine}{check}" for check in "0123456789" if passes_luhn(f"{nine}{check}"))
