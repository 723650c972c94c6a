"""What every message has in common, and the small parts that several messages share."""

from abc import abstractmethod
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from contracts.topics import Topic
from contracts.types import CodeSystem, HsaId, Moment, OrganisationNumber, code_in, open_list

HIGHEST_VERSION = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly (RFC 8259, section 6); as microseconds, the year 2255.

Without a bound one wrong record would hide all later changes of its key: nothing rises above the end of a bigint.
`upkeep.reconcile` states it too, since it knows no contract.
"""

Version = Annotated[int, Field(ge=1, le=HIGHEST_VERSION)]
"""Rises per key with every change: max(previous + 1, clock in microseconds), taken under the row's lock."""


class Part(BaseModel):
    """A group of fields inside a message: immutable, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Message(Part):
    """One message: its topic, its record key and the version that readers compare before they overwrite."""

    topic: ClassVar[Topic]

    version: Version

    @abstractmethod
    def key(self) -> str:
        """The Kafka record key: the thing's own id."""

    def topic_name(self) -> str:
        """The topic this message goes to: with one per region, the region's."""
        return self.topic.name


class Source(Part):
    """Where a value comes from and when it was true there. Shown beside the value, so that its age can be judged."""

    system: str
    """The source's own name, for example `nationell-katalog`."""
    reference: str | None
    """The row, file or resource in that source."""
    observed_at: Moment
    """When the source held the value, UTC."""


def _in_its_system(code: str, info: ValidationInfo) -> str:
    return code_in(info.data.get("system", ""), code)


CodeInSystem = Annotated[str, AfterValidator(_in_its_system)]
"""A code in the normal form of the `system` field before it, so that keys of the same code are the same."""


class Guarantee(StrEnum):
    """The two guarantees that create the duty to arrange care elsewhere (HSL 9 kap. 2 §)."""

    VISIT = "visit"
    TREATMENT = "treatment"


class CodeRef(Part):
    """A code in its code system. `key` is the form used everywhere in this project: `system|code`."""

    system: CodeSystem
    code: CodeInSystem

    @property
    def key(self) -> str:
        return f"{self.system}|{self.code}"


class Channel(StrEnum):
    """How a contact is reached."""

    PHONE = "phone"
    EMAIL = "email"
    WEB = "web"
    SDK = "sdk"
    POST = "post"
    FAX = "fax"


class Purpose(StrEnum):
    """What a contact is for."""

    GENERAL = "general"
    REFERRAL = "referral"
    PAYMENT_COMMITMENT = "payment_commitment"
    INVOICE = "invoice"
    BROKERAGE = "brokerage"
    PATIENT = "patient"


class Contact(Part):
    """One way to reach somebody, by purpose. Functions, never named persons."""

    purpose: Annotated[str, open_list(Purpose)]
    channel: Annotated[str, open_list(Channel)]
    value: str
    note: str | None


class CareProvider(Part):
    """A care provider (vårdgivare). A sole trader has no organisation number here: it is a personnummer."""

    hsa_id: HsaId
    name: str
    organisation_number: OrganisationNumber | None


class Sex(StrEnum):
    """Sex as registered, for eligibility (SNOMED CT 184100006)."""

    FEMALE = "female"
    MALE = "male"


class TargetGroup(Part):
    """Whom a service is for (målgrupp). None means no limit known; both age limits are inclusive, in whole years."""

    age_min: int | None
    age_max: int | None
    sex: Annotated[str, open_list(Sex)] | None
    bmi_max: Decimal | None
    asa_max: int | None
    """Highest ASA physical status class accepted, 1-6."""
    other: str | None
    """A condition in words that no field above can hold."""


class Period(Part):
    """Calendar days, both inclusive; `end` None means until further notice."""

    start: date
    end: date | None
