"""Announcements of free capacity as capacity-board will make them: offers of clinics, and requests of regions.

Most are open; some have ended each way, some are used up or have expired without a word.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from contracts import CapacityAnnounced
from contracts.message import Channel, CodeRef, Contact, Purpose, TargetGroup
from contracts.types import System
from demo.sweden.areas import AREAS, KNAPROTES, CareArea
from demo.sweden.contacts import phone
from demo.sweden.units import DemoUnit
from rules.regions import REGIONS

LABEL = "Syntetiska uppgifter."
"""Ends the text of every announcement."""

_OFFERS, _REQUESTS = 0.14, 0.4
"""Share of the clinics that offer, and of the regions that ask."""
_STATES = (("open", 78), ("fulfilled", 9), ("withdrawn", 6), ("expired", 7))
_TEXTS = (
    "Återbud ger lediga operationstider",
    "Extra operationsdagar under perioden",
    "Lediga tider med kort varsel, ring först",
    "Ny operatör: plats för patienter från andra regioner",
)
_FOR_KNEES = TargetGroup(age_min=18, age_max=None, sex=None, bmi_max=None, asa_max=3, other=None)


def build_announcements(units: tuple[DemoUnit, ...], random: Random, today: date) -> tuple[CapacityAnnounced, ...]:
    """The same units and amounts for the same stream of chance; days are counted from today."""
    clinics = [unit for unit in units if unit.active and unit.kind != "hospital"]
    offers = [_offer(unit, random, today) for unit in clinics if random.random() < _OFFERS]
    requests = [_request(region, random, today) for region in REGIONS if random.random() < _REQUESTS]
    return (*offers, *requests)


def _offer(unit: DemoUnit, random: Random, today: date) -> CapacityAnnounced:
    area = next(area for area in AREAS if area.clinic == unit.kind)
    count = random.randint(2, 20)
    level = random.choices(("capacity", "limited", "waitlist", "ask"), (80, 12, 4, 4))[0]
    # Where only a level can be given, numbers are unknown.
    number = count if level == "capacity" else None
    state = random.choices([name for name, _ in _STATES], [weight for _, weight in _STATES])[0]
    left = {"fulfilled": 0}.get(state, random.choice((0, count, *range(1, count))))
    return _announcement(
        f"offer {unit.hsa_id}",
        random,
        today,
        status=state,
        direction="offer",
        unit=unit.hsa_id,
        region=unit.place.region,
        care_services=_services(area),
        count=number,
        left=left if number is not None else None,
        level=level,
        target_group=_FOR_KNEES if area is KNAPROTES else None,
        usable_by=_usable_by(unit.place.region, random),
        contacts=_contacts(unit.suffix),
        text=f"{random.choice(_TEXTS)}. {LABEL}",
    )


def _request(region: str, random: Random, today: date) -> CapacityAnnounced:
    area = random.choice(AREAS)
    count = random.randint(5, 60)
    return _announcement(
        f"request {region}",
        random,
        today,
        status=random.choice(("open", "open", "fulfilled", "withdrawn")),
        direction="request",
        unit=None,
        region=region,
        care_services=_services(area),
        count=count,
        left=count,
        level="capacity",
        target_group=None,
        usable_by=(),
        contacts=_contacts(f"R{region}"),
        text=f"Söker plats för patienter inom {area.name.lower()} före vårdgarantins gräns. {LABEL}",
    )


def _announcement(name: str, random: Random, today: date, **fields: Any) -> CapacityAnnounced:
    announced, changed = sorted(random.sample(range(1, 22), 2), reverse=True)
    first = today + timedelta(days=random.choice((-14, -7, 0, 3, 7, 14, 21, 28, 42)))
    last = max(first, today) + timedelta(days=random.choice((10, 20, 30, 45)))
    # Some end sooner than their period, one in twelve already has and nobody has said so.
    expires = today - timedelta(days=1) if random.random() < 0.08 else last - timedelta(days=random.choice((0, 0, 2)))
    at = _morning(today - timedelta(days=changed))
    return CapacityAnnounced(
        version=int(at.timestamp() * 1_000_000),
        announcement_id=str(uuid5(NAMESPACE_URL, f"https://vard.example/annonser/{name}")),
        period_start=first,
        period_end=last,
        expires_at=datetime.combine(expires, time(22, 0), UTC),
        announced_at=_morning(today - timedelta(days=announced)),
        changed_at=at,
        **fields,
    )


def _services(area: CareArea) -> tuple[CodeRef, ...]:
    return (CodeRef(system=System.CARE_SERVICE_DEMO.value, code=area.service),)


def _usable_by(region: str, random: Random) -> tuple[str, ...]:
    if random.random() < 0.6:
        return ()
    others = [code for code in REGIONS if code != region]
    return tuple(sorted((region, *random.sample(others, random.randint(3, 8)))))


def _contacts(suffix: str) -> tuple[Contact, ...]:
    order = int("".join(filter(str.isdecimal, suffix)) or 0)
    return tuple(_ways(suffix.lower(), order))


def _ways(suffix: str, order: int) -> Iterator[Contact]:
    for channel, value in ((Channel.PHONE, phone(order + 11)), (Channel.EMAIL, f"kapacitet.{suffix}@vard.example")):
        yield Contact(purpose=Purpose.BROKERAGE.value, channel=channel.value, value=value, note=None)


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(7, 30), UTC)
