"""What catalog-sync announces: care units, what they offer, and every code, map and place the others need."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.message import (
    CareProvider,
    CodeInSystem,
    CodeRef,
    Contact,
    Guarantee,
    Message,
    Part,
    Source,
    TargetGroup,
)
from contracts.topics import Topic
from contracts.types import CodeSystem, HsaId, Moment, MunicipalityCode, PostalCode, RegionCode, open_list


class UnitStatus(StrEnum):
    """Closed units stay as a final state with their date: agreements and cases still point at them."""

    ACTIVE = "active"
    CLOSED = "closed"


class Precision(StrEnum):
    """How exact a point is, best first. A distance is never better than the worse of its two ends."""

    OWN = "own"
    POSTAL_CODE = "postal_code"
    MUNICIPALITY = "municipality"


class Point(Part):
    """WGS 84 degrees, and how exact they are."""

    lat: Decimal
    lon: Decimal
    precision: Annotated[str, open_list(Precision)]


class Place(Part):
    """Where care is given. `point` is None when nothing better than the region is known."""

    street: str | None
    postal_code: PostalCode | None
    locality: str | None
    municipality: MunicipalityCode | None
    region: RegionCode
    """The region the place lies in, which need not be the one that owns the unit."""
    point: Point | None


class Ownership(StrEnum):
    """Ownership form (ägarform), as far as given."""

    REGION = "region"
    MUNICIPALITY = "municipality"
    PRIVATE = "private"
    STATE = "state"


class CareForm(StrEnum):
    """Vårdform: outpatient (öppen vård) and inpatient (sluten vård)."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"


class CareUnitUpdated(Message):
    """The whole public state of one care unit (vårdenhet)."""

    topic: ClassVar[Topic] = Topic(
        name="care-unit-updated",
        kind="state",
        key="the unit's HSA-id",
        producer="catalog-sync",
        consumers=("agreements", "search"),
    )

    hsa_id: HsaId
    status: Annotated[str, open_list(UnitStatus)]
    name: str
    care_provider: CareProvider
    part_of: HsaId | None
    """The unit this one belongs to, for example a clinic's hospital."""
    ownership: Annotated[str, open_list(Ownership)] | None
    care_forms: tuple[Annotated[str, open_list(CareForm)], ...]
    specialties: tuple[CodeRef, ...]
    place: Place
    contacts: tuple[Contact, ...]
    opened_on: date | None
    closed_on: date | None
    source: Source
    merged_into: HsaId | None
    """The unit that has taken this closed one's place, where the source says so."""
    staff_categories: tuple[str, ...]
    """Which professions work here, in the source's words."""
    beds: int | None
    """Inpatient beds (vårdplatser), where the source says so."""

    def key(self) -> str:
        return self.hsa_id


class OfferingStatus(StrEnum):
    """An offering that is no longer given stays as a final state."""

    ACTIVE = "active"
    ENDED = "ended"


class EncounterMeans(StrEnum):
    """How patient and care meet."""

    PHYSICAL = "physical"
    VIDEO = "video"


class CareOfferingUpdated(Message):
    """One care service that one unit says it offers, as the catalogue describes it (no agreement implied)."""

    topic: ClassVar[Topic] = Topic(
        name="care-offering-updated",
        kind="state",
        key="HSA-id|system|code",
        producer="catalog-sync",
        consumers=("search",),
    )

    unit: HsaId
    care_service: CodeRef
    status: Annotated[str, open_list(OfferingStatus)]
    encounter_means: tuple[Annotated[str, open_list(EncounterMeans)], ...]
    target_group: TargetGroup | None
    referral_required: bool | None
    """None: the catalogue does not say."""
    referral_guidance: str | None
    self_referral: bool | None
    contacts: tuple[Contact, ...]
    valid_from: date | None
    valid_to: date | None
    source: Source

    def key(self) -> str:
        return f"{self.unit}|{self.care_service.key}"


class CodeStatus(StrEnum):
    """A retired code stays known: old agreements carry it."""

    ACTIVE = "active"
    RETIRED = "retired"


class Equivalence(StrEnum):
    """How the target relates to the source code (FHIR R4 ConceptMap's words)."""

    EQUIVALENT = "equivalent"
    EQUAL = "equal"
    WIDER = "wider"
    NARROWER = "narrower"
    INEXACT = "inexact"


class CodeMap(Part):
    """One line of a map from this code to another code. Many to many, each with its own validity."""

    target: CodeRef
    equivalence: Annotated[str, open_list(Equivalence)]
    map: str
    """The map's name."""
    map_version: str
    valid_from: date | None
    valid_to: date | None
    source: str | None
    """Who made this line: the file or organisation it comes from."""
    reviewed_by: str | None
    """The function or organisation that has reviewed it, never a person's name; None: not reviewed."""


