"""What an answer holds, for whoever reads it by the OpenAPI document alone. More fields may come; these stay."""

import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from rules.guarantee import Guarantee
from search.api.explained import Explain, Reason, Shape
from search.domain.eligibility import Verdict
from search.domain.question import Basis


class CareUnitShown(Shape):
    """Where the care is given. Distance in km, as the crow flies."""

    hsa_id: str
    name: str
    municipality: str | None
    municipality_name: str | None
    region: str
    distance_km: float | None


class CareServiceShown(Shape):
    """What is given; `system|code` is what the search takes."""

    system: str
    code: str
    text: str


class TargetGroupShown(Shape):
    """Whom it is for; null: no such limit. Both ends of the ages are inside."""

    age_min: int | None
    age_max: int | None
    sex: str | None
    bmi_max: str | None
    asa_max: int | None
    other: str | None


class ConditionsShown(Shape):
    """What the agreement demands; null: it says nothing of that."""

    referral_required: bool | None
    payment_commitment_required: bool | None
    self_referral: bool | None
    self_referral_how: str | None


class AgreementShown(Shape):
    """One service of an agreement in force at this unit, those that the patient's region may use first.

    `through`, `question`, `price`, `invoiced_by`, `volume_left`, `reimbursement_model` and `document_url` are for
    regions and the agency: in an answer to others they are left out.
    """

    id: str
    basis: Basis
    """`agreement`, or `own`: a region's own provision, described like one."""
    number: str
    region: str
    leading_region: str | None
    valid_from: datetime.date
    valid_to: datetime.date | None
    usable_by: list[str] | Literal["all"]
    """The regions that may use it without asking; once `volume_left` is 0 only those that commission it."""
    usable: bool | None
    """By the patient's region, without asking; null where none was given."""
    on_request: bool
    """May be used after asking: by the patient's region, where one was given."""
    through: str | None = None
    question: str | None = None
    price: str | None = None
    invoiced_by: str | None = None
    volume_left: int | None = None
    """Patients that other regions may still send; 0: they must ask."""
    reimbursement_model: str | None = None
    target_group: TargetGroupShown
    eligibility: Verdict
    """Of this patient on this agreement alone: also `no`."""
    conditions: ConditionsShown
    document_url: str | None = None


class WaitShown(Shape):
    """A wait, in days; null: known to be suppressed or missing."""

    measure: str
    days: float | None
    kind: str
    """`forecast`, or how it was measured."""
    period: str
    """First and last day, `2026-01-01/2026-03-31`."""
    paying_region: str | None
    """Whose patients; null: all."""
    code: str
    stale: bool
    source: str
    observed_at: str
    age_days: int


class CapacityShown(Shape):
    """The announcement of free capacity to look at first."""

    left: int | None
    """Free places; null: not told."""
    count: int | None
    from_: Annotated[datetime.date, Field(alias="from")]
    until: datetime.date
    level: str
    """`capacity` and `limited` promise places; `waitlist`, `ask` and words of a later release promise no day."""
    announcement_id: str
    region: str
    usable: bool | None
    """By the patient's region; null where none was given."""
    expires_at: str
    target_group: TargetGroupShown
    eligibility: Verdict
    questions: list[Reason]
    contacts: list[dict[str, Any]]
    text: str | None
    source: str
    observed_at: str
    age_days: int


class DeadlineShown(Shape):
    """The last day of the guarantee, the day the care is expected, and the days left then; below zero: too late."""

    date: datetime.date
    expected_date: datetime.date | None
    days_left: int | None


class Offer(Shape):
    """One hit: this care at this unit."""

    id: str
    care_unit: CareUnitShown
    care_service: CareServiceShown
    basis: list[Basis]
    """The kinds that do not refuse the patient and that the filters let through, the filter on `basis` apart."""
    agreements: list[AgreementShown]
    waits: list[WaitShown]
    capacity: CapacityShown | None
    eligibility: Verdict
    deadline: DeadlineShown | None
    explain: Explain


class ClockShown(Shape):
    """The patient's clock and the rule that holds for it."""

    guarantee: Guarantee
    start: datetime.date
    deadline: datetime.date
    days_left: int
    days: int
    text: str
    source: str


class AsOfShown(Shape):
    """The earlier day that was asked about; `text` says what in the answer is of that day and what is today's."""

    date: datetime.date
    text: str


class OneOffer(Offer):
    """An offer by its id, with what a search tells once for all its hits."""

    as_of: AsOfShown | None
    guarantee: ClockShown | None
    region_profiles: dict[str, Any]


class ReadAs(Shape):
    """What was searched instead of the words asked, which found nothing."""

    words: str
    text: str


class Count(Shape):
    """Offers of one value, as if its own filter were not there."""

    value: str
    text: str
    count: int


class Without(Shape):
    """How many offers there would be without one filter."""

    filter: str
    total: int
    text: str


class Offers(Shape):
    """A page of hits, best first."""

    items: list[Offer]
    total: int
    page: int
    limit: int
    as_of: AsOfShown | None
    read_as: ReadAs | None
    facets: dict[str, list[Count]]
    without: list[Without]
    guarantee: ClockShown | None
    region_profiles: dict[str, Any]
