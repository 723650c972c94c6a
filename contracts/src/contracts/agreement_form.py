"""What a region writes, in every way an agreement comes in: form, file, push and pull have this one shape.

The same fields as AgreementRegistered, with defaults, and strict about the rest; and what never leaves the service.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from contracts.agreements import (
    Basis,
    CapacityPer,
    Included,
    InvoicedBy,
    Kind,
    Law,
    Price,
    ReferralKind,
    ReimbursementModel,
    Use,
)
from contracts.audience import OWNER_ONLY, REGIONS_ONLY
from contracts.form import Form, WebAddress
from contracts.message import HIGHEST_VERSION, Channel, Purpose, Sex
from contracts.types import HsaId, RegionCode, System, code_in
from rules.identifiers import is_personal_number, provider_number
from rules.secrecy import NAMES, is_marked
from rules.texts import FORMULA_SIGNS, one_line, readable

T = TypeVar("T")


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    # Not min_length: pydantic would count the valid ones only, and tell of each bad one twice.
    if not values:
        raise ValueError("must hold at least 1 item")
    return values


NOT_EMPTY = AfterValidator(_not_empty), Field(json_schema_extra={"minItems": 1})


def _title(value: str) -> str:
    # What is looked for by the eye must be one thing: spaces that look alike are one, and none is invisible.
    value = one_line(value)
    if value.startswith(FORMULA_SIGNS):
        raise ValueError("must not begin with = + - or @: a spreadsheet would take it for a formula")
    return value


ShortText = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(readable)]
Text = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(readable)]
LongText = Annotated[str, Field(max_length=4000), AfterValidator(readable)]


class Code(Form):
    """A code of a care service: `{"system": "kva", "code": "CJE20"}`."""

    system: System
    code: Annotated[str, Field(max_length=50), AfterValidator(readable)]

    @field_validator("code")
    @classmethod
    def _in_its_system(cls, code: str, info: ValidationInfo) -> str:
        return code_in(info.data.get("system", ""), code)


class ContactWay(Form):
    """A way to reach a function, never a named person."""

    purpose: Purpose = Purpose.GENERAL
    channel: Channel
    value: Text
    note: Text | None = None


class Provider(Form):
    """The counterpart. A sole trader's number is accepted as identity, but not kept: the HSA-id stands in."""

    hsa_id: HsaId
    name: Text
    organisation_number: Annotated[str, AfterValidator(provider_number)] | None = None

    @field_validator("organisation_number")
    @classmethod
    def _keep_no_personal_number(cls, number: str | None) -> str | None:
        return None if number is not None and is_personal_number(number) else number


def _plain(number: Decimal) -> Decimal:
    # 35 and 35.0 are one limit, as with amounts.
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


class Group(Form):
    """Whom the service is for; ages in whole years, inclusive."""

    age_min: Annotated[int, Field(ge=0, le=130)] | None = None
    age_max: Annotated[int, Field(ge=0, le=130)] | None = None
    sex: Sex | None = None
    bmi_max: Annotated[Decimal, Field(gt=0, le=100, decimal_places=2), AfterValidator(_plain)] | None = None
    asa_max: Annotated[int, Field(ge=1, le=6)] | None = None
    other: LongText | None = None


class Terms(Form):
    """What must be in place before the patient comes."""

    referral_required: bool | None = None
    referral_kind: ReferralKind | None = None
    referral_attachments: Annotated[tuple[Text, ...], Field(max_length=20)] = ()
    self_referral: bool | None = None
    self_referral_how: Text | None = None
    payment_commitment_required: bool | None = None
    other: LongText | None = None


def _in_ore(amount: Decimal) -> Decimal:
    # 7850.5 and 7850.50 are one amount: sent again in another format, the agreement is unchanged.
    return amount.quantize(Decimal("0.01"))


class Payment(Form):
    """How the care is paid; the amount in SEK."""

    model: ReimbursementModel
    amount: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2), AfterValidator(_in_ore)] | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class Capacity(Form):
    """How much care is foreseen."""

    count: Annotated[int, Field(ge=1, le=1_000_000)]
    per: CapacityPer = CapacityPer.YEAR


