"""Care units: real hospitals, their clinics, and invented private units in all regions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from catalog_sync.domain.places import point
from contracts.catalog import Place
from contracts.message import Contact
from demo.sweden.contacts import unit_contacts
from demo.sweden.geography import Geography, PostalCode
from demo.sweden.hospitals import Hospital
from demo.sweden.providers import DemoProvider, hospital_provider, private_providers, region_provider
from rules.regions import REGIONS

CLINIC_NAMES = {"eye": "Ögonkliniken", "surgery": "Kirurgkliniken", "orthopaedics": "Ortopedkliniken"}
_PRIVATE_NAMES = {"eye": "Ögonklinik", "surgery": "Kirurgcenter", "orthopaedics": "Ortopedcenter"}
_STREETS = [
    "Storgatan",
    "Kyrkogatan",
    "Järnvägsgatan",
    "Skolgatan",
    "Parkvägen",
    "Strandvägen",
    "Kungsgatan",
    "Drottninggatan",
    "Nygatan",
    "Torggatan",
]
STAFF = {
    "eye": ("Läkare", "Sjuksköterska", "Ortoptist"),
    "surgery": ("Läkare", "Sjuksköterska"),
    "orthopaedics": ("Läkare", "Sjuksköterska", "Fysioterapeut"),
}
"""Which professions a kind of clinic has."""
CLOSED = 5
"""How many units have closed."""

PRIVATE_UNITS = {
    "01": 44, "03": 14, "04": 10, "05": 16, "06": 12, "07": 8, "08": 9, "09": 3, "10": 7, "12": 34, "13": 14,
    "14": 44, "17": 10, "18": 12, "19": 10, "20": 10, "21": 10, "22": 9, "23": 6, "24": 10, "25": 9,
}  # fmt: skip
"""How many invented private units each region has."""


@dataclass(frozen=True)
class DemoUnit:
    """One care unit. Its name may be a real hospital's; its HSA-id, address and contacts are always invented."""

    hsa_id: str
    name: str
    provider: DemoProvider
    part_of: str | None
    kind: str
    """`hospital`, `eye`, `surgery` or `orthopaedics`."""
    care_forms: tuple[str, ...]
    place: Place
    contacts: tuple[Contact, ...]
    opened_on: date
    closed_on: date | None

    @property
    def active(self) -> bool:
        """False for a closed unit."""
        return self.closed_on is None

    @property
    def beds(self) -> int | None:
        """Inpatient beds: a hospital's, invented from its number."""
        return 40 + int(self.suffix[1:]) % 400 if self.kind == "hospital" else None

    @property
    def staff(self) -> tuple[str, ...]:
        """Professions that work here."""
        return STAFF.get(self.kind, ())

    @property
    def suffix(self) -> str:
        """The part of the HSA-id after the hyphen, unique in the demo."""
        return self.hsa_id.split("-")[1]


class _Register:
    """Gives units their numbers in order, and each place its postal codes."""

    def __init__(self, geography: Geography, random: Random) -> None:
        self.geography = geography
        self.random = random
        self.issued = 100000
        self.names: set[str] = set()
        self.by_municipality: dict[str, list[PostalCode]] = {}
        for postal in geography.postal_codes.values():
            self.by_municipality.setdefault(postal.municipality, []).append(postal)

    def hsa_id(self, provider: DemoProvider) -> str:
        self.issued += 1
        return f"SE{provider.issuer}-D{self.issued}"

    def postal_code(self, municipality: str, locality: str | None) -> PostalCode:
        choices = self.by_municipality[municipality]
        return self.random.choice([one for one in choices if one.locality == locality] or choices)

    def place(self, postal: PostalCode, street: str, own: dict[str, str] | None = None) -> Place:
        return Place.model_validate(
            {
                "street": street,
                "postal_code": postal.code,
                "locality": postal.locality,
                "municipality": postal.municipality,
                "region": postal.municipality[:2],
                "point": own or point(postal.spot, postal.precision),
            }
        )


