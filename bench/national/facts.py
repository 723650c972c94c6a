"""What the services would announce of the country: messages of each kind, synthetic."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import NAMESPACE_URL, uuid5

from bench.national.country import TREATMENTS, Country, Unit
from contracts import (
    AgreementRegistered,
    CareOfferingUpdated,
    CareUnitUpdated,
    CodeUpdated,
    WaittimeUpdated,
)
from contracts.capacity import CapacityAnnounced
from contracts.catalog import Place
from contracts.message import CareProvider, CodeRef, Contact, Source, TargetGroup
from contracts.waittimes import Subject
from demo.sweden import terms
from rules.regions import REGIONS

SHARE_WITH_WAITS = 0.6

_FIRST_DAY = date(2020, 1, 1)
_PROVIDER = CareProvider(hsa_id="SE5561234567-P1", name="Syntetisk Specialistvård AB", organisation_number=None)
_CONTACT = Contact(purpose="referral", channel="phone", value="08-465 004 37", note="Remisskoordinator")
# Three or four for each treatment that regions buy of each other to keep the guarantee, less than one for other care.
_TREATING, _OTHERS = 2, 1
_EVERY = sorted(REGIONS)


def codes(country: Country) -> Iterator[CodeUpdated]:
    """Codes with their maps, and places."""
    at = _begun(country)
    for one in country.codes:
        yield CodeUpdated.model_validate({**one, "version": _version(at), "changed_at": at})


def units(country: Country) -> Iterator[CareUnitUpdated]:
    """Every unit."""
    return (unit(one, _begun(country)) for one in country.units)


def unit(one: Unit, at: datetime, name: str | None = None) -> CareUnitUpdated:
    """A unit as it was at a moment, perhaps under another name."""
    place = Place(
        street=f"Gatan {one.number}",
        postal_code=one.postal_code,
        locality=one.locality,
        municipality=one.town,
        region=one.region,
        point=one.point,
    )
    return CareUnitUpdated(
        version=_version(at),
        hsa_id=one.hsa_id,
        status="active",
        name=name or one.name,
        care_provider=_PROVIDER,
        part_of=None,
        ownership="private" if one.private else "region",
        care_forms=("outpatient",),
        specialties=(),
        place=place,
        contacts=(_CONTACT,),
        opened_on=_FIRST_DAY,
        closed_on=None,
        source=_source(at),
        merged_into=None,
        staff_categories=(),
        beds=None,
    )


def offerings(country: Country) -> Iterator[CareOfferingUpdated]:
    """What every unit offers."""
    return (offering(one, key, _begun(country)) for one in country.units for key in one.services)


def offering(one: Unit, key: str, at: datetime) -> CareOfferingUpdated:
    """One service at a unit as it was at a moment."""
    return CareOfferingUpdated(
        version=_version(at),
        unit=one.hsa_id,
        care_service=_ref(key),
        status="active",
        encounter_means=("physical",),
        target_group=None,
        referral_required=True,
        referral_guidance="Remiss med synskärpa, mediciner och tidigare operationer; svar inom två veckor.",
        self_referral=None,
        contacts=(_CONTACT,),
        valid_from=_FIRST_DAY,
        valid_to=None,
        source=_source(at),
    )


def agreements(country: Country, count: int) -> Iterator[AgreementRegistered]:
    """So many agreements, own provision among them, each about one unit and one or two of its services."""
    at = _begun(country)
    return (agreement(country, one, number, at) for number, one in enumerate(agreed_with(country, count)))


def agreed_with(country: Country, count: int) -> list[Unit]:
    """The units of so many agreements, in the order of their numbers."""
    weights = [_TREATING if any(key in TREATMENTS for key in one.services) else _OTHERS for one in country.units]
    return Random(3).choices(country.units, weights, k=count)  # noqa: S311 no secret


def agreement(country: Country, one: Unit, number: int, at: datetime) -> AgreementRegistered:
    """The agreement of a number, always the same but for when it was changed."""
    chance = Random(number)  # noqa: S311 no secret
    own = not one.private and chance.random() < 0.5
    region = one.region if own or chance.random() < 0.5 else chance.choice(_EVERY)
    basis = "own_provision" if own else "own_agreement" if one.private else "national_agreement"
    starts, ends = terms.period(chance, country.today)
    keys = [key for key in one.services if key in TREATMENTS] or list(one.services[: chance.randint(1, 2)])
    named = [code for key in keys for code in _coded(key, chance)]
    area = one.area
    return AgreementRegistered.model_validate(
        {
            "version": _version(at),
            "agreement_id": str(uuid5(NAMESPACE_URL, f"bench|{number}")),
            "status": "published",
            "region": region,
            "number": f"BENCH-{number}",
            "name": f"{area.name} {starts.year}, {one.name}",
            "kind": "assignment" if own else "agreement",
            "assignment_id": None,
            "assignment_document_url": None,
            "basis": basis,
            "law": None,
            "direct_award": None,
            "choice_of_care": False,
            "commissioning_regions": [region],
            "leading_region": None,
            "care_provider": _PROVIDER,
            "valid_from": starts,
            "valid_to": ends,
            "ended_on": None,
            "extension_option": None,
            "document_url": f"https://avtal.example/{region}/{number}",
            "description": f"{area.name} på {one.name}. Syntetiska uppgifter.",
            "use_by_others": terms.use_by_others(chance, region, basis, number),
            "services": [
                {
                    "care_services": named,
                    "units": [one.hsa_id],
                    "target_group": terms.target_group(chance, area),
                    "conditions": terms.conditions(chance, area, region != one.region),
                    "included": terms.included(chance, area, False),
                    "reimbursement": terms.reimbursement(chance, area, own, starts, ends),
                    "contacts": [_CONTACT],
                    "expected_capacity": None,
                }
            ],
            "published_at": at,
            "changed_at": at,
        }
    )


def waits(country: Country) -> Iterator[WaittimeUpdated]:
    """Waits of three offers in five: to a visit and to treatment, for some a region's own or a forecast."""
    chance = Random(4)  # noqa: S311 no secret
    at = _begun(country)
    for one in country.units:
        for key in one.services:
            if chance.random() >= SHARE_WITH_WAITS:
                continue
            days = chance.randint(5, 240)
            yield wait(one, key, at, days)
            yield wait(one, key, at, round(days * 0.7), measure="visit_median")
            if chance.random() < 0.2:
                yield wait(one, key, at, round(days * 0.8), region=chance.choice(_EVERY))


