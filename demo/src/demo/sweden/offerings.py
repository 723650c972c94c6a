"""What each unit says it offers in the catalogue: the stand-in care services, for some units in KVÅ codes."""

from dataclasses import dataclass
from datetime import date
from random import Random

from contracts.message import CodeRef, Contact
from contracts.types import System
from demo.sweden.areas import AREAS, ASSESSMENT, KATARAKT, CareArea
from demo.sweden.contacts import service_contacts
from demo.sweden.units import DemoUnit


@dataclass(frozen=True)
class DemoOffering:
    """One care service at one unit."""

    unit: str
    care_service: CodeRef
    text: str
    referral_required: bool
    referral_guidance: str
    self_referral: bool
    contacts: tuple[Contact, ...]
    valid_from: date
    valid_to: date | None


def build_offerings(
    units: tuple[DemoUnit, ...], texts: dict[str, str], random: Random, today: date
) -> tuple[DemoOffering, ...]:
    """One or a few offerings for every open clinic."""
    offerings = []
    for unit in units:
        area = next((area for area in AREAS if area.clinic == unit.kind), None)
        if area is None or not unit.active:
            continue
        for care_service, text in _services(area, texts, random):
            referral = care_service.code != ASSESSMENT or random.random() < 0.6
            ends = date(today.year + 1, 12, 31) if random.random() < 0.1 else None
            offerings.append(
                DemoOffering(
                    unit=unit.hsa_id,
                    care_service=care_service,
                    text=text,
                    referral_required=referral,
                    referral_guidance=area.guidance,
                    self_referral=not referral,
                    contacts=service_contacts(unit.suffix, int(unit.suffix[1:])),
                    valid_from=max(unit.opened_on, date(2020, 1, 1)),
                    valid_to=ends,
                )
            )
    return tuple(offerings)


def _services(area: CareArea, texts: dict[str, str], random: Random) -> list[tuple[CodeRef, str]]:
    if random.random() < 0.12:
        system, codes = System.KVA, area.common_kva[: random.randint(1, 3)]
    else:
        system, codes = System.CARE_SERVICE_DEMO, (area.service,)
        if area is KATARAKT and random.random() < 0.5:
            codes = (*codes, ASSESSMENT)
    services = (CodeRef(system=system.value, code=code) for code in codes)
    return [(service, texts[service.key]) for service in services]