def build_units(
    geography: Geography, hospitals: tuple[Hospital, ...], random: Random, today: date
) -> tuple[tuple[DemoProvider, ...], tuple[DemoUnit, ...]]:
    """All care providers and care units."""
    register = _Register(geography, random)
    regions = {code: region_provider(code) for code in REGIONS}
    private = private_providers(random)
    units: list[DemoUnit] = []
    owners: list[DemoProvider] = []
    for order, hospital in enumerate(hospitals):
        owner = regions[hospital.region]
        if hospital.ownership == "private":
            owner = hospital_provider(hospital.name, hospital.region, order)
            owners.append(owner)
        units.extend(_hospital_units(register, hospital, owner))
    units.extend(_private_units(register, private))
    units.extend(_closed_units(register, private, today))
    return (*regions.values(), *owners, *private), tuple(units)


def _hospital_units(register: _Register, hospital: Hospital, owner: DemoProvider) -> Iterator[DemoUnit]:
    postal = register.postal_code(hospital.municipality, hospital.locality)
    own = point(hospital.spot, "own") if hospital.spot else None
    place = register.place(postal, f"Sjukhusvägen {register.random.randint(1, 9)}", own)
    forms = ("outpatient", "inpatient")
    whole = _unit(register, owner, hospital.name, "hospital", place, forms)
    yield whole
    for kind in hospital.clinics:
        name = f"{CLINIC_NAMES[kind]} {hospital.name}"
        yield _unit(register, owner, name, kind, place, forms if kind != "eye" else forms[:1], whole.hsa_id)


def _private_units(register: _Register, private: tuple[DemoProvider, ...]) -> Iterator[DemoUnit]:
    random = register.random
    for provider in private:
        if provider.sole_trader:
            yield _private_unit(register, provider, provider.home, name=provider.name.split(",")[0])
    kinds = ("eye", "surgery", "orthopaedics")
    companies = [one for one in private if not one.sole_trader]
    for region, count in PRIVATE_UNITS.items():
        for order in range(count):
            kind = kinds[order % 3]
            local = [one for one in companies if one.line == kind and one.home == region]
            everywhere = [one for one in companies if one.line == kind]
            pool = local if local and random.random() < 0.6 else everywhere
            yield _private_unit(register, random.choice(pool), region)


def _private_unit(
    register: _Register, provider: DemoProvider, region: str, name: str | None = None, closed: date | None = None
) -> DemoUnit:
    # A postal code drawn evenly makes big towns likelier, as they are for clinics.
    postal = register.random.choice([one for one in _of_region(register, region) if one.precision == "postal_code"])
    kind = provider.line or "eye"
    place = register.place(postal, f"{register.random.choice(_STREETS)} {register.random.randint(1, 60)}")
    full = name or f"{provider.name.split()[0]} {_PRIVATE_NAMES[kind]} {postal.locality}"
    if full in register.names:
        full = f"{full}, {place.street}"
    register.names.add(full)
    return _unit(register, provider, full, kind, place, ("outpatient",), closed=closed)


def _of_region(register: _Register, region: str) -> list[PostalCode]:
    return [one for code, codes in register.by_municipality.items() if code[:2] == region for one in codes]


def _closed_units(register: _Register, private: tuple[DemoProvider, ...], today: date) -> Iterator[DemoUnit]:
    companies = [one for one in private if not one.sole_trader]
    for order in range(CLOSED):
        closed = today - timedelta(days=60 + 90 * order)
        yield _private_unit(register, companies[order * 11], companies[order * 11].home, closed=closed)


def _unit(
    register: _Register,
    provider: DemoProvider,
    name: str,
    kind: str,
    place: Place,
    forms: tuple[str, ...],
    part_of: str | None = None,
    closed: date | None = None,
) -> DemoUnit:
    hsa_id = register.hsa_id(provider)
    return DemoUnit(
        hsa_id=hsa_id,
        name=name,
        provider=provider,
        part_of=part_of,
        kind=kind,
        care_forms=forms,
        place=place,
        contacts=unit_contacts(hsa_id.split("-")[1], register.issued),
        opened_on=date(register.random.randint(1995, 2021), register.random.randint(1, 12), 1),
        closed_on=closed,
    )
