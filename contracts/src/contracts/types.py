"""Identifiers and open lists as pydantic types; the rules themselves stand once, in `rules.identifiers`."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from rules import identifiers


def _checked(check: Any, pattern: str, example: str) -> Any:
    # The pattern tells readers of the JSON Schema the normal form; the check digit stands in the description.
    return AfterValidator(check), Field(json_schema_extra={"pattern": pattern, "examples": [example]})


HsaId = Annotated[str, *_checked(identifiers.hsa_id, r"^SE\d{10}-[A-Z0-9]{1,18}$", "SE2321000016-A001")]
OrganisationNumber = Annotated[str, *_checked(identifiers.organisation_number, r"^\d{10}$", "2321000016")]
RegionCode = Annotated[str, *_checked(identifiers.region_code, r"^\d{2}$", "01")]
MunicipalityCode = Annotated[str, *_checked(identifiers.municipality_code, r"^\d{4}$", "0180")]
PostalCode = Annotated[str, *_checked(identifiers.postal_code, r"^\d{5}$", "11428")]


# RFC 3339 and nothing looser: pydantic reads a bare number, even "20250101", as seconds since 1970.
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def _read(value: object) -> object:
    # Read here, not by pydantic: once a validator has looked at it, a strict pydantic takes no text for a time.
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _WRITTEN.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    raise ValueError("must be a time with its zone, such as 2026-03-01T12:00:00Z")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the calendar") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_read), AfterValidator(_utc)]
"""A point in time, kept in UTC whatever zone it was written in."""


class System(StrEnum):
    """The code systems we know by a short name."""

    CARE_SERVICE = "vt"
    """Nationella vårdtjänster (SNOMED CT subset; licensed, imported)."""
    CARE_SERVICE_DEMO = "vt-demo"
    """Our own stand-in where no licensed vårdtjänst code exists. Never an invented SNOMED CT identifier."""
    KVA = "kva"
    ICD10 = "icd"
    SPECIALTY = "mvo"
    BUSINESS = "hsa-verksamhetskod"
    REGION = "region"
    MUNICIPALITY = "municipality"
    POSTAL_CODE = "postal-code"
    CARE_AREA = "care-area"
    CODE_SYSTEM = "code-system"
    """The code systems themselves, by short name; release and first day are those of the newest one that was read."""


CodeSystem = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", json_schema_extra={"examples": ["kva"]})]
"""A code system's short name; an open list, see `System` for the known ones."""


def open_list(known: type[StrEnum]) -> Any:
    """A field that takes any word, with the known ones documented: a reader must not fail on a new one."""
    return Field(json_schema_extra={"x-extensible-enum": [member.value for member in known]})


def code_in(system: str, code: str) -> str:
    """The code in its system's normal form, or ValueError that says what is wrong. Unknown systems are not checked."""
    match system:
        case System.KVA:
            return identifiers.kva_code(code)
        case System.ICD10:
            return identifiers.icd10_code(code)
        case System.CARE_SERVICE:
            return identifiers.sctid(code)
        case System.REGION:
            return identifiers.region_code(code)
        case System.MUNICIPALITY:
            return identifiers.municipality_code(code)
        case System.POSTAL_CODE:
            return identifiers.postal_code(code)
        case _:
            # The bar separates system and code in keys.
            if "|" in code:
                raise ValueError("must not hold a vertical bar")
            if not code.strip():
                raise ValueError("must not be empty")
            return code.strip()
