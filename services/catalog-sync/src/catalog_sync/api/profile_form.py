"""What a region writes in its profile: the fields of contracts.RegionProfileUpdated, strict; all faults at once."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from catalog_sync.domain.profiles import PARTS
from contracts.catalog import Payer, ProfileStatus
from contracts.form import Form
from contracts.form import WebAddress as AnyWebAddress
from contracts.message import Channel, Purpose
from contracts.types import PostalCode
from rules.texts import impersonal, readable

_CHECKS = AfterValidator(readable), AfterValidator(impersonal)
ShortText = Annotated[str, Field(min_length=1, max_length=60), *_CHECKS]
Text = Annotated[str, Field(min_length=1, max_length=300), *_CHECKS]
LongText = Annotated[str, Field(min_length=1, max_length=4000), *_CHECKS]

WebAddress = Annotated[AnyWebAddress, *_CHECKS]
# ISO 6523: four digits name the register, then the number or name in it.
Participant = Annotated[str, Field(max_length=135, pattern=r"^\d{4}:[A-Za-z0-9._-]+$"), AfterValidator(impersonal)]
ClockTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class ContactWay(Form):
    """A way to reach a function, never a named person."""

    purpose: Purpose = Purpose.BROKERAGE
    channel: Channel
    value: Text
    note: Text | None = None


class Hours(Form):
    """Open on one weekday (1 is Monday), Swedish local time."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    opens: ClockTime
    closes: ClockTime

    @field_validator("closes")
    @classmethod
    def _later_than_it_opens(cls, closes: str, info: ValidationInfo) -> str:
        if closes <= info.data.get("opens", ""):
            raise ValueError("must be later than opens")
        return closes


class Address(Form):
    """Where secure digital communication (SDK) finds the office."""

    party: Participant
    function: Text


class Office(Form):
    """The region's office for brokered care (vårdlots, vårdgarantienhet)."""

    name: Text
    contacts: Annotated[tuple[ContactWay, ...], Field(max_length=20)] = ()
    hours: Annotated[tuple[Hours, ...], Field(max_length=21)] = ()
    hours_note: Text | None = None
    sdk: Address | None = None

    @field_validator("hours")
    @classmethod
    def _one_after_the_other(cls, hours: tuple[Hours, ...]) -> tuple[Hours, ...]:
        ordered = sorted(enumerate(hours), key=lambda one: (one[1].weekday, one[1].opens))
        for (one, first), (other, second) in pairwise(ordered):
            if first.weekday == second.weekday and second.opens < first.closes:
                raise ValueError(f"rows {one} and {other} (counted from 0) overlap on weekday {first.weekday}")
        return hours


class Invoice(Form):
    """Where invoices for brokered patients go."""

    name: Text
    street: Text | None = None
    postal_code: PostalCode | None = None
    locality: Text | None = None
    electronic_address: Participant | None = None
    reference: Text | None = None


class Support(Form):
    """What the region does about one kind of cost around the care."""

    granted: bool | None = None
    paid_first_by: Payer | None = None
    text: LongText
    url: WebAddress | None = None


class ProfileForm(Form):
    """A region's whole profile: what is left out is no longer told."""

    status: ProfileStatus = ProfileStatus.ACTIVE
    office: Office | None = None
    invoice: Invoice | None = None
    care_paid_first_by: Payer | None = None
    travel: Support | None = None
    lodging: Support | None = None
    companion: Support | None = None

    @model_validator(mode="after")
    def _nothing_beside_withdrawn(self) -> "ProfileForm":
        if self.status is ProfileStatus.WITHDRAWN and any(getattr(self, part) is not None for part in PARTS):
            raise ValueError("a withdrawn profile tells nothing: leave out every other field")
        return self

    @model_validator(mode="after")
    def _something_where_not_withdrawn(self) -> "ProfileForm":
        # The whole profile is replaced: a body without parts would empty it, most likely by mistake.
        if self.status is not ProfileStatus.WITHDRAWN and all(getattr(self, part) is None for part in PARTS):
            raise ValueError(
                f"tells nothing: fill in at least one of {', '.join(PARTS)}, "
                'or withdraw the profile by sending {"status": "withdrawn"}'
            )
        return self

    def as_json(self) -> dict[str, Any]:
        """The content as it is stored."""
        return self.model_dump(mode="json")