class Service(Form):
    """One care service, at one or more units."""

    care_services: Annotated[tuple[Code, ...], Field(max_length=200), *NOT_EMPTY]
    units: Annotated[tuple[HsaId, ...], Field(max_length=200), *NOT_EMPTY]
    target_group: Group | None = None
    conditions: Terms = Terms()
    included: Annotated[tuple[Included, ...], Field(max_length=20)] = ()
    reimbursement: Annotated[Payment | None, REGIONS_ONLY] = None
    contacts: Annotated[tuple[ContactWay, ...], Field(max_length=50)] = ()
    expected_capacity: Annotated[Capacity | None, REGIONS_ONLY] = None


class OtherRegions(Form):
    """May other regions use the agreement, and how."""

    use: Use = Use.NO
    regions: Annotated[tuple[RegionCode, ...], Field(max_length=21)] = ()
    through: Annotated[Text | None, REGIONS_ONLY] = None
    question: Annotated[LongText | None, REGIONS_ONLY] = None
    price: Annotated[Price | None, REGIONS_ONLY] = None
    invoiced_by: Annotated[InvoicedBy | None, REGIONS_ONLY] = None
    volume_left: Annotated[int | None, Field(ge=0, le=1_000_000), REGIONS_ONLY] = None


class AgreementForm(Form):
    """An agreement, arrangement or assignment, or a region's own provision."""

    region: RegionCode
    number: Annotated[ShortText, AfterValidator(_title)]
    name: Annotated[Text, AfterValidator(_title)]
    kind: Kind = Kind.AGREEMENT
    assignment_id: Text | None = None
    assignment_document_url: WebAddress | None = None
    basis: Basis = Basis.OWN_AGREEMENT
    law: Law | None = None
    direct_award: bool | None = None
    choice_of_care: bool = False
    commissioning_regions: Annotated[tuple[RegionCode, ...], Field(max_length=21)] = ()
    leading_region: RegionCode | None = None
    care_provider: Provider | None = None
    valid_from: date
    valid_to: date | None = None
    extension_option: Annotated[LongText | None, REGIONS_ONLY] = None
    document_url: Annotated[WebAddress | None, REGIONS_ONLY] = None
    description: LongText | None = None
    use_by_others: OtherRegions = OtherRegions()
    services: Annotated[tuple[Service, ...], Field(max_length=100), *NOT_EMPTY]
    internal_note: Annotated[LongText | None, OWNER_ONLY] = None
    """For the region's own administrators."""
    revision: Annotated[int | None, Field(ge=1, le=HIGHEST_VERSION), OWNER_ONLY] = None
    """The region's own, rising: by it one sending is known to be newer than another."""
    confidential: Annotated[bool, OWNER_ONLY] = False
    """Covered by secrecy: such an agreement is refused, and nothing of it is kept."""

    @model_validator(mode="before")
    @classmethod
    def _marked_in_any_word(cls, content: object) -> object:
        if not isinstance(content, dict) or content.keys().isdisjoint(NAMES - {"confidential"}):
            return content
        rest = {name: value for name, value in content.items() if name not in NAMES}
        return {**rest, "confidential": is_marked(content)}

    @model_validator(mode="after")
    def _commissioned_by_its_region_unless_told(self) -> "AgreementForm":
        if not self.commissioning_regions:
            self.commissioning_regions = (self.region,)
        return self

    def as_json(self) -> dict[str, Any]:
        """The content as it is stored: identifiers in their normal form, dates and amounts as text.

        Without `revision` and `confidential`, which say something of the sending and not of the agreement.
        """
        return self.model_dump(mode="json", exclude={"revision", "confidential"})


def _paths(form: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in form.model_fields.items():
        yield f"{path}{name}"
        for part, listed in _parts(field.annotation):
            yield from _paths(part, f"{path}{name}.{'*.' if listed else ''}")


def _parts(annotation: Any, *, listed: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, listed
    for part in get_args(annotation):
        yield from _parts(part, listed=listed or get_origin(annotation) is tuple)


FIELD_PATHS = frozenset(_paths(AgreementForm))
"""Every field of the form as a dotted path, `*` for each one of a list: what a profile may name as mandatory."""
