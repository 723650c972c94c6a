"""Agreements and own provision of all 21 regions, as the bodies a region would register."""

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from demo.sweden import terms
from demo.sweden.areas import AREAS, ASSESSMENT, KATARAKT, CareArea
from demo.sweden.contacts import service_contacts
from demo.sweden.units import DemoUnit
from rules.regions import REGIONS, collaboration_regions

PER_REGION = {
    "01": 250, "03": 80, "04": 65, "05": 85, "06": 75, "07": 48, "08": 55, "09": 20, "10": 40, "12": 180, "13": 75,
    "14": 245, "17": 60, "18": 70, "19": 60, "20": 65, "21": 65, "22": 55, "23": 36, "24": 60, "25": 55,
}  # fmt: skip
"""How many agreements each region has."""

_NUMBERS = {
    "01": "HSN {year}-{n:04d}",
    "03": "VS{year}-{n:05d}",
    "05": "RÖ {year}:{n}",
    "09": "RS {year}/{n:03d}",
    "12": "{year}-POL{n:06d}",
    "14": "VGR {year}-{n:05d}",
    "24": "VIN{year}-{n:04d}",
}
_NAMES = {"katarakt": "Kataraktkirurgi", "ljumskbrack": "Ljumskbråckskirurgi", "knaprotes": "Knäproteskirurgi"}


@dataclass(frozen=True)
class DemoAgreement:
    """One agreement. `body` has the fields of AgreementRegistered that a region itself fills in, JSON-able."""

    region: str
    number: str
    body: dict[str, Any]

    def is_over(self, day: date) -> bool:
        """Its last day has passed, so that it can no longer be published."""
        return (self.body["valid_to"] or "9999") < day.isoformat()


def build_agreements(units: tuple[DemoUnit, ...], random: Random, today: date) -> tuple[DemoAgreement, ...]:
    """All agreements, region by region: own provision first, then agreements with others."""
    clinics = [unit for unit in units if unit.active and unit.kind != "hospital"]
    agreements = []
    for region, count in PER_REGION.items():
        writer = _Writer(region, clinics, random, today)
        own = [unit for unit in clinics if unit.provider.ownership == "region" and unit.provider.home == region]
        agreements += [writer.own_provision(unit) for unit in own]
        agreements += [writer.with_others() for _ in range(count - len(own))]
    return tuple(agreements)


@dataclass(frozen=True)
class _Draft:
    """What the rest of an agreement follows from."""

    area: CareArea
    units: list[DemoUnit]
    starts: date
    ends: date | None
    out_of_region: bool
    own: bool


