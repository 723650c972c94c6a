"""What may be asked: of a search, and of one offer."""

import re
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from contracts.agreements import ReimbursementModel
from contracts.message import Sex
from contracts.types import RegionCode
from rules.guarantee import Guarantee
from search.domain.question import Basis, Sort


def _as_written(value: object) -> object:
    # A number would be read as seconds since 1970.
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
        return value
    raise ValueError("must be a day written YYYY-MM-DD")


Day = Annotated[date, BeforeValidator(_as_written)]


class Seen(BaseModel):
    """For whom and from where an offer is seen. Unknown fields are refused: a filter is never left out in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True)

    near: Annotated[str, Field(max_length=60, examples=["11428", "0180", "59.33,18.07"])] | None = None
    """Postal code, municipality code or lat,lon."""
    patient_region: RegionCode | None = None
    """The patient's home region: who may use what, and in which order."""
    as_of: Annotated[Day, Field(examples=["2026-09-30"])] | None = None
    """What this search would have shown at the end of that day in Sweden; today means now. Each answer's `as_of` tells
    what in it is of that day and what is today's, and is null where no day was asked for."""
    guarantee: Guarantee | None = None
    """Which guarantee is asked about: it picks the wait that ranks and is limited; else it is the one to treatment."""
    guarantee_start: Annotated[Day, Field(examples=["2026-09-01"])] | None = None
    """The day the guarantee's clock started; with `guarantee` it sets the deadline, and what can be given before it
    comes first."""
    reimbursement_model: ReimbursementModel | None = None
    """How the agreement pays; with a patient region, one that it may use or ask for. For regions and the agency."""
    basis: Basis | None = None
    """On what ground the care can be used."""
    self_referral: bool | None = None
    """Care to which patients refer themselves (true), or do not (false), as the agreement or the catalogue says."""

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_number(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool) and info.field_name in _NUMBERS:
            raise ValueError("must be a number")
        return value


class SeenByPatient(Seen):
    """The same with what must not stand in an address."""

    age: Annotated[int, Field(ge=0, le=130)] | None = None
    """The patient's age in whole years: whom every agreement that the patient's region may use or ask for refuses is
    not shown the offer, unless free capacity takes them."""
    sex: Sex | None = None
    """The patient's registered sex, likewise."""


class Asked(SeenByPatient):
    """What is asked."""

    q: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    """Plain Swedish words, all of which must be found in care service, unit or place; or a code, or how codes begin.

    Where they find nothing, those most likely meant are searched (dots left out, slips, compounds nobody has written);
    `read_as` then tells which, and is null otherwise.
    """
    care_service: Annotated[str, Field(max_length=80, examples=["kva|CJE20"])] | None = None
    """`system|code` with system vt, vt-demo, kva or icd."""
    max_distance_km: Annotated[float, Field(gt=0, le=2000, allow_inf_nan=False)] | None = None
    max_wait_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    free_capacity: bool | None = None
    """With announced free places that the patient's region may use (true), or without (false). Waiting lists, and what
    must be asked for, are no free places."""
    sort: Sort = Sort.BEST


class AskedOnPage(Asked):
    """The same with the page asked for."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    page: Annotated[int, Field(ge=1)] = 1


_NUMBERS = frozenset({"age", "max_distance_km", "max_wait_days", "limit", "page"})
