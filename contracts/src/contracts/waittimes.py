"""What waittime-ingest announces: one measured, reported or forecast wait at a time, with its source and age."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from contracts.message import CodeRef, Message, Part, Source
from contracts.topics import Topic
from contracts.types import RegionCode, open_list


class SubjectKind(StrEnum):
    """Whose wait it is."""

    UNIT = "unit"
    PROVIDER = "provider"
    REGION = "region"


class Subject(Part):
    """A unit or provider by HSA-id, or a region by code."""

    kind: Annotated[str, open_list(SubjectKind)]
    id: str


class Measure(StrEnum):
    """What is measured; days are calendar days, shares 0-1. An open list: a new measure needs no new contract."""

    VISIT_MEDIAN = "visit_median"
    VISIT_P90 = "visit_p90"
    TREATMENT_MEDIAN = "treatment_median"
    TREATMENT_P90 = "treatment_p90"
    VISIT_WITHIN_90 = "visit_within_90"
    TREATMENT_WITHIN_90 = "treatment_within_90"
    PATIENTS_WAITING = "patients_waiting"


class WaitKind(StrEnum):
    """How the value came about."""

    REGISTER = "register"
    SELF_REPORTED = "self_reported"
    CALCULATED = "calculated"
    FORECAST = "forecast"


class WaitUnit(StrEnum):
    """The unit of `value`."""

    DAYS = "days"
    SHARE = "share"
    PATIENTS = "patients"


class WaitStatus(StrEnum):
    """A withdrawn value stays as a final state."""

    CURRENT = "current"
    WITHDRAWN = "withdrawn"


class WaittimeUpdated(Message):
    """The latest value of one measure for one subject, care service and (where reported) paying region."""

    topic: ClassVar[Topic] = Topic(
        name="waittime-updated",
        kind="state",
        key="subject id|system|code|measure|paying region or -",
        producer="waittime-ingest",
        consumers=("search",),
    )

    subject: Subject
    care_service: CodeRef
    measure: Annotated[str, open_list(Measure)]
    paying_region: RegionCode | None
    """None: all patients, whoever pays."""
    status: Annotated[str, open_list(WaitStatus)]
    kind: Annotated[str, open_list(WaitKind)]
    value: Decimal | None
    """None: too few patients to show (suppressed), or not measurable."""
    low: Decimal | None
    high: Decimal | None
    """The interval a forecast gives; None where there is none."""
    unit: Annotated[str, open_list(WaitUnit)]
    patients: int | None
    """How many patients the value rests on; None where suppressed or unknown."""
    period_start: date
    period_end: date
    stale_after: date | None
    """The day from which the value shall be shown as old."""
    source: Source

    def key(self) -> str:
        return f"{self.subject.id}|{self.care_service.key}|{self.measure}|{self.paying_region or '-'}"
