"""What cases announces: each fact in a brokerage case, with the whole public case at that version.

A log, not a state: the story matters. No age, sex, condition or free text, and nothing that identifies a patient.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.message import CodeRef, Guarantee, Message, Part
from contracts.topics import Topic
from contracts.types import HsaId, Moment, RegionCode, open_list


class CaseStatus(StrEnum):
    """Where the case as a whole stands."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where one of the five steps stands."""

    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"
    SKIPPED = "skipped"


class Fact(StrEnum):
    """What happened; an open list."""

    OPENED = "opened"
    PROVIDER_PROPOSED = "provider_proposed"
    PROVIDER_CHOSEN = "provider_chosen"
    PATIENT_BROKERED = "patient_brokered"
    CARE_STARTED = "care_started"
    CARE_PERFORMED = "care_performed"
    FOLLOWED_UP = "followed_up"
    PAID = "paid"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Step(Part):
    """One of the five: 1 need, 2 find provider, 3 broker patient, 4 perform, 5 follow up and pay."""

    number: Annotated[int, Field(ge=1, le=5)]
    state: Annotated[str, open_list(StepState)]
    since: Moment | None


class Deadline(Part):
    """A guarantee's last day, and whether it was met."""

    measure: Annotated[str, open_list(Guarantee)]
    day: date
    met: bool | None
    """None while it is open."""


class CaseStepChanged(Message):
    """One fact about one case. The case id is opaque: it names no patient, region or date."""

    topic: ClassVar[Topic] = Topic(
        name="case-step-changed",
        kind="log",
        key="the case's id",
        producer="cases",
        consumers=(),
        retention_days=None,
    )

    case_id: str
    status: Annotated[str, open_list(CaseStatus)]
    fact: Annotated[str, open_list(Fact)]
    happened_at: Moment
    region: RegionCode
    """The patient's home region, which owns the case."""
    care_service: CodeRef
    current_step: Annotated[int, Field(ge=1, le=5)]
    steps: tuple[Step, ...]
    deadlines: tuple[Deadline, ...]
    unit: HsaId | None
    """The unit chosen; None until step 3."""
    agreement_id: str | None
    announcement_id: str | None
    """The free capacity the case holds or has used."""
    reserved: int | None
    """Places held on that announcement."""
    opened_at: Moment
    closed_at: Moment | None

    def key(self) -> str:
        return self.case_id