def wait(
    one: Unit, key: str, at: datetime, days: int, *, measure: str = "treatment_median", region: str | None = None
) -> WaittimeUpdated:
    """A wait as it was known at a moment."""
    first = at.date().replace(day=1)
    return WaittimeUpdated(
        version=_version(at),
        subject=Subject(kind="unit", id=one.hsa_id),
        care_service=_ref(key),
        measure=measure,
        paying_region=region,
        status="current",
        kind="forecast" if (one.number + days) % 7 == 0 else "register",
        value=Decimal(days),
        low=None,
        high=None,
        unit="days",
        patients=30,
        period_start=(first - timedelta(days=1)).replace(day=1),
        period_end=first - timedelta(days=1),
        stale_after=None,
        source=_source(at),
    )


def announcements(country: Country, count: int) -> Iterator[CapacityAnnounced]:
    """So many open offers of free capacity at units that offer the care anyway."""
    at = _begun(country)
    return (announcement(one, number, at, country.today) for number, one in enumerate(announced_by(country, count)))


def announced_by(country: Country, count: int) -> list[Unit]:
    """The units of so many announcements, in the order of their numbers."""
    treating = [one for one in country.units if any(key in TREATMENTS for key in one.services)]
    return Random(5).choices(treating, k=count)  # noqa: S311 no secret


def announcement(one: Unit, number: int, at: datetime, today: date) -> CapacityAnnounced:
    """The announcement of a number, always the same but for when it was changed."""
    chance = Random(number)  # noqa: S311 no secret
    starts = today + timedelta(days=chance.randint(3, 40))
    adults = TargetGroup(age_min=18, age_max=None, sex=None, bmi_max=None, asa_max=None, other=None)
    return CapacityAnnounced(
        version=_version(at),
        announcement_id=str(uuid5(NAMESPACE_URL, f"bench capacity|{number}")),
        status="open",
        direction="offer",
        unit=one.hsa_id,
        region=one.region,
        care_services=(_ref(next(key for key in one.services if key in TREATMENTS)),),
        count=20,
        left=chance.randint(1, 20),
        level="capacity",
        target_group=adults if chance.random() < 0.5 else None,
        usable_by=tuple(sorted(chance.sample(_EVERY, 5))) if chance.random() < 0.3 else (),
        period_start=starts,
        period_end=starts + timedelta(days=30),
        expires_at=datetime.combine(starts, datetime.min.time(), UTC),
        contacts=(_CONTACT,),
        text=None,
        announced_at=at,
        changed_at=at,
    )


def _coded(key: str, chance: Random) -> list[dict[str, str]]:
    """The care service itself, or the KVÅ codes of it that agreements name."""
    area = TREATMENTS.get(key)
    if area is None or chance.random() < 0.2:
        system, _, code = key.partition("|")
        return [{"system": system, "code": code}]
    return [{"system": "kva", "code": code} for code in area.common_kva[: chance.randint(1, 3)]]


def _ref(key: str) -> CodeRef:
    system, _, code = key.partition("|")
    return CodeRef(system=system, code=code)


def _begun(country: Country) -> datetime:
    return datetime.combine(country.today - timedelta(days=20), datetime.min.time(), UTC)


def _version(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _source(at: datetime) -> Source:
    return Source(system="bench (syntetisk)", reference=None, observed_at=at)
