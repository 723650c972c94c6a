"""The small Sweden as the messages that search reads, without the services that would announce them.

For tests and measurements of search alone. Agreements are as approved; those whose last day has passed are left out.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from contracts import AgreementRegistered, CareOfferingUpdated, CareUnitUpdated, CodeUpdated, Message
from contracts.message import Source
from demo.sweden import DemoAgreement, DemoOffering, DemoUnit, Sweden

_VERSION = 1
_SOURCE = "nationell-katalog (syntetisk)"


def messages(sweden: Sweden) -> Iterator[Message]:
    """Codes and places first, then units, what they offer, agreements, waits and free capacity."""
    at = datetime.combine(sweden.today, datetime.min.time(), UTC)
    source = Source(system=_SOURCE, reference=None, observed_at=at)
    for code in sweden.codes:
        yield CodeUpdated.model_validate({**code, "version": _VERSION, "changed_at": at})
    for unit in sweden.units:
        yield _unit(unit, source)
    for offering in sweden.offerings:
        yield _offering(offering, source)
    for agreement in sweden.agreements:
        if not agreement.is_over(sweden.today):
            yield _agreement(agreement, at)
    yield from sweden.waits
    yield from sweden.forecasts
    yield from sweden.announcements


def _unit(unit: DemoUnit, source: Source) -> CareUnitUpdated:
    return CareUnitUpdated(
        version=_VERSION,
        hsa_id=unit.hsa_id,
        status="active" if unit.active else "closed",
        name=unit.name,
        care_provider=unit.provider.public,
        part_of=unit.part_of,
        ownership=unit.provider.ownership,
        care_forms=unit.care_forms,
        specialties=(),
        place=unit.place,
        contacts=unit.contacts,
        opened_on=unit.opened_on,
        closed_on=unit.closed_on,
        merged_into=None,
        staff_categories=unit.staff,
        beds=unit.beds,
        source=source,
    )


def _offering(offering: DemoOffering, source: Source) -> CareOfferingUpdated:
    return CareOfferingUpdated(
        version=_VERSION,
        unit=offering.unit,
        care_service=offering.care_service,
        status="active",
        encounter_means=(),
        target_group=None,
        referral_required=offering.referral_required,
        referral_guidance=offering.referral_guidance,
        self_referral=offering.self_referral,
        contacts=offering.contacts,
        valid_from=offering.valid_from,
        valid_to=offering.valid_to,
        source=source,
    )


def _agreement(agreement: DemoAgreement, at: datetime) -> AgreementRegistered:
    use = {"price": None, "invoiced_by": None, "volume_left": None, **agreement.body["use_by_others"]}
    rest = {"version": _VERSION, "status": "published", "ended_on": None, "published_at": at, "changed_at": at}
    number = str(uuid5(NAMESPACE_URL, f"{agreement.region}|{agreement.number}"))
    return AgreementRegistered.model_validate({**agreement.body, **rest, "agreement_id": number, "use_by_others": use})