class _Writer:
    """Writes one region's agreements under its own numbers."""

    def __init__(self, region: str, clinics: list[DemoUnit], random: Random, today: date) -> None:
        self.region = region
        self.random = random
        self.today = today
        self.written = 0
        ours = collaboration_regions(region)
        self.inside = [one for one in clinics if one.place.region == region and one.provider.ownership == "private"]
        outside = [one for one in clinics if one.place.region != region]
        self.near = [one for one in outside if ours & collaboration_regions(one.place.region)]
        self.far = outside

    def own_provision(self, unit: DemoUnit) -> DemoAgreement:
        """The region's own clinic, described like an agreement so that it compares."""
        starts = date(self.random.randint(2018, 2024), 1, 1)
        draft = _Draft(_area_of(unit), [unit], starts, None, out_of_region=False, own=True)
        return self._agreement(
            draft,
            name=f"{_NAMES[draft.area.code]} i egen regi, {unit.name}",
            kind="assignment",
            basis="own_provision",
            law=None,
            direct_award=None,
            commissioning=[self.region],
        )

    def with_others(self) -> DemoAgreement:
        """An agreement with a private provider or another region."""
        outside = self.random.random() < 0.57
        pool = (self.near if self.random.random() < 0.6 else self.far) if outside else self.inside
        first = self.random.choice(pool or self.far)
        starts, ends = terms.period(self.random, self.today)
        draft = _Draft(
            _area_of(first), self._sisters(first), starts, ends, first.place.region != self.region, own=False
        )
        law: str | None = None
        direct: bool | None = None
        kind, basis, commissioning = "arrangement", "national_agreement", [self.region]
        if first.provider.ownership == "private":
            kind, basis = "agreement", "own_agreement"
            law, direct = terms.law(self.random)
            if law == "LOU" and self.random.random() < 0.15:
                basis = "joint_agreement"
                partners = self.random.sample([code for code in REGIONS if code != self.region], 2)
                commissioning = sorted([self.region, *partners])
        elif self.random.random() < 0.5:
            basis = "own_agreement"
        years = f"{starts.year}–{ends.year}" if ends else f"från {starts.year}"
        name = f"{_NAMES[draft.area.code]} {years}"
        return self._agreement(draft, name, kind, basis, law, direct, commissioning)

    def _sisters(self, first: DemoUnit) -> list[DemoUnit]:
        same = [
            unit
            for unit in self.inside + self.far
            if unit is not first
            and unit.provider.hsa_id == first.provider.hsa_id
            and unit.kind == first.kind
            and unit.place.region == first.place.region
        ]
        extra = self.random.choices((0, 1, 2), (7, 2, 1))[0]
        return [first, *self.random.sample(same, min(extra, len(same)))]

    def _number(self, year: int) -> str:
        self.written += 1
        short = REGIONS[self.region].name.removeprefix("Region ")[:2].upper()
        return _NUMBERS.get(self.region, short + "-{year}-{n:04d}").format(year=year, n=self.written * 3 + 100)

    def _agreement(
        self,
        draft: _Draft,
        name: str,
        kind: str,
        basis: str,
        law: str | None,
        direct_award: bool | None,
        commissioning: list[str],
    ) -> DemoAgreement:
        number = self._number(draft.starts.year)
        random = self.random
        body = {
            "region": self.region,
            "number": number,
            "name": name,
            "kind": kind,
            "assignment_id": f"U{self.region}-{self.written:04d}" if draft.own or random.random() < 0.4 else None,
            "assignment_document_url": None,
            "basis": basis,
            "law": law,
            "direct_award": direct_award,
            "choice_of_care": law == "LOV",
            "commissioning_regions": commissioning,
            "leading_region": self.region if basis == "joint_agreement" else None,
            "care_provider": None if draft.own else draft.units[0].provider.public.model_dump(mode="json"),
            "valid_from": draft.starts.isoformat(),
            "valid_to": draft.ends.isoformat() if draft.ends else None,
            "extension_option": "Kan förlängas 12 + 12 månader" if draft.ends and random.random() < 0.5 else None,
            "document_url": f"https://avtal.example/{self.region}/{self.written:04d}",
            "description": f"{draft.area.name} på {draft.units[0].name}. Syntetiska uppgifter.",
            "use_by_others": terms.use_by_others(random, self.region, basis, self.written),
            "services": self._services(draft),
        }
        return DemoAgreement(self.region, number, body)

    def _services(self, draft: _Draft) -> list[dict[str, Any]]:
        services = [self._service(draft, _operation_codes(draft.area, self.random), assessment=False)]
        if draft.area is KATARAKT and self.random.random() < 0.12:
            services.append(self._service(draft, [{"system": "vt-demo", "code": ASSESSMENT}], assessment=True))
        return services

    def _service(self, draft: _Draft, codes: list[dict[str, str]], *, assessment: bool) -> dict[str, Any]:
        random = self.random
        contacts = service_contacts(draft.units[0].suffix, self.written)
        per_year = {"count": random.randrange(20, 1500, 10), "per": "year"}
        return {
            "care_services": codes,
            "units": [unit.hsa_id for unit in draft.units],
            "target_group": terms.target_group(random, draft.area),
            "conditions": terms.conditions(random, draft.area, draft.out_of_region),
            "included": terms.included(random, draft.area, assessment),
            "reimbursement": terms.reimbursement(random, draft.area, draft.own, draft.starts, draft.ends),
            "contacts": [contact.model_dump(mode="json") for contact in contacts],
            "expected_capacity": per_year if random.random() < 0.4 else None,
        }


def _area_of(unit: DemoUnit) -> CareArea:
    return next(area for area in AREAS if area.clinic == unit.kind)


def _operation_codes(area: CareArea, random: Random) -> list[dict[str, str]]:
    if random.random() < 0.2:
        return [{"system": "vt-demo", "code": area.service}]
    codes = area.common_kva[: random.randint(1, len(area.common_kva))]
    return [{"system": "kva", "code": code} for code in codes]
