"""What agreements announces: published agreements and own provision. A superset of the national draft's AvtalLogical.

AvtalLogical → here: id → agreement_id, region, number · typ → kind · url → document_url · giltigFrom, giltigTom →
valid_from, valid_to · optionForlangning → extension_option · beskrivning → description · avser (Uppdrag) →
assignment_id, commissioning_regions, care_provider, services. Fields for the owner alone never leave the service;
`x-audience` marks those that providers and the public must not see.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.message import CareProvider, CodeRef, Contact, Message, Part, TargetGroup
from contracts.topics import Topic
from contracts.types import HsaId, Moment, RegionCode, open_list


class AgreementStatus(StrEnum):
    """Public states only: what is not published never reaches a topic."""

    PUBLISHED = "published"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"
    PURGED = "purged"
    """Became confidential: a final state without content."""


class Kind(StrEnum):
    """Avtal, överenskommelse, uppdrag."""

    AGREEMENT = "agreement"
    ARRANGEMENT = "arrangement"
    ASSIGNMENT = "assignment"


class Basis(StrEnum):
    """On what ground a region may use the care."""

    OWN_AGREEMENT = "own_agreement"
    JOINT_AGREEMENT = "joint_agreement"
    NATIONAL_AGREEMENT = "national_agreement"
    """Riksavtalet: the regions' agreement on each other's patients."""
    OWN_PROVISION = "own_provision"
    """Vård i egen regi."""


class Law(StrEnum):
    """The procurement law."""

    LOU = "LOU"
    LOV = "LOV"
    LOL = "LOL"
    LOF = "LOF"


class Use(StrEnum):
    """May other regions use the agreement? The owning region's choice."""

    YES = "yes"
    ON_REQUEST = "on_request"
    NO = "no"
    NAMED_REGIONS = "named_regions"


class UseByOthers(Part):
    """Whether and how regions other than the commissioning ones may use the agreement."""

    use: Annotated[str, open_list(Use)]
    regions: tuple[RegionCode, ...]
    """Filled for `named_regions`."""
    through: str | None
    """Whom the other region turns to."""
    question: str | None
    """What to ask, shown with `on_request`."""


class ReimbursementModel(StrEnum):
    """Ersättningsmodell."""

    FIXED_PRICE = "fixed_price"
    DRG = "drg"
    PER_DAY = "per_day"
    PER_VISIT = "per_visit"
    CAPITATION = "capitation"
    GRANT = "grant"


class Reimbursement(Part):
    """How the care is paid. The amount is optional, in SEK, and for regions only."""

    model: Annotated[str, open_list(ReimbursementModel)]
    amount: Annotated[Decimal | None, Field(json_schema_extra={"x-audience": "regions"})]
    valid_from: date | None
    valid_to: date | None


class ReferralKind(StrEnum):
    """Whose referral the provider accepts."""

    PROFESSION = "profession"
    REGION = "region"


class Conditions(Part):
    """Villkor: what must be in place before the patient comes. None means that the agreement does not say."""

    referral_required: bool | None
    referral_kind: Annotated[str, open_list(ReferralKind)] | None
    referral_attachments: tuple[str, ...]
    self_referral: bool | None
    payment_commitment_required: bool | None
    other: str | None


class Included(StrEnum):
    """What the price covers."""

    ASSESSMENT = "assessment"
    PROCEDURE = "procedure"
    FOLLOW_UP = "follow_up"
    COMPLICATIONS = "complications"
    SECOND_EYE = "second_eye"
    REHABILITATION = "rehabilitation"


class CapacityPer(StrEnum):
    """The period an expected capacity is for."""

    YEAR = "year"
    MONTH = "month"


class ExpectedCapacity(Part):
    """How much care the agreement foresees."""

    count: int
    per: Annotated[str, open_list(CapacityPer)]


class AgreedService(Part):
    """One care service under the agreement, at one or more performing units (utförare)."""

    care_services: tuple[CodeRef, ...]
    units: tuple[HsaId, ...]
    target_group: TargetGroup | None
    conditions: Conditions
    included: tuple[Annotated[str, open_list(Included)], ...]
    reimbursement: Reimbursement | None
    contacts: tuple[Contact, ...]
    expected_capacity: ExpectedCapacity | None


class AgreementRegistered(Message):
    """The whole public state of one agreement, after both gates. An ended one keeps its final state."""

    topic: ClassVar[Topic] = Topic(
        name="agreement-registered",
        kind="state",
        key="the agreement's id",
        producer="agreements",
        consumers=("search",),
    )

    agreement_id: str
    status: Annotated[str, open_list(AgreementStatus)]
    region: RegionCode
    """The region that registered and administers it."""
    number: str
    """The region's own number, unique within the region."""
    name: str
    kind: Annotated[str, open_list(Kind)]
    assignment_id: str | None
    """Uppdrags-id."""
    assignment_document_url: str | None
    """Where the formal description of the assignment is kept."""
    basis: Annotated[str, open_list(Basis)]
    law: Annotated[str, open_list(Law)] | None
    direct_award: bool | None
    """The procedure, apart from the law."""
    choice_of_care: bool
    """Within a vårdval system."""
    commissioning_regions: tuple[RegionCode, ...]
    care_provider: CareProvider | None
    """None for own provision."""
    valid_from: date
    valid_to: date | None
    ended_on: date | None
    """The first Swedish day it was unusable, where termination or withdrawal came first; `valid_to` stays as agreed."""
    extension_option: str | None
    document_url: str | None
    description: str | None
    use_by_others: UseByOthers
    services: tuple[AgreedService, ...]
    published_at: Moment
    changed_at: Moment

    def key(self) -> str:
        return self.agreement_id
