"""What capacity-board announces: short-lived offers of, and requests for, free capacity."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, TypeVar

from pydantic import field_validator

from contracts.message import CodeRef, Contact, Message, TargetGroup
from contracts.topics import Topic
from contracts.types import HsaId, Moment, RegionCode, open_list
from rules.texts import impersonal

_Told = TypeVar("_Told", str | None, tuple[Contact, ...], TargetGroup | None)


class CapacityStatus(StrEnum):
    """Only `open` is searchable; the others are final states."""

    OPEN = "open"
    FULFILLED = "fulfilled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Direction(StrEnum):
    """A unit offers capacity, or a region or provider asks for it."""

    OFFER = "offer"
    REQUEST = "request"


class Level(StrEnum):
    """Where an exact count cannot be given (HL7 SDOH capacity status is the nearest standard)."""

    CAPACITY = "capacity"
    LIMITED = "limited"
    WAITLIST = "waitlist"
    ASK = "ask"


class CapacityAnnounced(Message):
    """The whole public state of one announcement on the board."""

    topic: ClassVar[Topic] = Topic(
        name="capacity-announced",
        kind="state",
        key="the announcement's id",
        producer="capacity-board",
        consumers=("search",),
    )

    announcement_id: str
    status: Annotated[str, open_list(CapacityStatus)]
    direction: Annotated[str, open_list(Direction)]
    unit: HsaId | None
    """The unit that offers; None for a request."""
    region: RegionCode
    """The region of the one who announces."""
    care_services: tuple[CodeRef, ...]
    count: int | None
    """Patients the announcement is for; None where only a level can be given."""
    left: int | None
    """Of those, not yet reserved."""
    level: Annotated[str, open_list(Level)]
    target_group: TargetGroup | None
    usable_by: tuple[RegionCode, ...]
    """Regions that may answer; empty means all."""
    period_start: date
    period_end: date
    expires_at: Moment
    contacts: tuple[Contact, ...]
    text: str | None
    announced_at: Moment
    changed_at: Moment

    @field_validator("text", "contacts", "target_group")
    @classmethod
    def _identify_nobody(cls, told: _Told) -> _Told:
        """No free text names a patient, such as one for whom a place is held."""
        for text in _texts(told):
            impersonal(text)
        return told

    def key(self) -> str:
        return self.announcement_id


def _texts(told: str | tuple[Contact, ...] | TargetGroup | None) -> Iterator[str]:
    match told:
        case str():
            yield told
        case TargetGroup():
            yield told.other or ""
        case tuple():
            yield from (text for one in told for text in (one.value, one.note or ""))
