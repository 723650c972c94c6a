"""Synthetic messages of a large catalogue: units, codes, offerings, one agreement and one wait a unit."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

from contracts import (
    AgreementRegistered,
    CareOfferingUpdated,
    CareUnitUpdated,
    CodeUpdated,
    Envelope,
    Message,
    WaittimeUpdated,
    encode,
)
from contracts.agreements import AgreedService, Conditions, Reimbursement, UseByOthers
from contracts.catalog import CodeMap, Place, Point
from contracts.message import CareProvider, CodeRef, Contact, Source
from contracts.waittimes import Subject

_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_FIRST_DAY = date(2026, 1, 1)
_VERSION = 1_767_323_045_000_000
_SOURCE = Source(system="nationell-katalog", reference="HealthcareService", observed_at=_AT)
_PROVIDER = CareProvider(hsa_id="SE5561234567-P1", name="Syntetisk Specialistvård AB", organisation_number=None)
# One byte a letter, so that a text can be cut to a number of bytes.
_WORDS = ("remiss", "besked", "operation", "syn", "provtagning", "ljumske", "tid", "bokning", "svar", "mottagning")


def code_of(number: int) -> CodeRef:
    """One of at most 100 codes that offerings carry."""
    return CodeRef(system="kva", code=f"CJE{number:02d}")


def unit_of(number: int) -> str:
    """A unit's HSA-id."""
    return f"SE5561234567-U{number:06d}"


def offerings(units: Iterable[int], codes: int, value_bytes: int | None = None) -> Iterator[Envelope]:
    """Every unit offers every code. With `value_bytes` each value is filled up with words to exactly that size."""
    random = Random(7)  # noqa: S311 the same words in every run, nothing secret
    for unit in units:
        for code in range(codes):
            empty = _offering(unit, code, "")
            if value_bytes is None:
                yield encode(empty, at=_AT)
                continue
            missing = value_bytes - len(empty.model_dump_json())
            if missing < 0:
                raise ValueError(f"an offering has at least {value_bytes - missing} bytes")
            words = " ".join(f"{random.choice(_WORDS)} {random.randrange(1000)}" for _ in range(missing // 4 + 1))
            yield encode(_offering(unit, code, words[:missing].ljust(missing, ".")), at=_AT)


def catalogue(units: Iterable[int], codes: int) -> Iterator[Envelope]:
    """What offerings hang on: units, and codes with a map each."""
    messages: list[Iterator[Message]] = [map(_code, range(codes)), map(_care_service, range(codes)), map(_unit, units)]
    return (encode(message, at=_AT) for kind in messages for message in kind)


def agreed(units: Iterable[int], codes: int) -> Iterator[Envelope]:
    """One agreement and one wait a unit, each about one of its codes."""
    for unit in units:
        yield encode(_agreement(unit, unit % codes), at=_AT)
        yield encode(_wait(unit, unit % codes), at=_AT)


def _offering(unit: int, code: int, guidance: str) -> CareOfferingUpdated:
    return CareOfferingUpdated(
        version=_VERSION,
        unit=unit_of(unit),
        care_service=code_of(code),
        status="active",
        encounter_means=("physical",),
        target_group=None,
        referral_required=True,
        referral_guidance=guidance,
        self_referral=None,
        contacts=(),
        valid_from=_FIRST_DAY,
        valid_to=None,
        source=_SOURCE,
    )


def _care_service_of(code: int) -> CodeRef:
    return CodeRef(system="vt-demo", code=f"D{code:04d}")


def _code(code: int) -> CodeUpdated:
    target = CodeMap(
        target=_care_service_of(code),
        equivalence="equivalent",
        map="synthetic",
        map_version="1",
        valid_from=None,
        valid_to=None,
        source=None,
        reviewed_by=None,
    )
    return _coded(code_of(code), f"Syntetisk åtgärd {code} på leden", (target,))


def _care_service(code: int) -> CodeUpdated:
    return _coded(_care_service_of(code), f"Syntetisk vårdtjänst {code}, ljumskbråck eller grå starr", ())


def _coded(ref: CodeRef, text: str, maps: tuple[CodeMap, ...]) -> CodeUpdated:
    return CodeUpdated(
        version=_VERSION,
        system=ref.system,
        code=ref.code,
        status="active",
        text=text,
        release="2026",
        valid_from=_FIRST_DAY,
        valid_to=None,
        maps=maps,
        place=None,
        care_area=None,
        changed_at=_AT,
        designations=(),
    )


def _unit(unit: int) -> CareUnitUpdated:
    point = Point(lat=Decimal(55 + unit % 1000) / 100 + 55, lon=Decimal(unit % 700) / 100 + 12, precision="own")
    return CareUnitUpdated(
        version=_VERSION,
        hsa_id=unit_of(unit),
        status="active",
        name=f"Syntetiska specialistmottagningen {unit}",
        care_provider=_PROVIDER,
        part_of=None,
        ownership="private",
        care_forms=("outpatient",),
        specialties=(),
        place=Place(
            street=f"Exempelgatan {unit}",
            postal_code="11428",
            locality="Exempelstad",
            municipality="0180",
            region="01",
            point=point,
        ),
        contacts=(Contact(purpose="referral", channel="phone", value="+46 8 123 45 67", note=None),),
        opened_on=_FIRST_DAY,
        closed_on=None,
        source=_SOURCE,
        merged_into=None,
        staff_categories=(),
        beds=None,
    )


def _agreement(unit: int, code: int) -> AgreementRegistered:
    return AgreementRegistered(
        version=_VERSION,
        agreement_id=f"00000000-0000-4000-8000-{unit:012d}",
        status="published",
        region="01",
        number=f"SYNT-{unit}",
        name=f"Syntetiskt avtal {unit}",
        kind="agreement",
        assignment_id=None,
        assignment_document_url=None,
        basis="own_agreement",
        law="LOU",
        direct_award=False,
        choice_of_care=False,
        commissioning_regions=("01",),
        leading_region=None,
        care_provider=_PROVIDER,
        valid_from=_FIRST_DAY,
        valid_to=None,
        ended_on=None,
        extension_option=None,
        document_url=None,
        description=None,
        use_by_others=UseByOthers(
            use="yes", regions=(), through=None, question=None, price=None, invoiced_by=None, volume_left=None
        ),
        services=(
            AgreedService(
                care_services=(code_of(code),),
                units=(unit_of(unit),),
                target_group=None,
                conditions=Conditions(
                    referral_required=True,
                    referral_kind=None,
                    referral_attachments=(),
                    self_referral=None,
                    self_referral_how=None,
                    payment_commitment_required=None,
                    other=None,
                ),
                included=(),
                reimbursement=Reimbursement(model="fixed_price", amount=None, valid_from=None, valid_to=None),
                contacts=(),
                expected_capacity=None,
            ),
        ),
        published_at=_AT,
        changed_at=_AT,
    )


def _wait(unit: int, code: int) -> WaittimeUpdated:
    return WaittimeUpdated(
        version=_VERSION,
        subject=Subject(kind="unit", id=unit_of(unit)),
        care_service=code_of(code),
        measure="treatment_median",
        paying_region=None,
        status="current",
        kind="register",
        value=Decimal(20 + unit % 200),
        low=None,
        high=None,
        unit="days",
        patients=30,
        period_start=date(2025, 12, 1),
        period_end=date(2025, 12, 31),
        stale_after=None,
        source=_SOURCE,
    )
