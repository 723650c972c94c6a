"""What agreements announces: published agreements and own provision. A superset of the national draft's AvtalLogical.

AvtalLogical → here: id → agreement_id, region, number · typ → kind · url → document_url · giltigFrom, giltigTom →
valid_from, valid_to · optionForlangning → extension_option · beskrivning → description · avser (Uppdrag) →
assignment_id, commissioning_regions, care_provider, services. Fields for the owner alone never leave the service;
the others' audience is marked beside them (`contracts.audience`).
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from contracts.audience import REGIONS_ONLY
from contracts.message import CareProvider, CodeRef, Contact, Message, Part, TargetGroup
from contracts.topics import Topic
from contracts.types import HsaId, Moment, RegionCode, open_list
from rules.calendar import swedish_day


class AgreementStatus(StrEnum):
    """Public states only: what is not published never reaches a topic."""

    PUBLISHED = "published"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"
    PURGED = "purged"
    """Became confidential: a final state without content. See `purged`."""


class Kind(StrEnum):
    """Avtal, överenskommelse, uppdrag."""

    AGREEMENT = "agreement"
    ARRANGEMENT = "arrangement"
    ASSIGNMENT = "assignment"


class Basis(StrEnum):
    """On what ground a region may use the care."""

    OWN_AGREEMENT = "own_agreement"
    JOINT_AGREEMENT = "joint_agreement"
    """Several regions', one of them leading."""
    BILATERAL_AGREEMENT = "bilateral_agreement"
    """Two regions', one of them leading."""
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


class Price(StrEnum):
    """At whose price another region uses the agreement."""

    AGREEMENT = "agreement"
    """As agreed with the commissioning regions."""
    PRICE_LIST = "price_list"
    """The collaboration region's price list for out-of-region care (Riksavtalet)."""
    SEPARATE = "separate"
    """Agreed upon request."""


class InvoicedBy(StrEnum):
    """Who invoices the region that uses it."""

    CARE_PROVIDER = "care_provider"
    OWNING_REGION = "owning_region"


class UseByOthers(Part):
    """Whether and how regions other than the commissioning ones may use the agreement."""

    use: Annotated[str, open_list(Use)]
    regions: tuple[RegionCode, ...]
    """Filled for `named_regions`."""
    through: Annotated[str | None, REGIONS_ONLY]
    """Whom the other region turns to."""
    question: Annotated[str | None, REGIONS_ONLY]
    """What to ask, shown with `on_request`."""
    price: Annotated[str | None, open_list(Price), REGIONS_ONLY]
    invoiced_by: Annotated[str | None, open_list(InvoicedBy), REGIONS_ONLY]
    volume_left: Annotated[int | None, REGIONS_ONLY]
    """How many patients more, as the owning region last said; `changed_at` is its age."""


class ReimbursementModel(StrEnum):
    """Ersättningsmodell."""

    FIXED_PRICE = "fixed_price"
    DRG = "drg"
    PER_DAY = "per_day"
    PER_VISIT = "per_visit"
    CAPITATION = "capitation"
    GRANT = "grant"


class Reimbursement(Part):
    """How the care is paid. The amount is optional, in SEK."""

    model: Annotated[str, open_list(ReimbursementModel)]
    amount: Decimal | None
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
    self_referral_how: str | None
    """Where and how a patient refers herself, with `self_referral`."""
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
    reimbursement: Annotated[Reimbursement | None, REGIONS_ONLY]
    contacts: tuple[Contact, ...]
    expected_capacity: Annotated[ExpectedCapacity | None, REGIONS_ONLY]


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
    leading_region: RegionCode | None
    """Whom the others turn to, for a joint or bilateral agreement."""
    care_provider: CareProvider | None
    """None for own provision."""
    valid_from: date
    valid_to: date | None
    ended_on: date | None
    """The first Swedish day it was unusable, where termination or withdrawal came first; `valid_to` stays as agreed."""
    extension_option: Annotated[str | None, REGIONS_ONLY]
    document_url: Annotated[str | None, REGIONS_ONLY]
    """The agreement itself, which holds prices."""
    description: str | None
    use_by_others: UseByOthers
    services: tuple[AgreedService, ...]
    published_at: Moment
    changed_at: Moment

    def key(self) -> str:
        return self.agreement_id


def purged(agreement_id: str, region: str, version: int, at: datetime) -> AgreementRegistered:
    """The final state of an agreement that became confidential: nothing of its content is left in any field.

    Raises ValueError where `at` has no time zone.
    """
    day = swedish_day(at)
    return AgreementRegistered(
        version=version,
        agreement_id=agreement_id,
        status=AgreementStatus.PURGED,
        region=region,
        number="",
        name="",
        kind="",
        assignment_id=None,
        assignment_document_url=None,
        basis="",
        law=None,
        direct_award=None,
        choice_of_care=False,
        commissioning_regions=(),
        leading_region=None,
        care_provider=None,
        valid_from=day,
        valid_to=day,
        ended_on=day,
        extension_option=None,
        document_url=None,
        description=None,
        use_by_others=UseByOthers(
            use=Use.NO, regions=(), through=None, question=None, price=None, invoiced_by=None, volume_left=None
        ),
        services=(),
        published_at=at,
        changed_at=at,
    )


class Answer(StrEnum):
    """What became of one submitted agreement."""

    ACCEPTED = "accepted"
    """Registered or changed, and on its way through the gates."""
    UNCHANGED = "unchanged"
    """The same has been taken before."""
    CONFLICT = "conflict"
    """The number is registered with other content, and this is no higher revision: nothing was changed."""
    REJECTED = "rejected"
    """Wrong: nothing was changed."""


class Reason(Part):
    """One thing that is wrong, or must be known."""

    field: str
    """Dotted path in what was sent, such as `services.0.units.1`."""
    reason: str
    suggestion: str | None


class AgreementAnswered(Message):
    """The receipt for one submitted record. It repeats nothing of what was sent but the region's own reference."""

    topic: ClassVar[Topic] = Topic(
        name="agreement-answered",
        kind="log",
        key="the key of the submitted record: the region's own reference",
        producer="agreements",
        consumers=(),
        partitions=1,
        retention_days=7,
        per_region=True,
    )

    reference: str
    """The submitted record's key; `partition/offset` where it had none."""
    region: RegionCode
    answer: Annotated[str, open_list(Answer)]
    agreement_id: str | None
    revision: int | None
    """The region's own, as sent."""
    reasons: tuple[Reason, ...]
    submitted_partition: int
    submitted_offset: int
    answered_at: Moment

    def key(self) -> str:
        return self.reference

    def topic_name(self) -> str:
        return self.topic.of_region(self.region)


SUBMITTED = Topic(
    name="agreement-submitted",
    kind="log",
    key="the region's own reference, as a rule its number of the agreement",
    producer="the region",
    consumers=("agreements",),
    partitions=1,
    retention_days=7,
    parked_retention_days=7,
    per_region=True,
)
"""What regions push: one pair of topics per region, so that the broker's ACLs say who may write. Value: `AgreementForm`
as JSON. Parked records are kept as short as the records themselves, and read by as few."""