class ClockStart(StrEnum):
    """What starts a guarantee's clock (HSF 6 kap. 1 §)."""

    REFERRAL_ISSUED = "referral_issued"
    CONTACT_SOUGHT = "contact_sought"
    DECISION_ON_TREATMENT = "decision_on_treatment"


class GuaranteeRule(Part):
    """One dated limit of the waiting-time guarantee: a law change is a new rule, not new code."""

    measure: Annotated[str, open_list(Guarantee)]
    days: int
    """Calendar days; the day the clock starts is day 0."""
    starts: Annotated[str, open_list(ClockStart)]
    """What starts the clock."""
    valid_from: date
    valid_to: date | None
    legal_basis: str | None
    """Where the limit stands, for example `HSL 9 kap. 1 §, HSF 6 kap. 1 §`."""


class CareArea(Part):
    """A care area (vårdområde) such as katarakt: which codes it holds and which rules govern it."""

    members: tuple[CodeRef, ...]
    guidance: str | None
    guarantee: tuple[GuaranteeRule, ...]


class CodeUpdated(Message):
    """One code with its text, validity and maps; places and care areas are codes with a part more."""

    topic: ClassVar[Topic] = Topic(
        name="code-updated",
        kind="state",
        key="system|code",
        producer="catalog-sync",
        consumers=("agreements", "search"),
    )

    system: CodeSystem
    code: CodeInSystem
    status: Annotated[str, open_list(CodeStatus)]
    text: str
    """The official Swedish text."""
    release: str | None
    """The code system's release that holds this state."""
    valid_from: date | None
    valid_to: date | None
    maps: tuple[CodeMap, ...]
    place: Place | None
    """Set for postal codes and municipalities."""
    care_area: CareArea | None
    """Set for care areas."""
    changed_at: Moment
    designations: tuple[str, ...]
    """Other words for the same thing, lay words among them: grå starr for katarakt."""

    def key(self) -> str:
        return f"{self.system}|{self.code}"


class Payer(StrEnum):
    """Who pays a cost first, before regions settle among themselves."""

    HOME_REGION = "home_region"
    PERFORMING_REGION = "performing_region"
    CARE_PROVIDER = "care_provider"
    PATIENT = "patient"


class OpeningHours(Part):
    """When an office is open on one weekday, Swedish local time."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    """1 is Monday (ISO 8601)."""
    opens: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    closes: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class FunctionAddress(Part):
    """Where secure digital communication (SDK) finds a function: never a person."""

    party: str
    """The organisation as SDK participant, for example `0203:region.example.se`."""
    function: str
    """The functional address of the office at that participant."""


class BrokerageOffice(Part):
    """The region's office for brokered care (vårdlots, vårdgarantienhet)."""

    name: str
    contacts: tuple[Contact, ...]
    hours: tuple[OpeningHours, ...]
    hours_note: str | None
    """Exceptions in words, such as lunch or holidays."""
    sdk: FunctionAddress | None


class InvoiceAddress(Part):
    """Where invoices for brokered patients go."""

    name: str
    street: str | None
    postal_code: PostalCode | None
    locality: str | None
    electronic_address: str | None
    """For e-invoices (Peppol participant id), such as `0007:2321000016`."""
    reference: str | None
    """What the invoice must carry."""


class SupportRule(Part):
    """What the region does about one kind of cost around the care: travel, lodging, a companion."""

    granted: bool | None
    """None: decided case by case, or not told."""
    paid_first_by: Annotated[str, open_list(Payer)] | None
    text: str
    url: str | None


class ProfileStatus(StrEnum):
    """A region that has withdrawn its profile tells nothing any more."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class RegionProfileUpdated(Message):
    """What one region tells the others about brokering its patients; edited by its own administrators."""

    topic: ClassVar[Topic] = Topic(
        name="region-profile-updated",
        kind="state",
        key="region code",
        producer="catalog-sync",
        consumers=("search",),
    )

    region: RegionCode
    status: Annotated[str, open_list(ProfileStatus)]
    office: BrokerageOffice | None
    invoice: InvoiceAddress | None
    care_paid_first_by: Annotated[str, open_list(Payer)] | None
    """Who pays the care itself first."""
    travel: SupportRule | None
    lodging: SupportRule | None
    companion: SupportRule | None
    changed_at: Moment

    def key(self) -> str:
        return self.region
